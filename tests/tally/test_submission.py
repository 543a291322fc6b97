"""An entry on its way to the board comes back as it was, and anything else is refused by the file's name."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tally.errors import DamagedFile
from tally.signing import public_key
from tally.submission import Submission, parse_submission, write_all
from tests.election import signing_key
from tests.forge import at
from verifier.record.canonical import encode_bytes, parse, serialise
from verifier.record.entries import MAX_ENTRY_BYTES, Type

KEYS = [signing_key(f"official {number}") for number in (1, 2, 3)]
BODY = {"election": "toy", "number": 7, "text": "架空"}


def column(text: str) -> dict[bytes, bytes]:
    return {hashlib.sha256(text.encode()).digest(): text.encode()}


FULL = Submission(Type.OPENING, BODY, (), {**column("AA\n"), **column("BB\nCC\n")}).signed_by(KEYS[0])


@given(
    kind=st.sampled_from(list(Type)),
    body=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.integers(-100, 100) | st.none()),
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=3),
    signers=st.sets(st.integers(0, 2)),
)
@settings(max_examples=60)
def test_what_is_written_comes_back(kind: Type, body: dict[str, Any], texts: list[str], signers: set[int]) -> None:
    made = Submission(kind, {"ballot": {}, **body}, (), {k: v for text in texts for k, v in column(text).items()})
    for signer in signers:
        made = made.signed_by(KEYS[signer])
    assert parse_submission(made.to_bytes(), "entry.json") == made


def test_signatures_are_in_order_of_keys_whoever_signs_first() -> None:
    """So two officials need not agree who begins; and to sign twice changes nothing."""
    unsigned = Submission(Type.POLLS_OPENED, BODY)
    one_way = unsigned.signed_by(KEYS[0]).signed_by(KEYS[1]).signed_by(KEYS[2])
    other_way = unsigned.signed_by(KEYS[2]).signed_by(KEYS[1]).signed_by(KEYS[0]).signed_by(KEYS[1])
    assert one_way == other_way and len(one_way.signatures) == 3
    keys = sorted(public_key(key) for key in KEYS)
    assert [signature["key"] for signature in one_way.signatures] == [encode_bytes(key) for key in keys]
    assert unsigned.signatures == ()


def test_the_board_accepts_the_signatures() -> None:
    """Signed one after the other, on files, as officials do it."""
    election = at("registered")
    made = Submission(Type.POLLS_OPENED, election.body()).signed_by(KEYS[2])
    made = parse_submission(made.to_bytes(), "entry.json").signed_by(KEYS[0])
    expected = election.raw(Type.POLLS_OPENED, election.body(), ["official 1", "official 3"])
    assert list(made.signatures) == parse(expected, MAX_ENTRY_BYTES)["signatures"]


def test_a_signature_is_for_this_body_only() -> None:
    first = Submission(Type.POLLS_OPENED, BODY).signed_by(KEYS[0]).signatures[0]
    for other in (Submission(Type.POLLS_CLOSED, BODY), Submission(Type.POLLS_OPENED, {**BODY, "number": 8})):
        signature = other.signed_by(KEYS[0]).signatures[0]
        assert signature["key"] == first["key"] and signature["signature"] != first["signature"]


def refused(raw: bytes) -> str:
    with pytest.raises(DamagedFile) as damage:
        parse_submission(raw, "entry.json")
    assert str(damage.value).startswith("entry.json: not an entry for the board, or damaged (")
    assert "\n" not in str(damage.value)
    return str(damage.value)


def changed(**changes: Any) -> bytes:
    return serialise({**parse(FULL.to_bytes(), 1 << 20), **changes})


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"type": "coup"}, "type"),
        ({"type": None}, "type"),
        ({"type": ["opening"]}, "type"),
        ({"signatures": {}}, "signatures"),
        ({"signatures": [{}]}, "signatures 0"),
        ({"signatures": [{"key": "x", "signature": "y"}]}, "signatures 0"),
        ({"signatures": [None] * 101}, "signatures"),
        ({"columns": []}, "columns"),
        ({"columns": {"00": 7}}, "columns"),
        ({"columns": {"00" * 32: "AA\n"}}, "does not hash to its name"),
        ({"columns": {hashlib.sha256(b"AA\n").hexdigest().upper(): "AA\n"}}, "does not hash to its name"),
        ({"time": "2026-11-20T13:05Z"}, "unknown key 'time'"),
    ],
)
def test_another_shape_is_refused(changes: dict[str, Any], named: str) -> None:
    assert named in refused(changed(**changes))


def test_missing_parts_are_named() -> None:
    content = parse(FULL.to_bytes(), 1 << 20)
    for part in content:
        rest = {name: value for name, value in content.items() if name != part}
        assert f"key '{part}' is missing" in refused(serialise(rest))


@pytest.mark.parametrize("raw", [b"", b"null", b"[]", b"{}", b"\xff\xfe", b"[" * 10_000, b'{"type": "opening"}'])
def test_what_is_no_entry_is_refused(raw: bytes) -> None:
    refused(raw)


def test_every_truncation_is_refused() -> None:
    raw = FULL.to_bytes()
    for length in range(len(raw)):
        refused(raw[:length])
    refused(raw + b"\n")


def test_a_flipped_bit_in_a_column_is_found() -> None:
    raw = FULL.to_bytes()
    place = raw.index(b"CC\\n")
    assert "does not hash to its name" in refused(raw[:place] + b"D" + raw[place + 1 :])


def test_the_file_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk leaves what was there before, and no draft."""
    path = tmp_path / "entry.json"
    FULL.write(path)
    before = path.read_bytes()
    assert before == FULL.to_bytes() and list(tmp_path.iterdir()) == [path]

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tally.files.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        FULL.signed_by(KEYS[1]).write(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_all_are_written_into_a_directory_that_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    paths = write_all([("first", FULL), ("second", FULL.signed_by(KEYS[2]))], folder)
    assert paths == [folder / "first.json", folder / "second.json"] and sorted(folder.iterdir()) == paths
    assert len(parse_submission(paths[1].read_bytes(), "second.json").signatures) == 2
