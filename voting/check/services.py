"""What anyone may read of a board, each entry with the proof that it is there. Nobody is asked who they are.

Every question costs the same however long the board is: answers come from the replica of this process.
"""

from __future__ import annotations

from typing import Any

from verifier.record.canonical import encode_bytes
from verifier.record.entries import Entry, Type, parse_entry
from verifier.record.manifest import MOST_TRUSTEES
from verifier.replay import Replay
from verifier.replay.state import Stage, State
from voting.board.models import BoardEntry, Checkpoint
from voting.board.replica import replica_of
from voting.board.services import latest_checkpoint, publish_checkpoint
from voting.elections.models import Election
from voting.errors import NotOnBoard

STATUSES = ("counts", "not counted yet", "superseded", "withdrawn", "opened")
"""What can have become of a ballot: the words of `verifier.receipt.fate`."""
SETUP = (Type.MANIFEST, Type.KEY, Type.ROLL_COMMITMENT)
_SETUP_ENTRIES = len(SETUP) + MOST_TRUSTEES
"""Before the first credential come only these and one confirmation for each trustee."""


def current_checkpoint(election: Election) -> str:
    """The latest signed note; the first one is published when somebody asks for it.

    Raises NotOnBoard, BoardInconsistent, BoardKeyUnusable, ClockBehind.
    """
    with replica_of(election.pk).lock:
        latest, replay = _caught_up(election)
        return (latest or _covering(election, latest, replay, 0)).text


def proven_entry(election: Election, index: int) -> dict[str, Any]:
    """An entry of the board: `raw` (its text), `index`, `path` (base64url hashes) and the `checkpoint` it leads to.

    Publishes a checkpoint when none covers the entry yet. Raises as `current_checkpoint`.
    """
    with replica_of(election.pk).lock:
        latest, replay = _caught_up(election)
        return _proven(election, latest, replay, index)


def ballot_entry(election: Election, tracker: bytes) -> dict[str, Any]:
    """The same for the ballot with this tracker (32 bytes), cast or opened, with its `status`: one of STATUSES.

    Raises as `current_checkpoint`.
    """
    with replica_of(election.pk).lock:
        latest, replay = _caught_up(election)
        index = replay.state.trackers.get(tracker)
        if index is None:
            raise NotOnBoard("there is no ballot with this tracker", "tracker")
        proven = _proven(election, latest, replay, index)
        return {**proven, "status": _status(replay.state, index, parse_entry(proven["raw"].encode()))}


def setup(election: Election) -> dict[str, Any]:
    """What a booth begins with: one `checkpoint`, and by their types the entries `manifest`, `key`, `roll-commitment`.

    Each entry has `raw`, `index` and `path`. Raises NotOnBoard until all are there, and as `current_checkpoint`.
    """
    replica = replica_of(election.pk)
    with replica.lock:
        latest, replay = _caught_up(election)
        rows = BoardEntry.objects.filter(election=election, index__lt=_SETUP_ENTRIES, type__in=SETUP)
        indexes = dict(rows.values_list("type", "index"))
        if missing := [kind.value for kind in SETUP if kind not in indexes]:
            raise NotOnBoard(f"the board has no {missing[0]} yet", "setup")
        head = _covering(election, latest, replay, max(indexes.values()))
        entries = {kind: _inclusion(replay, head, index) for kind, index in indexes.items()}
        return {**entries, "checkpoint": head.text}


def consistency(election: Election, old: int, new: int) -> dict[str, Any]:
    """That the first `old` entries are the same in the board of `new` entries: a `path` of base64url hashes.

    RFC 6962, 2.1.2. Raises NotOnBoard when the board never had so many, or when 1 ≤ old ≤ new does not hold.
    """
    with replica_of(election.pk).lock:
        _latest, replay = _caught_up(election)
        if not 1 <= old <= new <= replay.tree.size:
            raise NotOnBoard(f"the board did not grow from {old} to {new} entries", "consistency")
        path = replay.tree.consistency_path(old, new)
    return {"old": old, "new": new, "path": [encode_bytes(node) for node in path]}


def _caught_up(election: Election) -> tuple[Checkpoint | None, Replay]:
    """The latest checkpoint, and a replay that reaches at least as far."""
    latest = latest_checkpoint(election)  # before catching up
    replay = replica_of(election.pk).catch_up()
    if replay.state.manifest is None:
        raise NotOnBoard("the manifest is not on the board yet")
    return latest, replay


def _covering(election: Election, latest: Checkpoint | None, replay: Replay, index: int) -> Checkpoint:
    """A signed head with entry `index` under it."""
    if not 0 <= index < replay.state.size:
        raise NotOnBoard(f"there is no entry {index}")
    if latest is None or latest.size <= index:
        return publish_checkpoint(election)
    return latest


def _proven(election: Election, latest: Checkpoint | None, replay: Replay, index: int) -> dict[str, Any]:
    head = _covering(election, latest, replay, index)
    return {**_inclusion(replay, head, index), "checkpoint": head.text}


def _inclusion(replay: Replay, head: Checkpoint, index: int) -> dict[str, Any]:
    path = replay.tree.inclusion_path(index, head.size)
    return {
        "raw": replay.log.entry(index).decode(),
        "index": index,
        "path": [encode_bytes(node) for node in path],
    }


def _status(state: State, index: int, entry: Entry) -> str:
    """What `verifier.receipt.fate` says, without looking at every slot; a test holds the two together."""
    if entry.type is Type.BALLOT_OPENED:
        return "opened"
    slot = state.slots[entry.body["slot"]]
    if slot.entry != index:
        return "superseded"
    if slot.withdrawn:
        return "withdrawn"
    return "counts" if state.stage in (Stage.FROZEN, Stage.OPENED, Stage.PUBLISHED) else "not counted yet"
