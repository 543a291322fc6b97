"""How a report looks: tables on a terminal, JSON in a file."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

from verifier import outcome as decisions
from verifier.checks import CHECKS, GROUPS
from verifier.record.canonical import encode_bytes
from verifier.record.manifest import Contest
from verifier.verify import Outcome, Progress, silent

STYLES = {"PASS": "green", "FAIL": "bold red", "NOT RUN": "bold yellow"}
SHOWN_FAILURES = 200


def printable(text: str) -> str:
    """Text from an archive with everything that could steer a terminal made visible."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


@contextmanager
def progress(console: Console) -> Iterator[Progress]:
    """Progress bars on a terminal, nothing elsewhere."""
    if not console.is_terminal:
        yield silent
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=console, transient=True) as bars:
        tasks: dict[str, Any] = {}
        drawn: dict[str, float] = {}

        def advance(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            now = time.monotonic()
            if done == total or now - drawn.get(what, 0) > 0.1:
                bars.update(tasks[what], completed=done, total=total)
                drawn[what] = now

        yield advance


def report(console: Console, outcome: Outcome) -> None:
    """Checks by group, failures, result, verdict."""
    for group, title in GROUPS.items():
        console.print(_checks(group, title, outcome))
    failures = outcome.report.failures
    for failure in failures[:SHOWN_FAILURES]:
        console.print(Text(f"FAILED {printable(str(failure))}", style="red"), soft_wrap=True)
    if len(failures) > SHOWN_FAILURES:
        console.print(f"… and {len(failures) - SHOWN_FAILURES} more failures (all of them with --json)")
    if outcome.report.valid:
        _results(console, outcome)
        console.print(Text("VALID: every check ran and passed.", style="bold green"))
    else:
        console.print(Text("NOT VALID: no result is shown, because none is proved.", style="bold red"))


def _checks(group: str, title: str, outcome: Outcome) -> Table:
    table = Table(title=f"{group} {title}", title_justify="left", box=None, pad_edge=False, min_width=60)
    table.add_column("check", min_width=34)
    table.add_column("", min_width=8)
    table.add_column("objects", justify="right")
    table.add_column("seconds", justify="right")
    for check in sorted(CHECKS.values(), key=lambda check: check.order):
        if check.code.startswith(group):
            status = outcome.report.status(check.code)
            tally = outcome.report.tallies.get(check.code)
            count, seconds = (f"{tally.count:,}", f"{tally.seconds:.2f}") if tally else ("", "")
            table.add_row(check.name, Text(status, style=STYLES[status]), count, seconds)
    return table


def _results(console: Console, outcome: Outcome) -> None:
    manifest, result = outcome.state.manifest, outcome.state.result
    if manifest is None or result is None:
        return
    console.print(Text(printable(manifest.title), style="bold"))
    for contest, counted in zip(manifest.contests, result["contests"], strict=True):
        console.print(_contest(contest, counted))
        if not counted["withheld"]:
            decision(console, contest, counted["total"])
    for entry, text in outcome.state.corrections:
        console.print(Text(f"Correction of entry {entry}: {printable(text)}"))


def _contest(contest: Contest, counted: dict[str, Any]) -> Table:
    title = Text(printable(f"{contest.title} ({contest.kind})"))
    table = Table(title=title, title_justify="left", box=None)
    table.add_column("answer", min_width=30)
    table.add_column("votes", justify="right")
    if counted["withheld"]:
        table.add_row("withheld: below the minimum group", "")
        return table
    names = {option.id: option.name for option in contest.options}
    total = counted["total"]
    for line in total["counts"]:
        answer = line["answer"]
        label = " > ".join(names[part] for part in answer) if isinstance(answer, list) else names.get(answer, answer)
        table.add_row(Text(printable(label)), f"{line['count']:,}")
    if total["blank"] is not None:
        table.add_row(Text("(blank)", style="dim"), f"{total['blank']:,}")
    table.add_row(Text("(invalid)", style="dim"), f"{total['invalid']:,}")
    table.add_row(Text("ballots", style="bold"), f"{total['ballots']:,}")
    return table


def decision(console: Console, contest: Contest, total: dict[str, Any]) -> None:
    """Who is elected by the total of a contest."""
    what = f"{contest.form}, {contest.seats} seats" if contest.seats > 1 else str(contest.form)
    console.print(Text(f"By these ballots alone, without any on paper ({what}):", style="dim"))
    for line in _decided(decisions.outcome(contest, total)):
        console.print(Text(printable(line)), soft_wrap=True)


def _decided(decided: decisions.Outcome) -> Iterator[str]:
    """One line for each thing that a contest decides, and for each that only a lot can decide."""
    yield from (_list(result) for result in decided.lists)
    yield from (_round(number, one) for number, one in enumerate(decided.rounds, 1))
    if decided.pairs:
        winner = decided.pairs.winner
        yield f"preferred to every other: {winner.name if winner else 'nobody'}"
    for judge in decided.judges:
        verdict = "dismissed" if judge.dismissed else "stays"
        yield f"{verdict}: {judge.name} ({judge.dismiss:,} for dismissal, {judge.keep:,} against)"
    if decided.answered:
        yield f"most votes: {_names(decided.answered.leading)}"
        majority = decided.answered.majority
        yield f"more than half of the valid votes: {majority.name if majority else 'none'}"
    else:
        yield from (f"elected: {one.name}" for one in decided.elected)
    for lot in decided.lots:
        yield f"by lot, {lot.places} of {len(lot.among)} ({lot.decides}): {_names(lot.among)}"
    if decided.vacant:
        yield f"seats left over: {decided.vacant}"


def _list(result: decisions.ListResult) -> str:
    seats = f"{result.seats} or {result.seats + 1} seats" if result.contested else f"{result.seats} seats"
    return f"{result.name}: {result.votes:,} votes, {seats}: {_names(result.elected)}"


def _round(number: int, one: decisions.Round) -> str:
    votes = ", ".join(f"{line.name} {line.count:,}" for line in one.votes)
    return f"round {number}: {votes}, exhausted {one.exhausted:,}; leaves: {_names(one.eliminated)}"


def _names(candidates: Sequence[decisions.Candidate]) -> str:
    return ", ".join(one.name for one in candidates) or "nobody"


def _decisions(outcome: Outcome) -> list[dict[str, Any]] | None:
    """What each contest decides; None where nothing is proved. The outcome of a withheld contest is None."""
    manifest, result = outcome.state.manifest, outcome.state.result
    if manifest is None or result is None or not outcome.report.valid:
        return None
    return [
        {
            "contest": contest.id,
            "outcome": None
            if counted["withheld"]
            else decisions.outcome_record(decisions.outcome(contest, counted["total"])),
        }
        for contest, counted in zip(manifest.contests, result["contests"], strict=True)
    ]


def as_json(outcome: Outcome) -> dict[str, Any]:
    """The whole report: verdict, every check with all its failures, the result and what it decides."""
    manifest = outcome.state.manifest
    checks = []
    for check in sorted(CHECKS.values(), key=lambda check: check.order):
        tally = outcome.report.tallies.get(check.code)
        checks.append(
            {
                "check": check.name,
                "status": outcome.report.status(check.code),
                "count": tally.count if tally else 0,
                "seconds": round(tally.seconds, 6) if tally else 0,
                "failures": [
                    {"check": failure.check, "where": failure.where, "reason": failure.reason}
                    for failure in (tally.failures if tally else [])
                ],
            }
        )
    return {
        "verdict": "valid" if outcome.report.valid else "invalid",
        "election": encode_bytes(manifest.election) if manifest else None,
        "title": manifest.title if manifest else None,
        "entries": outcome.size,
        "checks": checks,
        "result": outcome.state.result,
        "outcomes": _decisions(outcome),
        "corrections": [{"entry": entry, "text": text} for entry, text in outcome.state.corrections],
    }
