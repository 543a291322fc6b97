"""A trustee hands in a file: a confirmation, a rehearsal or partial roots. Nobody logs in; the signature decides.

Checked at once, and what costs little comes first: shape, election, trustee, signature, stage. Only a file that a
trustee of this election has signed, and that is due, is read as a whole and has its proof verified; by replay, as
every entry. Who handed a file in is neither asked nor guessed: a trustee is named when the signature is that
trustee's, and otherwise only as whom the file speaks for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from tally.errors import DamagedFile
from tally.submission import MAX_BYTES, Submission, parse_submission
from verifier.checks import authenticity
from verifier.crypto.checkpoint import parse_note
from verifier.crypto.transcript import digest
from verifier.errors import BadInteger, CheckFailed, NotCanonical
from verifier.record.canonical import encoded_length, serialise
from verifier.record.entries import (
    Type,
    modulus_bytes,
    parse_entry,
    partial_roots_shape,
    share_confirmed_shape,
)
from verifier.record.manifest import Manifest
from verifier.record.schema import format_minute
from verifier.rehearsal import Rehearsal as Proof
from verifier.rehearsal import Statement, parse_rehearsal, rehearsal_holds, rehearsal_signed
from verifier.replay.state import Stage, State
from voting.board.models import Checkpoint
from voting.board.replica import replica_of
from voting.board.services import append, latest_checkpoint
from voting.counting import progress
from voting.elections.models import Election
from voting.errors import EntryRefused, VotingError
from voting.trustees.errors import HandInRefused
from voting.trustees.models import Rehearsal
from voting.trustees.refusals import damaged, entry_refused, not_ours, signature_refused, unavailable

SMALL = 64 << 10
"""bytes of a file without partial roots, and of everything in one with them that is no root"""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = 1 << 37
"""seconds that a datetime can still add to 1970; no board has signed anything later"""
FRESH = timedelta(days=7)
"""A rehearsal refers to the board as it is, or as it was at most so long ago."""
ENTRY, REHEARSAL = b'{"body":', b'{"rehearsal":'
"""how the two kinds of files begin; their bytes have one form"""
SHAPES: dict[Type, Callable[[Any, str], dict[str, Any]]] = {
    Type.SHARE_CONFIRMED: share_confirmed_shape,
    Type.PARTIAL_ROOTS: partial_roots_shape,
}


@dataclass(frozen=True)
class HandedIn:
    """A file that was taken."""

    kind: str
    """share-confirmed, partial-roots or rehearsal"""
    trustee: int
    name: str


@dataclass(frozen=True)
class Seen:
    """What a file is compared with: the board as replay knows it."""

    manifest: Manifest
    state: State


def hand_in(election: Election, file: UploadedFile | None, at: datetime | None = None) -> HandedIn:
    """Take a file: onto the board, or a rehearsal into its table. In no transaction: the board makes its own.

    `at`: now by default. Raises HandInRefused, with a sentence for people; nothing was kept of the file then.
    """
    if file is None or not file.size:
        raise HandInRefused("no-file", _("Choose a file first. An empty file is none."))
    head = file.read(SMALL)
    if not head.startswith((ENTRY, REHEARSAL)):
        raise not_ours(head)
    seen = _seen(election)
    moment = at or timezone.now()
    if head.startswith(REHEARSAL):
        return _rehearsal(election, seen, head, file.size, moment)
    return _entry(election, seen, file, head, moment)


def _seen(election: Election) -> Seen:
    replica = replica_of(election.pk)
    with replica.lock:
        try:
            state = replica.catch_up().state
        except VotingError as error:
            raise unavailable(error) from error
        if state.manifest is None:
            raise HandInRefused("too-early", _("Nothing is handed in yet: the election is not fixed."))
        return Seen(state.manifest, state)


# Entries


def _entry(election: Election, seen: Seen, file: UploadedFile, head: bytes, at: datetime) -> HandedIn:
    size = file.size or 0
    small = _submission(head if size <= SMALL else _without_columns(file, head, size))
    if small.type not in SHAPES:
        raise HandInRefused(
            "not-taken-here",
            _("Files of this kind are not handed in here. Trustees hand in three: the confirmation of the share, the "
              "proof that it works, and the partial roots."),
        )  # fmt: skip
    try:
        body = SHAPES[small.type](small.body, "body")
    except (NotCanonical, BadInteger):
        raise damaged() from None
    name = _trustee(seen, body["election"], body["trustee"])
    who = {"number": body["trustee"], "name": name}
    _require_signature(seen, small, body["trustee"], who)
    _require_due(seen, small.type, body["trustee"], who)
    if size > _most(seen, small.type):
        raise damaged()
    if size > SMALL:
        file.seek(0)
        small = _submission(file.read())
    _append(election, small, at, who)
    return HandedIn(small.type.value, body["trustee"], name)


def _submission(raw: bytes) -> Submission:
    try:
        return parse_submission(raw, "upload")
    except DamagedFile:
        raise damaged() from None


def _without_columns(file: UploadedFile, head: bytes, size: int) -> bytes:
    """A file with partial roots as if it had none: what says whose it is has a few kilobytes."""
    start = size - SMALL  # the tail may begin within the head: what is looked for may lie in both
    file.seek(start)
    tail = file.read()
    begin, end = head.find(b',"columns":{'), tail.rfind(b'},"signatures":[')
    if begin < 0 or end < 0 or start + end <= begin:
        raise damaged()
    return head[:begin] + b',"columns":{' + tail[end:]


def _most(seen: Seen, kind: Type) -> int:
    """Bytes of the largest file of this kind: a line of text for each root, its end escaped."""
    if kind is not Type.PARTIAL_ROOTS:
        return SMALL
    return min(SMALL + len(seen.state.named()) * (encoded_length(modulus_bytes(seen.manifest)) + 2), MAX_BYTES)


def _trustee(seen: Seen, election: bytes, number: int) -> str:
    """The name of the trustee for whom a file speaks."""
    if election != seen.manifest.election:
        raise HandInRefused(
            "other-election", _("This file is of another election. Look for the page of that election.")
        )
    trustees = seen.manifest.trustees
    if number > len(trustees):
        raise HandInRefused(
            "no-such-trustee",
            _("The file speaks for trustee %(number)s, but this election has only %(all)s trustees.")
            % {"number": number, "all": len(trustees)},
        )
    return trustees[number - 1].name


def _require_signature(seen: Seen, small: Submission, number: int, who: dict[str, Any]) -> None:
    envelope = {
        "body": small.body,
        "signatures": list(small.signatures),
        "time": format_minute(timezone.now()),  # no part of what is signed
        "type": small.type.value,
    }
    try:
        authenticity.trustee_signed("upload", seen.manifest.trustees[number - 1], parse_entry(serialise(envelope)))
    except (CheckFailed, NotCanonical):
        raise signature_refused(who) from None


def _require_due(seen: Seen, kind: Type, number: int, who: dict[str, Any]) -> None:
    """The stage, before anything long is read."""
    state = seen.state
    if kind is Type.SHARE_CONFIRMED:
        if state.key is None:
            raise HandInRefused(
                "too-early", _("There is nothing to confirm yet: the election key is not on the board.")
            )
        if number in state.confirmed:
            raise HandInRefused("already", _("Trustee %(number)s (%(name)s) has confirmed the share before.") % who)
        if state.stage is not Stage.SETUP:
            raise HandInRefused("too-late", _("Shares are confirmed only before the polls open."))
        return
    if number in state.partial_roots:
        raise HandInRefused("already", _("Partial roots of trustee %(number)s (%(name)s) are there already.") % who)
    if state.stage in (Stage.OPENED, Stage.PUBLISHED):
        raise HandInRefused("too-late", _("Everything is opened already. Nothing more is needed."))
    if state.stage is not Stage.FROZEN:
        raise HandInRefused(
            "too-early",
            _("There is nothing to open yet: nothing may be opened before the polls have closed and two officials have "
              "fixed what is counted."),
        )  # fmt: skip
    if state.missing_stages():
        raise HandInRefused("too-early", _("Nothing may be opened before the mixers have finished."))


def _append(election: Election, submission: Submission, at: datetime, who: dict[str, Any]) -> None:
    about = f"trustee {who['number']}"
    try:
        append(
            election,
            entry_type=submission.type,
            body=submission.body,
            signatures=submission.signatures,
            columns=submission.columns,
            time=at,
        )
    except EntryRefused as refusal:
        sentence = entry_refused(refusal, submission.type, who)
        if sentence.code == "proof":  # the signature holds, so it is this trustee's; officials are told
            with translation.override(settings.LANGUAGE_CODE):
                progress.problem(election.pk, about, entry_refused(refusal, submission.type, who).reason)
        raise sentence from refusal
    except VotingError as error:
        raise unavailable(error) from error
    progress.solved(election.pk, about)


# Rehearsals


def _rehearsal(election: Election, seen: Seen, raw: bytes, size: int, at: datetime) -> HandedIn:
    try:
        if size > len(raw):
            raise NotCanonical("larger than any rehearsal")
        proof = parse_rehearsal(raw)
    except (NotCanonical, BadInteger):
        raise damaged() from None
    made, state = proof.statement, seen.state
    name = _trustee(seen, made.election, made.trustee)
    who = {"number": made.trustee, "name": name}
    if not rehearsal_signed(proof, seen.manifest.trustees[made.trustee - 1].key):
        raise signature_refused(who)
    if state.key is None:
        raise HandInRefused("too-early", _("There is nothing to prove yet: the election key is not on the board."))
    if made.key != state.key_hash:
        raise HandInRefused("other-key", _("The proof is of another key than the one on the board."))
    if state.stage in (Stage.OPENED, Stage.PUBLISHED):
        raise HandInRefused("too-late", _("Everything is opened already. Nothing more is needed."))
    named = digest("rehearsal", made.trustee, proof.a)  # not the file: the same proof can be written and signed anew
    if Rehearsal.objects.filter(election=election, digest=named).exists():
        raise HandInRefused("already", _("This proof was handed in before. Let the program make a new one."))
    _require_fresh(election, made, at)
    _require_proof(seen, proof, who)
    minute = at.replace(second=0, microsecond=0)
    Rehearsal.objects.get_or_create(
        election=election, digest=named, defaults={"trustee": made.trustee, "size": made.size, "created": minute}
    )
    return HandedIn("rehearsal", made.trustee, name)


def _require_fresh(election: Election, made: Statement, at: datetime) -> None:
    """The checkpoint is one that this board has signed, the latest or not older than a week."""
    time = EPOCH + timedelta(seconds=min(made.time, LATEST))
    known = Checkpoint.objects.filter(election=election, size=made.size, time=time).first()
    if known is None or parse_note(known.text.encode()).checkpoint.root != made.root:
        raise HandInRefused("other-board", _("The proof names a state of the board that this board has never had."))
    latest = latest_checkpoint(election)
    if time < at - FRESH and latest is not None and latest.size != made.size:
        raise HandInRefused(
            "old",
            _("The proof is old: it was made with the board of %(day)s. Take the board from this page again and let "
              "the program make a new one.")
            % {"day": f"{timezone.localtime(time):%Y-%m-%d}"},
        )  # fmt: skip


def _require_proof(seen: Seen, proof: Proof, who: dict[str, Any]) -> None:
    manifest, key = seen.state.require()
    v_i = seen.state.verification_keys[proof.statement.trustee - 1]
    if not rehearsal_holds(key.N, len(manifest.trustees), manifest.threshold, v_i, proof):
        raise HandInRefused(
            "proof",
            _("Trustee %(number)s (%(name)s): the proof that the share works does not hold.") % who,
        )
