"""What trustees hand in, made by their own program's functions, and the boards to which they bring it."""

from __future__ import annotations

from datetime import datetime
from functools import cache

from django.core.files.uploadedfile import SimpleUploadedFile

from tally import stages
from tally.rehearsal import rehearse
from tally.shares import Share
from tally.submission import Submission
from tests.election import Election, signing_key
from tests.forge import at
from tests.voting import boards
from verifier.record.canonical import encode_bytes
from verifier.record.entries import Type
from voting.board.services import publish_checkpoint
from voting.elections.models import Election as ElectionRow

PASSPHRASE = "a long passphrase"


@cache
def stage(name: str) -> Election:
    """The election at a stage. Tests only read it."""
    return at(name)


def board(name: str) -> ElectionRow:
    """Its board, with a checkpoint of just after the close."""
    row = boards.board_of(stage(name))
    publish_checkpoint(row, boards.AFTERWARDS)
    return row


def key_board() -> ElectionRow:
    """A board with manifest and key; nobody has confirmed yet."""
    row = boards.define(stage("set up"))
    boards.fill(row, stage("set up"), 0, boards.place(stage("set up"), Type.KEY) + 1)
    publish_checkpoint(row, boards.AFTERWARDS)
    row.refresh_from_db()
    return row


def share(number: int, election: Election | None = None) -> Share:
    held = election or stage("set up")
    return Share(held.election_id, held.state.key_hash, number, held.dealt.shares[number - 1])


def confirmation(number: int, signer: str = "") -> bytes:
    """A trustee's "my share verifies"."""
    held = stage("set up")
    body = held.body(key=encode_bytes(held.state.key_hash), trustee=number)
    return Submission(Type.SHARE_CONFIRMED, body).signed_by(signing_key(signer or f"trustee {number}")).to_bytes()


def roots(number: int, election: Election | None = None, with_share_of: int = 0, signer: str = "") -> bytes:
    """A trustee's partial roots; made with a neighbour's share or signature they are wrong."""
    held = election or stage("mixed")
    body, columns = stages.partial_roots_body(held.state, number, held.dealt.shares[(with_share_of or number) - 1])
    signed = Submission(Type.PARTIAL_ROOTS, body, (), columns).signed_by(signing_key(signer or f"trustee {number}"))
    return signed.to_bytes()


def rehearsal(row: ElectionRow, name: str, number: int, time: datetime | None = None) -> bytes:
    """A trustee's rehearsal with the board as it is, under a checkpoint of this time."""
    checkpoint = publish_checkpoint(row, time or boards.AFTERWARDS).text
    return rehearse(stage(name).state, checkpoint, share(number), signing_key(f"trustee {number}"))


def upload(raw: bytes, name: str = "file.json") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, raw)
