"""What the demonstration prints: steps, facts, progress, and the results beside the votes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from verifier.record.manifest import BLANK
from voting.demo.town import Question

T = TypeVar("T")


class Show:
    """A console with the number of the step at hand."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._step = 0

    def step(self, title: str, detail: str) -> None:
        """Begin a step."""
        self._step += 1
        self.console.print(f"[bold]{self._step}. {title}[/bold]" + (f": {detail}" if detail else ""))

    def fact(self, name: str, value: str) -> None:
        """Something worth seeing."""
        self.console.print(f"   {name}: {value}", highlight=False)

    def _bars(self) -> Progress:
        columns = (TextColumn("   {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        return Progress(*columns, console=self.console, transient=True, disable=not self.console.is_terminal)

    def progress(self, what: str, items: Sequence[T]) -> Iterator[T]:
        """The items, with a bar."""
        with self._bars() as bars:
            yield from bars.track(items, description=what)

    @contextmanager
    def task(self, what: str) -> Iterator[Callable[[int, int | None], None]]:
        """A bar that is told (done, total)."""
        with self._bars() as bars:
            task = bars.add_task(what, total=None)
            yield lambda done, total: bars.update(task, completed=done, total=total)

    @contextmanager
    def works(self) -> Iterator[Callable[[str, tuple[str, int, int] | None, int, int], None]]:
        """Bars for the work of a count: told (kind, (contest, group, stage), done, total)."""
        tasks: dict[str, TaskID] = {}
        with self._bars() as bars:

            def tell(kind: str, place: tuple[str, int, int] | None, done: int, total: int) -> None:
                what = kind if place is None else f"{kind} {place[0]}, group {place[1]}, stage {place[2]}"
                if what not in tasks:
                    tasks[what] = bars.add_task(what, total=total)
                bars.update(tasks[what], completed=done, total=total)

            yield tell

    @contextmanager
    def search(self, what: str) -> Iterator[Callable[[int], None]]:
        """A search whose end is chance: a spinner that counts."""
        columns = (SpinnerColumn(), TextColumn("   {task.completed} {task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=self.console, transient=True, disable=not self.console.is_terminal) as spinner:
            task = spinner.add_task(what, total=None)
            yield lambda tested: spinner.update(task, completed=tested)

    def outcomes(self, outcomes: Mapping[tuple[str, str], int]) -> None:
        """How many applications of each category ended how."""
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 3))
        table.add_column("category", min_width=20)
        table.add_column("outcome", min_width=16)
        table.add_column("applications", justify="right")
        for (category, outcome), count in sorted(outcomes.items()):
            table.add_row(category, outcome, str(count))
        self.console.print(table)

    def results(
        self,
        questions: Sequence[Question],
        published: Mapping[str, Mapping[str, int]],
        cast: Mapping[str, Mapping[str, int]],
    ) -> None:
        """What the board published beside what the demonstration cast."""
        for question in questions:
            names = {option.id: option.name for option in question.options} | {BLANK: "(blank)", "": "(blank)"}
            table = Table(title=Text(question.title), title_justify="left", box=None, pad_edge=False)
            table.add_column("answer", min_width=30)
            table.add_column("cast", justify="right")
            table.add_column("published", justify="right")
            mine, theirs = cast[question.id], published[question.id]
            for answer in sorted({*mine, *theirs}, key=lambda answer: (-mine.get(answer, 0), answer)):
                shown = " > ".join(names.get(part, part) for part in answer.split(" > "))
                table.add_row(Text(shown), str(mine.get(answer, 0)), str(theirs.get(answer, 0)))
            self.console.print(table)
