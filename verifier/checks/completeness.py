"""V1: nothing that must be there is missing, and nothing else is there."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from verifier.checks import CHECKS, check, reject
from verifier.record.manifest import Manifest


@check("V1.1")
def files_present(named: Collection[bytes], present: Collection[bytes]) -> None:
    """Every column that an entry names is in the archive, and no other."""
    for digest in sorted(set(named) - set(present)):
        reject(f"column {digest.hex()} is missing")
    for digest in sorted(set(present) - set(named)):
        reject(f"column {digest.hex()} belongs to no entry")


@check("V1.2")
def setup_complete(missing: Sequence[str]) -> None:
    """The polls open only when key, certificate, all share confirmations and roll commitment are there."""
    if missing:
        reject("missing: " + ", ".join(missing))


@check("V1.3")
def board_complete(promised: int, present: int, head: int) -> None:
    """Entries 0 … size−1 are there, and size is that of the checkpoint."""
    if present != promised:
        reject(f"{present} entries where the archive promises {promised}")
    if present != head:
        reject(f"{present} entries where the checkpoint is of size {head}")


@check("V1.4")
def contests_complete(expected: Sequence[object], found: Sequence[object], what: str) -> None:
    """Every contest of the manifest has its counted list, its openings and its result, in order."""
    if list(found) != list(expected):
        reject(f"{what}: {_listed(found)} where {_listed(expected)} were expected")


def _listed(items: Sequence[object]) -> str:
    return ", ".join(map(str, items)) or "none"


@check("V1.5")
def mix_chain_complete(stage: int, expected: int | None) -> None:
    """Exactly the declared mix stages exist, once each, in order; `expected` is the next one, if there is one."""
    if stage != expected:
        reject(f"stage {stage} where stage {expected} was expected" if expected else "nothing is mixed here any more")


@check("V1.6")
def shares_complete(manifest: Manifest, trustees: Collection[int]) -> None:
    """At least t distinct trustees delivered valid partial roots of everything to open."""
    if len(trustees) < manifest.threshold:
        reject(f"partial roots of {len(trustees)} trustees, {manifest.threshold} are needed")


@check("V1.8")
def fate_complete(stated: dict[str, int], found: dict[str, int]) -> None:
    """Every cast ballot is counted or has exactly one stated reason; withdrawn slots exist and are as many as said."""
    for name, count in found.items():
        if stated[name] != count:
            reject(f"{name}: {stated[name]} stated, {count} found")


@check("V1.9")
def nothing_skipped(ran: Collection[str]) -> None:
    """Every other check ran."""
    skipped = [CHECKS[code].name for code in CHECKS if code not in ran and code != "V1.9"]
    if skipped:
        reject(f"{len(skipped)} checks did not run: " + ", ".join(skipped))
