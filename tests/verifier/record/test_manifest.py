"""The manifest: what a contest decides is in it, fits together, and is part of the election's id."""

from __future__ import annotations

from typing import Any

import pytest

from tests.election import contest, option, small_manifest
from tests.vectors.generate import CLOSED_LISTS, CONTEST_FAULTS, OPEN_LISTS, changed, contest_of_form
from verifier.errors import NotCanonical
from verifier.record.manifest import FORM_KINDS, ONE_SEAT, Form, Kind, election_id, parse_manifest


def manifest(*contests: dict[str, Any]) -> dict[str, Any]:
    styles = [{"id": "all", "unit": "north", "contests": [one["id"] for one in contests]}]
    return small_manifest(contests=list(contests), styles=styles)


@pytest.mark.parametrize("form", Form)
def test_every_form_is_read(form: Form) -> None:
    record = contest_of_form(form)
    [parsed] = parse_manifest(manifest(record)).contests
    assert (parsed.form, parsed.seats, parsed.kind) == (form, record["seats"], FORM_KINDS[form][0])


def test_every_kind_has_a_form_and_every_form_a_kind() -> None:
    assert set(FORM_KINDS) == set(Form) and all(FORM_KINDS.values())
    assert {kind for kinds in FORM_KINDS.values() for kind in kinds} == set(Kind)


def test_lists_are_read() -> None:
    """Open ones with candidates as options, closed ones with their names."""
    nation, block = parse_manifest(
        manifest(contest_of_form("PR_OPEN"), {**contest_of_form("PR_CLOSED"), "id": "block"})
    ).contests
    assert [(one.id, one.list, one.priority) for one in nation.options] == [
        ("a", "", 0), ("a1", "a", 0), ("a2", "a", 1), ("a3", "a", 2), ("b", "", 0), ("b1", "b", 0), ("b2", "b", 0),
    ]  # fmt: skip
    assert [one.candidates for one in block.options] == [("架空 一郎", "架空 花子", "仮名 次郎"), ("例示 太郎",) * 2]


@pytest.mark.parametrize(("record", "reason"), CONTEST_FAULTS, ids=[reason for _, reason in CONTEST_FAULTS])
def test_a_contest_that_contradicts_itself_is_refused(record: dict[str, Any], reason: str) -> None:
    """With the place and the sentence that the vectors have, which the browser says too."""
    with pytest.raises(NotCanonical) as refusal:
        parse_manifest(manifest(record))
    place, said = "manifest, contests 0", str(refusal.value)
    assert said in (f"{place}: {reason}", f"{place}{reason.removeprefix('contest')}")


def test_candidates_may_stand_in_any_order() -> None:
    """Lists after their candidates, and candidates of two lists mixed, as the board drew them."""
    mixed = [OPEN_LISTS[at] for at in (6, 1, 4, 3, 0, 5, 2)]
    [parsed] = parse_manifest(manifest(contest_of_form("PR_OPEN", options=mixed))).contests
    assert [one.id for one in parsed.options] == ["b2", "a1", "b", "a3", "a", "b1", "a2"]


@pytest.mark.parametrize("form", [form for form in Form if form not in ONE_SEAT])
@pytest.mark.parametrize("seats", [1, 100])
def test_forms_with_several_seats(form: Form, seats: int) -> None:
    assert parse_manifest(manifest(contest_of_form(form, seats=seats))).contests[0].seats == seats


@pytest.mark.parametrize("key", ["form", "seats"])
def test_a_contest_says_all_of_it(key: str) -> None:
    record = contest("mayor", "choose-one", ["甲"])
    del record[key]
    with pytest.raises(NotCanonical, match=f"manifest, contests 0: key '{key}' is missing"):
        parse_manifest(manifest(record))


@pytest.mark.parametrize("key", ["list", "priority", "candidates"])
def test_an_option_says_all_of_it(key: str) -> None:
    left = option("a", "甲")
    del left[key]
    with pytest.raises(NotCanonical, match=f"manifest, contests 0, options 0: key '{key}' is missing"):
        parse_manifest(manifest({**contest("mayor", "choose-one", []), "options": [left]}))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (contest_of_form("SNTV"), contest_of_form("SNTV", seats=3)),
        (contest_of_form("SINGLE"), contest_of_form("SINGLE", form="REFERENDUM")),
        (contest_of_form("PR_OPEN"), contest_of_form("PR_OPEN", options=changed(OPEN_LISTS, "a1", list="b"))),
        (contest_of_form("PR_OPEN"), contest_of_form("PR_OPEN", options=changed(OPEN_LISTS, "a1", priority=3))),
        (
            contest_of_form("PR_CLOSED"),
            contest_of_form("PR_CLOSED", options=changed(CLOSED_LISTS, "a", candidates=["架空 花子", "架空 一郎"])),
        ),
    ],
    ids=["seats", "form", "list", "priority", "candidates"],
)
def test_what_is_decided_is_part_of_the_election(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Whoever changes it later has another election, with another id that no ballot names."""
    ids = {election_id(manifest(record)) for record in (before, after)}
    assert len(ids) == 2
    assert {parse_manifest(manifest(record)).election for record in (before, after)} == ids
