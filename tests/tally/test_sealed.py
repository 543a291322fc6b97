"""Sealed files: only the right passphrase or key opens them, and no damage goes unnoticed."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.pwhash import argon2id
from nacl.signing import SigningKey

from tally import sealed
from tally.errors import DamagedFile, OtherElection, TallyError, WrongPassphrase
from tally.files import write_private
from tally.sealed import seal, seal_for, seal_signing_key, unseal, unseal_signing_key
from verifier.record.canonical import encode_bytes, serialise

PASSPHRASE = "correct horse battery"
KEY = SigningKey(b"k" * 32)
ABOUT = {"election": "toy", "trustee": 1}
SECRET = b"the one secret"


def told(passphrase: str = PASSPHRASE) -> Callable[[str], str]:
    return lambda name: passphrase


def never(name: str) -> str:
    raise AssertionError("nobody should have been asked")


def by_passphrase() -> bytes:
    return seal("toy", ABOUT, SECRET, PASSPHRASE)


def by_key() -> bytes:
    return seal_for("toy", ABOUT, SECRET, bytes(KEY.verify_key))


def opened(raw: bytes) -> tuple[dict[str, Any], bytes]:
    """With the right passphrase and key at hand."""
    return unseal(raw, "toy", "file.json", told(), KEY)


def forged(raw: bytes, **changes: Any) -> bytes:
    """Another file with a checksum that fits, as someone with bad intentions would make it."""
    content = {part: value for part, value in json.loads(raw).items() if part != "checksum"} | changes
    return serialise({**content, "checksum": encode_bytes(hashlib.sha256(serialise(content)).digest())})


# Opening


@given(secret=st.binary(max_size=300), passphrase=st.text(st.characters(exclude_categories=["Cs"]), min_size=12))
@settings(max_examples=50)
def test_what_is_sealed_comes_back(secret: bytes, passphrase: str) -> None:
    assert unseal(seal("toy", ABOUT, secret, passphrase), "toy", "f", told(passphrase)) == (ABOUT, secret)
    assert unseal(seal_for("toy", ABOUT, secret, bytes(KEY.verify_key)), "toy", "f", never, KEY) == (ABOUT, secret)


@pytest.mark.parametrize("wrong", ["", "correct horse batter", "Correct horse battery", PASSPHRASE + " "])
def test_another_passphrase_is_wrong_and_the_file_is_not_damaged(wrong: str) -> None:
    with pytest.raises(WrongPassphrase, match=r"file\.json: the passphrase is wrong"):
        unseal(by_passphrase(), "toy", "file.json", told(wrong))


@pytest.mark.parametrize("key", [None, SigningKey(b"l" * 32)])
def test_another_key_does_not_open_it(key: SigningKey | None) -> None:
    with pytest.raises(OtherElection, match=r"file\.json: sealed for another key"):
        unseal(by_key(), "toy", "file.json", never, key)


def test_a_file_of_another_kind_is_refused() -> None:
    """A signing key is no share, whatever is asked."""
    with pytest.raises(DamagedFile, match=r"file\.json: not a key share file"):
        unseal(by_passphrase(), "key share", "file.json", never)


def test_the_name_of_the_file_is_asked_for() -> None:
    asked: list[str] = []

    def ask(name: str) -> str:
        asked.append(name)
        return PASSPHRASE

    unseal(by_passphrase(), "toy", "my share.json", ask)
    assert asked == ["my share.json"]


def test_every_file_is_sealed_afresh() -> None:
    """Salt, nonce and one-time key are new, so two files of one secret cannot be seen to be the same."""
    assert json.loads(by_passphrase())["lock"]["salt"] != json.loads(by_passphrase())["lock"]["salt"]
    for make in (by_passphrase, by_key):
        assert json.loads(make())["box"] != json.loads(make())["box"]


def test_the_secret_is_not_in_the_file() -> None:
    for raw in (by_passphrase(), by_key()):
        assert SECRET not in raw and encode_bytes(SECRET).encode()[:-1] not in raw and SECRET.hex().encode() not in raw
        assert PASSPHRASE.encode() not in raw


# Passphrases


@pytest.mark.parametrize("short", ["", "a", "eleven char", "あ" * 11])
def test_a_short_passphrase_is_refused(short: str) -> None:
    """Twelve characters, not bytes: eleven kana are 33 bytes and still too short."""
    with pytest.raises(TallyError, match="shorter than 12 characters") as refusal:
        seal("toy", ABOUT, SECRET, short)
    assert len(short) < 2 or short not in str(refusal.value)


@pytest.mark.parametrize("enough", ["twelve chars", "あ" * 12])
def test_twelve_characters_are_enough(enough: str) -> None:
    assert unseal(seal("toy", ABOUT, SECRET, enough), "toy", "f", told(enough))[1] == SECRET


def test_the_work_of_a_passphrase_is_that_of_the_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written in the file and used when it is opened, also after the module's own number has changed."""
    monkeypatch.setattr(sealed, "OPERATIONS", 3)
    monkeypatch.setattr(sealed, "MEMORY", 1 << 16)
    raw = by_passphrase()
    lock = json.loads(raw)["lock"]
    assert (lock["operations"], lock["memory"]) == (3, 1 << 16)
    monkeypatch.setattr(sealed, "OPERATIONS", 1)
    assert opened(raw) == (ABOUT, SECRET)


def test_outside_tests_the_work_is_moderate() -> None:
    """Half a second and 256 MiB for each guess."""
    untouched = importlib.util.module_from_spec(sealed.__spec__)
    sealed.__spec__.loader.exec_module(untouched)
    assert (untouched.OPERATIONS, untouched.MEMORY) == (argon2id.OPSLIMIT_MODERATE, argon2id.MEMLIMIT_MODERATE)


@pytest.mark.parametrize(
    "changes",
    [
        {"operations": argon2id.OPSLIMIT_SENSITIVE + 1},
        {"operations": 2**52},
        {"operations": 0},
        {"operations": -1},
        {"operations": True},
        {"memory": argon2id.MEMLIMIT_SENSITIVE + 1},
        {"memory": 2**52},
        {"memory": argon2id.MEMLIMIT_MIN - 1},
        {"memory": "8192"},
        {"salt": encode_bytes(b"short")},
        {"salt": encode_bytes(b"s" * 17)},
        {"kind": "none"},
        {"more": 1},
    ],
)
def test_a_hostile_file_cannot_ask_for_more_work_than_there_is(
    changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limits are checked before argon2 begins and before anyone is asked."""
    monkeypatch.setattr(sealed, "_stretch", lambda *_: pytest.fail("argon2 was started"))
    raw = by_key()
    lock = {"kind": "passphrase", "salt": encode_bytes(b"s" * 16), "operations": 1, "memory": 8192, **changes}
    with pytest.raises(DamagedFile, match=r"^file\.json: not a toy file, or damaged"):
        unseal(forged(raw, lock=lock), "toy", "file.json", never)


# Damage


def outcome(raw: bytes) -> str:
    try:
        opened(raw)
    except TallyError as error:
        assert "\n" not in str(error) and str(error).startswith("file.json")
        return type(error).__name__
    return "opened"


@pytest.mark.parametrize("make", [by_passphrase, by_key])
def test_every_flipped_byte_is_found(make: Callable[[], bytes]) -> None:
    """At every position, each single bit and all bits: never opened, never a wrong passphrase, never a crash."""
    raw = make()
    assert outcome(raw) == "opened"
    for place in range(len(raw)):
        for flip in (1, 2, 4, 8, 16, 32, 64, 128, 255):
            damaged = raw[:place] + bytes([raw[place] ^ flip]) + raw[place + 1 :]
            assert outcome(damaged) == "DamagedFile", (place, flip)


@pytest.mark.parametrize("make", [by_passphrase, by_key])
def test_every_truncated_file_is_found(make: Callable[[], bytes]) -> None:
    raw = make()
    assert {outcome(raw[:length]) for length in range(len(raw))} == {"DamagedFile"}
    assert {outcome(raw + more) for more in (b"\n", b" ", b"\0", raw)} == {"DamagedFile"}


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b"null", b"\xff", b'"a"', b"[" * 50_000, b"1" * 70_000])
def test_what_is_no_such_file_is_named(raw: bytes) -> None:
    assert outcome(raw) == "DamagedFile"


@pytest.mark.parametrize("make", [by_passphrase, by_key])
@pytest.mark.parametrize("about", [{**ABOUT, "trustee": 2}, {}, None, "toy", [1]])
def test_what_it_says_in_clear_is_bound_to_the_secret(make: Callable[[], bytes], about: Any) -> None:
    """With a checksum that fits: a share cannot be passed off as another trustee's."""
    with pytest.raises(DamagedFile, match="not what was sealed"):
        opened(forged(make(), about=about))


def test_the_kind_is_bound_to_the_secret() -> None:
    with pytest.raises(DamagedFile, match="not what was sealed"):
        unseal(forged(by_passphrase(), kind="key share"), "key share", "f", told())


@pytest.mark.parametrize("size", [0, 1, 23, 24, 39, 40, 47, 48, 60])
def test_a_cut_box_with_a_checksum_that_fits_does_not_open(size: int) -> None:
    """A box shorter than its nonce, its authenticator or its binding is refused, never a crash."""
    for make in (by_passphrase, by_key):
        box = sealed._base64url(json.loads(make())["box"], "box")[:size]
        assert outcome(forged(make(), box=encode_bytes(box))) in ("DamagedFile", "WrongPassphrase")


# Signing keys


def test_a_signing_key_comes_back_and_names_its_public_half() -> None:
    raw = seal_signing_key(KEY, PASSPHRASE)
    assert unseal_signing_key(raw, "key.json", told()) == KEY
    assert json.loads(raw)["about"] == {"public": encode_bytes(bytes(KEY.verify_key))}
    with pytest.raises(WrongPassphrase):
        unseal_signing_key(raw, "key.json", told("something else"))


@pytest.mark.parametrize(
    ("about", "seed"),
    [
        ({"public": encode_bytes(b"p" * 32)}, bytes(KEY)),
        ({"public": encode_bytes(bytes(KEY.verify_key))}, b"l" * 32),
        ({"public": encode_bytes(bytes(KEY.verify_key))}, bytes(KEY)[:31]),
        ({"public": encode_bytes(bytes(KEY.verify_key))}, b""),
        ({"public": "short"}, bytes(KEY)),
        ({"public": None}, bytes(KEY)),
        ({}, bytes(KEY)),
        ([], bytes(KEY)),
    ],
)
def test_two_halves_that_do_not_fit_are_refused(about: Any, seed: bytes) -> None:
    raw = seal("signing key", about, seed, PASSPHRASE)
    with pytest.raises(DamagedFile, match=r"^key\.json: "):
        unseal_signing_key(raw, "key.json", told())


@pytest.mark.parametrize("recipient", [b"\0" * 32, b"\1" + b"\0" * 31, b"\xff" * 32], ids=["zero", "one", "no point"])
def test_a_key_that_is_no_point_is_refused_in_a_sentence(recipient: bytes) -> None:
    """A manifest may hold any 32 bytes as a trustee's key."""
    with pytest.raises(TallyError):
        seal_for("toy", ABOUT, SECRET, recipient)


# Writing


def test_a_private_file_is_only_for_its_owner(tmp_path: Path) -> None:
    """Mode 0600 from the moment that it exists, whatever the umask allows."""
    path, before = tmp_path / "key.json", os.umask(0)
    try:
        write_private(path, b"secret")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and path.read_bytes() == b"secret"


def test_a_private_file_is_never_written_over(tmp_path: Path) -> None:
    """Nor through a link, also one that points to nothing."""
    path = tmp_path / "key.json"
    write_private(path, b"first")
    (tmp_path / "dangling.json").symlink_to(tmp_path / "elsewhere.json")
    for taken in (path, tmp_path / "dangling.json"):
        with pytest.raises(FileExistsError):
            write_private(taken, b"second")
    assert path.read_bytes() == b"first" and not (tmp_path / "elsewhere.json").exists()


def test_a_private_file_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full nothing half-written stays, which would also stand in the way of the next attempt."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("tally.files.os.fsync", full)
        with pytest.raises(OSError, match="No space left"):
            write_private(tmp_path / "key.json", b"secret")
    assert list(tmp_path.iterdir()) == []
