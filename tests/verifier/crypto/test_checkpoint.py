"""Signed tree heads have one text; only the board's and the known witnesses' valid lines count."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from verifier.crypto.checkpoint import (
    Checkpoint,
    board_line,
    board_signature_holds,
    cosignature_line,
    cosignature_message,
    cosignature_times,
    note_text,
    parse_note,
)
from verifier.errors import NotCanonical

ORIGIN = "board.example/2026"
HEAD = Checkpoint(ORIGIN, 12, bytes(range(32)), 1_800_000_000)
BOARD, ANNA, BEN = (SigningKey(bytes([n]) * 32) for n in (1, 2, 3))
KEYS = {"anna.example": bytes(ANNA.verify_key), "ben.example": bytes(BEN.verify_key)}


def board(head: Checkpoint = HEAD, name: str = ORIGIN, secret: SigningKey = BOARD) -> str:
    return board_line(name, bytes(secret.verify_key), secret.sign(head.body()).signature)


def witness(name: str, secret: SigningKey, time: int, head: Checkpoint = HEAD) -> str:
    signature = secret.sign(cosignature_message(head, time)).signature
    return cosignature_line(name, bytes(secret.verify_key), time, signature)


NOTE = note_text(HEAD, [board()])


def test_the_text_is_that_of_the_specifications() -> None:
    """Written out by hand from C2SP signed-note and tlog-cosignature."""
    root = base64.b64encode(bytes(range(32))).decode()
    body = f"board.example/2026\n12\n{root}\ntime 1800000000\n"
    assert HEAD.body() == body.encode()
    key = bytes(BOARD.verify_key)
    key_id = hashlib.sha256(ORIGIN.encode() + b"\n\x01" + key).digest()[:4]
    raw = base64.b64encode(key_id + BOARD.sign(body.encode()).signature).decode()
    anna_id = hashlib.sha256(b"anna.example\n\x04" + KEYS["anna.example"]).digest()[:4]
    signature = ANNA.sign(f"cosignature/v1\ntime 77\n{body}".encode()).signature
    anna = base64.b64encode(anna_id + (77).to_bytes(8, "big") + signature).decode()
    text = note_text(HEAD, [board(), witness("anna.example", ANNA, 77)])
    assert text.decode() == f"{body}\n— {ORIGIN} {raw}\n— anna.example {anna}\n"


@given(st.integers(0, 10**15 - 1), st.binary(min_size=32, max_size=32), st.integers(0, 10**15 - 1))
def test_round_trip(size: int, root: bytes, time: int) -> None:
    head = Checkpoint(ORIGIN, size, root, time)
    note = parse_note(note_text(head, [board(head)]))
    assert note.checkpoint == head and note.body == head.body()
    assert board_signature_holds(note, ORIGIN, bytes(BOARD.verify_key))


@given(st.data())
def test_one_text(draw: st.DataObject) -> None:
    """A changed byte is refused, or is another checkpoint or another signature: never the same note."""
    at = draw.draw(st.integers(0, len(NOTE) - 1))
    other = NOTE[:at] + draw.draw(st.binary(max_size=2)) + NOTE[at + 1 :]
    try:
        assert parse_note(other) != parse_note(NOTE) or other == NOTE
    except NotCanonical:
        return


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\n12\n", b"\n012\n"), (b"\n12\n", b"\n+12\n"), (b"\n12\n", b"\n-12\n"), (b"\n12\n", b"\n12 \n"),
        (b"\n12\n", b"\n\n"), (b"\n12\n", b"\n1e1\n"), (b"\n12\n", "\n１２\n".encode()), (b"\n12\n", b"\n0x1\n"),
        (b"\n12\n", b"\n1" + b"0" * 15 + b"\n"), (b"\n12\n", b"\r\n12\n"), (b"\n12\n", b"\n12\nmore\n"),
        (b"AAECAwQ", b"AAECAw"), (b"Hh8=\n", b"Hh8\n"), (b"Hh8=\n", b"Hh9=\n"), (b"Hh8=\n", b"Hh8=\n\n"),
        (b"AAECAwQ", b"-_ECAwQ"),
        (b"Hh8=\n", b"Hh8=AAAA\n"), (b"Hh8=\n", b"Hh8==\n"), (b"Hh8=", "Ｈh8=".encode()),
        (b"time 18", b"time 018"), (b"time ", b"Time "), (b"time ", b"time  "), (b"time 1800000000\n", b""),
        (b"time ", b""),
        (b"time 1800000000\n", b"time 1800000000\ntime 1\n"), (b"\n\n", b"\n"), (b"\n\n", b"\n\n\n"),
        ("— ".encode(), b"-- "), ("— ".encode(), "—".encode()), ("\n— ".encode(), "\n —".encode()),
        ("— board".encode(), "— bo ard".encode()), ("— board".encode(), "— bo+ard".encode()),
        (b"board.example/2026\n12", b"\n12"), (b"board.example/2026\n12", b"board example\n12"),
        (b"board.example/2026\n12", b"board+example\n12"), (b"board.example/2026\n12", b"board\x00\n12"),
        (b"board.example/2026\n12", b"board\xff\n12"), (b"board.example/2026\n12", "board\u2028x\n12".encode()),
        (b"board.example/2026\n12", b"b" * 256 + b"\n12"), (b"board.example/2026\n12", b"board\t\n12"),
    ],
)  # fmt: skip
def test_other_texts(old: bytes, new: bytes) -> None:
    other = NOTE.replace(old, new, 1)
    assert other != NOTE
    with pytest.raises(NotCanonical):
        parse_note(other)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n" * 7,
        HEAD.body(),
        HEAD.body() + b"\n",
        NOTE[:-1],
        NOTE + b"\n",
        NOTE + b"x\n",
        NOTE + b"\xef\xbb\xbf",
        b"\xff",
    ],
)
def test_no_notes(text: bytes) -> None:
    with pytest.raises(NotCanonical):
        parse_note(text)


@pytest.mark.parametrize("raw", ["", "AAAA", "AAAAAA==", "AAAAAAA", "AAAAAAE=x", "AAAAAAF="])
def test_signatures_that_are_none(raw: str) -> None:
    """Shorter than a key id and a byte, or not base64 in its one form."""
    with pytest.raises(NotCanonical):
        parse_note(HEAD.body() + f"\n— {ORIGIN} {raw}\n".encode())


def test_size_is_bounded() -> None:
    line = f"— x {base64.b64encode(bytes(68)).decode()}"
    assert len(parse_note(note_text(HEAD, [line] * 600)).signatures) == 600
    with pytest.raises(NotCanonical, match="65536"):
        note_text(HEAD, [line] * 700)


def test_a_note_that_would_not_be_read_is_not_written() -> None:
    with pytest.raises(NotCanonical):
        note_text(Checkpoint("two words", 1, bytes(32), 1), [board()])
    with pytest.raises(NotCanonical):
        note_text(HEAD, [])
    with pytest.raises(NotCanonical):
        note_text(HEAD, [board() + "\n\nanother"])


def test_the_board_signs() -> None:
    key = bytes(BOARD.verify_key)
    assert board_signature_holds(parse_note(NOTE), ORIGIN, key)
    assert not board_signature_holds(parse_note(NOTE), "another.example", key)
    assert not board_signature_holds(parse_note(NOTE), ORIGIN, bytes(ANNA.verify_key))


@pytest.mark.parametrize(
    "lines",
    [
        [board(secret=ANNA)],
        [board(name="another.example")],
        [board(head=Checkpoint(ORIGIN, 13, HEAD.root, HEAD.time))],
        [board_line(ORIGIN, bytes(BOARD.verify_key), ANNA.sign(HEAD.body()).signature)],
        [board_line(ORIGIN, bytes(BOARD.verify_key), BOARD.sign(HEAD.body()).signature[:63])],
        [board_line(ORIGIN, bytes(BOARD.verify_key), BOARD.sign(HEAD.body()).signature + b"\0")],
        [board(), board_line(ORIGIN, bytes(BOARD.verify_key), bytes(64))],
        [witness(ORIGIN, BOARD, 1_800_000_000)],
    ],
)
def test_what_is_not_the_boards_signature(lines: list[str]) -> None:
    """Another key, name or text, a wrong length, a failing line beside a good one, a cosignature in its place."""
    assert not board_signature_holds(parse_note(note_text(HEAD, lines)), ORIGIN, bytes(BOARD.verify_key))


def test_an_old_board_key_beside_the_new_is_passed_over() -> None:
    note = parse_note(note_text(HEAD, [board(secret=ANNA), board()]))
    assert board_signature_holds(note, ORIGIN, bytes(BOARD.verify_key))


def test_witnesses_count_once_and_only_if_valid() -> None:
    lines = [
        board(),
        witness("anna.example", ANNA, 50),
        witness("anna.example", ANNA, 70),
        witness("anna.example", ANNA, 60),
        witness("ben.example", ANNA, 50),  # ben's name, anna's key
        witness("carl.example", BEN, 50),  # unknown name
        witness("ben.example", BEN, 50, Checkpoint(ORIGIN, 13, HEAD.root, HEAD.time)),  # another head
        cosignature_line("ben.example", KEYS["ben.example"], 51, BEN.sign(cosignature_message(HEAD, 50)).signature),
        board_line("ben.example", KEYS["ben.example"], BEN.sign(HEAD.body()).signature),  # a plain signature
        cosignature_line("ben.example", KEYS["ben.example"], 50, b"short"),
    ]
    assert cosignature_times(parse_note(note_text(HEAD, lines)), KEYS) == {"anna.example": 70}
    lines.append(witness("ben.example", BEN, 0))
    assert cosignature_times(parse_note(note_text(HEAD, lines)), KEYS) == {"anna.example": 70, "ben.example": 0}


def test_a_cosignature_is_no_signature_of_the_board_text() -> None:
    """The first line of what a witness signs keeps it from being taken for a note."""
    assert cosignature_message(HEAD, 5).startswith(b"cosignature/v1\ntime 5\n" + ORIGIN.encode())
    with pytest.raises(NotCanonical):
        parse_note(cosignature_message(HEAD, 5) + b"\n" + board().encode() + b"\n")
