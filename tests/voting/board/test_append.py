"""Admission: what is put on the board, what is refused and why, and that neither replays the log again."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.election import CLOSES, OPENS, VOTES, Election, party
from tests.voting import boards
from verifier import workers
from verifier.crypto.merkle import leaf_hash
from verifier.record.canonical import encode_bytes
from verifier.record.entries import Type
from verifier.replay import Replay
from verifier.report import Report
from voting.board import replica
from voting.board.log import DatabaseLog
from voting.board.models import BoardEntry, ColumnBlob
from voting.board.services import append
from voting.elections.models import Election as ElectionRow
from voting.elections.models import Slot
from voting.errors import ClockBehind, EntryRefused, ManifestDiffers

pytestmark = pytest.mark.django_db(transaction=True)

Refusal = Callable[[Election], bytes]


def replay_of(row: ElectionRow) -> Replay:
    return replica.replica_of(row.pk).catch_up()


def snapshot(row: ElectionRow) -> tuple[Any, bytes, int, int, int]:
    """What memory and database say of a board."""
    replay = replay_of(row)
    counts = [rows.objects.filter(election=row).count() for rows in (BoardEntry, ColumnBlob, Slot)]
    return copy.deepcopy(replay.state), replay.tree.root(), *counts


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every entry that a replay applies from now on."""
    seen: list[bytes] = []
    original = Replay.apply

    def apply(self: Replay, raw: bytes) -> Any:
        seen.append(raw)
        return original(self, raw)

    monkeypatch.setattr(Replay, "apply", apply)
    return seen


@pytest.fixture
def examined(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Where ballot proofs are checked from now on."""
    seen: list[str] = []
    original = workers.examine

    def examine(judge: Any, setting: Any, ballots: Any) -> None:
        sealed = list(ballots)
        seen.extend(ballot.where for ballot in sealed)
        original(judge, setting, sealed)

    monkeypatch.setattr(workers, "examine", examine)
    return seen


@pytest.fixture
def open_board(polling: Election) -> ElectionRow:
    """Every entry of `polling`, admitted here."""
    row = boards.define(polling)
    boards.fill(row, polling)
    return row


@pytest.fixture
def full_board(finished: Election) -> ElectionRow:
    """Every entry of `finished`, admitted here."""
    row = boards.define(finished)
    boards.fill(row, finished)
    return row


# What is admitted


def test_a_whole_election_is_stored_as_it_was_submitted(finished: Election, full_board: ElectionRow) -> None:
    """Every entry is there in its bytes, with its hash, type and time, and every column once."""
    rows = list(BoardEntry.objects.filter(election=full_board).order_by("index"))
    assert [bytes(row.raw) for row in rows] == finished.entries
    assert [row.index for row in rows] == list(range(len(finished.entries)))
    for row in rows:
        entry = json.loads(bytes(row.raw))
        assert (row.type, f"{row.created:%Y-%m-%dT%H:%MZ}") == (entry["type"], entry["time"])
        assert bytes(row.leaf_hash) == leaf_hash(bytes(row.raw))
    columns = {bytes(blob.digest): bytes(blob.data) for blob in ColumnBlob.objects.filter(election=full_board)}
    assert columns and columns == finished.columns
    assert replay_of(full_board).tree.root() == finished.replay.tree.root()


def test_a_column_belongs_to_the_first_entry_that_names_it(finished: Election, full_board: ElectionRow) -> None:
    """Columns that an entry does not name are left out, though each was submitted with all of them."""
    for blob in ColumnBlob.objects.filter(election=full_board).select_related("entry"):
        name = f'"digest":"{encode_bytes(bytes(blob.digest))}"'.encode()
        naming = [index for index, raw in enumerate(finished.entries) if name in raw]
        assert blob.entry.index == naming[0]


def test_registration_makes_slots_and_the_manifest_fixes_its_hash(polling: Election, open_board: ElectionRow) -> None:
    open_board.refresh_from_db()
    assert bytes(open_board.manifest_hash or b"") == polling.election_id
    slots = {slot.pseudonym: (slot.style.identifier, slot.roll_index) for slot in Slot.objects.select_related("style")}
    assert slots == {slot: (style, 2 * at) for at, (slot, (style, _)) in enumerate(VOTES.items())}


def test_the_time_is_rounded_down_and_now_by_default(
    polling: Election, open_board: ElectionRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No second of a ballot is on the board."""
    now = CLOSES - timedelta(hours=1) + timedelta(seconds=59, microseconds=999_999)
    monkeypatch.setattr("voting.board.services.timezone.now", lambda: now)
    entry = boards.submit(open_board, boards.ballot(polling, "v1"), time=None)
    assert entry.created == CLOSES - timedelta(hours=1)
    assert json.loads(bytes(entry.raw))["time"] == "2026-11-21T10:00Z"


def test_two_elections_do_not_mix(polling: Election, finished: Election) -> None:
    """The entries of two boards, submitted in turn, end on their own board."""
    first, second = boards.define(polling, "first"), boards.define(finished, "second")
    for mine, theirs in zip(polling.entries, finished.entries, strict=False):
        boards.submit(first, mine)
        boards.submit(second, theirs)
    assert boards.stored(first) == polling.entries
    assert boards.stored(second) == finished.entries[: len(polling.entries)]


# The same submitted again


def test_the_same_submission_is_the_same_entry(finished: Election, full_board: ElectionRow) -> None:
    """Every entry of a finished election, sent again days later and without its columns, is the one that is there."""
    before = snapshot(full_board)
    for index, raw in enumerate(finished.entries):
        for time in (CLOSES + timedelta(days=3), OPENS - timedelta(days=9)):
            again = boards.submit(full_board, raw, time=time)
            assert (again.index, bytes(again.raw)) == (index, raw)
    assert snapshot(full_board) == before


def test_the_same_submission_is_known_to_a_fresh_process(
    polling: Election, open_board: ElectionRow, applied: list[bytes]
) -> None:
    """The answer comes from the database, before anything is replayed."""
    replica.forget_all()
    raw = polling.entries[-1]
    assert boards.submit(open_board, raw, time=CLOSES).index == len(polling.entries) - 1
    assert applied == []


# What is refused


def wrong_credential(election: Election) -> bytes:
    return election.raw(Type.BALLOT_CAST, election.ballot("v1", boards.vote("v1")), ["v2"])


def two_signatures(election: Election) -> bytes:
    return election.raw(Type.BALLOT_CAST, election.ballot("v1", boards.vote("v1")), ["v1", "v2"])


def no_signature(election: Election) -> bytes:
    return election.raw(Type.BALLOT_CAST, election.ballot("v1", boards.vote("v1")), [])


def signature_of_another_ballot(election: Election) -> bytes:
    entry, other = json.loads(boards.ballot(election, "v1")), json.loads(boards.ballot(election, "v1"))
    return json.dumps({**entry, "signatures": other["signatures"]}).encode()


def unknown_slot(election: Election) -> bytes:
    body = {**election.ballot("v1", boards.vote("v1")), "slot": "v99"}
    return election.raw(Type.BALLOT_CAST, body, ["v1"])


def same_sequence(election: Election) -> bytes:
    return boards.ballot(election, "v2", sequence=1)


def earlier_sequence(election: Election) -> bytes:
    return boards.ballot(election, "v1", sequence=1)


def ciphertexts_of(election: Election, slot: str) -> list[Any]:
    bodies = [json.loads(raw)["body"] for raw in election.entries]
    return next(body["answers"] for body in bodies[::-1] if body.get("slot") == slot and "answers" in body)


def copied_ballot(election: Election) -> bytes:
    body = {**election.ballot("v2", boards.vote("v2")), "answers": ciphertexts_of(election, "v1")}
    return election.raw(Type.BALLOT_CAST, body, ["v2"])


def copied_answer(election: Election) -> bytes:
    body = election.ballot("v2", boards.vote("v2"))
    body["answers"][1] = ciphertexts_of(election, "v1")[1]
    return election.raw(Type.BALLOT_CAST, body, ["v2"])


def spoiled_ballot_cast(election: Election) -> bytes:
    """The ballot that v1 had opened: its seed is public."""
    opened = json.loads(election.entries[boards.place(election, Type.BALLOT_OPENED)])["body"]["ballot"]
    return election.raw(Type.BALLOT_CAST, {**opened, "sequence": 9}, ["v1"])


def another_style(election: Election) -> bytes:
    body = {**election.ballot("v1", boards.vote("v1")), "style": "south"}
    return election.raw(Type.BALLOT_CAST, body, ["v1"])


def another_election(election: Election) -> bytes:
    body = {**election.ballot("v1", boards.vote("v1")), "election": "A" * 43}
    return election.raw(Type.BALLOT_CAST, body, ["v1"])


def swapped_proofs(election: Election) -> bytes:
    body, other = election.ballot("v1", boards.vote("v1")), election.ballot("v1", boards.vote("v1"))
    body["answers"][0]["proofs"] = other["answers"][0]["proofs"]
    return election.raw(Type.BALLOT_CAST, body, ["v1"])


def swapped_text_proof(election: Election) -> bytes:
    body, other = election.ballot("v1", boards.vote("v1")), election.ballot("v1", boards.vote("v1"))
    body["answers"][4]["proofs"] = other["answers"][4]["proofs"]
    return election.raw(Type.BALLOT_CAST, body, ["v1"])


def too_late(election: Election) -> bytes:
    body = election.ballot("v1", boards.vote("v1"))
    return election.raw(Type.BALLOT_CAST, body, ["v1"], CLOSES)


def missing_key(election: Election) -> bytes:
    body = election.ballot("v1", boards.vote("v1"))
    del body["style"]
    return election.raw(Type.BALLOT_CAST, body, ["v1"])


def extra_key(election: Election) -> bytes:
    return election.raw(Type.BALLOT_CAST, {**election.ballot("v1", boards.vote("v1")), "note": "1"}, ["v1"])


def padded_number(election: Election) -> bytes:
    body = election.ballot("v1", boards.vote("v1"))
    body["answers"][0]["ciphertexts"][0] += "="
    return election.raw(Type.BALLOT_CAST, body, ["v1"])


def closed_by_one(election: Election) -> bytes:
    return election.raw(Type.POLLS_CLOSED, election.body(), ["official 1"], CLOSES)


def closed_early(election: Election) -> bytes:
    return election.raw(Type.POLLS_CLOSED, election.body(), ["official 1", "official 2"], CLOSES - timedelta(minutes=1))


def opened_twice(election: Election) -> bytes:
    return election.raw(Type.POLLS_OPENED, election.body(), ["official 1", "official 3"])


def second_manifest(election: Election) -> bytes:
    return election.raw(Type.MANIFEST, election.manifest, ["official 1", "official 3"])


def registered_twice(election: Election) -> bytes:
    body = json.loads(election.entries[boards.place(election, Type.CREDENTIAL_REGISTERED)])["body"]
    body = {**body, "slot": "another", "credential": party("another")["key"]}
    return election.raw(Type.CREDENTIAL_REGISTERED, body, ["registrar", "another"])


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (wrong_credential, "V2.5 CredentialListed"),
        (two_signatures, "V2.5 CredentialListed"),
        (no_signature, "V2.5 CredentialListed"),
        (unknown_slot, "V2.5 CredentialListed"),
        (signature_of_another_ballot, "V2.4 BallotSigned"),
        (same_sequence, "V3.11 LastCounts"),
        (earlier_sequence, "V3.11 LastCounts"),
        (copied_ballot, "V3.9 BallotsDistinct"),
        (copied_answer, "V3.9 BallotsDistinct"),
        (spoiled_ballot_cast, "V3.9 BallotsDistinct"),
        (another_style, "V3.12 StyleMatched"),
        (another_election, "V3.1 ElectionIdEverywhere"),
        (swapped_proofs, "V5.6 ChallengeRecomputed"),
        (swapped_text_proof, "V5.5 BallotValid"),
        (too_late, "V3.7 TimesMonotone"),
        (missing_key, "V4.1 Canonical"),
        (extra_key, "V4.1 Canonical"),
        (padded_number, "V4.2 IntegersCanonical"),
        (closed_by_one, "V2.9 ActSigned"),
        (closed_early, "V3.7 TimesMonotone"),
        (opened_twice, "V3.8 ClosedOnce"),
        (second_manifest, "V3.8 ClosedOnce"),
        (registered_twice, "V3.10 OnePerCredential"),
    ],
)
def test_a_bad_entry_is_refused_by_its_check_and_leaves_no_trace(
    polling: Election, open_board: ElectionRow, applied: list[bytes], bad: Refusal, code: str
) -> None:
    """No row, the memory as before, and the next good ballot is admitted without reading the log again."""
    before = snapshot(open_board)
    applied.clear()
    with pytest.raises(EntryRefused) as refusal:
        boards.submit(open_board, bad(polling), polling.columns)
    assert refusal.value.code == code
    assert refusal.value.where.startswith(f"entry {len(polling.entries)}, ")
    assert snapshot(open_board) == before
    applied.clear()
    good = boards.ballot(polling, "v2")
    assert bytes(boards.submit(open_board, good).raw) == good
    assert applied == [good]


@pytest.mark.parametrize("body", [{"answers": float("nan")}, {"answers": 1 << 60}, {1: "a"}, {"answers": "\ud800"}])
def test_what_has_no_canonical_form_is_refused(polling: Election, open_board: ElectionRow, body: Any) -> None:
    """Such a body has no hash, so it is refused before anything is asked of it."""
    before = snapshot(open_board)
    with pytest.raises(EntryRefused) as refusal:
        boards.submit(open_board, boards.ballot(polling, "v1"), body=body)
    assert refusal.value.code == "V4.1 Canonical"
    assert snapshot(open_board) == before


def test_a_body_of_another_shape_is_refused_whatever_the_type(open_board: ElectionRow) -> None:
    """Never another exception: a stranger's bytes end as a refusal."""
    before = snapshot(open_board)
    for kind in Type:
        for body in ({}, [], None, "ballot", 7, {"ballot": {}, "seed": ""}, {"ballot": None}):
            with pytest.raises((EntryRefused, ManifestDiffers)):
                append(open_board, entry_type=kind, body=body, signatures=[], time=CLOSES)
    assert snapshot(open_board) == before


@pytest.mark.parametrize("signatures", [["x"], [None], [{"key": "A" * 43}], [{}], [{"key": 1, "signature": 2}]])
def test_signatures_of_another_shape_are_refused(
    polling: Election, open_board: ElectionRow, signatures: list[Any]
) -> None:
    before = snapshot(open_board)
    with pytest.raises(EntryRefused) as refusal:
        boards.submit(open_board, boards.ballot(polling, "v1"), signatures=signatures)
    assert refusal.value.code[:4] in ("V4.1", "V4.2")
    assert snapshot(open_board) == before


def test_a_ballot_before_the_opening_is_refused(polling: Election) -> None:
    """By the stage within the voting hours, by the time before them."""
    row = boards.define(polling)
    boards.fill(row, polling, 0, boards.place(polling, Type.POLLS_OPENED))
    before = snapshot(row)
    for time, code in ((OPENS, "V3.8 ClosedOnce"), (OPENS - timedelta(minutes=1), "V3.7 TimesMonotone")):
        with pytest.raises(EntryRefused) as refusal:
            boards.submit(row, polling.entries[boards.place(polling, Type.BALLOT_CAST)], time=time)
        assert refusal.value.code == code
    assert snapshot(row) == before


def test_a_ballot_after_the_close_is_refused(finished: Election) -> None:
    """At whatever time: at the close by the hours, earlier by the clock, and later stages are no different."""
    row = boards.define(finished)
    close = boards.place(finished, Type.POLLS_CLOSED)
    boards.fill(row, finished, 0, close + 1)
    late = boards.ballot(finished, "v2", sequence=2)
    for time in (CLOSES, CLOSES + timedelta(days=1)):
        with pytest.raises(EntryRefused) as refusal:
            boards.submit(row, late, time=time)
        assert refusal.value.code == "V3.7 TimesMonotone"
    with pytest.raises(ClockBehind):
        boards.submit(row, late, time=CLOSES - timedelta(minutes=1))
    boards.fill(row, finished, close + 1)
    assert boards.stored(row) == finished.entries


def test_a_column_that_is_missing_or_changed_is_refused(finished: Election) -> None:
    """A mix stage needs its columns in the bytes that it names; then it is admitted."""
    row = boards.define(finished)
    mix = boards.place(finished, Type.MIX_STAGE)
    boards.fill(row, finished, 0, mix)
    before = snapshot(row)
    changed = {name: data.replace(b"A", b"B") for name, data in finished.columns.items()}
    for columns in ({}, changed):
        with pytest.raises(EntryRefused) as refusal:
            boards.submit(row, finished.entries[mix], columns)
        assert refusal.value.code == "V4.1 Canonical"
        assert snapshot(row) == before
    boards.fill(row, finished, mix)
    assert boards.stored(row) == finished.entries


def test_a_clock_that_runs_backwards_is_refused(polling: Election, open_board: ElectionRow) -> None:
    before = snapshot(open_board)
    with pytest.raises(ClockBehind) as refusal:
        boards.submit(open_board, boards.ballot(polling, "v1"), time=OPENS)
    assert refusal.value.code == "clock-behind"
    assert snapshot(open_board) == before


def test_only_the_manifest_of_the_definition_is_admitted(polling: Election) -> None:
    """One that officials signed but that the election's rows do not make is refused; the right one then goes in."""
    row = boards.define(polling)
    other = {**polling.manifest, "minimum_group": 3}
    with pytest.raises(ManifestDiffers) as refusal:
        boards.submit(row, polling.raw(Type.MANIFEST, other, ["official 1", "official 2"]))
    assert refusal.value.code == "manifest-differs"
    row.refresh_from_db()
    assert row.manifest_hash is None and boards.stored(row) == []
    boards.fill(row, polling, 0, 1)
    row.refresh_from_db()
    assert bytes(row.manifest_hash or b"") == polling.election_id


def test_a_modulus_that_is_not_allowed_is_refused(polling: Election, settings: Any) -> None:
    """Without the setting of these tests the toy modulus is no election key."""
    del settings.TASHIKA_ALLOWED_MODULUS_BITS
    row = boards.define(polling)
    with pytest.raises(EntryRefused) as refusal:
        boards.fill(row, polling)
    assert refusal.value.code == "V3.4 ParametersSafe"


# Memory and database


def test_an_outer_transaction_is_refused(polling: Election, open_board: ElectionRow) -> None:
    """It could take back what this process already remembers."""
    before = snapshot(open_board)
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        boards.submit(open_board, boards.ballot(polling, "v1"))
    assert snapshot(open_board) == before


def test_memory_never_runs_ahead_of_the_database(
    polling: Election, open_board: ElectionRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the database fails after the ballot was judged, nothing of it remains, and it can be sent again."""
    before = snapshot(open_board)
    raw = boards.ballot(polling, "v1")

    def fail(*args: Any, **fields: Any) -> None:
        raise DatabaseError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("voting.board.services._record_consequences", fail)
        with pytest.raises(DatabaseError, match="disk"):
            boards.submit(open_board, raw)
    assert snapshot(open_board) == before
    assert boards.submit(open_board, raw).index == len(polling.entries)


def test_an_admission_applies_one_entry_and_asks_the_same_of_the_database(
    polling: Election, open_board: ElectionRow, applied: list[bytes], examined: list[str]
) -> None:
    """However long the log is: one apply, one examination, as many queries as for the ballot before."""
    queries = []
    for step in range(8):
        raw = boards.ballot(polling, "v3", sequence=2 + step)
        applied.clear()
        examined.clear()
        with CaptureQueriesContext(connection) as asked:
            entry = boards.submit(open_board, raw)
        assert applied == [raw]
        assert examined == [f"entry {entry.index}, ballot-cast"]
        queries.append(len(asked))
    assert len(set(queries)) == 1, queries


def test_a_fresh_process_trusts_what_was_admitted(
    polling: Election, open_board: ElectionRow, applied: list[bytes], examined: list[str]
) -> None:
    """It rebuilds the same state without checking a ballot proof again, and then judges the new ballot."""
    warm = replay_of(open_board)
    applied.clear()
    examined.clear()
    replica.forget_all()
    raw = boards.ballot(polling, "v4")
    expected = copy.deepcopy(warm.state)
    assert replay_of(open_board).state == expected
    assert applied == polling.entries and examined == []
    entry = boards.submit(open_board, raw)
    assert applied == [*polling.entries, raw]
    assert examined == [f"entry {entry.index}, ballot-cast"]
    applied.clear()
    examined.clear()
    replica.forget_all()
    with pytest.raises(EntryRefused, match="signature does not verify"):
        boards.submit(open_board, signature_of_another_ballot(polling))
    assert len(examined) == 1


def test_entries_of_other_processes_are_read_once(
    polling: Election, open_board: ElectionRow, applied: list[bytes], examined: list[str]
) -> None:
    """A process that was idle reads only what it has not seen, and does not check it again."""
    idle = replica.replica_of(open_board.pk)
    replica.forget_all()
    theirs = boards.ballot(polling, "v3")
    boards.submit(open_board, theirs)
    replica.forget_all()
    replica._replicas[open_board.pk] = idle
    applied.clear()
    examined.clear()
    mine = boards.ballot(polling, "v4")
    entry = boards.submit(open_board, mine)
    assert applied == [theirs, mine]
    assert examined == [f"entry {entry.index}, ballot-cast"]


def test_the_stored_log_passes_every_check_of_an_observer(finished: Election, full_board: ElectionRow) -> None:
    """Replay from the database alone, with nothing trusted."""
    report = Report()
    log = DatabaseLog(full_board.pk)
    replay = Replay(log, report, allowed_bits=(512,))
    for index in range(log.size):
        replay.apply(log.entry(index))
    assert report.failures == [] and replay.state.size == len(finished.entries)
    assert replay.state.result == finished.state.result
