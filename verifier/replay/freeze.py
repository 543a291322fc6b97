"""The freeze: from the ballots on the board to what will be opened (protocol, section 6). Computes, judges nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

import gmpy2
from gmpy2 import mpz

from verifier.crypto.transcript import digest
from verifier.record.column import rows_digest, write_column
from verifier.record.entries import Answer, ballot_shape, modulus_bytes, parse_entry
from verifier.record.manifest import Contest, Manifest
from verifier.replay.groups import below_minimum, partition
from verifier.replay.state import ContestTally, Group, Log, State


def counted_slots(state: State) -> dict[int, str]:
    """The counted ballots in board order: entry index → slot."""
    counted = {
        slot.entry: slot_id for slot_id, slot in state.slots.items() if slot.entry is not None and not slot.withdrawn
    }
    return dict(sorted(counted.items()))


def counted_digest(state: State, counted: Collection[int]) -> bytes:
    """The hash that names the counted set: (entry index, tracker) in board order."""
    tracker_of = {index: tracker for tracker, index in state.trackers.items()}
    return digest("counted ballots", [[index, tracker_of[index]] for index in counted])


def tallies(state: State, log: Log, counted: dict[int, str], decided: Collection[str]) -> list[ContestTally]:
    """Every contest with its groups and what is to be opened: products, or the list that enters the mix.

    `decided` are the contests that the officials open although the whole contest is below the minimum group.
    One multiplication mod N² for each ciphertext of a homomorphic contest.
    """
    manifest, key = state.require()
    found = [_groups(state, manifest, contest, counted, decided) for contest in manifest.contests]
    place = {(tally.contest.id, unit): group for tally in found for group in tally.groups for unit in group.units}
    products: dict[int, list[mpz]] = {}
    is_open = {tally.contest.id: tally.open for tally in found}
    shape = ballot_shape(manifest)
    for index, slot_id in counted.items():
        ballot = shape(parse_entry(log.entry(index)).body, "ballot")
        for answer in ballot.answers:
            group = place[answer.contest, state.slots[slot_id].style.unit]
            if manifest.contest(answer.contest).homomorphic:
                _multiply(products.setdefault(id(group), [mpz(1)] * len(answer.ciphertexts)), answer, key.N2)
            elif is_open[answer.contest]:
                for column, c in zip(group.columns, answer.ciphertexts, strict=True):
                    column.append(c)
    for tally in found:
        for group in tally.groups:
            if tally.contest.homomorphic:
                group.product = _packed(products.get(id(group), []), state.base, key.N2)
            else:
                group.digest = columns_digest(group.columns, 2 * modulus_bytes(manifest))
    return found


def small_contests(state: State) -> list[str]:
    """Contests that as a whole are below the minimum group: they are opened only if two officials decide so."""
    manifest, _ = state.require()
    counted = counted_slots(state)
    return [contest.id for contest in manifest.contests if not _groups(state, manifest, contest, counted, ()).open]


def _groups(
    state: State, manifest: Manifest, contest: Contest, counted: dict[int, str], decided: Collection[str]
) -> ContestTally:
    styles = [style for style in manifest.styles if contest.id in style.contests]
    units = [unit for unit in manifest.units if any(style.unit == unit for style in styles)]
    answering = {style.id for style in styles}
    unit_of = {
        index: state.slots[slot].style.unit
        for index, slot in counted.items()
        if state.slots[slot].style.id in answering
    }
    count = Counter(unit_of.values())
    sizes = {unit: count[unit] for unit in units}
    parts = partition(sizes, manifest.minimum_group)
    small = below_minimum(sizes, parts, manifest.minimum_group)
    groups = []
    for part in parts:
        ballots = sum(unit in part for unit in unit_of.values())
        groups.append(Group(part, ballots, columns=[[] for _ in range(contest.width)]))
    return ContestTally(contest, not small or contest.id in decided, groups)


def _multiply(products: list[mpz], answer: Answer, modulus: mpz) -> None:
    for position, c in enumerate(answer.ciphertexts):
        products[position] = products[position] * c % modulus


def _packed(products: list[mpz], base: mpz, modulus: mpz) -> mpz:
    """Π C_j^{B^j}; a *choose one* contest has a single product, which is packed already."""
    packed = mpz(1)
    for product in reversed(products):
        packed = gmpy2.powmod(packed, base, modulus) * product % modulus
    return packed


def columns_digest(columns: list[list[mpz]], width: int) -> bytes:
    """The digest that names a list of rows: the hash of its columns' digests."""
    return rows_digest(write_column(column, width)[0] for column in columns)
