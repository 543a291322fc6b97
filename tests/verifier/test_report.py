"""What judges make of a check: the gate stops, the report lists everything, trust asks nothing."""

from __future__ import annotations

from typing import Any

import pytest

from verifier.checks import CHECKS, authenticity, completeness, consistency, evidence, integrity
from verifier.checks.read import Skip, read
from verifier.crypto.equation import BatchDisagrees
from verifier.errors import BadInteger, CheckFailed, NotCanonical
from verifier.report import BROKEN, Gate, Report, Trust

GOOD = (consistency.election_id_everywhere, b"e", b"e")
BAD = (consistency.election_id_everywhere, b"e", b"f")


def run(judge: Any, what: tuple[Any, ...], where: str = "entry 1") -> bool:
    check, *arguments = what
    return bool(judge.run(check, where, *arguments))


def raising(error: BaseException) -> Any:
    def function(*_: Any) -> None:
        raise error

    return function


def test_the_gate_raises_at_the_first_rejection() -> None:
    assert run(Gate(), GOOD)
    with pytest.raises(CheckFailed) as caught:
        run(Gate(), BAD, "entry 17")
    failure = caught.value
    assert (failure.check, failure.where) == ("V3.1 ElectionIdEverywhere", "entry 17")
    assert str(failure) == "V3.1 ElectionIdEverywhere [entry 17]: belongs to another election"


def test_the_gate_raises_for_the_first_of_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence.ballot_valid, "function", lambda: {2: "third", 1: "second"})
    with pytest.raises(CheckFailed) as caught:
        Gate().run_batch(evidence.ballot_valid, ["a", "b", "c"])
    assert (caught.value.where, caught.value.reason) == ("b", "second")
    monkeypatch.setattr(evidence.ballot_valid, "function", lambda: None)
    assert Gate().run_batch(evidence.ballot_valid, ["a"])


def test_trust_asks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BAD[0], "function", raising(AssertionError("it was asked")))
    assert run(Trust(), BAD)
    assert Trust().run_batch(BAD[0], ["a", "b"])


def test_the_report_goes_on_and_lists_every_rejection_in_the_order_of_the_checks() -> None:
    report = Report()
    assert not run(report, BAD, "entry 1")
    assert run(report, GOOD, "entry 2")
    assert not run(report, BAD, "entry 3")
    assert not report.run(completeness.setup_complete, "entry 4", ["manifest"])
    assert [(failure.check.split()[0], failure.where) for failure in report.failures] == [
        ("V1.2", "entry 4"),
        ("V3.1", "entry 1"),
        ("V3.1", "entry 3"),
    ]
    assert report.tallies["V3.1"].count == 3
    assert report.tallies["V3.1"].seconds > 0
    assert [report.status(code) for code in ("V1.2", "V3.1", "V5.18")] == ["FAIL", "FAIL", "NOT RUN"]


def test_v3_2_comes_before_v3_10_in_the_order_of_the_checks() -> None:
    report = Report()
    report.run(consistency.one_per_credential, "later", ["a"], "a", "thing")
    report.run(consistency.context_bound, "earlier", b"a", b"b")
    assert [failure.where for failure in report.failures] == ["earlier", "later"]


def test_the_report_counts_every_object_of_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence.ballot_valid, "function", lambda: {2: "third", 0: "first"})
    report = Report()
    assert not report.run_batch(evidence.ballot_valid, ["a", "b", "c"])
    assert report.tallies["V5.5"].count == 3
    assert [(failure.where, failure.reason) for failure in report.failures] == [("a", "first"), ("c", "third")]


@pytest.mark.parametrize("error", [*BROKEN, ZeroDivisionError, KeyError, UnicodeError, RecursionError])
def test_a_check_that_breaks_is_a_rejection_and_never_a_pass(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GOOD[0], "function", raising(error("inside")))
    report = Report()
    assert not run(report, GOOD)
    assert not report.run_batch(GOOD[0], ["entry 2", "entry 3"])
    assert [(failure.where, failure.reason) for failure in report.failures] == [
        ("entry 1", f"could not be evaluated ({error.__name__})"),
        ("entry 2", f"could not be evaluated ({error.__name__})"),
    ]
    with pytest.raises(CheckFailed, match=error.__name__):
        run(Gate(), GOOD)


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, AssertionError])
def test_what_is_no_fault_of_the_archive_is_no_verdict(
    error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GOOD[0], "function", raising(error()))
    report = Report()
    with pytest.raises(error):
        run(report, GOOD)
    assert report.tallies == {}


def test_a_batch_that_disagrees_with_itself_is_the_failure_of_v5_19(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check at hand did not reject anything, so it has no failure; the verdict is still not valid."""
    monkeypatch.setattr(evidence.ballot_valid, "function", raising(BatchDisagrees("two verdicts")))
    report = Report()
    assert not report.run_batch(evidence.ballot_valid, ["a"])
    assert (report.status("V5.19"), report.status("V5.5")) == ("FAIL", "PASS")
    assert report.failures[0].check == "V5.19 BatchSound"


def test_a_report_is_valid_when_every_check_ran_and_none_rejected() -> None:
    report = Report()
    assert not report.valid
    *others, last = CHECKS
    report.nothing_to_check(others)
    assert report.status(last) == "NOT RUN" and not report.valid
    report.nothing_to_check([last])
    assert report.valid
    run(report, BAD)
    assert not report.valid


def test_nothing_to_check_keeps_what_was_found() -> None:
    report = Report()
    run(report, BAD)
    report.nothing_to_check(["V3.1", "V3.6"])
    assert report.status("V3.1") == "FAIL"
    assert (report.status("V3.6"), report.tallies["V3.6"].count) == ("PASS", 0)


def test_merged_reports_add_up() -> None:
    mine, theirs = Report(), Report()
    run(mine, BAD, "entry 1")
    run(theirs, GOOD, "entry 2")
    run(theirs, BAD, "entry 3")
    theirs.run(completeness.setup_complete, "entry 4", [])
    before = mine.tallies["V3.1"].seconds, theirs.tallies["V3.1"].seconds
    mine.merge(theirs)
    assert mine.tallies["V3.1"].count == 3
    assert mine.tallies["V3.1"].seconds == sum(before)
    assert [failure.where for failure in mine.failures] == ["entry 1", "entry 3"]
    assert mine.status("V1.2") == "PASS"
    assert [failure.where for failure in theirs.failures] == ["entry 3"]


@pytest.mark.parametrize(
    ("error", "failed", "passed"), [(NotCanonical("shape"), "V4.1", "V4.2"), (BadInteger("width"), "V4.2", "V4.1")]
)
def test_what_cannot_be_read_is_rejected_and_skipped(error: Exception, failed: str, passed: str) -> None:
    report = Report()
    with pytest.raises(Skip):
        read(report, "entry 5", raising(error), b"raw")
    assert (report.status(failed), report.status(passed)) == ("FAIL", "PASS")
    assert [(failure.where, failure.reason) for failure in report.failures] == [("entry 5", str(error))]
    with pytest.raises(CheckFailed, match=failed):
        read(Gate(), "entry 5", raising(error))


def test_what_can_be_read_is_returned_and_counted() -> None:
    report = Report()
    assert read(report, "entry 5", int, "7") == 7
    assert {code: report.tallies[code].count for code in report.tallies} == {"V4.1": 1, "V4.2": 1}
    assert report.failures == []


def test_names_and_groups_of_checks() -> None:
    assert authenticity.ballot_signed.name == "V2.4 BallotSigned"
    assert authenticity.ballot_signed.group == "Authenticity"
    assert integrity.share_domain.order == (4, 11)
    assert all(check.code == code and check.function.__doc__ for code, check in CHECKS.items())
