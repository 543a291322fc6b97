"""The access log: one chain, hashed in one way, in which every later change is found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F

from tests.voting import boards
from tests.voting.offices import Town
from tests.voting.postgres import Runner, both, race, says, transactional
from voting.access.models import AccessEntry, AccessHead, AccessSubject
from voting.access.services import MOST_SUBJECTS, START, check_log, entries_about, entry_hash, log
from voting.errors import AccessLogBroken
from voting.officials.roles import Act

pytestmark = pytest.mark.django_db

SUBJECTS = ([7], [], [3, 7], [11], [])


def fill() -> list[AccessEntry]:
    """Five entries: two about row 7, the last about the whole roll of one election."""
    return [
        log("架空の点検", "架空市選管", Act.VIEW_ROLL, f"照会 {at}", subjects, "kakuu" if at == 4 else "")
        for at, subjects in enumerate(SUBJECTS)
    ]


def broken() -> AccessLogBroken:
    """What the check says."""
    with pytest.raises(AccessLogBroken) as refusal:
        check_log()
    assert refusal.value.code == "access-log-broken"
    return refusal.value


# Adding


def test_an_empty_log_is_whole() -> None:
    assert check_log() == (0, START) == (0, bytes(32))


def test_entries_make_a_chain(town: Town) -> None:
    """Each names the hash of the one before, counted from 0 without a gap; the head is the last."""
    start = datetime.now(UTC)
    entries = fill()
    assert [entry.index for entry in entries] == [0, 1, 2, 3, 4]
    assert [entry.previous for entry in entries] == [START, *(entry.hash for entry in entries[:-1])]
    assert all(start <= entry.at <= datetime.now(UTC) for entry in entries)
    assert check_log() == (5, entries[-1].hash)
    head = AccessHead.objects.get()
    assert (head.size, bytes(head.hash)) == (5, entries[-1].hash)
    assert [entry_hash(entry) for entry in AccessEntry.objects.all()] == [entry.hash for entry in entries]


def test_an_entry_names_who_where_what_and_what_for(town: Town) -> None:
    """As it was then: a later change of names does not reach it."""
    log(town.clerk, town.board, Act.VIEW_ROLL, "窓口照会 1-4", [9, 4, 9])
    town.clerk.name = "改名"
    town.clerk.save()
    entry = AccessEntry.objects.get()
    assert (entry.official, entry.name, entry.office) == ("clerk", "架空 clerk", "架空市選挙管理委員会")
    assert (entry.act, entry.purpose, entry.subjects, entry.everyone) == ("view-roll", "窓口照会 1-4", [4, 9], "")
    assert list(AccessSubject.objects.order_by("subject").values_list("subject", flat=True)) == [4, 9]
    check_log()


def test_a_program_is_named_too() -> None:
    entry = log("import_roll", None, "import-roll", "x" * 700)
    assert (entry.official, entry.name, entry.office, entry.purpose) == ("import_roll", "", "", "x" * 600)
    check_log()


def test_more_people_than_fit_are_everyone() -> None:
    with pytest.raises(ValueError, match="everyone"):
        log("x", "", "view-roll", "", range(MOST_SUBJECTS + 1))
    assert not AccessEntry.objects.exists()
    log("x", "", "view-roll", "", [1] * (MOST_SUBJECTS + 1))
    log("x", "", "view-roll", "", range(MOST_SUBJECTS))
    assert check_log()[0] == 2


def test_what_is_undone_was_never_logged() -> None:
    """Nothing stays behind, and the chain goes on as if it had not been."""
    before = fill()[-1]
    with pytest.raises(RuntimeError), transaction.atomic():
        log("x", "", "view-roll", "undone", [1, 2])
        raise RuntimeError
    assert check_log() == (5, before.hash)
    assert not AccessSubject.objects.filter(subject=1).exists()
    assert log("x", "", "view-roll", "after").previous == before.hash
    check_log()


def test_an_entry_that_cannot_be_stored_leaves_nothing() -> None:
    before = fill()[-1]
    for subjects in ([-1], [1, -1]):
        with pytest.raises(IntegrityError), transaction.atomic():
            log("x", "", "view-roll", "", subjects)
    assert check_log() == (5, before.hash)


# The hash


def example(**changes: Any) -> AccessEntry:
    fields: dict[str, Any] = {
        "index": 17,
        "at": datetime(2026, 11, 3, 0, 5, 6, 70, tzinfo=UTC),
        "official": "clerk",
        "name": "架空 太郎",
        "office": "架空市選挙管理委員会",
        "act": "view-roll",
        "purpose": '窓口照会 "1"',
        "subjects": [4, 9],
        "everyone": "",
        "previous": bytes(range(32)),
    }
    return AccessEntry(**{**fields, **changes})


def test_the_hash_of_an_entry_is_this() -> None:
    """Pinned: were it computed in another way, the logs of running elections would read as broken."""
    assert entry_hash(example()).hex() == "e714515a718ddb7bc87958f5e2bd57a01a674185ca7d760c3626bd4ffc1d11a5"


def test_the_hash_does_not_depend_on_how_the_same_is_held() -> None:
    """Another time zone for the same instant, a memoryview for the same bytes."""
    jst = timezone(timedelta(hours=9))
    at = datetime(2026, 11, 3, 9, 5, 6, 70, tzinfo=jst)
    same = example(at=at, previous=memoryview(bytes(range(32))))
    assert entry_hash(same) == entry_hash(example())


CHANGES: dict[str, Any] = {
    "index": 18,
    "at": datetime(2026, 11, 3, 0, 5, 6, 71, tzinfo=UTC),
    "official": "chair",
    "name": "架空 次郎",
    "office": "",
    "act": "view-marks",
    "purpose": "窓口照会",
    "subjects": [4],
    "everyone": "kakuu",
    "previous": bytes(32),
}


@pytest.mark.parametrize("field", CHANGES)
def test_the_hash_covers_every_field(field: str) -> None:
    assert entry_hash(example(**{field: CHANGES[field]})) != entry_hash(example())


def test_no_field_is_forgotten() -> None:
    """A field that is added to the model must be in the hash; the row number alone means nothing."""
    assert {field.name for field in AccessEntry._meta.concrete_fields} == {*CHANGES, "hash", "id"}


def test_text_does_not_flow_from_one_field_into_the_next() -> None:
    assert entry_hash(example(official="a", name="bc")) != entry_hash(example(official="ab", name="c"))
    assert entry_hash(example(subjects=[1, 23])) != entry_hash(example(subjects=[12, 3]))


# Changed by someone with the database's password


@transactional
@pytest.mark.parametrize("field", [*CHANGES, "hash"])
def test_a_changed_field_is_found(field: str) -> None:
    """In the first entry, in the middle and in the last; and the check says which."""
    entries = fill()
    value = {**CHANGES, "hash": bytes(31) + b"x", "previous": bytes(31) + b"x"}[field]
    for entry in (entries[0], entries[2], entries[4]):
        row = AccessEntry.objects.filter(pk=entry.pk)
        with boards.tampering():
            row.update(**{field: "betsu" if field == "everyone" else value})
        missing = field == "index"
        assert broken().where == f"entry {entry.index}"
        assert ("missing" in broken().reason) == missing
        with boards.tampering():
            row.update(**{field: getattr(entry, field)})
        check_log()


@transactional
@pytest.mark.parametrize("value", [[7.5], ["7"], "7", 7, None, {}, [7, 7], [], [True], [2**60], [[7]], [None]])
def test_whatever_people_are_put_in_the_check_has_its_answer(value: Any) -> None:
    """Also where it has no canonical form: a broken log is reported, not a broken check."""
    entry = fill()[0]
    with boards.tampering():
        AccessEntry.objects.filter(pk=entry.pk).update(subjects=value if value is not None else {"a": None})
    assert broken().where == "entry 0"


@transactional
@pytest.mark.parametrize(("index", "where"), [(0, 0), (2, 2), (3, 3), (4, 4)])
def test_a_removed_entry_is_found(index: int, where: int) -> None:
    """At the beginning, in the middle, at the end."""
    fill()
    with boards.tampering():
        AccessSubject.objects.filter(entry__index=index).delete()
        AccessEntry.objects.filter(index=index).delete()
    assert broken().where == f"entry {where}" and "missing" in broken().reason


@transactional
def test_a_gap_that_was_closed_is_found() -> None:
    """The entries behind moved up; the head too."""
    fill()
    with boards.tampering():
        AccessSubject.objects.filter(entry__index=2).delete()
        AccessEntry.objects.filter(index=2).delete()
        for index in (3, 4):
            AccessEntry.objects.filter(index=index).update(index=index - 1)
        AccessHead.objects.update(size=4)
    assert broken().where == "entry 2"


@transactional
def test_swapped_entries_are_found() -> None:
    """Two entries change places, with or without their links to the one before."""
    one, two = fill()[1:3]
    with boards.tampering():
        for pk, index in ((one.pk, 99), (two.pk, 1), (one.pk, 2)):
            AccessEntry.objects.filter(pk=pk).update(index=index)
    assert broken().where == "entry 1"
    with boards.tampering():
        AccessEntry.objects.filter(pk=one.pk).update(previous=two.previous)
        AccessEntry.objects.filter(pk=two.pk).update(previous=one.previous)
    assert broken().where == "entry 1"


@transactional
def test_an_entry_put_in_is_found() -> None:
    """One that the service did not add: at the end, past the head."""
    last = fill()[-1]
    forged = AccessEntry.objects.get(pk=last.pk)
    forged.pk, forged.index, forged.previous = None, 5, last.hash
    forged.hash = entry_hash(forged)
    forged.save(force_insert=True)
    broken()


def subject_added(entry: AccessEntry) -> None:
    AccessSubject.objects.create(entry=entry, subject=999)


def subject_removed(entry: AccessEntry) -> None:
    AccessSubject.objects.filter(entry=entry, subject=3).delete()


def subject_changed(entry: AccessEntry) -> None:
    AccessSubject.objects.filter(entry=entry, subject=3).update(subject=4)


def subject_moved(entry: AccessEntry) -> None:
    AccessSubject.objects.filter(entry=entry, subject=3).update(entry=AccessEntry.objects.get(index=3))


@transactional
@pytest.mark.parametrize("change", [subject_added, subject_removed, subject_changed, subject_moved])
def test_a_change_of_whom_it_concerns_is_found(change: Callable[[AccessEntry], None]) -> None:
    """The table by which citizens find their entries says the same as the entries."""
    entry = fill()[2]
    with boards.tampering():
        change(entry)
    assert broken().where == "entry 2" and "people" in broken().reason


@transactional
@pytest.mark.parametrize(
    "change", [{"size": 4}, {"size": 6}, {"size": 0}, {"hash": START}, {"size": 0, "hash": START}, None]
)
def test_a_changed_head_is_found(change: dict[str, Any] | None) -> None:
    """Also when there is none any more."""
    fill()
    with boards.tampering():
        AccessHead.objects.update(**change) if change else AccessHead.objects.all().delete()
    assert "at the end" in broken().reason


@transactional
def test_a_head_set_back_with_its_entries_is_a_shorter_whole_log() -> None:
    """The chain alone cannot know of what is gone without a trace: for that a head is kept elsewhere (--expect)."""
    entries = fill()
    with boards.tampering():
        AccessEntry.objects.filter(index=4).delete()
        AccessHead.objects.update(size=4, hash=entries[3].hash)
    assert check_log() == (4, entries[3].hash)


def test_a_head_pushed_on_is_found() -> None:
    """The one change that the trigger lets through, by hand."""
    fill()
    AccessHead.objects.update(size=F("size") + 1)
    broken()


def test_a_log_of_more_than_one_page_is_read_to_its_end() -> None:
    """The check reads a thousand at a time: nothing is lost where two pages meet."""
    for at in range(1003):
        log("x", "", "view-roll", "", [at] if at in (999, 1000, 1002) else [])
    assert check_log()[0] == 1003


def test_what_is_added_while_the_check_reads_is_no_fault() -> None:
    """An entry between any two of its statements: a busy office is not a broken log."""
    fill()
    for moment in range(1, 12):
        seen = 0

        def add(execute: Any, sql: str, params: Any, many: bool, context: Any, moment: int = moment) -> Any:
            nonlocal seen
            result = execute(sql, params, many, context)
            seen += 1
            if seen == moment:
                log("x", "", "view-roll", "meanwhile", [7])
            return result

        with connection.execute_wrapper(add):
            check_log()
        check_log()


# What a citizen sees


def test_somebody_finds_the_entries_about_themselves_and_no_other() -> None:
    """Their own and those about the whole roll of their election, the latest first, each once."""
    entries = fill()
    other = log("x", "", "view-roll", "別の選挙", (), "betsu")
    both_ways = log("x", "", "view-roll", "両方", [7, 8], "kakuu")
    assert list(entries_about(7, "kakuu")) == [both_ways, entries[4], entries[2], entries[0]]
    assert list(entries_about(3, "kakuu")) == [both_ways, entries[4], entries[2]]
    assert list(entries_about(70, "kakuu")) == [both_ways, entries[4]]
    assert list(entries_about(7, "betsu")) == [both_ways, other, entries[2], entries[0]]
    assert list(entries_about(70, "none")) == []


def test_without_an_election_nobody_finds_what_concerns_others() -> None:
    """Most entries are about everyone of no election: they are not everybody's."""
    entries = fill()
    try:
        found = list(entries_about(7, ""))
    except ValueError:
        return
    assert found == [entries[2], entries[0]]


# The same instant


@race
@transactional
@both
def test_entries_of_the_same_instant_make_one_chain(run: Runner) -> None:
    """Also the very first ones, when there is no head yet."""
    works = [says(lambda at=at: log(f"program-{at}", "", "view-roll", "", [at, 99]).index) for at in range(8)]
    for step in range(4):
        assert sorted(map(int, run(works))) == list(range(8 * step, 8 * step + 8))
    assert check_log()[0] == 32 and entries_about(99, "kakuu").count() == 32


@race
@transactional
@both
def test_the_check_holds_while_entries_arrive(run: Runner) -> None:
    fill()

    def add() -> str:
        return str(all(log("x", "", "view-roll", "", [at]) for at in range(50)))

    def check() -> str:
        return str(all(check_log()[0] >= 5 for _ in range(50)))

    assert run([says(add), says(add), says(check)]) == ["True"] * 3
    assert check_log()[0] == 105


@race
@transactional
@both
def test_an_entry_that_is_undone_meanwhile_leaves_no_gap(run: Runner) -> None:
    """Of many transactions every second one is undone; the others follow each other."""

    def undone() -> None:
        with transaction.atomic():
            log("x", "", "view-roll", "undone", [1])
            raise AccessLogBroken("on purpose")

    works = [says(undone) if at % 2 else says(lambda: log("x", "", "view-roll", "").act) for at in range(8)]
    assert run(works) == ["view-roll", "access-log-broken"] * 4
    assert check_log()[0] == 4
