"""What the verifier prints: nothing from an archive steers the terminal, and no result stands beside a failure."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tests.election import options, small_manifest
from tests.forge import ALLOWED, after, at, edit, judged, trusting
from tests.vectors.generate import contest_of_form
from verifier import show
from verifier.checks import CHECKS, GROUPS
from verifier.errors import CheckFailed
from verifier.outcome import outcome, outcome_record
from verifier.record.canonical import encode_bytes
from verifier.record.entries import Type
from verifier.record.manifest import Contest, parse_contest
from verifier.replay.state import State
from verifier.report import Report, Tally
from verifier.verify import Outcome, verify

STEERING = [
    "\x1b[2J",
    "\x1b]0;title\x07",
    "\x9b31m",
    "\r",
    "\n",
    "\t",
    "\b",
    "\x00",
    "\x7f",
    "\u202e",
    "\u2066",
    "\u200b",
    "\ufeff",
    "\u2028",
    "\ue000",
    "\U000e0001",
]


def printed(outcome: Outcome, **how: Any) -> str:
    console = Console(file=io.StringIO(), width=120, **how)
    show.report(console, outcome)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def rejected(*failures: CheckFailed) -> Outcome:
    report = Report({code: Tally() for code in CHECKS})
    for failure in failures:
        report.tallies[failure.check.split()[0]].failures.append(failure)
    return Outcome(report, State(), 0)


# Terminal safety


@pytest.mark.parametrize("text", STEERING, ids=ascii)
def test_what_could_steer_a_terminal_is_made_visible(text: str) -> None:
    shown = show.printable(f"before{text}after")
    assert shown.isprintable()
    assert shown.startswith("before\\") and shown.endswith("after")


@pytest.mark.parametrize("text", ["", "架空 一郎", "Zoë O’Neill", "a b", "\\x1b", "[bold]x[/bold]", "🗳"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert show.printable(text) == text


def test_no_two_texts_with_different_control_characters_look_the_same() -> None:
    assert len({show.printable(text) for text in STEERING}) == len(STEERING)


@pytest.mark.parametrize("text", STEERING, ids=ascii)
@pytest.mark.parametrize("field", ["reason", "where"])
def test_a_failure_cannot_write_to_the_terminal(field: str, text: str) -> None:
    parts = {"reason": "wrong", "where": "entry 1", field: f"x{text}y"}
    out = printed(rejected(CheckFailed("V3.1 ElectionIdEverywhere", **parts)))
    assert out.replace("\n", "").isprintable()
    line = next(line for line in out.splitlines() if line.startswith("FAILED"))
    assert line.startswith("FAILED V3.1 ElectionIdEverywhere") and "x\\" in line


def test_markup_in_a_failure_is_text() -> None:
    reason = "[bold red]VALID[/bold red] [link=https://example.com]here[/link] :smiley:"
    out = printed(rejected(CheckFailed("V3.1 ElectionIdEverywhere", reason, "entry 1")))
    assert reason in out


def test_an_archive_cannot_put_words_into_the_verdict(tmp_path: Path) -> None:
    """The seed of the generators comes back in the reason of V5.4, the board's name in that of V2.2."""
    election = edit(at("published"), Type.MANIFEST, lambda body: body.update(generators="\x1b[2JVALID\r\n"))
    out = printed(judged(election, tmp_path))
    assert out.replace("\n", "").isprintable()
    assert out.splitlines()[-1] == "NOT VALID: no result is shown, because none is proved."
    assert [line for line in out.splitlines() if line.startswith("VALID")] == []


def test_on_a_terminal_only_our_own_colours_are_written(tmp_path: Path) -> None:
    out = printed(rejected(CheckFailed("V3.1 ElectionIdEverywhere", "\x1b[2Jcleared", "entry 1")), force_terminal=True)
    assert "\x1b[2J" not in out and r"\x1b[2Jcleared" in out
    assert "\x1b[31m" in out


# The report


@pytest.fixture(scope="module")
def valid(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return judged(at("published"), tmp_path_factory.mktemp("valid"))


def test_every_check_is_listed_under_its_group(valid: Outcome) -> None:
    lines = printed(valid).splitlines()
    for check in CHECKS.values():
        row = next(line for line in lines if line.startswith(check.name + " "))
        assert row.split()[2] == "PASS"
        assert row.split()[3] == f"{valid.report.tallies[check.code].count:,}"
    headings = [line.strip() for line in lines if line.strip() in {f"{code} {title}" for code, title in GROUPS.items()}]
    assert headings == [f"{code} {title}" for code, title in GROUPS.items()]


def rows(out: str, title: str) -> dict[str, str]:
    """answer → votes of one contest's table."""
    lines = out.splitlines()
    begin = next(number for number, line in enumerate(lines) if line.strip().startswith(title))
    table = lines[begin + 2 :]
    end = next(number for number, line in enumerate(table) if line.strip().startswith("ballots"))
    return dict(line.strip().rsplit(maxsplit=1) for line in table[: end + 1])


def test_the_results_are_shown_by_name(valid: Outcome) -> None:
    out = printed(valid)
    assert rows(out, "Mayor (choose-one)") == {
        "架空 一郎": "2",
        "架空 花子": "1",
        "仮名 次郎": "1",
        "(blank)": "1",
        "(invalid)": "0",
        "ballots": "5",
    }
    assert rows(out, "Judges (choose-several)")["判事 甲"] == "3"
    chair = rows(out, "Chair (ranking)")
    assert chair["委員 竹 > 委員 松"] == "2" and chair["委員 梅 > 委員 竹 > 委員 松"] == "1"
    assert rows(out, "Name (text)")["山田"] == "2"
    assert out.splitlines()[-1] == "VALID: every check ran and passed."


def test_what_the_votes_decide_is_shown_below_them(valid: Outcome) -> None:
    """For each contest, with the reminder that paper is not among these ballots; ties are shown as lots."""
    out = printed(valid)
    lines = [line.strip() for line in out.splitlines()]
    assert lines.count("By these ballots alone, without any on paper (SINGLE):") == 1
    council = lines[lines.index("By these ballots alone, without any on paper (SNTV, 2 seats):") :]
    assert council[1:3] == ["elected: 議員 子", "by lot, 1 of 2 (election): 議員 丑, 議員 卯"]
    assert "elected: 架空 一郎" in lines and "elected: 山田" in lines
    assert "dismissed: 判事 甲 (3 for dismissal, 2 against)" in lines
    assert "stays: 判事 乙 (2 for dismissal, 3 against)" in lines
    chair = lines.index("round 1: 委員 松 0, 委員 竹 2, 委員 梅 1, exhausted 0; leaves: nobody")
    assert lines[chair + 1 : chair + 3] == ["preferred to every other: 委員 竹", "elected: 委員 竹"]


def of_form(form: str, counts: Sequence[int]) -> tuple[Contest, dict[str, Any]]:
    """A contest of the vectors and a total for it."""
    record = contest_of_form(form)
    lines = [{"answer": one["id"], "count": count} for one, count in zip(record["options"], counts, strict=True)]
    total = {"ballots": sum(counts), "blank": 0, "counts": lines, "invalid": 0}
    return parse_contest(record, "contest"), total


@pytest.mark.parametrize(
    ("form", "counts", "expected"),
    [
        (
            "PR_CLOSED",
            (3000, 3000),
            [
                "みほん党: 3,000 votes, 1 or 2 seats: 架空 一郎",
                "れいの会: 3,000 votes, 1 or 2 seats: 例示 太郎",
                "elected: 架空 一郎",
                "elected: 例示 太郎",
                "by lot, 1 of 2 (election): みほん党, れいの会",
            ],
        ),
        (
            "PR_OPEN",
            (4, 0, 1, 0, 0, 0, 0),
            [
                "みほん党: 5 votes, 3 seats: 架空 花子, 仮名 次郎, 架空 一郎",
                "れいの会: 0 votes, 0 seats: nobody",
                "elected: 架空 花子",
                "elected: 仮名 次郎",
                "elected: 架空 一郎",
            ],
        ),
        ("REFERENDUM", (2, 1, 1), ["most votes: option 0", "more than half of the valid votes: none"]),
        ("REFERENDUM", (0, 0, 0), ["most votes: nobody", "more than half of the valid votes: none"]),
        ("SNTV", (1, 0, 0), ["elected: option 0", "seats left over: 1"]),
    ],
)
def test_what_other_forms_decide(form: str, counts: Sequence[int], expected: list[str]) -> None:
    console = Console(file=io.StringIO(), width=120)
    show.decision(console, *of_form(form, counts))
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert lines[1:] == expected


def test_a_written_name_is_shown_as_text(tmp_path: Path) -> None:
    """A voter writes what looks like markup or the name of an option."""
    election = at("opened")
    votes = {"mayor": "a", "judges": (), "council": "a", "chair": (), "name": "[red]x[/red]"}
    for slot in ("v1", "v2"):
        election.cast(slot, **votes)
    election.close_polls()
    out = printed(judged(after(election, "withdrawn"), tmp_path))
    assert rows(out, "Name (text)")["[red]x[/red]"] == "2"
    assert "elected: [red]x[/red]" in out.splitlines()


def test_a_contest_below_the_minimum_group_is_withheld(tmp_path: Path) -> None:
    election = trusting(small_manifest(minimum_group=10)).set_up()
    out = printed(judged(after(election, "set up"), tmp_path))
    assert out.count("withheld: below the minimum group") == 5
    assert "By these ballots alone" not in out
    assert "架空 一郎" not in out
    assert out.splitlines()[-1] == "VALID: every check ran and passed."


def test_no_result_beside_a_failure(tmp_path: Path) -> None:
    """Even one that has nothing to do with the count."""
    election = edit(at("published"), Type.BALLOT_OPENED, lambda body: body.update(seed=encode_bytes(b"s" * 32)))
    outcome = judged(election, tmp_path)
    assert outcome.state.result is not None
    out = printed(outcome)
    assert "架空 一郎" not in out and "Mayor" not in out and "elected" not in out
    written = show.as_json(outcome)
    assert written["result"] is not None and written["outcomes"] is None
    assert out.splitlines()[-1] == "NOT VALID: no result is shown, because none is proved."
    assert out.count("\nFAILED V5.20 AuditedOpened [entry ") == 5


def test_checks_that_did_not_run_are_shown_as_such(tmp_path: Path) -> None:
    out = printed(judged(at("frozen"), tmp_path))
    row = next(line for line in out.splitlines() if line.startswith("V5.18 ResultEqual"))
    assert row.split() == ["V5.18", "ResultEqual", "NOT", "RUN"]


def test_long_lists_of_failures_are_cut_on_the_terminal_and_whole_in_the_file() -> None:
    failures = [CheckFailed("V2.4 BallotSigned", "no", f"entry {number}") for number in range(show.SHOWN_FAILURES + 7)]
    outcome = rejected(*failures)
    out = printed(outcome)
    assert out.count("FAILED V2.4 BallotSigned") == show.SHOWN_FAILURES
    assert "… and 7 more failures (all of them with --json)" in out
    checks = {check["check"]: check for check in show.as_json(outcome)["checks"]}
    assert len(checks["V2.4 BallotSigned"]["failures"]) == len(failures)


def test_a_long_failure_is_one_line() -> None:
    """Somebody who searches the output for FAILED gets the whole reason."""
    reason = "word " * 100 + "end"
    out = printed(rejected(CheckFailed("V2.4 BallotSigned", reason, "entry 1")))
    assert f"FAILED V2.4 BallotSigned [entry 1]: {reason}" in out.splitlines()


# JSON


def test_the_json_report_says_everything(valid: Outcome) -> None:
    written = json.loads(json.dumps(show.as_json(valid)))
    assert written["verdict"] == "valid"
    assert written["title"] == "架空市長選挙"
    assert written["election"] == encode_bytes(at("published").election_id)
    assert written["entries"] == 40
    assert written["result"] == valid.state.result
    manifest = valid.state.manifest
    assert manifest is not None and valid.state.result is not None
    assert [(one["contest"], one["outcome"]) for one in written["outcomes"]] == [
        (contest.id, outcome_record(outcome(contest, counted["total"])))
        for contest, counted in zip(manifest.contests, valid.state.result["contests"], strict=True)
    ]
    assert [check["check"].split()[0] for check in written["checks"]] == sorted(
        CHECKS, key=lambda code: CHECKS[code].order
    )
    counts = {check["check"].split()[0]: check["count"] for check in written["checks"]}
    assert counts == {code: valid.report.tallies[code].count for code in CHECKS}


def test_the_json_report_of_what_is_no_election(tmp_path: Path) -> None:
    path = at("published").write(tmp_path / "election.zip", [], {})
    written = show.as_json(verify(path, allowed_bits=ALLOWED))
    assert (written["verdict"], written["election"], written["title"]) == ("invalid", None, None)
    skipped = [check for check in written["checks"] if check["status"] == "NOT RUN"]
    assert skipped and all((check["count"], check["seconds"], check["failures"]) == (0, 0, []) for check in skipped)


# Progress


def test_no_progress_where_there_is_no_terminal() -> None:
    console = Console(file=io.StringIO())
    with show.progress(console) as advance:
        advance("entries", 1, 2)
    assert console.file.getvalue() == ""  # type: ignore[attr-defined]


def test_progress_on_a_terminal() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with show.progress(console) as advance:
        for done in range(1, 6):
            advance("entries", done, 5)
        advance("proofs of ballots", 2, 8)
    out = console.file.getvalue()  # type: ignore[attr-defined]
    assert "entries" in out and "5/5" in out and "proofs of ballots" in out and "2/8" in out


@pytest.mark.parametrize("title", ["[bold]Mayor[/bold]", "[/]Mayor", "[link=x]Mayor"])
def test_titles_and_names_that_look_like_markup_are_text(title: str, tmp_path: Path) -> None:
    manifest = small_manifest()
    manifest["contests"][0].update(title=title, options=options("[red]甲[/red]", "[/]乙", "丙"))
    out = printed(judged(after(trusting(manifest).set_up(), "set up"), tmp_path))
    assert out.splitlines()[-1] == "VALID: every check ran and passed."
    found = rows(out, f"{title} (choose-one)")
    assert (found["[red]甲[/red]"], found["[/]乙"]) == ("2", "1")
