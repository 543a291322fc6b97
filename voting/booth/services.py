"""Handing in and opening sealed ballots: what the server adds to the rules of the board.

The board admits a ballot exactly when replay would accept it (`voting.board.services.append`). Here is only what
observers cannot see: whose slot it is, the hours of the voter's category, and who has to stand by. Whatever happens to
a request on its way, asking again gives the outcome that is on the board (requirements 24, 30).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from verifier.checks import consistency, integrity
from verifier.crypto.transcript import digest
from verifier.errors import NotCanonical
from verifier.record.canonical import encode_bytes, serialise
from verifier.record.entries import Type, parse_entry
from voting.applications import notices
from voting.applications.models import Application
from voting.applications.offers import hours
from voting.applications.review import note_cast
from voting.applications.rules import in_time
from voting.applications.states import State
from voting.board.replica import replica_of
from voting.board.services import acknowledge_tracker, append, receipt
from voting.booth import errors
from voting.booth.presence import require_present
from voting.credentials.errors import NoBallot
from voting.credentials.letters import WITH_BALLOT
from voting.credentials.models import Binding
from voting.errors import ClockBehind, EntryRefused

SIGNATURE_BYTES = 64
MOST_AN_HOUR = 60
"""Trackers, ballots and tests of one voter in an hour: ballots are checked, and kept for ever."""
OUTCOMES = {Type.BALLOT_CAST: "cast", Type.BALLOT_OPENED: "opened"}
CLOSED = (consistency.times_monotone.name, consistency.closed_once.name)
CANONICAL = integrity.canonical.name
STALE = consistency.last_counts.name


@dataclass(frozen=True)
class SlotView:
    """What a device has to know about its slot before it seals a ballot."""

    slot: str
    style: str
    credential: bytes
    """the device key that may sign, 32 bytes"""
    sequence: int
    """of the last ballot that was cast, 0 for none"""
    last: bytes | None
    """the tracker of that ballot"""
    revote: bool


def slot_of(application: Application) -> SlotView:
    """The voter's slot as the board has it. Raises NotRegistered."""
    binding = Binding.objects.filter(application=application).first()
    replica = replica_of(application.election_id)
    with replica.lock:
        state = replica.catch_up().state
        slot = state.slots.get(binding.pseudonym) if binding else None
        revote = state.manifest.revote if state.manifest else False
        if binding is None or slot is None:
            raise errors.NotRegistered(_("This voter has registered no device yet."), application.reference)
        last = None if slot.entry is None else parse_entry(replica.log.entry(slot.entry)).statement
        return SlotView(binding.pseudonym, slot.style.id, slot.credential, slot.sequence, last, revote)


def require_hours(application: Application, at: datetime) -> None:
    """The hours in which this voter's category votes (requirement 21); the board itself has those of the contests.

    Raises OutsideHours.
    """
    opens, closes = hours(application.offer)
    if in_time(at, opens, closes):
        return
    sentence = _("Voting has not begun yet.") if at < opens else _("Voting is over.")
    raise errors.OutsideHours(sentence, application.reference)


def acknowledge(application: Application, tracker: bytes) -> dict[str, str]:
    """The board's signed word that it was told this tracker, before the voter chooses (protocol, 3.5).

    Raises ValueError, NotOnBoard, BoardKeyUnusable.
    """
    return acknowledge_tracker(application.election, tracker)


def cast(
    application: Application, ballot: Any, signature: bytes, *, received: datetime | None = None
) -> dict[str, Any]:
    """Put a sealed ballot into the ballot box; its receipt. The same ballot again gives the same receipt.

    `ballot`: the unsigned body in wire form. `signature`: by the voter's device, 64 bytes. `received`: when the whole
    request was there, which decides whether it is in time. Not inside another transaction.

    Raises NoBallot, NotRegistered, OutsideHours, PollsClosed, PeopleMissing, Superseded, VotedAlready, OpenedAlready,
    BallotInvalid, TooMany.
    """
    tracker = tracker_of(ballot)
    known = _entry_of(application, tracker)
    if known is not None:
        _require_own(application, ballot)
        return _the_same(application, known, Type.BALLOT_CAST)
    at = received or timezone.now()
    _require_may_vote(application, at)
    slot = _require_own(application, ballot)
    require_present(application, tracker)
    require_pace(application)
    index = _append(application, Type.BALLOT_CAST, ballot, signature, slot, at)
    _note_handed_in(application)
    return receipt(application.election, index)


def open_ballot(
    application: Application, ballot: Any, seed: bytes, signature: bytes, *, received: datetime | None = None
) -> dict[str, Any]:
    """Publish a sealed ballot with its seed as a test (Benaloh challenge): it never counts. Its receipt.

    Arguments and errors as for `cast`; CastAlready instead of OpenedAlready. Nobody has to stand by for a test.
    """
    tracker = tracker_of(ballot)
    known = _entry_of(application, tracker)
    if known is not None:
        _require_own(application, ballot)
        return _the_same(application, known, Type.BALLOT_OPENED)
    at = received or timezone.now()
    _require_may_vote(application, at)
    slot = _require_own(application, ballot)
    require_pace(application)
    body = {"ballot": ballot, "seed": encode_bytes(seed)}
    index = _append(application, Type.BALLOT_OPENED, body, signature, slot, at)
    with transaction.atomic():
        notices.tell_of_ballot(application, opened=True)
    return receipt(application.election, index)


def outcome(application: Application, tracker: bytes) -> dict[str, Any]:
    """{"outcome": "cast" or "opened", "receipt"} of a ballot of this voter, or {"outcome": "none"}."""
    known = _entry_of(application, tracker)
    slot = Binding.objects.filter(application=application).values_list("pseudonym", flat=True).first()
    if known is None or known.slot != slot:
        return {"outcome": "none"}
    return {"outcome": OUTCOMES[known.type], "receipt": receipt(application.election, known.index)}


def tracker_of(ballot: Any) -> bytes:
    """The hash of a ballot's canonical form: 32 bytes. Raises BallotInvalid for what is no JSON of ours."""
    if not isinstance(ballot, dict):
        raise errors.BallotInvalid(_("This is not a ballot."), "ballot", CANONICAL)
    try:
        return digest("tracker", serialise(ballot))
    except NotCanonical as refusal:
        raise errors.BallotInvalid(str(refusal), "ballot", CANONICAL) from None


# What is known already


@dataclass(frozen=True)
class _Known:
    index: int
    type: Type
    slot: str


def _entry_of(application: Application, tracker: bytes) -> _Known | None:
    """The entry of the board with this tracker, found without reading the board again."""
    replica = replica_of(application.election_id)
    with replica.lock:
        index = replica.catch_up().state.trackers.get(tracker)
    if index is None:
        return None
    entry = parse_entry(replica.log.entry(index))
    body = entry.body["ballot"] if entry.type is Type.BALLOT_OPENED else entry.body
    return _Known(index, entry.type, body["slot"])


def _the_same(application: Application, known: _Known, wanted: Type) -> dict[str, Any]:
    if known.type is not wanted:
        if known.type is Type.BALLOT_OPENED:
            raise errors.OpenedAlready(_("This ballot was opened as a test and is not handed in."), f"{known.index}")
        raise errors.CastAlready(_("This ballot was handed in and is not opened."), f"{known.index}")
    if wanted is Type.BALLOT_CAST:
        _note_handed_in(application, again=True)
    return receipt(application.election, known.index)


# Who may, and when


def _require_may_vote(application: Application, at: datetime) -> None:
    application.refresh_from_db(fields=["state"])
    if application.state not in WITH_BALLOT:
        raise NoBallot(_("No ballot is issued for this application."), application.reference)
    require_hours(application, at)


def _require_own(application: Application, ballot: Mapping[str, Any]) -> SlotView:
    slot = slot_of(application)
    if ballot.get("slot") != slot.slot:
        raise errors.NotRegistered(_("This ballot is of another voter."), application.reference)
    return slot


def require_pace(application: Application) -> None:
    """Ballots and trackers of one voter in an hour are bounded. Raises TooMany."""
    key = f"ballots-of-{application.pk}"
    cache.add(key, 0, timeout=3600)
    try:
        count = cache.incr(key)
    except ValueError:  # a cache that is full has just dropped it
        return
    if count > MOST_AN_HOUR:
        raise errors.TooMany(_("Too many ballots in an hour: wait a little."), application.reference)


# The board


def _append(application: Application, kind: Type, body: Any, signature: bytes, slot: SlotView, at: datetime) -> int:
    signatures = [{"key": encode_bytes(slot.credential), "signature": encode_bytes(signature)}]
    submission = {"entry_type": kind, "body": body, "signatures": signatures}
    try:
        try:
            return append(application.election, **submission, time=at).index
        except ClockBehind:  # another minute began on the board while this request was on its way
            return append(application.election, **submission).index
    except EntryRefused as refusal:
        known = _entry_of(application, tracker_of(body["ballot"] if kind is Type.BALLOT_OPENED else body))
        if known is not None and known.type is kind:
            return known.index  # an earlier try of the same ballot arrived while this one was on its way
        raise _refusal(application, refusal, slot) from None


def _refusal(application: Application, refusal: EntryRefused, slot: SlotView) -> Exception:
    where = application.reference
    if refusal.code in CLOSED:
        return errors.PollsClosed(_("The polls are not open: this ballot was not handed in."), where)
    if refusal.code == STALE and not slot.revote:
        return errors.VotedAlready(_("You have handed in a ballot already, and this election allows one."), where)
    if refusal.code == STALE:
        return errors.Superseded(_("A later ballot of yours was handed in meanwhile: this one was not."), where)
    return errors.BallotInvalid(refusal.reason, refusal.where, refusal.code)


def _note_handed_in(application: Application, *, again: bool = False) -> None:
    """The roll says so at once; `follow_board` does it every minute for what was cut off here."""
    before = application.state
    note_cast(application)
    application.refresh_from_db(fields=["state"])
    if application.state == State.GIVEN_BACK:
        raise NoBallot(_("Your online ballot was cancelled at this moment: vote at your polling station."), "")
    if before == State.CAST and not again:
        with transaction.atomic():
            notices.tell_of_ballot(application)
