"""The demonstration runs a whole election, and says VERIFIED only when another process found the votes that it cast."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from rich.console import Console

from tests.broker import Broker
from tests.demonstration import Demonstration, demonstration, run_demo
from voting.demo.cast import Cast
from voting.demo.management.commands import demo
from voting.demo.run import cast_votes
from voting.demo.show import Show
from voting.demo.town import Option, Question, Scenario, Voter

OPTIONS = (Option("x", "甲"), Option("y", "乙"), Option("z", "丙"))
QUESTIONS = (
    Question("one", "一人", "choose-one", OPTIONS),
    Question("some", "何人でも", "choose-several", OPTIONS, least=0, most=3),
    Question("order", "順位", "ranking", OPTIONS, most=3),
)


def voter(slot: str, *ballots: tuple[str, tuple[str, ...], tuple[str, ...]], **how: bool) -> Voter:
    answers = tuple({"one": one, "some": some, "order": order} for one, some, order in ballots)
    return Voter(slot, "chuo", answers, **how)


def test_the_votes_that_count_agree_with_a_count_by_hand() -> None:
    """The last ballot of everyone who did not vote on paper; a challenge changes nothing."""
    scenario = Scenario(
        "手で数える",
        QUESTIONS,
        (
            voter("s1", ("x", ("x", "y"), ("x", "y"))),
            voter("s2", ("x", (), ("x", "y")), ("y", ("y",), ("y", "x"))),
            voter("s3", ("blank", (), ("z",)), challenges=True),
            voter("s4", ("z", ("z",), ("z",)), ("z", ("z",), ("z",)), votes_on_paper=True),
            voter("s5", ("x", ("y", "z"), ("x", "y"))),
        ),
    )
    assert cast_votes(scenario) == {
        "one": {"x": 2, "y": 1, "blank": 1},
        "some": {"x": 1, "y": 3, "z": 1},
        "order": {"x > y": 2, "y > x": 1, "z": 1},
    }


# What is refused before anything begins


@pytest.mark.parametrize("bits", [0, 512, 1024, 2047, 8192])
def test_other_sizes_of_the_modulus_are_refused(bits: int) -> None:
    with pytest.raises(CommandError, match="^--bits: one of 2048, 3072, 4096$"):
        call_command("demo", bits=bits)


@pytest.mark.parametrize("voters", [-1, 0, 39, 100_001])
def test_other_numbers_of_voters_are_refused(voters: int) -> None:
    with pytest.raises(CommandError, match="^--voters: a number from 40 to 100000$"):
        call_command("demo", voters=voters)


@pytest.mark.parametrize("arguments", [["--bits", "many"], ["--voters", "4e1"], ["--ballots"], ["--fast"]])
def test_wrong_arguments_are_refused(arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("demo", *arguments)


# How it ends


def ended(monkeypatch: pytest.MonkeyPatch, run: Any) -> tuple[list[str], int | str | None]:
    """The lines and the exit code of a command whose election is this."""
    monkeypatch.setattr(demo.Command, "_run", run)
    out = io.StringIO()
    try:
        call_command("demo", stdout=out)
    except SystemExit as end:
        return out.getvalue().splitlines(), end.code
    return out.getvalue().splitlines(), 0


def test_the_last_line_and_the_exit_code_say_how_it_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> bool:
        raise KeyboardInterrupt

    assert ended(monkeypatch, lambda *_: True) == (["VERIFIED"], 0)
    assert ended(monkeypatch, lambda *_: False) == (["NOT VERIFIED"], 1)
    assert ended(monkeypatch, interrupted) == (["NOT VERIFIED"], 130)


class Rehearsed:
    """An election that was held already."""

    published_votes: dict[str, dict[str, int]] = {}

    def __init__(self, scenario: Scenario, bits: int, show: Show, visitors: Sequence[str] = ()) -> None:
        self.scenario, self.election = scenario, type("Row", (), {"slug": "demo-rehearsed"})
        self.cast = Cast()

    def begin(self) -> None:
        return

    def finish(self) -> None:
        return

    def published(self) -> dict[str, dict[str, int]]:
        return self.published_votes or cast_votes(self.scenario)


@pytest.mark.parametrize(
    ("valid", "honest", "last", "code"),
    [
        (True, True, "VERIFIED", 0),
        (False, True, "NOT VERIFIED", 1),
        (True, False, "NOT VERIFIED", 1),
        (False, False, "NOT VERIFIED", 1),
    ],
)
def test_verified_needs_the_observers_verdict_and_the_votes_that_were_cast(
    valid: bool,
    honest: bool,
    last: str,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    settings: Any,
) -> None:
    settings.VAR_DIR = tmp_path
    votes = {} if honest else {"mayor": {"m1": 39}, "council": {}, "review": {}}
    monkeypatch.setattr(Rehearsed, "published_votes", votes)
    monkeypatch.setattr(demo, "Demonstration", Rehearsed)
    monkeypatch.setattr(demo, "call_command", lambda *_, **__: None)
    monkeypatch.setattr(demo.Command, "_verify", lambda self, archive: valid)
    lines, status = ended(monkeypatch, demo.Command._run)
    assert (lines[-1], status) == (last, code)
    assert ("The published result is not what was cast." in lines) is not honest
    assert (tmp_path / "demo").is_dir()


def test_the_verdict_is_that_of_another_process(tmp_path: Path) -> None:
    """No archive there: the observer's process cannot have said valid."""
    assert demo.Command(stdout=io.StringIO())._verify(tmp_path / "none.zip") is False


@pytest.mark.parametrize("text", ["[bold]松[/bold]", "[/]竹", "[link=x]梅"])
def test_titles_and_names_from_a_file_are_text(text: str) -> None:
    """A .soi file that somebody else wrote is shown as it is."""
    options = (Option("a1", text), Option("a2", "他"))
    out = io.StringIO()
    votes = {"first": {"a1": 2, "a2": 1}}
    show = Show(Console(file=out, width=120))
    show.results([Question("first", f"{text}: 第一希望", "choose-one", options)], votes, votes)
    assert out.getvalue().count(text) == 2


# The whole of it


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Demonstration:
    return demonstration(tmp_path_factory)


@pytest.mark.slow
def test_the_demonstration_is_verified(ran: Demonstration) -> None:
    assert (ran.status, ran.errors) == (0, "")
    lines = ran.output.splitlines()
    assert lines[-1] == "VERIFIED"
    assert "VALID: every check ran and passed." in lines
    assert "shares confirmed: 5 of 5" in ran.output
    assert "1 refused: paper wins" in ran.output
    assert "minato+shima" in ran.output or "chuo+shima" in ran.output
    for title in ("架空市長選挙", "架空市議会議員選挙", "裁判官の審査"):
        assert sum(line.strip().startswith(title) for line in lines) == 2
    assert len({line.split(".")[0] for line in lines if line[:1].isdigit() and ". " in line}) == 13


@pytest.mark.slow
def test_the_demonstration_leaves_its_archive(ran: Demonstration) -> None:
    assert ran.archive.parts[-3:] == ("var", "demo", "election.zip")
    with zipfile.ZipFile(ran.archive) as archive:
        entries = archive.read("entries.jsonl")
    assert entries.count(b'"type":"ballot-cast"') == 45
    assert entries.count(b'"type":"ballot-opened"') == 1
    assert entries.count(b'"type":"withdrawals"') == 1
    assert entries.count(b'"type":"partial-roots"') == 3
    assert "架空 一郎".encode() in entries


SOI = """\
# TITLE: 架空協会 会長選挙
# NUMBER ALTERNATIVES: 3
# NUMBER VOTERS: 24
# ALTERNATIVE NAME 1: 松
# ALTERNATIVE NAME 2: 竹
# ALTERNATIVE NAME 3: 梅
10: 1,2,3
7: 3
5: 2,1
2: 2,3,1
"""


def test_workers_need_redis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """One line, before anything begins."""
    gone = Broker(tmp_path)
    gone.kill()
    settings.REDIS_URL = gone.url
    monkeypatch.setattr(demo, "Demonstration", pytest.fail)
    with pytest.raises(CommandError, match="^--celery: no Redis answers at REDIS_URL"):
        call_command("demo", celery=True)


@pytest.mark.slow
def test_ranked_ballots_of_a_file_are_counted_by_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """24 voters in two units, so that no group is below the minimum of 10; Celery workers and mixers' programs."""
    (tmp_path / "ballots.soi").write_text(SOI, encoding="utf-8")
    broker = Broker(tmp_path)
    monkeypatch.setenv("REDIS_URL", broker.url)
    try:
        ran = run_demo(tmp_path / "project", "--celery", "--ballots", str(tmp_path / "ballots.soi"))
    finally:
        broker.kill()
    assert ran.status == 0, ran.errors
    assert "Traceback" not in ran.errors
    lines = [" ".join(line.split()) for line in ran.output.splitlines()]
    assert lines[-1] == "VERIFIED"
    for row in ("松 > 竹 > 梅 10 10", "梅 7 7", "竹 > 松 5 5", "竹 > 梅 > 松 2 2", "松 10 10", "竹 7 7"):
        assert row in lines
