"""What a trustee hands in is checked at once, cheap things first; a bad file is named, kept nowhere, stops nobody."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from nacl.pwhash import argon2id

from tally import stages
from tally.sealed import seal_signing_key
from tally.submission import Submission
from tally.trustee import Memory
from tally.trustee_file import Trustee, seal_trustee
from tests.election import Election, signing_key, small_manifest
from tests.forge import at
from tests.voting import boards
from tests.voting.boards import AFTERWARDS
from tests.voting.trustees.files import (
    PASSPHRASE,
    board,
    confirmation,
    key_board,
    rehearsal,
    roots,
    share,
    stage,
    upload,
)
from verifier.record.canonical import decode_integer, encode_bytes, encode_integer, parse, serialise
from verifier.record.entries import Type
from verifier.rehearsal import signed_message
from voting.board.models import BoardEntry
from voting.board.replica import forget_all
from voting.board.services import append, publish_checkpoint
from voting.counting import progress
from voting.elections.models import Election as ElectionRow
from voting.errors import EntryRefused
from voting.trustees import handing_in
from voting.trustees.errors import HandInRefused
from voting.trustees.handing_in import hand_in
from voting.trustees.models import Rehearsal

pytestmark = pytest.mark.django_db(transaction=True)


def refused(row: ElectionRow, raw: bytes, code: str) -> str:
    """The sentence; nothing was kept anywhere."""
    before = (boards.stored(row), Rehearsal.objects.count())
    with pytest.raises(HandInRefused) as refusal:
        hand_in(row, upload(raw))
    assert refusal.value.code == code, refusal.value
    assert (boards.stored(row), Rehearsal.objects.count()) == before
    assert refusal.value.reason.endswith((".", ").")) and "\n" not in refusal.value.reason
    return refusal.value.reason


def kinds(row: ElectionRow) -> list[str]:
    return list(BoardEntry.objects.filter(election=row).values_list("type", flat=True))


@pytest.fixture
def nothing_is_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused before the long work: whoever reaches the board fails the test."""
    monkeypatch.setattr(handing_in, "append", lambda *_, **__: pytest.fail("the proof was looked at"))
    monkeypatch.setattr(handing_in, "rehearsal_holds", lambda *_: pytest.fail("the proof was looked at"))


# What is taken


def test_a_confirmation_is_taken() -> None:
    row = key_board()
    for number in (1, 2, 3):
        done = hand_in(row, upload(confirmation(number)))
        assert (done.kind, done.trustee, done.name) == ("share-confirmed", number, f"trustee {number}")
    assert kinds(row)[-3:] == [Type.SHARE_CONFIRMED] * 3
    assert "before" in refused(row, confirmation(2), "already")


@pytest.mark.parametrize("chosen", [(1, 2), (1, 3), (3, 2)])
def test_any_two_of_three_open(chosen: tuple[int, int]) -> None:
    """t = 2: with one the opening is refused, with any two it is accepted, and it is the same one."""
    row, election = board("mixed"), deepcopy(stage("rooted"))
    body, columns = stages.opening_body(election.state)

    def opens() -> None:
        append(row, entry_type=Type.OPENING, body=body, signatures=[], columns=columns, time=AFTERWARDS)

    for number in chosen:
        with pytest.raises(EntryRefused, match="partial roots of"):
            opens()
        assert hand_in(row, upload(roots(number))).kind == "partial-roots"
    opens()
    assert kinds(row)[-1] == Type.OPENING
    (third,) = {1, 2, 3} - set(chosen)
    assert refused(row, roots(third), "too-late") == "Everything is opened already. Nothing more is needed."


def test_a_rehearsal_is_taken_at_any_time_and_opens_nothing() -> None:
    """From the key on to the opening; the board does not change by it."""
    for name in ("set up", "voted", "mixed"):
        row = boards.board_of(stage(name)) if name == "set up" else None
        row = row or boards.define(stage(name), slug=name)
        if not row.entries.exists():
            boards.fill(row, stage(name))
        before = boards.stored(row)
        done = hand_in(row, upload(rehearsal(row, name, 2)))
        assert (done.kind, done.trustee) == ("rehearsal", 2)
        assert boards.stored(row) == before
        kept = Rehearsal.objects.get(election=row)
        assert (kept.trustee, kept.size) == (2, len(before))
        assert kept.created == AFTERWARDS.replace(second=0, microsecond=0)


def test_large_files_are_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a limit as small as the rest of this file, partial roots are a large file: the same is taken and refused."""
    row, raw = board("mixed"), roots(1)
    ends = json.loads(raw)
    rest = len(raw) - sum(len(json.dumps(text)) for text in ends["columns"].values())
    monkeypatch.setattr(handing_in, "SMALL", rest + 100)
    assert len(raw) > handing_in.SMALL
    assert "not signed" in refused(row, roots(1, signer="trustee 2"), "signature")
    assert "damaged" in refused(row, raw.replace(b"\\n", b"\\n\\n"), "damaged")
    assert hand_in(row, upload(raw)).trustee == 1


@pytest.mark.parametrize("over", [1, 100, 195, 300])
def test_a_file_hardly_larger_than_the_limit_is_whole(monkeypatch: pytest.MonkeyPatch, over: int) -> None:
    """What its end begins with lies in the first part, too."""
    row, raw = board("mixed"), roots(1)
    monkeypatch.setattr(handing_in, "SMALL", len(raw) - over)
    assert hand_in(row, upload(raw)).trustee == 1


def test_a_file_larger_than_any_roots_is_not_read(monkeypatch: pytest.MonkeyPatch, nothing_is_proved: None) -> None:
    """Signed by the trustee, with a column that nobody asked for: refused by its size alone."""
    row, whole = board("mixed"), json.loads(roots(1))
    whole["columns"][64 * "f"] = "x" * 300_000
    read: list[int] = []
    parsed = handing_in.parse_submission
    monkeypatch.setattr(handing_in, "parse_submission", lambda raw, name: read.append(len(raw)) or parsed(raw, name))
    refused(row, serialise(whole), "damaged")
    assert read and max(read) <= 2 * handing_in.SMALL


# Files of another kind


ANYTHING_ELSE = [
    (b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(5000), "not-ours"),
    (b"%PDF-1.7", "not-ours"),
    ("選挙".encode("cp932"), "not-ours"),
    (b"{}", "not-ours"),
    (b'{\n  "body": {}\n}', "not-ours"),
    (b"PK\x03\x04" + bytes(100), "archive"),
    (b"", "no-file"),
    (b'{"body":', "damaged"),
    (b'{"body":{}}', "damaged"),
    (b'{"rehearsal":{}}', "damaged"),
    (b'{"rehearsal":' + b"[" * 60_000, "damaged"),
    (b'{"body":' + b"[" * 60_000, "damaged"),
    (b'{"body":' + b" " * 500_000, "damaged"),
]


def test_anything_else_is_refused_in_a_sentence(nothing_is_proved: None) -> None:
    row = board("mixed")
    for raw, code in ANYTHING_ELSE:
        refused(row, raw, code)


def test_no_file_at_all() -> None:
    with pytest.raises(HandInRefused, match="Choose a file first"):
        hand_in(ElectionRow(), None)


def test_no_other_entry_comes_this_way(nothing_is_proved: None) -> None:
    """Whoever signed it: officials' acts have a page of their own, behind a login."""
    row, election = board("mixed"), stage("mixed")
    for kind in Type:
        if kind in (Type.SHARE_CONFIRMED, Type.PARTIAL_ROOTS, Type.BALLOT_CAST, Type.BALLOT_OPENED):
            continue
        entry = json.loads(election.raw(kind, election.body(), ["official 1", "official 2"]))
        raw = serialise({"body": entry["body"], "columns": {}, "signatures": entry["signatures"], "type": kind.value})
        assert "are not handed in here" in refused(row, raw, "not-taken-here")
    cast = json.loads(election.entries[boards.place(election, Type.BALLOT_CAST)])
    raw = serialise({"body": cast["body"], "columns": {}, "signatures": cast["signatures"], "type": cast["type"]})
    refused(row, raw, "not-taken-here")


# A secret by mistake


def secret_files() -> dict[str, bytes]:
    key = signing_key("trustee 1")
    held = Trustee(key, share(1), Memory(stage("set up").election_id, 1, "checkpoint"))
    return {
        "the trustee's file": seal_trustee(held, PASSPHRASE),
        "a share by passphrase": share(1).seal(PASSPHRASE),
        "a share for a key": share(1).seal_for(bytes(key.verify_key)),
        "a signing key": seal_signing_key(key, PASSPHRASE),
    }


def test_a_secret_file_is_refused_with_a_warning_and_kept_nowhere(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, nothing_is_proved: None
) -> None:
    """Nothing of it is in the database, in the log, in the sentence or on the disk, encrypted as it is."""
    monkeypatch.setattr("tally.sealed.OPERATIONS", argon2id.OPSLIMIT_MIN)
    monkeypatch.setattr("tally.sealed.MEMORY", argon2id.MEMLIMIT_MIN)
    row, files, said = board("mixed"), secret_files(), ""
    caplog.set_level("DEBUG")
    for raw in files.values():
        for around in (b"", b"\n", b"\xef\xbb\xbf"):
            said += refused(row, around + raw, "secret")
            assert "Never hand it in anywhere" in said and "not kept here" in said
    told = said + caplog.text + dump()
    for raw in files.values():
        fields = json.loads(raw)
        assert fields["box"] not in told and fields["checksum"] not in told
    if settings.UPLOAD_DIR.exists():
        kept = [path.read_bytes() for path in settings.UPLOAD_DIR.rglob("*") if path.is_file()]
        assert not [raw for raw in files.values() if raw in kept]


def dump() -> str:
    """Every value in the database, as text."""
    with connection.cursor() as cursor:
        rows = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            rows += cursor.fetchall()
    return "\n".join(part.decode("latin-1") if isinstance(part, bytes) else str(part) for row in rows for part in row)


# Whose


def test_a_file_of_another_election_is_refused(nothing_is_proved: None) -> None:
    """All three kinds; the election comes before everything that is more work."""
    other = Election(small_manifest(title="もう一つの選挙")).set_up()
    election = encode_bytes(other.election_id)
    row = board("mixed")
    for raw in (confirmation(1), roots(1)):
        whole = json.loads(raw)
        whole["body"]["election"] = election
        assert "of another election" in refused(row, serialise(whole), "other-election")
    whole = json.loads(rehearsal(row, "mixed", 1))
    whole["rehearsal"]["election"] = election
    assert "of another election" in refused(row, serialise(whole), "other-election")


def test_a_trustee_who_is_none_is_refused(nothing_is_proved: None) -> None:
    row = board("mixed")
    whole = json.loads(roots(1))
    whole["body"]["trustee"] = 4
    assert "trustee 4, but this election has only 3" in refused(row, serialise(whole), "no-such-trustee")


@pytest.mark.parametrize("make", [confirmation, roots])
def test_a_neighbours_signature_names_nobody_as_the_maker(make: Callable[..., bytes], nothing_is_proved: None) -> None:
    """The file only *speaks for* a trustee; who signed it is not said to be that trustee, nor guessed."""
    said = refused(board("mixed"), make(1, signer="trustee 2"), "signature")
    assert said.startswith("The file speaks for trustee 1 (trustee 1), but it is not signed with the key")
    assert "Nobody knows who made it" in said and "trustee 2" not in said


def test_without_a_signature_and_with_one_too_many(nothing_is_proved: None) -> None:
    row = board("mixed")
    whole = json.loads(roots(1))
    for signatures in ([], json.loads(roots(1, signer="trustee 2"))["signatures"]):
        refused(row, serialise({**whole, "signatures": signatures}), "signature")
    both = sorted(
        [*whole["signatures"], *json.loads(roots(1, signer="trustee 2"))["signatures"]], key=lambda one: one["key"]
    )
    with pytest.raises(HandInRefused):
        hand_in(row, upload(serialise({**whole, "signatures": both})))


def test_a_changed_byte_is_found_wherever_it_is() -> None:
    """In a root, the commitments, the response, the signature, the trustee: never taken, never blamed on a proof."""
    row, whole = board("mixed"), json.loads(roots(1))
    ((digest, column),) = whole["columns"].items()
    first = "B" if column[0] == "A" else "A"
    refused(row, serialise({**whole, "columns": {digest: first + column[1:]}}), "damaged")
    refused(row, serialise({**whole, "columns": {}}), "damaged")
    for part in ("a_1", "a_2", "z"):
        body = deepcopy(whole["body"])
        body["proof"][part] = body["proof"][part][:-4] + "AAAA"
        refused(row, serialise({**whole, "body": body}), "signature")
    (signature,) = whole["signatures"]
    flipped = {
        **signature,
        "signature": ("B" if signature["signature"][0] == "A" else "A") + signature["signature"][1:],
    }
    refused(row, serialise({**whole, "signatures": [flipped]}), "signature")
    assert hand_in(row, upload(serialise(whole))).trustee == 1


# When


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("voted", "There is nothing to open yet"),
        ("withdrawn", "There is nothing to open yet"),
        ("frozen", "Nothing may be opened before the mixers have finished."),
        ("published", "Everything is opened already."),
    ],
)
def test_nothing_is_opened_out_of_turn(name: str, sentence: str, nothing_is_proved: None) -> None:
    """Signed by the right trustee; refused before the roots are read."""
    code = "too-late" if name == "published" else "too-early"
    assert refused(board(name), roots(2), code).startswith(sentence)


def test_partial_roots_come_once() -> None:
    """Neither the same file again nor another one of the same trustee, valid as it is."""
    row = board("mixed")
    first, second = roots(1), roots(1)
    assert first != second
    hand_in(row, upload(first))
    for raw in (first, second):
        assert refused(row, raw, "already") == "Partial roots of trustee 1 (trustee 1) are there already."
    assert kinds(row).count(Type.PARTIAL_ROOTS) == 1


# A bad trustee


def test_a_bad_one_is_named_at_once_and_the_others_go_on() -> None:
    """The signature is the trustee's, so the trustee is named, to officials too; two others open."""
    row = board("mixed")
    hand_in(row, upload(roots(1)))
    said = refused(row, roots(2, with_share_of=3), "proof")
    assert said.startswith("Partial roots of trustee 2 (trustee 2): the proof does not hold.")
    assert progress.problems(row.pk) == {"trustee 2": said}
    hand_in(row, upload(roots(3)))
    assert kinds(row).count(Type.PARTIAL_ROOTS) == 2
    hand_in(row, upload(roots(2)))  # the trustee finds the right share after all
    assert progress.problems(row.pk) == {}


def test_roots_of_another_set_are_named() -> None:
    """Of the same election, mixed another time: valid there, and nothing of it is opened here."""
    fork = at("frozen")
    fork.mix()
    said = refused(board("mixed"), roots(2, fork), "other-set")
    assert said.startswith("Partial roots of trustee 2 (trustee 2): they are of something else")


# Rehearsals that prove nothing


def test_a_rehearsal_counts_once() -> None:
    row = board("voted")
    raw = rehearsal(row, "voted", 1)
    hand_in(row, upload(raw))
    assert "was handed in before" in refused(row, raw, "already")
    hand_in(row, upload(rehearsal(row, "voted", 1)))
    assert Rehearsal.objects.filter(trustee=1).count() == 2


def test_an_old_proof_in_new_clothes_is_the_old_one() -> None:
    """Whoever still has the signing key but lost the share writes a with another width, and signs again."""
    row = board("voted")
    raw = rehearsal(row, "voted", 1)
    hand_in(row, upload(raw))
    made = json.loads(raw)["rehearsal"]
    width = len(made["a"]) * 3 // 4
    made["a"] = encode_integer(decode_integer(made["a"], width), width + 3)
    signature = signing_key("trustee 1").sign(signed_message(made)).signature
    again = serialise({"rehearsal": made, "signature": encode_bytes(signature)})
    assert "was handed in before" in refused(row, again, "already")


def test_a_rehearsal_of_another_trustee_is_no_ones(nothing_is_proved: None) -> None:
    """A neighbour's proof under another number, with and without the own signature."""
    row = board("voted")
    whole = json.loads(rehearsal(row, "voted", 2))
    whole["rehearsal"]["trustee"] = 1
    assert "speaks for trustee 1" in refused(row, serialise(whole), "signature")


def test_a_rehearsal_signed_anew_over_a_neighbours_proof_does_not_hold() -> None:
    """Trustee 1 has lost the share, and takes the proof of trustee 2."""
    row = board("voted")
    body = json.loads(rehearsal(row, "voted", 2))["rehearsal"]
    body["trustee"] = 1
    signature = encode_bytes(signing_key("trustee 1").sign(signed_message(body)).signature)
    said = refused(row, serialise({"rehearsal": body, "signature": signature}), "proof")
    assert said == "Trustee 1 (trustee 1): the proof that the share works does not hold."


def test_an_old_rehearsal_is_refused() -> None:
    """Made with the board of three weeks ago, which has grown since; with the board of last week it is taken."""
    row = board("voted")
    old, week = AFTERWARDS + timedelta(days=21), AFTERWARDS + timedelta(days=7)
    raw = [rehearsal(row, "voted", number) for number in (1, 2)]
    boards.fill(row, stage("closed"), len(stage("voted").entries))
    publish_checkpoint(row, AFTERWARDS)
    with pytest.raises(HandInRefused) as refusal:
        hand_in(row, upload(raw[0]), at=old)
    assert refusal.value.code == "old" and "2026-11-21" in refusal.value.reason
    assert hand_in(row, upload(raw[1]), at=week).trustee == 2


def test_a_board_that_does_not_grow_does_not_age() -> None:
    """Months before the election nothing happens on the board: its last checkpoint is the latest there is."""
    row = board("set up")
    raw = rehearsal(row, "set up", 1)
    assert hand_in(row, upload(raw), at=AFTERWARDS + timedelta(days=60)).trustee == 1


@pytest.mark.parametrize("part", ["size", "root", "time"])
def test_a_checkpoint_that_never_was_is_refused(part: str, nothing_is_proved: None) -> None:
    """Signed by the trustee, over a board that this server has not signed."""
    row = board("voted")
    body = json.loads(rehearsal(row, "voted", 1))["rehearsal"]
    other = {"size": body["checkpoint"]["size"] - 1, "root": encode_bytes(b"o" * 32), "time": 7}
    body["checkpoint"][part] = other[part]
    signature = encode_bytes(signing_key("trustee 1").sign(signed_message(body)).signature)
    refused(row, serialise({"rehearsal": body, "signature": signature}), "other-board")


def test_a_rehearsal_and_partial_roots_are_not_mistaken_for_each_other() -> None:
    """Each in the clothes of the other, signed by the right trustee, at the time when both are taken."""
    row, key = board("mixed"), signing_key("trustee 1")
    proof = json.loads(rehearsal(row, "mixed", 1))["rehearsal"]
    made = json.loads(roots(1))["body"]
    disguised = {**proof, "a": made["proof"]["a_1"], "z": made["proof"]["z"]}
    signature = encode_bytes(key.sign(signed_message(disguised)).signature)
    refused(row, serialise({"rehearsal": disguised, "signature": signature}), "proof")
    body = {**made, "proof": {**made["proof"], "a_1": proof["a"], "z": proof["z"]}}
    columns = {bytes.fromhex(name): text.encode() for name, text in json.loads(roots(1))["columns"].items()}
    raw = Submission(Type.PARTIAL_ROOTS, body, (), columns).signed_by(key).to_bytes()
    with pytest.raises(HandInRefused):
        hand_in(row, upload(raw))
    assert Type.PARTIAL_ROOTS not in kinds(row)


def test_before_the_key_there_is_nothing_to_prove(nothing_is_proved: None) -> None:
    row = boards.define(stage("set up"))
    boards.fill(row, stage("set up"), 0, 1)
    row.refresh_from_db()
    raw = rehearsal(board_elsewhere(), "set up", 1)
    assert "nothing to prove yet" in refused(row, raw, "too-early")
    assert "nothing to confirm yet" in refused(row, confirmation(1), "too-early")


def board_elsewhere() -> ElectionRow:
    """The same election as another server has it, further on."""
    row = boards.define(stage("set up"), slug="elsewhere")
    boards.fill(row, stage("set up"))
    row.refresh_from_db()
    return row


def test_a_board_out_of_order_takes_nothing_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    row = board("mixed")
    raw = roots(1)
    with boards.tampering():
        BoardEntry.objects.filter(election=row, index=3).delete()
    forget_all()
    assert "board is not in order" in refused(row, raw, "board-inconsistent")


def test_the_parts_of_a_file_of_partial_roots() -> None:
    """`_without_columns` counts on this order; a change of the format must not pass unnoticed."""
    assert list(parse(roots(1), 1 << 22, 16)) == ["body", "columns", "signatures", "type"]
