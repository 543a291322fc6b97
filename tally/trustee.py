"""The trustee's program: takes the log, never a ciphertext (protocol, section 7).

It verifies everything itself, checks that the board continues what it saw before, and roots exactly what replay names
after the freeze, one counted set for each election, ever. Otherwise a server could have a single ballot opened by
calling it a tally, or learn one vote as the difference of two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from nacl.signing import SigningKey

from tally import stages
from tally.errors import AlreadyOpened, DamagedFile, NothingToDo, OtherElection
from tally.files import replace_file
from tally.shares import Share, require_share_of
from tally.signing import public_key
from tally.submission import Submission
from verifier.crypto.checkpoint import MAX_BYTES
from verifier.errors import BadInteger, NotCanonical
from verifier.record.canonical import encode_bytes, parse, serialise
from verifier.record.entries import Type
from verifier.record.manifest import MOST_TRUSTEES
from verifier.record.schema import HASH, nullable, record, whole
from verifier.replay import counting
from verifier.replay.state import Stage, State
from verifier.verify import Progress, silent

MAX_MEMORY_BYTES = 2 * MAX_BYTES + (16 << 10)
"""a checkpoint, every character escaped, and the rest"""


@dataclass(frozen=True)
class Memory:
    """What a trustee must never forget between two runs; holds no secret."""

    election: bytes
    trustee: int
    checkpoint: str
    """the last checkpoint that was verified: the board must continue it"""
    opened: bytes | None = None
    """the hash of the one counted set that was rooted"""

    def write(self, path: Path) -> None:
        """On the disk before anything that depends on it leaves the machine."""
        content = {
            "election": encode_bytes(self.election),
            "trustee": self.trustee,
            "checkpoint": self.checkpoint,
            "opened": self.opened and encode_bytes(self.opened),
        }
        replace_file(path, serialise(content))


def read_memory(path: Path) -> Memory:
    """Raises DamagedFile; OSError when there is no such file."""
    try:
        fields = record(
            parse(path.read_bytes(), MAX_MEMORY_BYTES),
            path.name,
            election=HASH,
            trustee=whole(1, MOST_TRUSTEES),
            checkpoint=_note_text,
            opened=nullable(HASH),
        )
    except (NotCanonical, BadInteger) as error:
        raise DamagedFile(f"{path.name}: the trustee's memory is damaged ({error})") from None
    return Memory(**fields)


def _note_text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise NotCanonical(f"{where}: a signed checkpoint was expected")
    return value


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
        raise NothingToDo("nothing is opened before " + ", ".join(missing))
    if state.stage is not Stage.FROZEN or not state.named():
        raise NothingToDo(f"the election is {state.stage}: there is nothing to open")
    counted = counting.roots_context(state)
    if memory.opened not in (None, counted):
        raise AlreadyOpened("another counted set of this election was opened before: this trustee opens one, ever")
    remember(replace(memory, checkpoint=checkpoint, opened=counted))
    body, columns = stages.partial_roots_body(
        state, share.trustee, share.s, lambda done, total: progress("partial roots", done, total)
    )
    return Submission(Type.PARTIAL_ROOTS, body, (), columns).signed_by(key)
