"""The conductor takes every step that needs nobody, once, however often and by how many it is begun."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from gmpy2 import mpz

from tally import mixer as mixers
from tally import stages
from tally.errors import OrderRefused, WorkFailed
from tally.submission import Submission
from tests.election import BITS, OPENS, signing_key
from tests.voting import boards
from tests.voting.boards import AFTERWARDS
from tests.voting.counting.frozen import MIXERS, PLACES, VOTES, frozen, published
from tests.voting.offices import Town
from tests.voting.postgres import Runner, both, race, says, transactional
from tests.voting.records.filled import closed_in_memory, prepared
from verifier.errors import Unreadable
from verifier.record.column import Column, read_column, write_column
from verifier.record.entries import Type, modulus_bytes, parse_entry
from verifier.record.manifest import Party
from verifier.replay.state import Stage
from verifier.workers import InProcess
from voting.access.models import AccessEntry
from voting.board.models import BoardEntry, Checkpoint, ColumnBlob
from voting.board.replica import forget_all
from voting.board.services import add_cosignature, append, publish_checkpoint
from voting.counting import conductor as conducting
from voting.counting import progress
from voting.counting.conductor import Conductor, Place, go_on
from voting.counting.hands import HereHands
from voting.credentials.models import Binding
from voting.elections.models import Election as ElectionRow
from voting.results.models import Verification

pytestmark = pytest.mark.django_db


def now() -> datetime:
    return AFTERWARDS


@pytest.fixture(autouse=True)
def own_folder(settings: Any, tmp_path: Any) -> None:
    """The lock and the archive lie in a folder of the test."""
    settings.VAR_DIR = tmp_path / "var"


@pytest.fixture
def row(db: None) -> ElectionRow:
    """The frozen board."""
    return board(Type.TALLY_FROZEN)


def board(last: Type | None, which: int = 0, slug: str = "kakuu") -> ElectionRow:
    """A board that ends with an entry of this type, of several with this one; None for an empty one."""
    made = boards.define(published(), slug)
    boards.store(made, published(), 0, 0 if last is None else boards.place(published(), last, which) + 1)
    return made


class Hands(HereHands):
    """Here are the first mixers, so many; what they are asked and told is written down."""

    def __init__(self, here: int = 1) -> None:
        super().__init__(MIXERS[:here])
        self.asked: list[Place] = []
        self.discarded: list[str] = []

    def mix(self, place: Place, name: str, mixer: Party, conductor: Conductor) -> Submission | None:
        self.asked.append(place)
        return super().mix(place, name, mixer, conductor)

    def discard(self, name: str) -> None:
        self.discarded.append(name)


Fault = Callable[[Submission, Conductor], Submission]


class Faulty(Hands):
    """The last mixer here does something else with its stage in one place, so often."""

    def __init__(self, at: Place, fault: Fault, times: int = 10) -> None:
        super().__init__(here=at[2])
        self.at, self.fault, self.times = at, fault, times

    def mix(self, place: Place, name: str, mixer: Party, conductor: Conductor) -> Submission | None:
        made = super().mix(place, name, mixer, conductor)
        if made is None or place != self.at or not self.times:
            return made
        self.times -= 1
        return self.fault(made, conductor)


def twice_the_first(made: Submission, conductor: Conductor) -> Submission:
    """A mixer that drops the last ballot of its list and puts in the first one twice, and signs it."""
    manifest, _key = conductor.state.require()
    width = 2 * modulus_bytes(manifest)
    columns, named = dict(made.columns), []
    for record in made.body["output"]:
        column = Column.from_record(record, width)
        cells = read_column(columns.pop(column.digest), column)
        forged, data = write_column([*cells[:-1], cells[0]], width)
        columns[forged.digest] = data
        named.append(forged.to_record())
    body = {**made.body, "output": named}
    return replace(made, body=body, columns=columns, signatures=()).signed_by(MIXERS[made.body["stage"] - 1])


def refusal(made: Submission, conductor: Conductor) -> Submission:
    """A mixer that finds its order wrong."""
    raise OrderRefused("stage 2 of council: the list has another digest")


def steps(row: ElectionRow) -> list[str]:
    """What is on the board after the freeze."""
    entries = [parse_entry(raw) for raw in boards.stored(row)[len(frozen().entries) :]]
    mixed = "mix {contest} {group} {stage}"
    return [mixed.format(**entry.body) if entry.type is Type.MIX_STAGE else entry.type.value for entry in entries]


def mixed_by(here: int) -> list[str]:
    """What is on the board when the first mixers, so many, have mixed everything."""
    return sorted("mix {} {} {}".format(*place) for place in PLACES if place[2] <= here)


ALL = mixed_by(3)


def put(row: ElectionRow, made: Submission) -> None:
    """Somebody brings an entry as a file."""
    append(
        row,
        entry_type=made.type,
        body=made.body,
        signatures=made.signatures,
        columns=made.columns,
        time=AFTERWARDS,
    )


def root(row: ElectionRow, trustee: int) -> None:
    """A trustee's part."""
    share = frozen().dealt.shares[trustee - 1]
    body, columns = stages.partial_roots_body(conductor(row).state, trustee, share)
    put(row, Submission(Type.PARTIAL_ROOTS, body, (), columns).signed_by(signing_key(f"trustee {trustee}")))


def publish(row: ElectionRow) -> None:
    """Two officials sign the result."""
    made = Submission(Type.RESULT, stages.result_body(conductor(row).state))
    put(row, made.signed_by(signing_key("official 1")).signed_by(signing_key("official 2")))


def conductor(row: ElectionRow, hands: HereHands | None = None) -> Conductor:
    return Conductor(row, hands or HereHands([]), now, None)


# From the freeze to the report


def test_from_the_freeze_to_the_report(row: ElectionRow) -> None:
    """It stops for the trustees and for the officials, and nothing is done twice, however often it is begun."""
    told: list[tuple[str, Place | None]] = []
    go_on(row, HereHands(MIXERS), now, lambda kind, place, done, total: told.append((kind, place)))
    assert sorted(steps(row)) == ALL
    assert {place for kind, place in told if kind == "mix"} == set(PLACES)
    assert {place for kind, place in told if kind == "check"} == set(PLACES)
    assert progress.going_on(row.pk) == [] and progress.problems(row.pk) == {}

    for trustees in ((), (2,)):
        for trustee in trustees:
            root(row, trustee)
        held = boards.stored(row)
        go_on(row, HereHands(MIXERS), now)
        assert boards.stored(row) == held

    root(row, 3)
    for _ in range(2):
        go_on(row, HereHands([]), now)
        assert steps(row)[6:] == ["partial-roots", "partial-roots", "opening"]
        assert not Checkpoint.objects.exists()

    publish(row)
    result = conductor(row).state.result
    assert result is not None
    mayor = {line["answer"]: line["count"] for line in result["contests"][0]["total"]["counts"]}
    assert mayor == dict(Tally(choices["mayor"] for _, choices in VOTES.values() if choices["mayor"] != "blank"))
    for _ in range(2):
        go_on(row, HereHands([]), now)
        forget_all()  # another process
        [head] = Checkpoint.objects.all()
        assert head.size == BoardEntry.objects.filter(election=row).count()
        assert not Verification.objects.exists()  # it would say that the witness is missing
    add_cosignature(row, boards.cosignature(head.text))
    for _ in range(2):
        go_on(row, HereHands([]), now)
        [report] = Verification.objects.all()
        assert report.valid and report.size == head.size and Checkpoint.objects.count() == 1
    assert progress.going_on(row.pk) == [] and progress.problems(row.pk) == {}


@pytest.mark.parametrize("last", [None, Type.MANIFEST, Type.POLLS_OPENED, Type.BALLOT_CAST, Type.POLLS_CLOSED])
def test_before_the_freeze_it_does_nothing(last: Type | None, monkeypatch: pytest.MonkeyPatch) -> None:
    row = board(last)
    for name in ("strip", "publish_checkpoint", "make_report", "note_tallied"):
        monkeypatch.setattr(conducting, name, lambda *_: pytest.fail("too early"))
    held, hands = boards.stored(row), Hands()
    go_on(row, hands, now)
    assert boards.stored(row) == held and hands.asked == [] and progress.problems(row.pk) == {}


def test_a_mixer_elsewhere_brings_its_stage_as_a_file(row: ElectionRow) -> None:
    """Until then nothing is wrong: the count waits, and goes on when it is begun again."""
    first, second, third = MIXERS
    for _ in range(2):
        go_on(row, HereHands([first, third]), now)
        assert sorted(steps(row)) == mixed_by(1)
        assert progress.problems(row.pk) == {}
    for place in conductor(row).state.pending_stages():
        put(row, mixers.mix(conductor(row).order(place), second, InProcess(), allowed_bits=(BITS,)))
    go_on(row, HereHands([first, third]), now)
    assert sorted(steps(row)) == ALL


def test_waiting_hands_are_asked_again(row: ElectionRow) -> None:
    """Mixers elsewhere are at it: the conductor looks again until the hands say that nobody is to be waited for."""

    class Slow(Hands):
        waited = 0

        def mix(self, place: Place, name: str, mixer: Party, conductor: Conductor) -> Submission | None:
            return super().mix(place, name, mixer, conductor) if self.waited >= 3 else None

        def wait(self) -> bool:
            self.waited += 1
            return self.waited <= 3

    slow = Slow()
    go_on(row, slow, now)
    assert slow.waited == 4 and sorted(steps(row)) == mixed_by(1)


def test_links_are_cut_before_anything_is_mixed(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever mixes, no ballot leads to an application any more. Once: a second run has nothing to cut."""
    office = prepared(closed_in_memory(), town)
    office.until_close()
    office.close()
    office.accept_all()
    office.withdraw()
    office.freeze()
    links = Binding.objects.filter(application__election=office.election)
    left: list[int] = []

    class Watching(HereHands):
        def mix(self, *_: Any) -> None:
            left.append(links.count())

    assert links.count() == 7
    for _ in range(2):
        go_on(office.election, Watching([]), now)
    assert left and set(left) == {0}
    assert AccessEntry.objects.filter(act="strip").count() == 1


def test_note_is_taken_of_the_result_before_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Applications are told apart from those that were not counted; a fault of the report is told, and tried again."""
    row = board(Type.RESULT)
    add_cosignature(row, boards.cosignature(publish_checkpoint(row, AFTERWARDS).text))
    seen: list[str] = []
    monkeypatch.setattr(conducting, "note_tallied", lambda election: seen.append("noted"))

    def broken(election: ElectionRow) -> None:
        seen.append("report")
        if len(seen) == 2:
            raise Unreadable("the archive ends too early")

    monkeypatch.setattr(conducting, "make_report", broken)
    go_on(row, HereHands([]), now)
    assert progress.problems(row.pk) == {"count": "The count stopped: the archive ends too early"}
    go_on(row, HereHands([]), now)
    assert progress.problems(row.pk) == {} and seen == ["noted", "report"] * 2
    assert Checkpoint.objects.count() == 1


# What stands in the way


@pytest.mark.parametrize("stage", [1, 2])
def test_a_cheating_mixer_is_named_and_its_stage_never_there(row: ElectionRow, stage: int) -> None:
    """The board refuses what the mixer signed. The other list is mixed to the end, and the run comes to an end."""
    at = ("council", 1, stage)
    hands = Faulty(at, twice_the_first)
    go_on(row, hands, now)
    assert sorted([*steps(row), f"mix council 1 {stage}"]) == mixed_by(stage)
    [(about, sentence)] = progress.problems(row.pk).items()
    assert about == f"mix council 1 {stage}"
    assert sentence.startswith(
        f"The stage of mixer {stage} (mixer {stage}) was refused: the product argument does not hold"
    )
    assert progress.going_on(row.pk) == []
    state = conductor(row).state
    assert at in state.pending_stages() and state.stage is Stage.FROZEN
    assert stages.name_of_stage(state, "council", 1) in hands.discarded
    assert set(ColumnBlob.objects.filter(election=row, entry__type=Type.MIX_STAGE).values_list("entry__index")) == {
        (entry.index,) for entry in BoardEntry.objects.filter(election=row, type=Type.MIX_STAGE)
    }

    go_on(row, Hands(here=stage), now)  # an honest program in its place
    assert sorted(steps(row)) == mixed_by(stage) and progress.problems(row.pk) == {}


def test_a_mixer_that_refuses_its_order_is_named(row: ElectionRow) -> None:
    hands = Faulty(("council", 0, 2), refusal)
    go_on(row, hands, now)
    assert sorted([*steps(row), "mix council 0 2"]) == mixed_by(2)
    assert progress.problems(row.pk) == {
        "mix council 0 2": "The stage of mixer 2 (mixer 2) was refused: stage 2 of council: the list has another digest"
    }
    assert progress.going_on(row.pk) == []
    assert stages.name_of_stage(conductor(row).state, "council", 0) in hands.discarded


def test_what_a_file_solved_is_solved(row: ElectionRow) -> None:
    """Also a mixer's silence: once its stage is there, however it came, nobody is called."""
    go_on(row, Faulty(("council", 0, 1), refusal), now)
    waiting = conductor(row)
    waiting.mixer_is_silent(("council", 0, 1), Party("mixer 1", bytes(32)))
    assert set(progress.problems(row.pk)) == {"mix council 0 1", "mixer 1"}
    go_on(row, HereHands([]), now)
    assert set(progress.problems(row.pk)) == {"mix council 0 1", "mixer 1"}
    put(row, mixers.mix(waiting.order(("council", 0, 1)), MIXERS[0], InProcess(), allowed_bits=(BITS,)))
    go_on(row, HereHands([]), now)
    assert progress.problems(row.pk) == {}


def test_a_stage_that_came_by_file_meanwhile_is_no_fault(row: ElectionRow) -> None:
    """Two programs mixed the same list; the board has the first, and nobody is told of anything."""

    def overtaken(made: Submission, working: Conductor) -> Submission:
        put(row, mixers.mix(working.order(("council", 0, 1)), MIXERS[0], InProcess(), allowed_bits=(BITS,)))
        return made

    hands = Faulty(("council", 0, 1), overtaken, times=1)
    go_on(row, hands, now)
    assert sorted(steps(row)) == mixed_by(1) and progress.problems(row.pk) == {} and len(hands.discarded) == 2


def test_a_clock_that_is_behind_stops_the_count_and_loses_nothing(row: ElectionRow) -> None:
    """What stands in the way of every entry is not the mixer's fault: its stage, hours of work, is kept."""
    hands = Hands()
    go_on(row, hands, lambda: OPENS)
    assert steps(row) == [] and hands.asked == [("council", 0, 1)] and hands.discarded == []
    [(about, sentence)] = progress.problems(row.pk).items()
    assert about == "count" and sentence.startswith("The count stopped: ")
    assert progress.going_on(row.pk) == []
    go_on(row, hands, now)
    assert sorted(steps(row)) == mixed_by(1) and progress.problems(row.pk) == {}


def test_a_failed_worker_is_told() -> None:
    """And the next run does what it left."""
    row = board(Type.PARTIAL_ROOTS, which=1)
    hands = HereHands([])

    class Dying(InProcess):
        def map(self, *_: Any) -> Any:
            raise WorkFailed("a worker process failed with MemoryError")

    hands.workers = Dying()
    held = boards.stored(row)
    go_on(row, hands, now)
    assert progress.problems(row.pk) == {"count": "The count stopped: a worker process failed with MemoryError"}
    assert boards.stored(row) == held
    go_on(row, HereHands([]), now)
    assert progress.problems(row.pk) == {} and steps(row)[-1] == "opening"


def test_a_board_that_somebody_changed_is_not_counted(row: ElectionRow) -> None:
    """The attacker's side: with the database's password an entry is changed under a signed head; the count stops."""
    publish_checkpoint(row, AFTERWARDS)
    forget_all()
    opened = BoardEntry.objects.get(election=row, type=Type.POLLS_OPENED)
    with boards.tampering():
        raw = bytes(opened.raw).replace(b'"time":"2026-11-1', b'"time":"2026-11-0')
        assert raw != bytes(opened.raw)
        BoardEntry.objects.filter(pk=opened.pk).update(raw=raw)
    hands = Hands()
    go_on(row, hands, now)
    assert hands.asked == [] and list(progress.problems(row.pk)) == ["count"]


# Several conductors


def test_a_second_conductor_leaves_at_once(row: ElectionRow) -> None:
    """While the first is at work in the middle of a stage; an election beside it goes on. With SQLite, by a file."""
    second = Hands()
    beside = board(Type.TALLY_FROZEN, slug="beside")

    def meanwhile(made: Submission, working: Conductor) -> Submission:
        go_on(row, second, now)
        with conducting._alone(beside) as alone:
            assert alone
        return made

    go_on(row, Faulty(("council", 0, 1), meanwhile), now)
    assert second.asked == [] and sorted(steps(row)) == mixed_by(1)


def test_the_lock_ends_with_its_conductor_whatever_ends_it(row: ElectionRow) -> None:
    class Killed(Hands):
        def mix(self, *_: Any) -> Submission | None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go_on(row, Killed(), now)
    go_on(row, Hands(), now)
    assert sorted(steps(row)) == mixed_by(1)


@race
@transactional
@both
def test_of_two_conductors_one_works(run: Runner) -> None:
    """The same instant, on PostgreSQL: one mixes everything, the other nothing, and each entry is there once."""
    row = board(Type.TALLY_FROZEN)

    def work() -> int:
        hands = Hands(here=3)
        go_on(row, hands, now)
        return len(hands.asked)

    assert sorted(run([says(work), says(work)])) == ["0", "6"]
    assert sorted(steps(row)) == ALL


# Orders


def inputs(row: ElectionRow, contest: str, group: int) -> list[list[mpz]]:
    """The list that is mixed next, as replay has it."""
    tally = next(tally for tally in conductor(row).state.tallies if tally.contest.id == contest)
    return [list(column) for column in tally.groups[group].columns]


@pytest.mark.parametrize("fresh", [False, True])
def test_orders_say_what_is_to_be_mixed(row: ElectionRow, fresh: bool) -> None:
    """For each of three mixers: the list that the stage before mixed, and its entry with the columns that it names.

    Also by a conductor that began after the first stage, in a process that has forgotten everything. The mixer
    accepts, and so does the board.
    """
    working, lists, before = conductor(row), [inputs(row, "council", 1)], b""
    setup = tuple(boards.stored(row)[:2])
    columns: dict[bytes, bytes] = {}
    for stage, key in enumerate(MIXERS, 1):
        if fresh:
            forget_all()
            working = conductor(row)
        order = working.order(("council", 1, stage))
        assert (order.contest, order.group, order.stage) == ("council", 1, stage)
        assert order.setup == setup and order.before == before and order.columns == columns
        assert [list(column) for column in order.inputs] == (lists[-2] if stage > 1 else lists[0])
        made = mixers.mix(mixers.unpack_order(order.pack()), key, InProcess(), allowed_bits=(BITS,))
        put(row, made)
        before, columns = boards.stored(row)[-1], dict(made.columns)
        lists.append(inputs(row, "council", 1))
    assert [place for place in conductor(row).state.pending_stages() if place[1] == 1] == []


def test_a_stage_that_is_not_on_the_board_has_no_order_after_it(row: ElectionRow) -> None:
    with pytest.raises(RuntimeError, match="stage 1 of council, group 0, is not on the board"):
        conductor(row).order(("council", 0, 2))


def test_a_mixer_that_always_refuses_keeps_no_process(row: ElectionRow) -> None:
    """The one counting worker has other elections, too: after a few refusals the run ends, though others may answer."""

    class Patient(Faulty):
        waits = 0

        def wait(self) -> bool:
            self.waits += 1
            assert self.waits < 20, "it waits for ever"
            return True

    go_on(row, Patient(("council", 0, 2), refusal), now)
    assert set(progress.problems(row.pk)) == {"mix council 0 2"}
