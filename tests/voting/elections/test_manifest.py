"""From a definition in tables to its manifest and back, and what is said of a definition that makes none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from tests.election import contest, option, parties, party, small_manifest
from tests.vectors.generate import contest_of_form
from verifier.errors import BadInteger, NotCanonical
from verifier.record.manifest import ACTS, Form, election_id, parse_manifest
from voting.elections.models import Candidate, Contest, Election, Party, Style, StyleContest, Unit
from voting.elections.services import build_manifest, define_election
from voting.errors import ManifestIncomplete

pytestmark = pytest.mark.django_db


def problems(election: Election) -> tuple[str, ...]:
    """What `build_manifest` says is wrong."""
    with pytest.raises(ManifestIncomplete) as refusal:
        build_manifest(election)
    assert refusal.value.code == "manifest-incomplete"
    return refusal.value.problems


@pytest.fixture
def small() -> Election:
    return define_election(slug="kakuu", record=small_manifest())


# There and back


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"legal_basis": "", "revote": False, "minimum_group": 0},
        {"witnesses": [], "witness_threshold": 0},
        {"acts": {**dict.fromkeys(ACTS, 2), "result": 3}},
        {"officials": parties("official", 12), "trustees": parties("trustee", 20)},
        {"trustees": [party("official 1"), party("official 2")]},
        {
            "contests": [contest("only", "choose-one", ["甲", "乙"], blank=False)],
            "styles": [{"id": "all", "unit": "west", "contests": ["only"]}],
            "mixers": [],
        },
        {
            "contests": [{**contest_of_form(form), "id": form.lower().replace("_", "-")} for form in Form],
            "styles": [
                {"id": "all", "unit": "west", "contests": [form.lower().replace("_", "-") for form in Form]},
            ],
        },
    ],
)
def test_a_definition_makes_its_manifest_again(changes: dict[str, Any]) -> None:
    """In the same order, so with the same hash; also when the rows are read afresh."""
    record = small_manifest(**changes)
    election = define_election(slug="kakuu", record=record)
    assert build_manifest(election) == record
    built = build_manifest(Election.objects.get(slug="kakuu"))
    assert built == record and election_id(built) == election_id(record)
    assert parse_manifest(built) == parse_manifest(record)


def test_the_order_is_that_of_the_positions(small: Election) -> None:
    """Twelve units and options the wrong way round: neither the text nor the row number sorts them."""
    record = small_manifest()
    record["units"] = [{"id": f"u{number}", "name": f"区{number}"} for number in range(12, 0, -1)]
    record["contests"] = [contest("mayor", "choose-one", [f"候補 {number}" for number in range(12, 0, -1)])]
    record["styles"] = [{"id": f"s{number}", "unit": "u12", "contests": ["mayor"]} for number in range(12, 0, -1)]
    assert build_manifest(define_election(slug="many", record=record)) == record
    first, second = Unit.objects.filter(election=small)[:2]
    Unit.objects.filter(pk=first.pk).update(position=100)
    Unit.objects.filter(pk=second.pk).update(position=1)
    assert [unit["id"] for unit in build_manifest(small)["units"]] == ["south", "west", "north"]


def test_contests_of_a_style_keep_their_own_order() -> None:
    record = small_manifest()
    record["styles"][0]["contests"].reverse()
    assert build_manifest(define_election(slug="kakuu", record=record)) == record


def test_names_of_people_survive(small: Election) -> None:
    """Reading and party of a candidate, and characters beyond the basic plane."""
    record = small_manifest()
    record["contests"][0]["options"][0] = option("a", "𠮷田 髙", reading="よしだ たかし", party="架空党")
    assert build_manifest(define_election(slug="names", record=record)) == record


def test_names_on_a_list_survive() -> None:
    """One name on each line in the table, as it is in the record: with spaces around it, twice, or two of them."""
    record = small_manifest()
    names = [" 架空 一郎 ", "架空 一郎", "架空\u3000花子", "𠮷田 髙"]
    changed = {"form": "PR_CLOSED", "options": [option("a", "みほん党", candidates=names)], "seats": 3}
    record["contests"][0].update(changed)
    assert build_manifest(define_election(slug="names", record=record)) == record


def test_elections_do_not_mix(small: Election) -> None:
    other = small_manifest(title="別の選挙", units=[{"id": "north", "name": "別"}], styles=[])
    other["contests"] = other["contests"][:1]
    other["styles"] = [{"id": "north", "unit": "north", "contests": ["mayor"]}]
    assert build_manifest(define_election(slug="other", record=other)) == other
    assert build_manifest(small) == small_manifest()


# A record that is none


@pytest.mark.parametrize(
    "spoil",
    [
        lambda record: record.pop("units"),
        lambda record: record.update(note="x"),
        lambda record: record.update(threshold=9),
        lambda record: record.update(closes=record["opens"]),
        lambda record: record.update(acts={**record["acts"], "key": 1}),
        lambda record: record.update(mixers=[]),
        lambda record: record["styles"][0].update(unit="nowhere"),
        lambda record: record["registrar"].update(key="short"),
    ],
)
def test_a_record_that_is_no_manifest_leaves_nothing(spoil: Callable[[dict[str, Any]], object]) -> None:
    record = small_manifest()
    spoil(record)
    with pytest.raises((NotCanonical, BadInteger)):
        define_election(slug="kakuu", record=record)
    assert not Election.objects.exists() and not Unit.objects.exists()


def test_a_slug_is_taken_once(small: Election) -> None:
    """The second definition leaves nothing, and the first is as it was."""
    with pytest.raises(ValidationError):
        define_election(slug="kakuu", record=small_manifest())
    assert Election.objects.count() == 1 and build_manifest(small) == small_manifest()


# A definition that makes none


def test_an_empty_definition_names_everything_that_is_missing() -> None:
    record = small_manifest()
    opens = parse_manifest(record).opens
    election = Election.objects.create(
        slug="empty",
        title="空",
        opens=opens,
        closes=opens + timedelta(days=1),
        origin="board",
        generators="seed",
        board_key=bytes(32),
        witness_threshold=1,
    )
    assert set(problems(election)) == {
        "there is no registrar",
        "there is no counting unit",
        "there is no contest",
        "there is no ballot style",
        "0 of 2 officials",
        "0 trustees where the threshold is 3",
        "0 witnesses where the witness threshold is 1",
    }


def test_every_problem_is_named_at_once(small: Election) -> None:
    """Fields that cannot be and parts that are missing, in one list, which is also the sentence."""
    small.acts = {**small.acts, "result": 5}
    small.origin = "two words"
    small.threshold = 4
    small.opens += timedelta(seconds=5)
    small.save()
    Party.objects.filter(election=small, role="registrar").delete()
    Party.objects.filter(election=small, role="mixer").delete()
    Party.objects.filter(election=small, role="witness").delete()
    Candidate.objects.filter(contest__identifier="mayor").delete()
    StyleContest.objects.filter(style__identifier="west").delete()
    Unit.objects.filter(identifier="north").update(name="北\u202e")
    Contest.objects.filter(identifier="chair").update(identifier="The Chair")
    found = problems(small)
    for part in (
        "there is no registrar",
        "3 of 5 officials",
        "3 trustees where the threshold is 4",
        "0 witnesses where the witness threshold is 1",
        "a mixnet contest needs at least one mixer",
        "contest mayor has no candidates",
        "ballot style west has no contests",
    ):
        assert part in found
    for beginning in (
        f"election {small}, origin: ",
        f"election {small}, opens: ",
        "unit 北\u202e, name: ",
        "contest Chair, identifier: ",
    ):
        assert [problem for problem in found if problem.startswith(beginning)], beginning
    assert len(found) == 11
    with pytest.raises(ManifestIncomplete, match="there is no registrar; .*ballot style west has no contests"):
        build_manifest(small)


def test_acts_of_another_shape_are_a_problem(small: Election) -> None:
    """Too few signatures, a missing act, an unknown one, or no object at all."""
    for acts in ({**small.acts, "key": 1}, {"key": 2}, {**small.acts, "party": 2}, {}, [], "2", {"key": "2"}):
        Election.objects.filter(pk=small.pk).update(acts=acts)
        found = problems(Election.objects.get(pk=small.pk))
        assert any(", acts: " in problem for problem in found), acts


def test_parts_of_another_election_are_a_problem(small: Election) -> None:
    other = define_election(slug="other", record=small_manifest())
    style = Style.objects.get(election=small, identifier="west")
    Style.objects.filter(pk=style.pk).update(unit=Unit.objects.get(election=other, identifier="west"))
    foreign = Contest.objects.get(election=other, identifier="chair")
    StyleContest.objects.create(style=style, contest=foreign, position=9)
    assert set(problems(small)) == {
        "ballot style west is of a counting unit of another election",
        "ballot style west has a contest of another election",
    }
    assert build_manifest(other) == small_manifest()


def test_what_only_the_record_can_tell_is_a_problem_too(small: Election) -> None:
    """Rules between fields that no single row shows: least and most of a contest, two witnesses of one name."""
    Contest.objects.filter(identifier="mayor").update(most=2)
    assert "choosing one needs least = most = 1" in " ".join(problems(small))
    Contest.objects.filter(identifier="mayor").update(most=1)
    Party.objects.create(election=small, role="witness", position=2, name="witness-1", public_key=bytes(range(32)))
    assert "is there twice" in " ".join(problems(small))


# What an official is told at once


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"form": "SNTV", "seats": 100}, set()),
        ({"form": "PR_OPEN", "seats": 9}, set()),
        ({"form": "SINGLE", "seats": 2}, {"seats"}),
        ({"form": "REFERENDUM", "seats": 2}, {"seats"}),
        ({"form": "REVIEW", "seats": 1}, {"kind"}),
        ({"form": "RANKING", "seats": 3}, {"kind", "seats"}),
    ],
)
def test_a_form_has_its_kinds_and_its_seats(small: Election, changes: dict[str, Any], fields: set[str]) -> None:
    """The same rules as in the manifest, before there is one."""
    row = Contest.objects.get(election=small, identifier="mayor")
    for name, value in changes.items():
        setattr(row, name, value)
    if not fields:
        row.clean()
        return
    with pytest.raises(ValidationError) as refusal:
        row.clean()
    assert set(refusal.value.message_dict) == fields


def test_names_on_a_list_are_tidied_as_they_are_typed(small: Election) -> None:
    """Lines of a browser, blank ones and spaces at the ends; what steers a screen is refused."""
    row = Candidate.objects.filter(contest__election=small).earliest("pk")
    row.listed = "  架空 一郎\r\n\r\n架空 花子  \r\n"
    row.clean()
    assert row.listed == "架空 一郎\n架空 花子"
    row.listed = "架空 一郎\n架空\u202e 花子"
    with pytest.raises(ValidationError) as refusal:
        row.clean()
    assert set(refusal.value.message_dict) == {"listed"}


def test_a_list_that_does_not_fit_is_a_problem(small: Election) -> None:
    """Only the whole contest can tell; the sentence names the option."""
    Candidate.objects.filter(contest__identifier="mayor", identifier="b").update(list="a")
    assert "option b: only in a contest of form PR_OPEN" in " ".join(problems(small))
    Contest.objects.filter(identifier="mayor").update(form="PR_OPEN")
    assert "option c: a list without candidates" in " ".join(problems(small))
    Candidate.objects.filter(contest__identifier="mayor", identifier="c").update(list="a", priority=2)
    assert "option a: the priorities of a list are 1, 2, … without gaps" in " ".join(problems(small))


# What no table holds


@pytest.mark.parametrize(
    ("model", "changes"),
    [
        (Election, {"board_key": b"short"}),
        (Election, {"threshold": 0}),
        (Election, {"modulus_bits": 128}),
        (Unit, {"position": 0}),
        (Contest, {"kind": "guess"}),
        (Contest, {"least": 9}),
        (Contest, {"width": 0}),
        (Contest, {"form": "PLURALITY"}),
        (Contest, {"seats": 101}),
        (Candidate, {"identifier": "blank"}),
        (Candidate, {"priority": 501}),
        (Party, {"public_key": bytes(31)}),
        (Party, {"role": "voter"}),
    ],
)
def test_the_database_refuses_what_cannot_be(small: Election, model: type[Any], changes: dict[str, Any]) -> None:
    first = model.objects.earliest("pk")
    with pytest.raises(IntegrityError), transaction.atomic():
        model.objects.filter(pk=first.pk).update(**changes)


@pytest.mark.parametrize(
    ("model", "changes"),
    [
        (Contest, {"form": "SNTV"}),
        (Contest, {"seats": 2}),
        (Candidate, {"list": "b"}),
        (Candidate, {"priority": 1}),
        (Candidate, {"listed": "架空 一郎"}),
    ],
)
def test_what_is_decided_is_fixed_with_the_manifest(small: Election, model: type[Any], changes: dict[str, Any]) -> None:
    """Before, it can be changed; once the manifest is on the board, the database refuses it."""
    rows = model.objects.filter(pk=model.objects.earliest("pk").pk)
    with transaction.atomic():
        rows.update(**changes)
    Election.objects.filter(pk=small.pk).update(manifest_hash=bytes(32))
    with pytest.raises(IntegrityError, match="the definition of the election is fixed"), transaction.atomic():
        rows.update(**changes)


def test_there_is_one_registrar_and_each_key_has_one_part_in_a_role(small: Election) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Party.objects.create(election=small, role="registrar", position=2, name="二", public_key=bytes(32))
    twin = Party.objects.get(election=small, role="official", position=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        Party.objects.create(election=small, role="official", position=9, name="九", public_key=twin.public_key)
