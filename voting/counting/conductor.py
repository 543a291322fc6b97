"""From the freeze to the result: takes every step of the count that needs nobody, until somebody is needed.

What is done says the board alone: a step is done when its entry is there. So the conductor can be killed anywhere and
begun again, several times at once too; what it prepared twice goes onto the board once.
"""

from __future__ import annotations

import fcntl
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _
from gmpy2 import mpz

from tally import stages
from tally.errors import OrderRefused, TallyError
from tally.mixer import Order
from tally.submission import Submission
from verifier.checks import authenticity
from verifier.crypto.checkpoint import parse_note
from verifier.errors import CheckFailed, VerifierError
from verifier.record.column import Column, read_column
from verifier.record.entries import Type, modulus_bytes, parse_entry
from verifier.record.manifest import Party
from verifier.replay.freeze import counted_slots, tallies
from verifier.replay.state import Group, Stage, State
from verifier.workers import Workers
from voting.board.models import BoardEntry, ColumnBlob
from voting.board.replica import replica_of
from voting.board.services import append, latest_checkpoint, publish_checkpoint
from voting.counting import progress
from voting.credentials.models import Binding
from voting.elections.models import Election
from voting.errors import EntryRefused, VotingError
from voting.polls.acceptance import note_tallied, strip
from voting.results.report import make_report

logger = logging.getLogger(__name__)

PATIENCE = 3
"""refused stages after which a run ends; the clock begins the next one"""
LOCK = 0x636E74
"""the first half of the lock of PostgreSQL; the second is the election"""
Place = tuple[str, int, int]
"""(contest, group, stage)"""
Tell = Callable[[str, Place | None, int, int], None]
"""told what is done (a kind of `progress.Work`), where, how much of it is done, and how much there is"""


class Hands(Protocol):
    """Who does the work: this process, or workers elsewhere."""

    workers: Workers
    """for what holds no secret: checks and openings"""

    def mix(self, place: Place, name: str, mixer: Party, conductor: Conductor) -> Submission | None:
        """The signed stage, or None while it is not there. `name` stands for exactly what is to be mixed.

        Raises OrderRefused when the mixer found something wrong with its order.
        """

    def discard(self, name: str) -> None:
        """Forget the stage of that name: it was taken, or refused by the board."""

    def wait(self) -> bool:
        """Wait a moment for mixers elsewhere; False when there are none to wait for."""


def go_on(
    election: Election, hands: Hands, now: Callable[[], datetime] = timezone.now, tell: Tell | None = None
) -> None:
    """Take all steps that need nobody. A second conductor of the same election leaves at once.

    `tell` hears of long work beside officials: for whoever sits at the terminal.
    """
    with _alone(election) as alone:
        if alone:
            Conductor(election, hands, now, tell).run()


@contextmanager
def _alone(election: Election) -> Iterator[bool]:
    """Whether this is the only conductor. The lock is gone with its process, whatever ends it."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK, election.pk])
            alone = bool(cursor.fetchone()[0])
            try:
                yield alone
            finally:
                if alone:
                    cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK, election.pk])
        return
    path = Path(settings.VAR_DIR) / f"conductor-{election.pk}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


class Conductor:
    """One count."""

    def __init__(self, election: Election, hands: Hands, now: Callable[[], datetime], tell: Tell | None) -> None:
        self.election, self.hands, self._now, self._tell = election, hands, now, tell
        self._replica = replica_of(election.pk)
        self._refusals = 0
        self._entered: dict[tuple[str, int], list[list[mpz]]] = {}

    @property
    def state(self) -> State:
        """What the board says now."""
        with self._replica.lock:
            return self._replica.catch_up().state

    def run(self) -> None:
        """Step by step, until somebody is needed. What stands in the way is told to officials."""
        about = "count"
        try:
            while self._step():
                continue
        except (VotingError, TallyError, VerifierError) as error:
            logger.warning("count of %s: %s", self.election.slug, error)
            progress.problem(self.election.pk, about, _("The count stopped: %(reason)s") % {"reason": error})
        else:
            progress.solved(self.election.pk, about)

    def _step(self) -> bool:
        """Whether a step was taken, so that the next is to be looked for."""
        state = self.state
        if state.stage is Stage.FROZEN:
            self._cut_links()
            self._forget_solved(state)
            if state.pending_stages():
                return self._mix(state)
            manifest, _key = state.require()
            if state.named() and len(state.partial_roots) < manifest.threshold:
                return False  # the trustees' turn
            self._open(state)
            return True
        if state.stage is Stage.PUBLISHED:
            close_up(self.election, self._now())
        return False

    def _cut_links(self) -> None:
        if Binding.objects.filter(application__election=self.election).exists():
            strip(self.election)

    def _forget_solved(self, state: State) -> None:
        """A stage that is on the board, however it came, stands in nobody's way any more."""
        places = state.pending_stages()
        left = {_about(place) for place in places} | {_about_mixer(place) for place in places}
        for about in progress.problems(self.election.pk):
            if about.startswith("mix") and about not in left:
                progress.solved(self.election.pk, about)

    def tell(self, kind: str, place: Place | None, done: int, total: int) -> None:
        """Long work is so far."""
        progress.note(self.election.pk, kind, done, total, *(place or ()))
        if self._tell:
            self._tell(kind, place, done, total)

    # Mixing

    def _mix(self, state: State) -> bool:
        """Have every group mixed whose turn it is, at the same time; True when a stage came onto the board."""
        manifest, _key = state.require()
        for place in state.pending_stages():
            contest, group, stage = place
            mixer = manifest.mixers[stage - 1]
            name = stages.name_of_stage(state, contest, group)
            try:
                submission = self.hands.mix(place, name, mixer, self)
            except OrderRefused as refusal:
                self._refused(place, name, mixer, str(refusal))
                continue
            if submission is not None and self._take(place, name, mixer, submission):
                return True
        # A mixer that refuses again and again must not keep this process from other elections.
        return self._refusals < PATIENCE and self.hands.wait()

    def _take(self, place: Place, name: str, mixer: Party, submission: Submission) -> bool:
        """Whether the board has the stage now. Raises what stands in the way of any entry: the stage is kept then."""
        contest, group, stage = place
        pk = self.election.pk
        progress.finish(pk, "mix", contest, group, stage)
        self.tell("check", place, 0, 1)
        try:
            self._append(submission)
        except EntryRefused as refusal:
            if place in self.state.pending_stages():
                self._refused(place, name, mixer, str(refusal))
                return False
        finally:
            progress.finish(pk, "check", contest, group, stage)
        self.hands.discard(name)
        return True

    def _refused(self, place: Place, name: str, mixer: Party, reason: str) -> None:
        self.hands.discard(name)
        self._refusals += 1
        progress.finish(self.election.pk, "mix", *place)
        progress.problem(
            self.election.pk,
            _about(place),
            _("The stage of mixer %(number)s (%(name)s) was refused: %(reason)s")
            % {"number": place[2], "name": mixer.name, "reason": reason},
        )

    def mixer_is_silent(self, place: Place, mixer: Party) -> None:
        """Tell officials whom to call."""
        progress.problem(
            self.election.pk,
            _about_mixer(place),
            _("Mixer %(number)s (%(name)s) does not answer. Its program may not be running.")
            % {"number": place[2], "name": mixer.name},
        )

    def order(self, place: Place) -> Order:
        """What a mixer needs to know for a stage, from the board."""
        contest, group, stage = place
        entries = BoardEntry.objects.filter(election=self.election)
        manifest, key = (bytes(entries.get(type=kind).raw) for kind in (Type.MANIFEST, Type.KEY))
        before, columns = b"", dict[bytes, bytes]()
        if stage > 1:
            entry = self._stage_on_board(contest, group, stage - 1)
            before = bytes(entry.raw)
            blobs = ColumnBlob.objects.filter(election=self.election, entry=entry).values_list("digest", "data")
            columns = {bytes(digest): bytes(data) for digest, data in blobs}
        return Order(contest, group, stage, (manifest, key), before, columns, self._list_before(contest, group, stage))

    def _list_before(self, contest: str, group: int, stage: int) -> list[list[mpz]]:
        """What the stage before mixed; for the first, what it is to mix."""
        if stage > 2:
            return self._outputs(contest, group, stage - 2)
        if (contest, group) not in self._entered:
            self._entered[contest, group] = self._frozen_list(contest, group, stage)
        return self._entered[contest, group]

    def _frozen_list(self, contest: str, group: int, stage: int) -> list[list[mpz]]:
        state = self.state
        if stage == 1:
            return _group(state, contest, group).columns
        # Replay keeps only the last list: this conductor began after the first stage, and reads the ballots again.
        opened = [tally.contest.id for tally in state.tallies if tally.open]
        found = tallies(state, self._replica.log, counted_slots(state), opened)
        return next(tally.groups[group].columns for tally in found if tally.contest.id == contest)

    def _outputs(self, contest: str, group: int, stage: int) -> list[list[mpz]]:
        manifest, _key = self.state.require()
        width = 2 * modulus_bytes(manifest)
        named = parse_entry(bytes(self._stage_on_board(contest, group, stage).raw)).body["output"]
        columns = [Column.from_record(record, width) for record in named]
        return [read_column(self._replica.log.column(column.digest), column) for column in columns]

    def _stage_on_board(self, contest: str, group: int, stage: int) -> BoardEntry:
        for entry in BoardEntry.objects.filter(election=self.election, type=Type.MIX_STAGE):
            body = parse_entry(bytes(entry.raw)).body
            if (body["contest"], body["group"], body["stage"]) == (contest, group, stage):
                return entry
        raise RuntimeError(f"stage {stage} of {contest}, group {group}, is not on the board")

    # Opening and publishing

    def _open(self, state: State) -> None:
        body, columns = stages.opening_body(state, partial(self.tell, "combine", None), self.hands.workers)
        self._append(Submission(Type.OPENING, body, (), columns))
        progress.finish(self.election.pk, "combine")

    def _append(self, submission: Submission) -> None:
        append(
            self.election,
            entry_type=submission.type,
            body=submission.body,
            signatures=submission.signatures,
            columns=submission.columns,
            time=self._now(),
            workers=self.hands.workers,
        )


def close_up(election: Election, now: datetime) -> None:
    """After the result: a signed head of the board, and when its witnesses have signed it, too, the verifier's report.

    Raises as `publish_checkpoint` and `make_report`.
    """
    replica = replica_of(election.pk)
    with replica.lock:
        state = replica.catch_up().state
    if state.stage is not Stage.PUBLISHED:
        return
    manifest, _key = state.require()
    head = latest_checkpoint(election)
    if head is None or head.size < state.size:
        head = publish_checkpoint(election, now)
    note_tallied(election)
    try:
        authenticity.head_witnessed("checkpoint", manifest, parse_note(head.text.encode()))
    except CheckFailed:
        return  # a report would say only that witnesses are missing; `manage.py cosign` closes up again
    make_report(election)


def _group(state: State, contest: str, group: int) -> Group:
    return next(tally.groups[group] for tally in state.tallies if tally.contest.id == contest)


def _about(place: Place) -> str:
    return f"mix {place[0]} {place[1]} {place[2]}"


def _about_mixer(place: Place) -> str:
    return f"mixer {place[2]}"
