"""From a roll file to the roll: what is checked, kept, shown and approved; and that nothing is ever half imported."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone, translation

from tests.voting import kakuu
from tests.voting.offices import Town
from tests.voting.roll import files
from voting.access.models import AccessEntry
from voting.access.services import check_log
from voting.elections.models import District, Election, Style
from voting.errors import AlreadyProposed, NotEligible, NotPermitted, RollNotReady, SamePerson
from voting.officials.models import Official, Proposal
from voting.officials.roles import Act
from voting.officials.services import approve, decline, propose
from voting.roll import imports, staging
from voting.roll.eligibility import style_for
from voting.roll.imports import FileDiffers, ask_to_take_over, begin_import, check_import, discard, unfinished_import
from voting.roll.models import (
    Distinction,
    Elector,
    Mark,
    PaperWay,
    RollFault,
    RollImport,
    RollLeaf,
    RollRecord,
    StagedElector,
    Vote,
)
from voting.roll.services import Step, take_step
from voting.roll.tables import Table, open_table

pytestmark = pytest.mark.django_db
FULL, DELTA = RollImport.Kind.FULL, RollImport.Kind.DELTA
State = RollImport.State
Person = Mapping[str, str]
COLUMNS = [field.attname for field in RollRecord._meta.local_fields]


class Interrupted(Exception):
    """Something stops the work."""


@pytest.fixture
def election(town: Town) -> Election:
    return files.election_without_roll(town)


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "roll.csv"


def begun(election: Election, path: Path, town: Town, kind: RollImport.Kind = FULL) -> RollImport:
    return begin_import(election, path, kind=kind, file_name="名簿.csv", by=town.clerk)


def checked(
    election: Election, path: Path, town: Town, people: Iterable[Person], kind: RollImport.Kind = FULL
) -> RollImport:
    return check_import(begun(election, files.write(path, people), town, kind), path)


def take_over(roll_import: RollImport, town: Town) -> RollImport:
    approve(ask_to_take_over(roll_import, by=town.clerk), by=town.second_clerk)
    roll_import.refresh_from_db()
    return roll_import


def imported(
    election: Election, path: Path, town: Town, people: Iterable[Person], kind: RollImport.Kind = FULL
) -> RollImport:
    return take_over(checked(election, path, town, people, kind), town)


def on_roll(election: Election) -> list[tuple[Any, ...]]:
    """Everything that the roll says about everybody."""
    return list(Elector.objects.filter(election=election).order_by("roll", "number").values_list(*COLUMNS))


def staged() -> list[tuple[Any, ...]]:
    return list(StagedElector.objects.order_by("line").values_list("line", *COLUMNS))


def faults(roll_import: RollImport) -> list[tuple[int, str, str]]:
    return list(roll_import.faults.values_list("line", "column", "code"))


def elector(election: Election, number: int) -> Elector:
    return Elector.objects.get(election=election, number=f"{number:010}")


def commit(election: Election) -> None:
    """A leaf for everybody, and an official has asked to commit to them."""
    RollLeaf.objects.bulk_create(
        RollLeaf(election=election, elector=row, index=index, salt=bytes(32), row="", leaf=bytes(32))
        for index, row in enumerate(Elector.objects.filter(election=election))
    )
    clerk = Official.objects.get(username="clerk")
    propose(Act.COMMIT_ROLL, office=election.office, target=election, summary="名簿", by=clerk)


# From the file to the roll


@pytest.mark.parametrize("encoding", files.ENCODINGS)
def test_every_character_survives(encoding: str, election: Election, tmp_path: Path, town: Town) -> None:
    """Requirement 3: 髙﨑𠮷邉 and variation selectors are on the roll as they are in the file, in each format."""
    people = [
        files.row(1, 氏名="髙﨑　𠮷邉", 住所="架空市﨑町１－２", **{"旧氏・通称": "葛\U000e0100城　渡邊\U000e0102"}),
        *files.rows(30, start=2),
    ]
    path = files.write(tmp_path / f"roll.{encoding}", people[1:] if encoding == "cp932" else people, encoding)
    done = take_over(check_import(begun(election, path, town), path), town)
    assert (done.state, done.encoding, done.fault_count) == (State.TAKEN_OVER, encoding, 0)
    expected = {
        person["宛名番号"]: tuple(
            files.in_encoding(person[name], encoding).encode() for name in ("氏名", "旧氏・通称", "住所", "方書")
        )
        for person in people[encoding == "cp932" :]
    }
    found = Elector.objects.filter(election=election).values_list("number", "name", "other_name", "address", "building")
    assert {number: tuple(text.encode() for text in texts) for number, *texts in found} == expected
    assert any("髙" in row.name for row in Elector.objects.filter(election=election))


def test_a_row_is_taken_over_with_all_that_it_says(election: Election, path: Path, town: Town) -> None:
    person = files.row(
        7, 氏名="髙橋　一郎", フリガナ="タカハシ　イチロウ", 性別="男", 生年月日="昭和20年3月不詳", 表示区分="転出",
        異動日="R2.1.5", 県内転出="1", 市="0", 点字希望="1", 代理投票希望="1", 郵便番号="999-0001", 方書="荘",
    )  # fmt: skip
    imported(election, path, town, [person])
    row = Elector.objects.get(election=election)
    assert (row.number, row.list_number, row.roll, row.sex) == ("0000000007", person["名簿番号"], "resident", "M")
    assert (row.birth_year, row.birth_month, row.birth_day) == (1945, 3, None)
    assert (row.mark, row.marked_on, row.kept_in_prefecture) == (Mark.MOVED, date(2020, 1, 5), True)
    assert (row.national, row.prefectural, row.municipal, row.braille, row.proxy) == (True, True, False, True, True)
    assert (row.postcode, row.building, row.district.code) == ("9990001", "荘", person["投票区"])
    assert (row.folded_name, row.folded_kana, len(row.person)) == ("高橋一郎", "タカハシイチロウ", 16)
    assert (row.vote, row.vote_at, row.paper_way) == (Vote.NONE, None, "")


def test_every_column_of_a_row_is_staged() -> None:
    """A column that is new in RollRecord must not stay empty."""
    assert sorted(staging.STAGED_COLUMNS) == sorted(
        field.column for field in StagedElector._meta.concrete_fields if not field.primary_key
    )


def test_a_key_longer_than_its_column_is_cut(election: Election, path: Path, town: Town) -> None:
    """NFC takes this Hebrew letter apart into three: PostgreSQL would refuse the row, after the check."""
    imported(election, path, town, [files.row(1, 氏名="\ufb2c" * 100)])
    row = Elector.objects.get(election=election)
    limit = Elector._meta.get_field("folded_name").max_length
    assert limit is not None and len(row.folded_name) <= limit and len(row.name) == 100


def test_only_the_second_official_commits(election: Election, path: Path, town: Town) -> None:
    """Requirement 3: the roll is as before until somebody else than who asked approves the preview's counts."""
    ready = checked(election, path, town, files.rows(5))
    proposal = ask_to_take_over(ready, by=town.clerk)
    assert proposal.payload == {
        "sha256": bytes(ready.digest).hex(), "rows": 5, "new": 5, "changed": 0, "missing": 0
    }  # fmt: skip
    assert not on_roll(election)
    for nobody in (town.clerk, town.auditor, town.poll_manager, kakuu.neighbour()[2]):
        with pytest.raises(NotPermitted):
            approve(proposal, by=nobody)
    with pytest.raises(AlreadyProposed):
        ask_to_take_over(ready, by=town.chair)
    assert not on_roll(election)
    approve(proposal, by=town.second_clerk)
    assert len(on_roll(election)) == 5
    ready.refresh_from_db()
    assert ready.state == State.TAKEN_OVER and ready.taken_over_at is not None
    assert not staged()


def test_what_is_declined_changes_nothing(election: Election, path: Path, town: Town) -> None:
    ready = checked(election, path, town, files.rows(5))
    decline(ask_to_take_over(ready, by=town.clerk), by=town.chair, remark="違うファイル")
    assert not on_roll(election)
    discard(ready, by=town.clerk)


def test_the_acts_are_on_the_access_log(election: Election, path: Path, town: Town) -> None:
    done = imported(election, path, town, files.rows(3))
    entries = AccessEntry.objects.values_list("official", "act", "everyone")
    assert list(entries) == [
        ("clerk", "prepare-import", ""),
        ("clerk", "import-roll", ""),
        ("second-clerk", "import-roll", election.slug),
        ("second-clerk", "import-roll", ""),
    ]
    assert bytes(done.digest).hex() in AccessEntry.objects.order_by("index")[0].purpose
    check_log()


# Who may begin, and when


def test_only_the_boards_own_officials_upload(election: Election, path: Path, town: Town) -> None:
    files.write(path, files.rows(1))
    _board, neighbours_clerk, _chair = kakuu.neighbour()
    for nobody in (town.auditor, town.poll_manager, town.system_admin, neighbours_clerk):
        with pytest.raises(NotPermitted):
            begin_import(election, path, kind=FULL, file_name="a.csv", by=nobody)
    assert not RollImport.objects.exists()


@pytest.mark.parametrize("missing", ["office", "election_day", "districts"])
def test_an_election_must_be_defined_so_far(missing: str, election: Election, path: Path, town: Town) -> None:
    files.write(path, files.rows(1))
    if missing == "districts":
        District.objects.filter(election=election).delete()
    else:
        setattr(election, missing, None)
        election.save()
    with pytest.raises(RollNotReady):
        begun(election, path, town)


def test_one_file_at_a_time(election: Election, path: Path, town: Town) -> None:
    """While one is checked or waits for approval; what is faulty, discarded or taken over is in nobody's way."""
    first = begun(election, files.write(path, files.rows(2)), town)
    with pytest.raises(RollNotReady):
        begun(election, path, town)
    check_import(first, path)
    with pytest.raises(RollNotReady):
        begun(election, path, town, DELTA)
    discard(first, by=town.clerk)
    assert checked(election, path, town, [files.row(1, 氏名="")]).state == State.FAULTY
    imported(election, path, town, files.rows(2))
    imported(election, path, town, files.rows(2))


def test_a_whole_roll_comes_only_before_anything_rests_on_the_roll(election: Election, path: Path, town: Town) -> None:
    imported(election, path, town, files.rows(3))
    take_step(elector(election, 1).pk, Step.ISSUE)
    with pytest.raises(RollNotReady):
        begun(election, path, town)
    take_step(elector(election, 1).pk, Step.GIVE_BACK)
    commit(election)
    with pytest.raises(RollNotReady):
        begun(election, path, town)
    assert begun(election, path, town, DELTA).state == State.CHECKING


@pytest.mark.parametrize("what", ["commitment", "vote"])
def test_it_is_asked_again_at_the_approval(what: str, election: Election, path: Path, town: Town) -> None:
    imported(election, path, town, files.rows(3))
    proposal = ask_to_take_over(checked(election, path, town, files.rows(4)), by=town.clerk)
    if what == "commitment":
        commit(election)
    else:
        take_step(elector(election, 1).pk, Step.PAPER, paper_way=PaperWay.EARLY)
    with pytest.raises(RollNotReady):
        approve(proposal, by=town.second_clerk)
    assert len(on_roll(election)) == 3


# Faults


def test_every_fault_is_named_with_row_and_column(election: Election, path: Path, town: Town) -> None:
    """Requirement 3: a row and column error report; and not one row of a faulty file is kept."""
    people = [
        files.row(1), files.row(2, 氏名="", 投票区="99"), files.row(3), files.row(4, 生年月日="昭和64年1月8日"),
    ]  # fmt: skip
    faulty = checked(election, path, town, people)
    assert faulty.state == State.FAULTY
    assert (faulty.fault_count, faulty.rows_total, faulty.preview) == (3, 4, {})
    assert faults(faulty) == [(3, "氏名", "empty"), (3, "投票区", "district"), (5, "生年月日", "date")]
    assert list(faulty.faults.values_list("excerpt", flat=True)) == ["", "99", "昭和64年1月8日"]
    assert not staged() and not on_roll(election)
    with pytest.raises(RollNotReady):
        ask_to_take_over(faulty, by=town.clerk)


def test_a_thousand_faults_are_kept_and_all_are_counted(
    election: Election, path: Path, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "BATCH", 300)
    monkeypatch.setattr(imports, "KEPT_FAULTS", 1000)
    faulty = checked(election, path, town, (files.row(number, 氏名="") for number in range(1, 1601)))
    assert (faulty.fault_count, faulty.rows_read) == (1600, 1600)
    assert list(faulty.faults.values_list("line", flat=True)) == list(range(2, 1002))


def test_a_number_that_comes_twice_names_both_lines(election: Election, path: Path, town: Town) -> None:
    """Requirement 5: on one roll a number is one person; on the other roll it may be somebody else's."""
    overseas = {"名簿種別": "在外選挙人名簿"}
    people = [files.row(1), files.row(2), files.row(1), files.row(1, 名簿種別="選挙人名簿"), files.row(1, **overseas)]
    faulty = checked(election, path, town, people)
    assert faults(faulty) == [(4, "宛名番号", "repeated-number"), (5, "宛名番号", "repeated-number")]
    assert all("in line 2 " in fault.message for fault in faulty.faults.all())
    assert checked(election, path, town, [files.row(1), files.row(1, **overseas)]).state == State.CHECKED


def test_a_file_twice_in_one_is_counted_without_being_loaded(election: Election, path: Path, town: Town) -> None:
    faulty = checked(election, path, town, [*files.rows(1200), *files.rows(1200)])
    assert (faulty.fault_count, faulty.faults.count()) == (1200, imports.KEPT_FAULTS)
    assert not staged()


def test_a_file_without_rows_is_faulty(election: Election, path: Path, town: Town) -> None:
    """It would otherwise delete the whole roll."""
    imported(election, path, town, files.rows(3))
    assert faults(checked(election, path, town, [])) == [(1, "", "no-rows")]


def test_an_unreadable_file_is_a_fault_of_its_own(election: Election, path: Path, town: Town) -> None:
    files.write(path, files.rows(9))
    with path.open("a") as file:
        file.write('"')
    faulty = check_import(begun(election, path, town), path)
    assert (faulty.state, faults(faulty)) == (State.FAULTY, [(11, "1", "open-quote")])
    assert not staged()


def test_a_wrong_header_is_named_by_column(election: Election, path: Path, town: Town) -> None:
    header = [name for name in files.HEADER if name != "投票区"]
    files.write(path, files.rows(2), header=header)
    assert faults(check_import(begun(election, path, town), path)) == [(1, "投票区", "header-missing")]


def test_changes_need_every_column(election: Election, path: Path, town: Town) -> None:
    """Requirement 4: a file without the column of marks would make the dead eligible again."""
    imported(election, path, town, [files.row(1, 表示区分="死亡", 異動日="2026-01-02")])
    header = [name for name in files.HEADER if name not in ("表示区分", "異動日")]
    files.write(path, [files.row(1)], header=header)
    faulty = check_import(begun(election, path, town, DELTA), path)
    assert faults(faulty) == [(1, "表示区分", "header-missing"), (1, "異動日", "header-missing")]
    assert elector(election, 1).mark == Mark.DEAD


def test_nobody_is_added_after_the_commitment(election: Election, path: Path, town: Town) -> None:
    imported(election, path, town, files.rows(3))
    commit(election)
    faulty = checked(election, path, town, [files.row(2, 住所="架空市新町１"), files.row(8), files.row(9)], DELTA)
    assert faults(faulty) == [(3, "宛名番号", "not-on-roll"), (4, "宛名番号", "not-on-roll")]
    imported(election, path, town, [files.row(2, 住所="架空市新町１")], DELTA)
    assert elector(election, 2).address == "架空市新町１"


def test_nobody_is_added_when_the_commitment_came_after_the_check(election: Election, path: Path, town: Town) -> None:
    imported(election, path, town, files.rows(3))
    proposal = ask_to_take_over(checked(election, path, town, files.rows(1, start=9), DELTA), by=town.clerk)
    commit(election)
    with pytest.raises(RollNotReady):
        approve(proposal, by=town.second_clerk)
    assert len(on_roll(election)) == 3


# Interruptions


@pytest.mark.parametrize("encoding", ["utf-8", "xlsx"])
def test_an_interrupted_check_goes_on_and_comes_to_the_same(
    encoding: str, election: Election, path: Path, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requirement 3: after each batch the check is stopped; in the end everything is as without."""
    monkeypatch.setattr(imports, "BATCH", 7)
    files.write(path, files.rows(40), encoding)
    whole = check_import(begun(election, path, town), path)
    expected, preview = staged(), whole.preview
    discard(whole, by=town.clerk)

    seen: list[int] = []

    def stop(done: int, total: int | None) -> None:
        seen.append(done)
        raise Interrupted

    again = begun(election, path, town)
    for _batch in range(6):
        with pytest.raises(Interrupted):
            check_import(again, path, stop)
        assert not on_roll(election)
    assert seen == [7, 14, 21, 28, 35, 40]
    done = check_import(again, path)
    assert (done.state, done.rows_total, done.preview) == (State.CHECKED, 40, preview)
    assert staged() == expected


def test_a_batch_is_kept_whole_or_not_at_all(
    election: Election, path: Path, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the rows of a batch and the end of its transaction: it is read again, and nothing is twice."""
    monkeypatch.setattr(imports, "BATCH", 7)
    files.write(path, [*files.rows(8), files.row(9, 氏名=""), *files.rows(6, start=10)])
    cut = begun(election, path, town)

    def kill(*args: Any) -> None:
        raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(imports, "_add_faults", kill)
        with pytest.raises(Interrupted):
            check_import(cut, path)
    cut.refresh_from_db()
    assert (cut.rows_read, staged()) == (0, [])
    done = check_import(cut, path)
    assert (done.state, done.rows_read, faults(done)) == (State.FAULTY, 15, [(10, "氏名", "empty")])


def test_a_check_goes_on_only_with_the_same_file(election: Election, path: Path, town: Town) -> None:
    first = begun(election, files.write(path, files.rows(5)), town)
    assert unfinished_import(election, path, FULL) == first
    assert unfinished_import(election, path, DELTA) is None
    files.write(path, [*files.rows(4), files.row(5, 表示区分="死亡", 異動日="2026-01-02")])
    assert unfinished_import(election, path, FULL) is None
    with pytest.raises(FileDiffers):
        check_import(first, path)
    assert not staged()


def test_two_checks_of_one_import_do_not_mix(
    election: Election, path: Path, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second does everything while the first pauses; the first then has nothing to add."""
    monkeypatch.setattr(imports, "BATCH", 7)
    one = begun(election, files.write(path, files.rows(20)), town)
    calls = iter([lambda: check_import(one, path)])
    with pytest.raises(RollNotReady):
        check_import(one, path, lambda done, total: [call() for call in calls] and None)
    assert len(staged()) == 20
    with pytest.raises(RollNotReady):
        check_import(one, path)


def test_what_is_discarded_is_not_checked_further(
    election: Election, path: Path, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "BATCH", 7)
    one = begun(election, files.write(path, files.rows(20)), town)
    with pytest.raises(RollNotReady):
        check_import(one, path, lambda done, total: discard(one, by=town.clerk) and None)
    assert not staged()


def test_a_take_over_is_whole_or_not_at_all(
    election: Election, path: Path, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at the very end of the approval, everything is as before it, and it can be approved again."""
    imported(election, path, town, files.rows(5))
    before = on_roll(election)
    ready = checked(election, path, town, [files.row(1, 住所="架空市新町１"), *files.rows(4, start=3)])
    proposal, waiting = ask_to_take_over(ready, by=town.clerk), staged()

    def kill(*args: Any, **named: Any) -> None:
        assert on_roll(election) != before
        raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(imports, "log", kill)
        with pytest.raises(Interrupted):
            approve(proposal, by=town.second_clerk)
    ready.refresh_from_db()
    proposal.refresh_from_db()
    assert (ready.state, proposal.decision) == (State.CHECKED, Proposal.Decision.PENDING)
    assert (on_roll(election), staged()) == (before, waiting)
    approve(proposal, by=town.second_clerk)
    assert [row[0] for row in on_roll(election)] == [f"{number:010}" for number in (1, 3, 4, 5, 6)]


def test_a_roll_that_changed_since_the_check_is_not_overwritten(election: Election, path: Path, town: Town) -> None:
    """What is done must be the numbers that were approved."""
    imported(election, path, town, files.rows(5))
    proposal = ask_to_take_over(checked(election, path, town, [files.row(1)], DELTA), by=town.clerk)
    Elector.objects.filter(pk=elector(election, 1).pk).update(address="架空市")
    with pytest.raises(RollNotReady):
        approve(proposal, by=town.second_clerk)
    assert elector(election, 1).address == "架空市"


def test_nothing_is_taken_over_twice(election: Election, path: Path, town: Town) -> None:
    done = imported(election, path, town, files.rows(3))
    with pytest.raises(RollNotReady):
        ask_to_take_over(done, by=town.clerk)
    with pytest.raises(RollNotReady):
        discard(done, by=town.clerk)


# Discarding


def test_what_is_discarded_leaves_nothing_of_anybody(election: Election, path: Path, town: Town) -> None:
    ready = checked(election, path, town, [files.row(1), files.row(2, 氏名=files.row(1)["氏名"])])
    with pytest.raises(NotPermitted):
        discard(ready, by=town.auditor)
    given_up = discard(ready, by=town.second_clerk)
    assert (given_up.state, given_up.preview, staged()) == (State.DISCARDED, {}, [])
    with pytest.raises(RollNotReady):
        discard(ready, by=town.clerk)
    faulty = checked(election, path, town, [files.row(1, 氏名="")])
    discard(faulty, by=town.clerk)
    assert not RollFault.objects.exists()


def test_what_is_discarded_cannot_be_approved(election: Election, path: Path, town: Town) -> None:
    ready = checked(election, path, town, files.rows(3))
    proposal = ask_to_take_over(ready, by=town.clerk)
    discard(ready, by=town.clerk)
    with pytest.raises(RollNotReady):
        approve(proposal, by=town.second_clerk)
    assert not on_roll(election)


# The preview


def test_the_preview_counts_what_a_whole_roll_changes(election: Election, path: Path, town: Town) -> None:
    """Requirement 3: what the second official approves is what happens."""
    imported(election, path, town, files.rows(10))
    # 1 and 2 are gone, 3 moved house, 4 lost the building (to an empty cell), 11 to 13 are new.
    people = [files.row(3, 住所="架空市新町１"), files.row(4, 方書="新荘"), *files.rows(9, start=5)]
    ready = checked(election, path, town, people)
    shown = ready.preview
    assert {key: shown[key] for key in ("rows", "new", "changed", "unchanged", "deleted", "struck")} == {
        "rows": 11, "new": 3, "changed": 2, "unchanged": 6, "deleted": 2, "struck": 0,
    }  # fmt: skip
    assert shown["districts"] == {"1": 5, "2": 6} and shown["rolls"] == {"resident": 11} and shown["marks"] == {"": 11}
    keys = dict(Elector.objects.filter(election=election).values_list("number", "pk"))
    take_over(ready, town)
    after = dict(Elector.objects.filter(election=election).values_list("number", "pk"))
    assert sorted(after) == [f"{number:010}" for number in range(3, 14)]
    assert {number: after[number] for number in keys.keys() & after.keys()} == {
        number: keys[number] for number in keys.keys() & after.keys()
    }


def test_an_unknown_part_of_a_date_is_a_change(election: Election, path: Path, town: Town) -> None:
    """Empty and given values compare as different, two empty ones as equal."""
    imported(election, path, town, [files.row(1, 生年月日="1950-05-06"), files.row(2, 生年月日="1950-05-00")])
    people = [files.row(1, 生年月日="1950-05-00"), files.row(2, 生年月日="1950-05-00")]
    ready = checked(election, path, town, people)
    assert (ready.preview["changed"], ready.preview["unchanged"]) == (1, 1)
    take_over(ready, town)
    assert elector(election, 1).birth_day is None


def test_whoever_something_refers_to_is_struck_off_and_stays(election: Election, path: Path, town: Town) -> None:
    """Requirement 4: an application of somebody who left the roll is kept, and can never be issued a ballot."""
    imported(election, path, town, files.rows(6))
    clerks = Proposal.objects.first()
    Distinction.objects.create(first=elector(election, 1), second=elector(election, 2), proposal=clerks)
    ready = checked(election, path, town, files.rows(3, start=4))
    assert (ready.preview["deleted"], ready.preview["struck"]) == (1, 2)
    take_over(ready, town)
    marks = dict(Elector.objects.filter(election=election).values_list("number", "mark"))
    assert marks == {f"{number:010}": "struck" if number < 3 else "" for number in (1, 2, 4, 5, 6)}
    assert elector(election, 1).marked_on == timezone.localdate()
    with pytest.raises(NotEligible):
        style_for(elector(election, 1))
    assert checked(election, path, town, files.rows(3, start=4)).preview["struck"] == 0


def test_applications_keep_their_row(town: Town, path: Path) -> None:
    world = kakuu.world(town)
    asked = kakuu.submit(world)
    imported(world.election, path, town, files.rows(3))
    asked.refresh_from_db()
    assert asked.elector is not None and asked.elector.mark == Mark.STRUCK
    assert Elector.objects.filter(election=world.election).count() == 4


def test_another_elections_roll_is_not_touched(election: Election, path: Path, town: Town) -> None:
    """The same numbers are on every roll of the town."""
    imported(election, path, town, files.rows(4))
    other = kakuu.world(town, slug="other").election
    Elector.objects.filter(election=other).delete()
    before = on_roll(election)
    imported(other, path, town, [files.row(1, 住所="架空市新町１"), files.row(9)])
    assert on_roll(election) == before
    assert len(on_roll(other)) == 2
    assert {row.district.election_id for row in Elector.objects.filter(election=other)} == {other.pk}


def test_wishes_marks_and_ages_are_counted(election: Election, path: Path, town: Town) -> None:
    """Who turns 18 on election day itself does so on the day before the birthday."""
    day = election.election_day
    assert day is not None
    people = [
        files.row(1, 点字希望="1"),
        files.row(2, 代理投票希望="1", 表示区分="死亡", 異動日="2026-01-02"),
        files.row(3, 名簿種別="在外選挙人名簿", 県="0", 市="0"),
        files.row(4, 生年月日=day.replace(year=day.year - 18, day=day.day + 1).isoformat()),
        files.row(5, 生年月日=day.replace(year=day.year - 18, day=day.day + 2).isoformat()),
    ]
    shown = checked(election, path, town, people).preview
    assert (shown["braille"], shown["proxy"], shown["turning_18"]) == (1, 1, 1)
    assert shown["marks"] == {"": 4, "dead": 1} and shown["rolls"] == {"overseas": 1, "resident": 4}


def test_marks_that_go_are_counted(election: Election, path: Path, town: Town) -> None:
    people = [files.row(number, 表示区分="公民権停止", 異動日="2026-01-02") for number in (1, 2, 3)]
    imported(election, path, town, [*people, files.row(4)])
    assert checked(election, path, town, [files.row(1), people[1], files.row(4)], DELTA).preview["unmarked"] == 1


def test_franchises_without_a_ballot_are_named(election: Election, path: Path, town: Town) -> None:
    """Whoever is struck off needs no ballot."""
    Style.objects.filter(election=election, unit__name="第1開票区", identifier="s3").delete()
    people = [
        files.row(2, 県="0", 市="0"), files.row(4, 表示区分="転出", 異動日="2026-01-02"), files.row(6),
        files.row(8, 表示区分="抹消", 異動日="2026-01-02"), files.row(1, 県="0", 市="0"),
    ]  # fmt: skip
    assert checked(election, path, town, people).preview["without_ballot"] == [
        {"unit": "第1開票区", "franchise": ["national"], "rows": 2}
    ]


# One person twice


def test_doubles_are_flagged(election: Election, path: Path, town: Town) -> None:
    """Requirement 5: who looks the same within a file, on either roll, with whatever variant of the name."""
    same = {"フリガナ": "サイトウ　ミノル", "性別": "男", "生年月日": "1960-06-06"}
    people = [
        files.row(1, 氏名="齋藤　実", **same),
        files.row(2),
        files.row(3, 氏名="斎藤實", **same),
        files.row(4, 氏名="斉藤　実", 名簿種別="在外選挙人名簿", 県="0", 市="0", **same),
        files.row(5, 氏名="齋藤　実", **{**same, "生年月日": "1960-06-07"}),
    ]
    numbers = [person["名簿番号"] for person in people]
    ready = checked(election, path, town, people)
    assert ready.preview["doubles"] == {"count": 2, "pairs": [[numbers[0], numbers[2]], [numbers[0], numbers[3]]]}
    take_over(ready, town)
    take_step(elector(election, 1).pk, Step.ISSUE)
    for other in (3, 4):
        with pytest.raises(SamePerson):
            take_step(elector(election, other).pk, Step.ISSUE)


def test_changes_are_compared_with_the_rest_of_the_roll(election: Election, path: Path, town: Town) -> None:
    """Requirement 5: the overseas roll that comes after the electoral roll."""
    imported(election, path, town, files.rows(5))
    same = {name: files.row(3)[name] for name in ("氏名", "フリガナ", "性別", "生年月日")}
    abroad = files.row(900, 名簿種別="在外選挙人名簿", 県="0", 市="0", **same)
    shown = checked(election, path, town, [abroad, files.row(4)], DELTA).preview
    assert shown["doubles"] == {"count": 1, "pairs": [[files.row(3)["名簿番号"], abroad["名簿番号"]]]}


def test_a_hundred_doubles_are_listed_and_all_counted(election: Election, path: Path, town: Town) -> None:
    """Many who look the same are as many doubles, not their square."""
    same = {name: files.row(3)[name] for name in ("氏名", "フリガナ", "性別", "生年月日")}
    shown = checked(election, path, town, (files.row(number, **same) for number in range(1, 202))).preview
    assert shown["doubles"]["count"] == 200 and len(shown["doubles"]["pairs"]) == 100


# Changes


@pytest.mark.parametrize("mark", ["死亡", "公民権停止", "失権", "抹消"])
def test_marks_take_effect_at_once(mark: str, election: Election, path: Path, town: Town) -> None:
    """Requirement 4: after the commitment too, and the committed row stays as it was."""
    imported(election, path, town, files.rows(3))
    commit(election)
    assert style_for(elector(election, 2)).unit == elector(election, 2).district.unit
    imported(election, path, town, [files.row(2, 表示区分=mark, 異動日="2026-01-02")], DELTA)
    with pytest.raises(NotEligible):
        style_for(elector(election, 2))
    assert style_for(elector(election, 1)) and style_for(elector(election, 3))


def test_who_moved_away_has_fewer_contests(election: Election, path: Path, town: Town) -> None:
    """Requirement 4: never a ballot for the contest that was lost."""
    imported(election, path, town, files.rows(3))
    moved = {"表示区分": "転出", "異動日": "2026-01-02"}
    imported(election, path, town, [files.row(1, **moved), files.row(2, **moved, 県内転出="1")], DELTA)
    scopes = [
        sorted(place.contest.scope for place in style_for(elector(election, number)).places.all())
        for number in (1, 2, 3)
    ]
    assert scopes == [["national"], ["national", "prefectural"], ["municipal", "national", "prefectural"]]


def test_votes_are_never_touched(election: Election, path: Path, town: Town) -> None:
    """A file of changes changes what it has, and nothing about anybody's vote."""
    imported(election, path, town, files.rows(4))
    take_step(elector(election, 1).pk, Step.ISSUE)
    take_step(elector(election, 2).pk, Step.PAPER, paper_way=PaperWay.EARLY)
    votes = list(Elector.objects.order_by("number").values_list("pk", "vote", "vote_at", "paper_way"))
    others = on_roll(election)[2:]
    imported(election, path, town, [files.row(number, 住所="架空市新町１") for number in (1, 2)], DELTA)
    assert list(Elector.objects.order_by("number").values_list("pk", "vote", "vote_at", "paper_way")) == votes
    assert {elector(election, number).address for number in (1, 2)} == {"架空市新町１"}
    assert on_roll(election)[2:] == others


# The command


def run(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("import_roll", "kakuu", *arguments, stdout=out)
    except SystemExit as end:
        assert isinstance(end.code, int)
        return end.code, out.getvalue()
    return 0, out.getvalue()


def test_the_command_checks_and_says_what_is_next(election: Election, path: Path, town: Town) -> None:
    files.write(path, files.rows(12))
    code, said = run(str(path), "--by", "clerk")
    assert code == 0
    assert "rows in the file" in said and "12" in said and "another one approves" in said
    ready = RollImport.objects.get()
    assert (ready.state, ready.kind, ready.uploaded_by) == (State.CHECKED, FULL, town.clerk)
    assert not on_roll(election)
    take_over(ready, town)
    assert run(str(path), "--delta", "--by", "clerk")[0] == 0
    assert RollImport.objects.first().kind == DELTA  # type: ignore[union-attr]


def test_the_command_shows_and_writes_the_faults(election: Election, path: Path, tmp_path: Path, town: Town) -> None:
    """A cell that a spreadsheet would take for a formula is written as text."""
    files.write(path, [files.row(1, 氏名=""), files.row(2, フリガナ="=1+1"), *files.rows(3, start=3)])
    report = tmp_path / "faults.csv"
    code, said = run(str(path), "--by", "clerk", "--faults", str(report))
    assert code == 1
    assert "2 faults in 5 rows" in said and "Nothing was imported" in said
    with report.open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.reader(file))
    assert [line[:3] for line in lines[1:]] == [["2", "氏名", "empty"], ["3", "フリガナ", "kana"]]
    assert lines[2][4] == "'=1+1"
    assert RollImport.objects.get().state == State.FAULTY


def test_the_command_goes_on_after_an_interruption(
    election: Election, path: Path, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "BATCH", 5)
    files.write(path, files.rows(20))

    def interrupted(table: Table) -> Iterator[Any]:
        for line, cells in table:
            if line == 14:
                raise KeyboardInterrupt
            yield line, cells

    def open_and_interrupt(path: Path) -> Any:
        return _Wrapped(open_table(path), interrupted)

    with monkeypatch.context() as patch:
        patch.setattr(imports, "open_table", open_and_interrupt)
        code, said = run(str(path), "--by", "clerk")
    assert code == 130
    assert "after 10 rows" in said and "goes on from there" in said
    with pytest.raises(CommandError, match="not-permitted"):
        run(str(path), "--by", "auditor")
    assert run(str(path), "--by", "chair")[0] == 0
    ready = RollImport.objects.get()
    assert (ready.state, ready.uploaded_by, len(staged())) == (State.CHECKED, town.clerk, 20)


class _Wrapped:
    """A table whose rows pass through a function."""

    def __init__(self, opening: Any, through: Any) -> None:
        self._opening, self._through = opening, through

    def __enter__(self) -> Table:
        table = self._opening.__enter__()
        return Table(table.encoding, table.header, table.lines, self._through(table))

    def __exit__(self, *error: Any) -> None:
        self._opening.__exit__(*error)


@pytest.mark.parametrize(
    ("by", "refusal"), [("nobody", "there is no official"), ("auditor", "not-permitted"), ("captain", "not-permitted")]
)
def test_the_command_is_for_officials_of_the_board(
    by: str, refusal: str, election: Election, path: Path, town: Town
) -> None:
    files.write(path, files.rows(1))
    with pytest.raises(CommandError, match=refusal):
        run(str(path), "--by", by)
    town.clerk.is_active = False
    town.clerk.save()
    with pytest.raises(CommandError, match="not-permitted"):
        run(str(path), "--by", "clerk")
    assert not RollImport.objects.exists()


def test_the_command_names_a_file_that_is_not_there(election: Election, tmp_path: Path, town: Town) -> None:
    with pytest.raises(CommandError, match="no.csv"):
        run(str(tmp_path / "no.csv"), "--by", "clerk")


# What rests on the roll


def test_leaves_that_nobody_agreed_on_bind_nobody(election: Election, path: Path, town: Town) -> None:
    """One clerk alone cannot freeze the roll by asking; while it is asked, or agreed on, the roll stays."""
    imported(election, path, town, files.rows(2))
    commit(election)
    with pytest.raises(RollNotReady, match="committed"):
        begun(election, path, town)
    decline(Proposal.objects.get(act="commit-roll"), by=town.chair, remark="別の名簿です")
    begun(election, path, town)
    assert not RollLeaf.objects.exists()


def test_the_preview_says_who_with_a_ballot_becomes_somebody_else(election: Election, path: Path, town: Town) -> None:
    """A number that is used again would put another person under an issued ballot."""
    imported(election, path, town, files.rows(2))
    take_step(elector(election, 1).pk, Step.ISSUE)
    others = [files.row(1, 氏名="別人　花子"), files.row(2, 氏名="別人　次郎")]
    assert checked(election, path, town, others, DELTA).preview["renamed"] == 1
