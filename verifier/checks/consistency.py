"""V3: all parts speak of the same election, key, ballots and counts."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from gmpy2 import mpz

from verifier.checks import check, reject
from verifier.count import GroupCount, misfit, slot_bits
from verifier.crypto.checkpoint import Checkpoint
from verifier.crypto.group import GROUP
from verifier.crypto.merkle import MerkleTree
from verifier.crypto.transcript import CHALLENGE_BITS, HIDING_BITS
from verifier.record.answers import fits
from verifier.record.manifest import Contest, Kind, Manifest


@check("V3.1")
def election_id_everywhere(stated: bytes, election: bytes) -> None:
    """The entry carries the id of this election."""
    if stated != election:
        reject("belongs to another election")


@check("V3.2")
def context_bound(stated: bytes, recomputed: bytes) -> None:
    """A proof's context is the hash recomputed from manifest, key, contest and the ciphertexts concerned."""
    if stated != recomputed:
        reject("made for another context (manifest, key, contest, stage or ciphertexts)")


@check("V3.3")
def one_key(stated: bytes | None, key_hash: bytes | None) -> None:
    """There is one key, and everything that names a key names that one."""
    if stated != key_hash:
        reject(
            "names another key than the one of this election" if stated and key_hash else "a second key, or none yet"
        )


@check("V3.4")
def parameters_safe(manifest: Manifest, rows: int, allowed_bits: Collection[int]) -> None:
    """Counts cannot overflow their slots, answers fit their plaintexts, and the commitment group is large enough.

    2^b > rows of the roll; b·L < |N| − 1; q ≥ 2^{2λ+κ+3}.
    """
    if manifest.modulus_bits not in allowed_bits:
        reject(f"a modulus of {manifest.modulus_bits} bits is not allowed")
    if GROUP.q < mpz(1) << (2 * CHALLENGE_BITS + HIDING_BITS + 3):
        reject("the commitment group is too small")
    b = slot_bits(rows)
    for contest in manifest.contests:
        slots = contest.choices if contest.kind is Kind.CHOOSE_ONE else len(contest.options)
        if contest.homomorphic and b * slots >= manifest.modulus_bits - 1:
            reject(f"contest {contest.id}: {slots} slots of {b} bits do not fit the modulus")
        if not contest.homomorphic and not fits(contest, manifest.modulus_bits):
            reject(f"contest {contest.id}: answers do not fit {contest.width} plaintexts")


@check("V3.5")
def board_chained(root: bytes, head: Checkpoint) -> None:
    """The leaf hashes rebuild the checkpoint's root."""
    if root != head.root:
        reject("the entries do not hash to the checkpoint's root")


@check("V3.6")
def board_prefix(tree: MerkleTree, known: Checkpoint, origin: str) -> None:
    """A checkpoint that the observer kept is a prefix of this board."""
    if known.origin != origin:
        reject(f"the known checkpoint is of another board, {known.origin!r}")
    if known.size > tree.size:
        reject(f"the board has {tree.size} entries, fewer than the {known.size} of a known checkpoint")
    if tree.root(known.size) != known.root:
        reject(f"the first {known.size} entries differ from those of a known checkpoint")


@check("V3.7")
def times_monotone(time: datetime, last: datetime | None, earliest: datetime | None, before: datetime | None) -> None:
    """Entry times do not decrease; ballots lie in the hours of their contests, and the close is not before `closes`."""
    if last is not None and time < last:
        reject("earlier than the entry before it")
    if earliest is not None and time < earliest:
        reject("earlier than the manifest allows")
    if before is not None and time >= before:
        reject("later than the manifest allows")


@check("V3.8")
def closed_once(entry_type: str, stage: str, allowed: Collection[str]) -> None:
    """Each entry comes in its stage: one close, no ballot before the opening or after the close."""
    if stage not in allowed:
        reject(f"{entry_type} does not come when the election is {stage}")


@check("V3.9")
def ballots_distinct(tracker: bytes, trackers: Collection[bytes], seen: Iterable[bool]) -> None:
    """No tracker and no ciphertext (up to its sign) was on the board before."""
    if tracker in trackers:
        reject("this ballot was on the board before")
    for position, copied in enumerate(seen):
        if copied:
            reject(f"ciphertext {position} was on the board before")


@check("V3.10")
def one_per_credential(known: Collection[str] | Collection[int], new: str | int, what: str) -> None:
    """One slot for a roll row, one row and one counted ballot for a slot, one roll commitment for an election."""
    if new in known:
        reject(f"a second {what}")


@check("V3.11")
def last_counts(sequence: int, last: int, revote: bool) -> None:
    """A slot's ballots have rising sequence numbers, so that the last one on the board is the one that counts."""
    if sequence <= last:
        reject(f"sequence {sequence} does not come after {last}")
    if last and not revote:
        reject("this election allows one ballot for each slot")


@check("V3.12")
def style_matched(stated: str, style: str, contests: Sequence[str], answered: Sequence[str]) -> None:
    """A ballot answers exactly the contests of its slot's ballot style, once each, in order."""
    if stated != style:
        reject(f"ballot style {stated} where the slot has {style}")
    if list(answered) != list(contests):
        reject(f"answers {', '.join(answered)} where {', '.join(contests)} were expected")


@check("V3.13")
def tally_input_exact(stated: tuple[object, ...], recomputed: tuple[object, ...]) -> None:
    """The frozen set and its groups are those that replay finds."""
    for mine, theirs in zip(recomputed, stated, strict=True):
        if mine != theirs:
            reject("the frozen ballots or counting groups are not those on the board")


@check("V3.14")
def mix_input_exact(stated: bytes, expected: bytes, rows_in: int, rows_out: Sequence[int]) -> None:
    """Stage 1 takes the counted list in board order, each later stage the output before it; lengths are equal."""
    if stated != expected:
        reject("the input is not the counted list or the output of the stage before")
    if any(rows != rows_in for rows in rows_out):
        reject(f"{rows_in} rows in, {', '.join(map(str, rows_out))} rows out")


@check("V3.15")
def trustees_distinct(trustee: int, known: Collection[int], trustees: int) -> None:
    """Trustee indices are distinct and in 1 … n."""
    if not 1 <= trustee <= trustees:
        reject(f"there is no trustee {trustee}")
    if trustee in known:
        reject(f"trustee {trustee} was here before")


@check("V3.16")
def counts_agree(
    stated: dict[str, int], found: dict[str, int], groups: Iterable[tuple[str, Contest, GroupCount]]
) -> None:
    """Counted ballots = sum of the counts = mixed outputs = published turnout, and at most the credentials."""
    for name, number in found.items():
        if stated[name] != number:
            reject(f"{name}: {stated[name]} published, {number} found")
    if found["ballots"] > found["credentials"]:
        reject("more ballots than credentials")
    for place, contest, counted in groups:
        if problem := misfit(contest, counted):
            reject(f"{place}: {problem}")


@check("V3.17")
def candidates_stable(contest: Contest) -> None:
    """Labels of one contest are distinct even after folding width, case and compatibility forms."""
    seen: dict[str, str] = {}
    for option in contest.options:
        folded = "".join(unicodedata.normalize("NFKC", option.name).casefold().split())
        if folded in seen:
            reject(f"{option.name!r} and {seen[folded]!r} look alike")
        seen[folded] = option.name


@check("V3.18")
def not_early(frozen: bool, missing: Sequence[str]) -> None:
    """No root and no opening before the close, the freeze by two officials and every mix stage."""
    if not frozen:
        reject("nothing may be opened before the tally is frozen")
    if missing:
        reject("nothing may be opened before " + ", ".join(missing))
