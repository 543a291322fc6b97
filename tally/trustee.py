"""The trustee's program: takes the log, never a ciphertext (protocol, section 7).

It verifies everything itself, checks that the board continues what it saw before, and roots exactly what replay names
after the freeze, one counted set for each election, ever. Otherwise a server could have a single ballot opened by
calling it a tally, or learn one vote as the difference of two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from nacl.signing import SigningKey

from tally import stages
from tally.errors import AlreadyOpened, NothingToDo, OtherElection
from tally.shares import Share, require_share_of
from tally.signing import public_key
from tally.submission import Submission
from verifier.record.canonical import encode_bytes
from verifier.record.entries import Type
from verifier.replay import counting
from verifier.replay.state import Stage, State
from verifier.verify import Progress, silent

NOT_NOW: dict[Stage, str] = {
    Stage.EMPTY: "the board is empty",
    Stage.SETUP: "voting has not begun",
    Stage.OPEN: "the polls are open",
    Stage.CLOSED: "the polls are closed, but two officials have not frozen the tally yet",
    Stage.WITHDRAWN: "the polls are closed, but two officials have not frozen the tally yet",
    Stage.FROZEN: "no contest has a ballot that is opened",
    Stage.OPENED: "everything is opened already",
    Stage.PUBLISHED: "the result is published already",
}
"""Why there is nothing to open; FROZEN only when replay names nothing."""


@dataclass(frozen=True)
class Memory:
    """What a trustee must never forget between two runs; holds no secret."""

    election: bytes
    trustee: int
    checkpoint: str
    """the last checkpoint that was verified: the board must continue it"""
    opened: bytes | None = None
    """the hash of the one counted set that was rooted"""


def import_share(state: State, checkpoint: str, share: Share, key: SigningKey) -> tuple[Submission, Memory]:
    """The signed "my share verifies", and what to remember from now on.

    Raises OtherElection (the board may have no key yet), ShareDoesNotVerify.
    """
    require_share_of(state, share, public_key(key))
    body = {
        "election": encode_bytes(share.election),
        "key": encode_bytes(share.key_hash),
        "trustee": share.trustee,
    }
    confirmation = Submission(Type.SHARE_CONFIRMED, body).signed_by(key)
    return confirmation, Memory(share.election, share.trustee, checkpoint)


def open_tally(
    state: State,
    checkpoint: str,
    share: Share,
    key: SigningKey,
    memory: Memory,
    remember: Callable[[Memory], None],
    progress: Progress = silent,
) -> Submission:
    """The partial roots of everything that replay names, signed. `remember` is called before any root is taken.

    The same set may be rooted again, after an interruption for example; another one never.
    Raises OtherElection, ShareDoesNotVerify, NothingToDo, AlreadyOpened.
    """
    require_share_of(state, share, public_key(key))
    if (memory.election, memory.trustee) != (share.election, share.trustee):
        raise OtherElection("the trustee's memory is of another election or trustee")
    if missing := state.missing_stages():
        raise NothingToDo("nothing is opened before the mixers have finished: " + ", ".join(missing) + " is missing")
    if state.stage is not Stage.FROZEN or not state.named():
        raise NothingToDo(f"there is nothing to open: {NOT_NOW[state.stage]}")
    counted = counting.roots_context(state)
    if memory.opened not in (None, counted):
        raise AlreadyOpened("another counted set of this election was opened before: this trustee opens one, ever")
    remember(replace(memory, checkpoint=checkpoint, opened=counted))
    body, columns = stages.partial_roots_body(
        state, share.trustee, share.s, lambda done, total: progress("partial roots", done, total)
    )
    return Submission(Type.PARTIAL_ROOTS, body, (), columns).signed_by(key)
