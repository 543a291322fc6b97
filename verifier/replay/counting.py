"""Rules from the close to the result: withdrawals, freeze, mix, partial roots, opening, result, corrections."""

from __future__ import annotations

from typing import Any

from gmpy2 import mpz

from verifier import count
from verifier.checks import authenticity, completeness, consistency, evidence, integrity
from verifier.crypto import shuffle, threshold
from verifier.crypto.transcript import digest
from verifier.errors import NotCanonical
from verifier.record import entries
from verifier.record.column import rows_digest
from verifier.record.entries import Entry, modulus_bytes
from verifier.record.manifest import Contest
from verifier.replay import freeze
from verifier.replay.context import Context
from verifier.replay.state import ContestTally, Group, Stage, State


def polls_closed(context: Context) -> None:
    """Two officials close the polls; a ballot after this entry does not exist."""
    context.read_body(entries.act_shape)
    context.run(authenticity.act_signed, context.manifest, context.entry)
    context.workers.drain()
    context.state.stage = Stage.CLOSED


def withdrawals(context: Context) -> None:
    """All withdrawn slots in one batch (paper wins), by two officials; reasons only as totals."""
    state = context.state
    body = context.read_body(entries.withdrawals_shape)
    context.run(authenticity.act_signed, context.manifest, context.entry)
    known = {slot for slot in body["slots"] if slot in state.slots}
    stated = {"slots": len(body["slots"]), "reasons": sum(reason["slots"] for reason in body["reasons"])}
    context.run(completeness.fate_complete, stated, dict.fromkeys(stated, len(known)))
    for slot in known:
        state.slots[slot].withdrawn = True
        state.withdrawals += state.slots[slot].entry is not None
    state.stage = Stage.WITHDRAWN


def tally_frozen(context: Context) -> None:
    """Two officials freeze the counted set and the counting groups, which replay finds by itself."""
    state, _ = context.state, context.key
    body = context.read_body(entries.frozen_shape(modulus_bytes(context.manifest)))
    context.run(authenticity.act_signed, context.manifest, context.entry)
    counted = freeze.counted_slots(state)
    seen: set[str] = set()
    for slot in counted.values():
        context.run(consistency.one_per_credential, seen, slot, "counted ballot of a slot")
        seen.add(slot)
    decided = {contest["contest"] for contest in body["contests"] if contest["open"]}
    tallies = freeze.tallies(state, context.log, counted, decided)
    fates = fate_counts(state, len(counted))
    context.run(completeness.fate_complete, body, fates)
    named = [contest["contest"] for contest in body["contests"]]
    context.run(completeness.contests_complete, _contest_ids(context), named, "counted lists")
    stated = (body["ballots"], [_stated_groups(contest) for contest in body["contests"]])
    found = (freeze.counted_digest(state, counted), [_found_groups(tally) for tally in tallies])
    context.run(consistency.tally_input_exact, stated, found)
    products = [group["ciphertext"] for contest in body["contests"] for group in contest["groups"]]
    expected = [_product(tally.contest, group) for tally in tallies for group in tally.groups]
    context.run(evidence.tally_recomputed, products, expected)
    state.tallies = tallies
    state.stage = Stage.FROZEN


def fate_counts(state: State, counted: int) -> dict[str, int]:
    """How many ballots were cast, and what became of them."""
    return {
        "cast": state.cast,
        "counted": counted,
        "superseded": state.superseded,
        "withdrawn": state.withdrawals,
    }


def _contest_ids(context: Context) -> list[str]:
    return [contest.id for contest in context.manifest.contests]


def _stated_groups(contest: dict[str, Any]) -> tuple[bool, list[tuple[tuple[str, ...], int]]]:
    return contest["open"], [(group["units"], group["ballots"]) for group in contest["groups"]]


def _found_groups(tally: ContestTally) -> tuple[bool, list[tuple[tuple[str, ...], int]]]:
    return tally.open, [(group.units, group.ballots) for group in tally.groups]


def _product(contest: Contest, group: Group) -> tuple[Any, ...]:
    return (group.product,) if contest.homomorphic else ()


def mix_context(state: State, contest: str, group: int, stage: int, input_digest: bytes) -> bytes:
    """What a mix stage's proof is about: manifest, key, contest, group, stage and input digest."""
    manifest, _ = state.require()
    return digest("mix context", manifest.election, state.key_hash or b"", contest, group, stage, input_digest)


def mix_stage(context: Context) -> None:
    """One mixer's re-encryption shuffle of one group; the output takes the place of the input."""
    state, manifest = context.state, context.manifest
    body = context.read_body(entries.mix_stage_shape)
    group, number = _group_to_mix(state, body), body["stage"]
    more = group is not None and group.stages < len(manifest.mixers)
    known = context.run(completeness.mix_chain_complete, number, group.stages + 1 if group and more else None)
    if group is None or not known:
        return
    width = 2 * modulus_bytes(manifest)
    context.run(authenticity.mixer_signed, manifest.mixers[number - 1], context.entry)
    bound = mix_context(state, body["contest"], body["group"], number, group.digest)
    context.run(consistency.context_bound, body["context"], bound)
    read = [context.read_column(column, width) for column in body["output"]]
    rows = [column.rows for column, _ in read] if len(read) == len(group.columns) else [-1]
    context.run(consistency.mix_input_exact, body["input"], group.digest, group.ballots, rows)
    if set(rows) != {group.ballots}:
        return
    outputs = [values for _, values in read]
    for values in outputs:
        context.run(integrity.ciphertext_domain, context.key, values)
    output_digest = rows_digest(column for column, _ in read)
    statement = shuffle.Statement(
        context.key, bound, manifest.election, group.columns, outputs, group.digest, output_digest
    )
    _check_shuffle(context, statement, body["proof"], group.ballots)
    group.columns, group.digest, group.stages = outputs, output_digest, number


def _group_to_mix(state: State, body: dict[str, Any]) -> Group | None:
    for tally in state.tallies:
        if tally.contest.id != body["contest"] or tally.contest.homomorphic or not tally.open:
            continue
        groups = tally.groups
        group = groups[body["group"]] if body["group"] < len(groups) else None
        return group if group and group.ballots else None
    return None


def _check_shuffle(context: Context, statement: shuffle.Statement, wire: Any, rows: int) -> None:
    key = context.key

    proof = context.read(shuffle.from_record, wire, context.read_values, rows, len(statement.outputs), key.bits)
    sound = (
        context.run(integrity.mix_response_range, proof),
        context.run(integrity.group_membership, proof),
        context.run(integrity.commitment_domain, key, proof.F),
        context.run(integrity.response_domain, key, proof.z),
    )
    if not all(sound):
        return
    challenges = shuffle.challenges(statement, proof)
    context.run(evidence.shuffle_product, proof, challenges)
    context.run(evidence.shuffle_openings, statement, proof, challenges)
    context.run(evidence.shuffle_ciphertexts, statement, proof, challenges, context.workers)


def roots_context(state: State) -> bytes:
    """What partial roots are about: manifest, key and every ciphertext that replay names."""
    manifest, _ = state.require()
    return digest("roots context", manifest.election, state.key_hash or b"", state.named())


def roots_statement(state: State) -> list[mpz]:
    """x = c mod N of each named ciphertext."""
    _, key = state.require()
    return [c % key.N for c in state.named()]


def partial_roots(context: Context) -> None:
    """One trustee's partial roots of exactly what replay names, with one proof for all."""
    state = context.state
    if not context.run(consistency.not_early, state.stage is Stage.FROZEN, state.missing_stages()):
        return
    manifest, key = context.manifest, context.key
    body = context.read_body(entries.partial_roots_shape)
    trustee = body["trustee"]
    distinct = context.run(consistency.trustees_distinct, trustee, state.partial_roots, len(manifest.trustees))
    if not distinct:
        return
    context.run(authenticity.trustee_signed, manifest.trustees[trustee - 1], context.entry)
    context.run(consistency.context_bound, body["context"], roots_context(state))
    xs = roots_statement(state)
    proof = context.read(threshold.from_record, body["proof"], context.read_values, trustee, len(xs), key.bits)
    context.run(integrity.share_domain, key, proof)
    context.run(integrity.share_range, key, proof)
    proven = context.run(
        evidence.share_proven,
        manifest.election,
        key.N,
        len(manifest.trustees),
        manifest.threshold,
        state.verification_keys,
        xs,
        proof,
    )
    if proven:
        state.partial_roots[trustee] = proof


def _unsigned(entry: Entry) -> None:
    if entry.signatures:
        raise NotCanonical("an opening needs no signature and carries none: its equations prove it")


def opening(context: Context) -> None:
    """(m, r) of everything that replay names: the public decryption."""
    state = context.state
    if not context.run(consistency.not_early, state.stage is Stage.FROZEN, state.missing_stages()):
        return
    manifest, key = context.manifest, context.key
    context.read(_unsigned, context.entry)
    body = context.read_body(entries.opening_shape)
    named = state.named()
    if named:
        context.run(completeness.shares_complete, manifest, state.partial_roots)
    width = modulus_bytes(manifest)
    _, plaintexts = context.read_column(body["plaintexts"], width)
    _, roots = context.read_column(body["roots"], width)
    lengths = [len(plaintexts), len(roots)]
    if not context.run(completeness.contests_complete, [len(named)] * 2, lengths, "openings"):
        return
    context.run(integrity.response_domain, key, roots, plaintexts)
    places = [f"{context.where}, row {row}" for row in range(len(named))]
    context.judge.run_batch(evidence.opening_holds, places, key, named, plaintexts, roots, context.workers)
    if named and len(state.partial_roots) >= manifest.threshold:
        xs = roots_statement(state)
        context.run(evidence.combination_holds, key.N, len(manifest.trustees), xs, state.combined(), roots)
    state.plaintexts = plaintexts
    state.stage = Stage.OPENED


def counts(state: State) -> list[list[count.GroupCount]]:
    """The count of every group of every contest; none for a contest that is not opened."""
    manifest, _ = state.require()
    plaintexts = iter(state.plaintexts)
    found: list[list[count.GroupCount]] = []
    for tally in state.tallies:
        contest, groups = tally.contest, []
        for group in tally.groups if tally.open else ():
            if contest.homomorphic:
                m = next(plaintexts) if group.ballots else 0
                groups.append(count.count_slots(contest, m, count.slot_bits(state.rows), group.ballots))
            else:
                rows = [[next(plaintexts) for _ in range(contest.width)] for _ in range(group.ballots)]
                groups.append(count.count_answers(contest, manifest.modulus_bits, rows))
        found.append(groups)
    return found


def result_record(state: State) -> dict[str, Any]:
    """The result as the openings say it: contests and turnout."""
    contests: list[dict[str, Any]] = []
    for tally, counted in zip(state.tallies, counts(state), strict=True):
        groups = [
            {**count.count_record(found), "units": list(group.units)}
            for group, found in zip(tally.groups, counted, strict=False)
        ]
        total = count.total_record(tally.contest, counted) if tally.open else None
        contests.append({"contest": tally.contest.id, "groups": groups, "total": total, "withheld": not tally.open})
    return {"contests": contests, "turnout": turnout(state)}


def turnout(state: State) -> dict[str, int]:
    """Counted ballots, credentials and roll rows."""
    return {"ballots": len(freeze.counted_slots(state)), "credentials": len(state.slots), "roll": state.rows}


def result(context: Context) -> None:
    """The published result is the one that the openings say."""
    state, manifest = context.state, context.manifest
    body = context.read_body(entries.result_shape)
    wire = context.entry.body
    context.run(authenticity.act_signed, manifest, context.entry)
    stated = [contest["contest"] for contest in body["contests"]]
    context.run(completeness.contests_complete, _contest_ids(context), stated, "results")
    expected = result_record(state)
    counted = [
        (f"contest {tally.contest.id}, group {number}", tally.contest, found)
        for tally, groups in zip(state.tallies, counts(state), strict=True)
        for number, found in enumerate(groups)
    ]
    for place, _, found in counted:
        highest = max((number for _, number in found.counts), default=0)
        context.judge.run(evidence.slots_unpacked, f"{context.where}, {place}", found.overflow, highest, found.ballots)
    context.run(consistency.counts_agree, body["turnout"], expected["turnout"], counted)
    for mine, published in zip(expected["contests"], wire["contests"], strict=False):
        place = f"{context.where}, contest {mine['contest']}"
        context.judge.run(evidence.choices_decoded, place, _invalid(published), _invalid(mine))
        context.judge.run(evidence.result_equal, place, _counts(published), _counts(mine))
    state.result = expected
    state.stage = Stage.PUBLISHED


def _invalid(contest: dict[str, Any]) -> list[Any]:
    return [group["invalid"] for group in contest["groups"]]


def _counts(contest: dict[str, Any]) -> dict[str, Any]:
    groups = [{key: group[key] for key in group if key != "invalid"} for group in contest["groups"]]
    return {**contest, "groups": groups}


def _earlier(corrected: int, index: int) -> None:
    if corrected >= index:
        raise NotCanonical(f"body, entry: a correction of entry {corrected} does not come after it")


def correction(context: Context) -> None:
    """A statement of two officials about an earlier entry; it changes nothing that was counted."""
    body = context.read_body(entries.correction_shape)
    context.read(_earlier, body["entry"], context.index)
    context.run(authenticity.act_signed, context.manifest, context.entry)
    context.state.corrections.append((body["entry"], body["text"]))
