"""Every named check has an archive that it alone rejects.

Each cheat below goes on by the rules after its one wrong step, with the right signatures and a fresh checkpoint, so no
other check has a reason to complain. Where an earlier guard would stop the cheat too, the test says which, and takes it
away: the check must then reject alone.
"""

from __future__ import annotations

import copy
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gmpy2
import pytest
from gmpy2 import mpz

import tests.election as simulator
from tally import ballot as ballots
from tally import mixing, roots, stages
from tally.ceremony import deal_with
from tally.signing import sign_entry
from tests.election import (
    BITS,
    VOTES,
    Election,
    options,
    party,
    signed_checkpoint,
    signing_key,
    small_manifest,
    tree_of,
)
from tests.forge import STEPS, after, at, edit, envelope, judged, lacking, rejecting, trusting, without
from tests.keys import safe_primes
from verifier.checks import CHECKS, evidence
from verifier.crypto import equation, shuffle
from verifier.crypto.certificate import certificate_record
from verifier.crypto.group import GROUP
from verifier.crypto.seed import randomness
from verifier.crypto.threshold import Challenge
from verifier.record.archive import write_archive
from verifier.record.canonical import decode_integer, encode_bytes, encode_integer, parse, serialise
from verifier.record.column import Column, read_column, write_column
from verifier.record.entries import CHALLENGE_WIDTH, MAX_ENTRY_BYTES, Type
from verifier.record.schema import format_minute
from verifier.verify import verify

WIDTH = BITS // 8
Cheat = Callable[[], Election]
CHEATS: dict[str, Cheat] = {}
V1, V1_CHOICES = "v1", VOTES["v1"][1]


def alone(code: str) -> Callable[[Cheat], Cheat]:
    """The check `code` alone rejects what the function makes."""

    def register(cheat: Cheat) -> Cheat:
        CHEATS[code] = cheat
        return cheat

    return register


@pytest.mark.parametrize("code", sorted(CHECKS))
def test_every_check_has_an_archive_or_a_test_of_its_own(code: str) -> None:
    assert code in CHEATS or code in ELSEWHERE


@pytest.mark.parametrize("code", CHEATS)
def test_the_check_alone_rejects(code: str, tmp_path: Path) -> None:
    outcome = judged(CHEATS[code](), tmp_path)
    assert rejecting(outcome) == {code}
    assert not outcome.report.valid
    assert all(failure.reason for failure in outcome.report.failures)


def test_the_honest_archive_is_valid(tmp_path: Path) -> None:
    assert rejecting(judged(at("published"), tmp_path)) == set()


# Completeness


@alone("V1.1")
def a_file_that_no_entry_names() -> Election:
    election = at("published")
    column, data = write_column([1, 2, 3], 4)
    election.columns[column.digest] = data
    return election


@alone("V1.2")
def polls_opened_without_all_shares() -> Election:
    election = trusting(small_manifest()).set_up()
    index = next(i for i, raw in enumerate(election.entries) if b'"share-confirmed"' in raw)
    return after(lacking(election, index), "set up")


@alone("V1.4")
def a_contest_without_a_result() -> Election:
    return edit(at("published"), Type.RESULT, lambda body: body["contests"].pop())


@alone("V1.5")
def a_third_mix_stage() -> Election:
    election = at("mixed")
    election.entries.append(election.entries[-1])
    return after(election, "mixed")


@alone("V1.6")
def too_few_trustees() -> Election:
    """A coalition with the key opens although one trustee only delivered."""
    election = at("mixed")
    election.root(1)
    held = list(election.entries), dict(election.columns)
    election.root(3)
    body, columns = stages.opening_body(election.state)
    election.entries, election.columns = held
    del election.state.partial_roots[3]
    election.append(Type.OPENING, body, [], columns)
    election.append(Type.RESULT, stages.result_body(election.state))
    return election


@alone("V1.8")
def a_ballot_without_a_fate() -> Election:
    return edit(at("published"), Type.TALLY_FROZEN, lambda body: body.update(cast=body["cast"] + 1))


# Authenticity


@alone("V2.1")
def a_manifest_signed_by_one_official() -> Election:
    return envelope(at("published"), Type.MANIFEST, lambda entry: entry["signatures"].pop())


@alone("V2.4")
def a_ballot_whose_signature_does_not_verify() -> Election:
    def spoil(entry: dict[str, Any]) -> None:
        entry["signatures"][0]["signature"] = encode_bytes(signing_key(V1).sign(b"something else").signature)

    return envelope(at("published"), Type.BALLOT_CAST, spoil, 0)


@alone("V2.5")
def an_opened_ballot_signed_by_another_voter() -> Election:
    election = at("voted")
    seed = secrets.token_bytes(32)
    body = {"ballot": election.ballot(V1, V1_CHOICES, seed=seed), "seed": encode_bytes(seed)}
    election.append(Type.BALLOT_OPENED, body, ["v2"])
    return after(election, "voted")


@alone("V2.6")
def a_slot_that_the_registrar_did_not_sign() -> Election:
    election = at("registered")
    body = registration(election, "stranger", 21)
    election.append(Type.CREDENTIAL_REGISTERED, body, ["stranger"])
    return after(election, "registered")


def registration(election: Election, slot: str, index: int) -> dict[str, Any]:
    return election.body(
        slot=slot,
        style="north",
        credential=party(slot)["key"],
        index=index,
        leaf=encode_bytes(election.leaves[index]),
        path=[encode_bytes(node) for node in election.roll.inclusion_path(index, election.rows)],
    )


@alone("V2.7")
def a_confirmation_by_another_trustee() -> Election:
    def forge(entry: dict[str, Any]) -> None:
        election = at("published")
        entry["signatures"] = signatures(election, Type.SHARE_CONFIRMED, entry["body"], "trustee 2")

    return envelope(at("published"), Type.SHARE_CONFIRMED, forge, 0)


@alone("V2.8")
def a_second_stage_by_the_first_mixer() -> Election:
    def forge(entry: dict[str, Any]) -> None:
        entry["signatures"] = signatures(at("published"), Type.MIX_STAGE, entry["body"], "mixer 1")

    return envelope(at("published"), Type.MIX_STAGE, forge)


@alone("V2.9")
def polls_closed_by_one_official() -> Election:
    return envelope(at("published"), Type.POLLS_CLOSED, lambda entry: entry["signatures"].pop())


def signatures(election: Election, kind: Type, body: Any, *names: str) -> list[dict[str, str]]:
    return sign_entry(kind, body, [signing_key(name) for name in names])


# Consistency


@alone("V3.1")
def polls_opened_for_another_election() -> Election:
    other = encode_bytes(b"another election".ljust(32, b"."))
    return edit(at("published"), Type.POLLS_OPENED, lambda body: body.update(election=other))


@alone("V3.2")
def a_mix_that_names_another_context() -> Election:
    return edit(at("published"), Type.MIX_STAGE, lambda body: body.update(context=encode_bytes(b"c" * 32)))


@alone("V3.3")
def a_share_of_another_key() -> Election:
    return edit(at("published"), Type.SHARE_CONFIRMED, lambda body: body.update(key=encode_bytes(b"k" * 32)))


@alone("V3.4")
def answers_that_may_not_fit() -> Election:
    manifest = small_manifest()
    manifest["contests"][4]["most"] = 200
    return after(trusting(manifest).set_up(), "set up")


@alone("V3.7")
def a_result_before_its_opening() -> Election:
    return envelope(at("published"), Type.RESULT, lambda entry: entry.update(time="2026-11-21T10:59Z"))


@alone("V3.8")
def polls_closed_twice() -> Election:
    election = at("closed")
    election.append(Type.POLLS_CLOSED, election.body())
    election.state.stage = type(election.state.stage).CLOSED
    return after(election, "closed")


@alone("V3.9")
def a_ballot_opened_twice() -> Election:
    election = at("voted")
    opened = next(raw for raw in election.entries if b'"type":"ballot-opened"' in raw)
    entry = parse(opened, MAX_ENTRY_BYTES)
    election.add(serialise({**entry, "time": format_minute(election.clock)}))
    return after(election, "voted")


@alone("V3.10")
def two_slots_for_one_roll_row() -> Election:
    election = at("registered")
    election.append(Type.CREDENTIAL_REGISTERED, registration(election, "twin", 0), ["registrar", "twin"])
    return after(election, "registered")


@alone("V3.11")
def a_sequence_that_does_not_rise() -> Election:
    election = at("voted")
    body = election.ballot(V1, V1_CHOICES, sequence=2)
    election.append(Type.BALLOT_CAST, body, [V1])
    return after(election, "voted")


@alone("V3.12")
def an_opened_ballot_of_another_style() -> Election:
    election = at("voted")
    slot = election.state.slots["v5"]
    north = election.state.slots["v1"].style
    seed = secrets.token_bytes(32)
    election.ballot("v5", VOTES["v5"][1])
    maker = election.maker
    if maker is None:
        raise AssertionError("no ballot was made")
    ballot = maker.make(north, "v5", 2, slot.credential, V1_CHOICES, seed)
    election.append(Type.BALLOT_OPENED, {"ballot": ballot, "seed": encode_bytes(seed)}, ["v5"])
    return after(election, "voted")


@alone("V3.13")
def another_counted_set() -> Election:
    return edit(at("published"), Type.TALLY_FROZEN, lambda body: body.update(ballots=encode_bytes(b"b" * 32)))


@alone("V3.14")
def a_mix_of_another_input() -> Election:
    return edit(at("published"), Type.MIX_STAGE, lambda body: body.update(input=encode_bytes(b"i" * 32)))


@alone("V3.15")
def a_trustee_who_confirms_twice() -> Election:
    election = trusting(small_manifest()).set_up()
    again = next(raw for raw in election.entries if b'"share-confirmed"' in raw)
    election.add(again)
    return after(election, "set up")


@alone("V3.16")
def another_turnout() -> Election:
    return edit(at("published"), Type.RESULT, lambda body: body["turnout"].update(ballots=6))


@alone("V3.17")
def two_candidates_who_look_alike() -> Election:
    manifest = small_manifest()
    manifest["contests"][0]["options"] = options("ＡＢ", "ab", "仮名 次郎")
    return after(trusting(manifest).set_up(), "set up")


@alone("V3.18")
def roots_before_the_mix() -> Election:
    election = at("frozen")
    body, columns = stages.partial_roots_body(election.state, 2, election.dealt.shares[1])
    election.append(Type.PARTIAL_ROOTS, body, ["trustee 2"], columns)
    del election.state.partial_roots[2]
    names = {bytes.fromhex(column.hex()) for column in columns}
    election.columns = {name: data for name, data in election.columns.items() if name not in names}
    return after(election, "frozen")


# Integrity


@alone("V4.1")
def a_key_that_nobody_knows() -> Election:
    return corrected(lambda body: body.update(unknown=1))


@alone("V4.2")
def a_hash_of_the_wrong_width() -> Election:
    return corrected(lambda body: body.update(election=encode_bytes(b"e" * 31)))


def corrected(change: Callable[[dict[str, Any]], object]) -> Election:
    """A correction with something wrong in it: nothing depends on that entry."""
    election = at("published")
    body = election.body(entry=3, text="誤記の訂正")
    change(body)
    election.entries.append(election.raw(Type.CORRECTION, body, ["official 1", "official 2"]))
    return election


@alone("V4.4")
def a_mixed_ciphertext_beyond_its_range() -> Election:
    """C + N² is the same residue: every equation holds."""

    def lift(shuffled: mixing.Shuffled, key: Any) -> None:
        shuffled.outputs[0][0] += key.N2

    return mixed_with(lift)


def mixed_with(tamper: Callable[[mixing.Shuffled, Any], None]) -> Election:
    """The first mix stage has its list changed before it is proved."""
    honest = mixing.shuffle
    calls = 0

    def dishonest(key: Any, columns: Any, *others: Any) -> mixing.Shuffled:
        nonlocal calls
        shuffled = honest(key, columns, *others)
        calls += 1
        if calls == 1:
            tamper(shuffled, key)
        return shuffled

    election = at("frozen")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mixing, "shuffle", dishonest)
        STEPS["mixed"](election)
    return after(election, "mixed")


@alone("V4.5")
def a_commitment_beyond_its_range() -> Election:
    """a_0 + N², hashed as such: every equation holds."""
    honest = ballots.membership_challenge

    def lifting(context: Any, position: int, values: Any, c: mpz, a: list[mpz]) -> mpz:
        a[0] += context.key.N2
        return honest(context, position, values, c, a)

    election = at("opened")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ballots, "membership_challenge", lifting)
        election.cast("v2", **VOTES["v2"][1])
    STEPS["voted"](election)
    return after(election, "voted")


def first_cast(change: Callable[[dict[str, Any], Election], None]) -> Election:
    """v2's first ballot, which a later one supersedes, is changed before it is signed."""
    election = at("opened")
    body = election.ballot("v2", VOTES["v2"][1])
    change(body, election)
    election.append(Type.BALLOT_CAST, body, ["v2"])
    STEPS["voted"](election)
    return after(election, "voted")


@alone("V4.6")
def a_response_beyond_its_range() -> Election:
    """z + N is the same residue."""

    def lift(body: dict[str, Any], election: Election) -> None:
        N = election.state.key.N
        for proof in (proof for answer in body["answers"][:2] for proof in answer["proofs"]):
            for at_branch, wire in enumerate(proof["z"]):
                z = decode_integer(wire, WIDTH)
                if (z + N).bit_length() <= BITS:
                    proof["z"][at_branch] = encode_integer(z + N, WIDTH)
                    return
        raise AssertionError("no response leaves room for N")

    return first_cast(lift)


@alone("V4.7")
def a_challenge_beyond_its_range() -> Election:
    """The voter who knows r answers e + 2^128 as well as e."""
    seed = secrets.token_bytes(32)
    election = at("opened")
    key = election.state.key
    body = election.ballot("v2", {**VOTES["v2"][1], "mayor": "a"}, seed=seed)
    proof = body["answers"][0]["proofs"][0]
    r = randomness(key, seed, "mayor", 0)
    e, z = decode_integer(proof["e"][0], CHALLENGE_WIDTH), decode_integer(proof["z"][0], WIDTH)
    proof["e"][0] = encode_integer(e + (1 << 128), CHALLENGE_WIDTH)
    proof["z"][0] = encode_integer(z * gmpy2.powmod(r, 1 << 128, key.N) % key.N, WIDTH)
    election.append(Type.BALLOT_CAST, body, ["v2"])
    STEPS["voted"](election)
    return after(election, "voted")


def proof_column(election: Election, name: str, change: Callable[[list[mpz]], None]) -> Election:
    """Change a column of the last mix proof and name the new one."""
    width = shuffle.VECTORS[name]

    def edit_proof(body: dict[str, Any]) -> None:
        old = Column.from_record(body["proof"][name], width)
        values = read_column(election.columns.pop(old.digest), old)
        change(values)
        column, data = write_column(values, width)
        election.columns[column.digest] = data
        body["proof"][name] = column.to_record()

    return edit(election, Type.MIX_STAGE, edit_proof)


@alone("V4.8")
def a_scalar_beyond_its_range() -> Election:
    """ã_i + q is the same residue."""
    election = at("published")

    def lift(body: dict[str, Any]) -> None:
        for name in shuffle.RANDOMISERS:
            r = decode_integer(body["proof"][name][0], shuffle.SCALAR_BYTES)
            if (r + GROUP.q).bit_length() <= 512:
                body["proof"][name][0] = encode_integer(r + GROUP.q, shuffle.SCALAR_BYTES)
                return
        raise Retry

    mixes = sum(b'"type":"mix-stage"' in raw for raw in election.entries)
    for which in range(mixes):
        try:
            return edit(election, Type.MIX_STAGE, lift, which)
        except Retry:
            continue
    raise AssertionError("no randomiser leaves room for q")


class Retry(Exception):
    """This proof has no value that the cheat can use."""


@alone("V4.9")
def a_commitment_outside_the_group() -> Election:
    """−U has order 2q; under even weights its sign vanishes, so every equation holds."""
    honest = mixing.commit
    calls = 0

    def negating(vectors: Any, workers: Any) -> list[list[mpz]]:
        nonlocal calls
        commitments = honest(vectors, workers)
        calls += 1
        if calls == 3:  # after A, and B with M: this is U with V and W
            commitments[0][0] = GROUP.p - commitments[0][0]
        return commitments

    election = at("frozen")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mixing, "commit", negating)
        STEPS["mixed"](election)
    return after(election, "mixed")


@alone("V4.10")
def a_trustees_response_beyond_its_range() -> Election:
    """z plus a multiple of the order: the dealer's secret, and every equation holds."""
    P, Q = safe_primes(BITS // 2)
    order = (P - 1) // 2 * ((Q - 1) // 2)
    width = (BITS + 257 + 7) // 8

    def lift(body: dict[str, Any]) -> None:
        z = decode_integer(body["proof"]["z"], width)
        body["proof"]["z"] = encode_integer(z + order * (mpz(1) << 260), width)

    return edit(at("published"), Type.PARTIAL_ROOTS, lift)


@alone("V4.11")
def a_partial_root_beyond_its_range() -> Election:
    """u + N, hashed as such, is the same residue."""

    class Lifting(Challenge):
        def __init__(self, election: bytes, N: mpz, n: int, t: int, v_i: mpz, i: int, xs: Any, us: list[mpz]) -> None:
            at_row = next(row for row, u in enumerate(us) if (u + N).bit_length() <= BITS)
            us[at_row] += N
            super().__init__(election, N, n, t, v_i, i, xs, us)

    election = at("mixed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(roots, "Challenge", Lifting)
        STEPS["rooted"](election)
    return after(election, "rooted")


# Evidence


def with_key(change: Callable[[dict[str, Any]], None], bits: int = BITS) -> Election:
    """The election goes on with a key entry that was changed before it was signed."""
    honest = simulator.make_key_body

    def dishonest(dealt: Any, election: bytes) -> dict[str, Any]:
        body = honest(dealt, election)
        change(body)
        return body

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulator, "make_key_body", dishonest)
        election = trusting(small_manifest()).set_up()
    return after(election, "set up")


@alone("V5.1")
def a_key_shorter_than_declared() -> Election:
    P, Q = safe_primes(BITS // 2)
    short, _ = safe_primes(BITS // 2 - 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulator, "dealt", lambda bits, n, t, election: deal_with(P, short, n, t, election))
        # The bodies are as wide as the manifest says.
        patch.setattr(simulator, "make_key_body", lambda dealt, election: wide_key_body(dealt, election))
        election = trusting(small_manifest()).set_up()
    return after(election, "set up")


def wide_key_body(dealt: Any, election: bytes) -> dict[str, Any]:
    return {
        "election": encode_bytes(election),
        "modulus": encode_integer(dealt.N, WIDTH),
        "verification_keys": [encode_integer(key, WIDTH) for key in dealt.verification_keys],
        "certificate": certificate_record(dealt.certificate, BITS),
    }


@alone("V5.2")
def a_certificate_that_does_not_hold() -> Election:
    def spoil(body: dict[str, Any]) -> None:
        roots_wire = body["certificate"]["nth_roots"]
        roots_wire[0], roots_wire[1] = roots_wire[1], roots_wire[0]

    return with_key(spoil)


@alone("V5.3")
def a_verification_key_off_the_polynomial() -> Election:
    def spoil(body: dict[str, Any]) -> None:
        N = decode_integer(body["modulus"], WIDTH)
        v_2 = decode_integer(body["verification_keys"][1], WIDTH)
        body["verification_keys"][1] = encode_integer(v_2 * 4 % N, WIDTH)

    return with_key(spoil)


@alone("V5.4")
def generators_of_another_seed() -> Election:
    return after(trusting(small_manifest(generators="somebody knows the logarithms")).set_up(), "set up")


@alone("V5.5")
def a_ballot_of_a_thousand_votes() -> Election:
    """A superseded one, so that only its own proof is wrong."""

    def stuff(body: dict[str, Any], election: Election) -> None:
        honest = ballots.plaintexts_of
        seed = secrets.token_bytes(32)

        def stuffing(setting: Any, asked: Any, choice: Any) -> list[mpz]:
            return [mpz(1000)] if asked.id == "mayor" else honest(setting, asked, choice)

        class Anything(tuple[mpz, ...]):
            def index(self, value: Any, *_: Any) -> int:  # type: ignore[override]
                return 0 if value == 1000 else super().index(value)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ballots, "plaintexts_of", stuffing)
            patch.setattr(
                ballots,
                "statements",
                lambda *args: [(c, Anything(values)) for c, values in honest_statements(*args)],
            )
            body.update(election.ballot("v2", VOTES["v2"][1], seed=seed))

    honest_statements = ballots.statements
    return first_cast(stuff)


@alone("V5.6")
def a_proof_under_another_hash() -> Election:
    """The proof of another sequence number: its equations hold, its hash does not."""
    election = at("opened")
    body = election.ballot("v2", VOTES["v2"][1], sequence=5)
    body["sequence"] = 1
    fresh = {answer["contest"]: answer for answer in election.ballot("v2", VOTES["v2"][1])["answers"]}
    for answer in body["answers"][2:]:
        answer.update(fresh[answer["contest"]])
    election.append(Type.BALLOT_CAST, body, ["v2"])
    STEPS["voted"](election)
    return after(election, "voted")


@alone("V5.7")
def more_marks_than_proved() -> Election:
    def spoil(body: dict[str, Any], election: Election) -> None:
        proof = body["answers"][1]["proofs"][-1]
        z = decode_integer(proof["z"][0], WIDTH)
        proof["z"][0] = encode_integer(z * 2 % election.state.key.N, WIDTH)

    return first_cast(spoil)


@alone("V5.9")
def committed_values_that_are_no_permutation() -> Election:
    class Liar(list[int]):
        """Says something else when it is asked first: what goes into A."""

        asked = 0

        def __iter__(self) -> Any:
            self.asked += 1
            return iter([self[0]] * len(self)) if self.asked == 1 else super().__iter__()

    def lie(shuffled: mixing.Shuffled, key: Any) -> None:
        object.__setattr__(shuffled, "permutation", Liar(shuffled.permutation))

    return mixed_with(lie)


@alone("V5.10")
def a_commitment_opened_to_something_else() -> Election:
    def spoil(body: dict[str, Any]) -> None:
        r = decode_integer(body["proof"]["r_a"][0], shuffle.SCALAR_BYTES)
        body["proof"]["r_a"][0] = encode_integer((r + 1) % GROUP.q, shuffle.SCALAR_BYTES)

    return edit(at("published"), Type.MIX_STAGE, spoil)


@alone("V5.11")
def a_mixed_ballot_replaced() -> Election:
    def replace(shuffled: mixing.Shuffled, key: Any) -> None:
        shuffled.outputs[0][0] = shuffled.outputs[0][0] * (1 + key.N) % key.N2

    return mixed_with(replace)


@alone("V5.12")
def another_product() -> Election:
    def spoil(body: dict[str, Any]) -> None:
        group = body["contests"][0]["groups"][0]
        group["ciphertext"] = [encode_integer(decode_integer(group["ciphertext"][0], 2 * WIDTH) ^ 1, 2 * WIDTH)]

    return edit(at("published"), Type.TALLY_FROZEN, spoil)


def opened_with(change: Callable[[list[mpz], Election], None], name: str = "plaintexts") -> Election:
    """The opening publishes other plaintexts or roots, and the result is what they say."""
    election = at("rooted")
    body, columns = stages.opening_body(election.state)
    old = Column.from_record(body[name], WIDTH)
    values = read_column(columns.pop(old.digest), old)
    change(values, election)
    column, data = write_column(values, WIDTH)
    body[name] = column.to_record()
    election.append(Type.OPENING, body, [], columns | {column.digest: data})
    election.append(Type.RESULT, stages.result_body(election.state))
    return election


@alone("V5.13")
def an_opening_that_does_not_fit() -> Election:
    def last_answer(values: list[mpz], election: Election) -> None:
        values[-1] ^= 1

    return opened_with(last_answer)


@alone("V5.14")
def partial_roots_with_a_wrong_proof() -> Election:
    election = at("mixed")
    election.root(1, 2, 3)
    width = (BITS + 257 + 7) // 8

    def spoil(body: dict[str, Any]) -> None:
        body["proof"]["z"] = encode_integer(decode_integer(body["proof"]["z"], width) ^ 1, width)

    return after(edit(election, Type.PARTIAL_ROOTS, spoil, 0), "rooted")


@alone("V5.17")
def an_invalid_vote_that_decodes() -> Election:
    return edit(at("published"), Type.RESULT, lambda body: body["contests"][2]["groups"][0]["invalid"].append(0))


@alone("V5.18")
def another_result() -> Election:
    def move_a_vote(body: dict[str, Any]) -> None:
        counts = body["contests"][0]["total"]["counts"]
        counts[0]["count"] -= 1
        counts[1]["count"] += 1

    return edit(at("published"), Type.RESULT, move_a_vote)


@alone("V5.20")
def an_opened_ballot_with_another_seed() -> Election:
    return edit(at("published"), Type.BALLOT_OPENED, lambda body: body.update(seed=encode_bytes(b"s" * 32)))


# Those that need more than entries


ELSEWHERE = {"V1.3", "V1.9", "V2.2", "V2.3", "V2.11", "V3.5", "V3.6", "V4.3", "V5.15", "V5.16", "V5.19"}
"""rejected by the tests below; V2.11 by tests/verifier/test_receipt.py"""


def under(election: Election, checkpoint: bytes, folder: Path) -> set[str]:
    path = folder / "election.zip"
    write_archive(path, election.entries, sorted(election.columns.items()), checkpoint)
    return rejecting(verify(path, allowed_bits=(BITS,)))


def test_v1_3_a_checkpoint_of_more_entries(tmp_path: Path) -> None:
    election = at("published")
    tree = tree_of(election.entries)
    assert under(election, signed_checkpoint(election.manifest, tree.size + 1, tree.root()), tmp_path) == {"V1.3"}


def test_v1_9_an_election_that_has_no_result_yet(tmp_path: Path) -> None:
    """Nothing is wrong with it, and yet it is not valid: too much did not run."""
    outcome = judged(at("frozen"), tmp_path)
    assert {code for code in CHECKS if outcome.report.status(code) == "FAIL"} == {"V1.9"}
    assert {"V5.13", "V5.18"} <= {code for code in CHECKS if outcome.report.status(code) == "NOT RUN"}
    assert not outcome.report.valid


def test_v2_2_a_checkpoint_of_another_board(tmp_path: Path) -> None:
    election = at("published")
    lines = election.checkpoint().decode().splitlines(keepends=True)
    other = signed_checkpoint(election.manifest, 1, b"r" * 32).decode().splitlines(keepends=True)
    lines[5] = other[5]
    assert under(election, "".join(lines).encode(), tmp_path) == {"V2.2"}


def test_v2_3_a_checkpoint_without_witness(tmp_path: Path) -> None:
    election = at("published")
    lines = election.checkpoint().decode().splitlines(keepends=True)
    assert under(election, "".join(lines[:-1]).encode(), tmp_path) == {"V2.3"}


def test_v3_5_a_checkpoint_of_other_entries(tmp_path: Path) -> None:
    election = at("published")
    forged = signed_checkpoint(election.manifest, len(election.entries), b"r" * 32)
    assert under(election, forged, tmp_path) == {"V3.5"}


def test_v3_6_a_board_that_does_not_continue_a_known_checkpoint(tmp_path: Path) -> None:
    election = at("published")
    known = signed_checkpoint(election.manifest, 5, b"r" * 32)
    assert rejecting(judged(election, tmp_path, known=[known])) == {"V3.6"}
    longer = signed_checkpoint(election.manifest, len(election.entries) + 1, b"r" * 32)
    assert rejecting(judged(election, tmp_path, known=[longer])) == {"V3.6"}
    kept = signed_checkpoint(election.manifest, 5, tree_of(election.entries[:5]).root())
    assert rejecting(judged(election, tmp_path, known=[kept])) == set()


def test_v4_3_a_file_that_is_not_part_of_an_archive(tmp_path: Path) -> None:
    """Nothing else is looked at, so nothing else ran: V1.9 says so too."""
    packed = at("published").write(tmp_path / "election.zip")
    shutil.unpack_archive(packed, tmp_path / "unpacked")
    (tmp_path / "unpacked" / "notes.txt").write_text("hello")
    outcome = verify(tmp_path / "unpacked", allowed_bits=(BITS,))
    assert {code for code in CHECKS if outcome.report.status(code) == "FAIL"} == {"V4.3", "V1.9"}


def test_v5_15_roots_that_the_partial_roots_do_not_combine_to(tmp_path: Path) -> None:
    """A trustee's wrong partial roots are stopped by V5.14; without it, V5.15 rejects alone."""
    honest = roots.partial_roots

    def wrong(*args: Any) -> Any:
        proof = honest(*args)
        proof.roots[0] = proof.roots[0] * 4 % args[2]
        return proof

    election = at("mixed")
    body, columns = opening_of(election)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stages, "partial_roots", wrong)
        election.root(1)
    election.root(3)
    election.append(Type.OPENING, body, [], columns)
    election.append(Type.RESULT, stages.result_body(election.state))
    assert "V5.14" in rejecting(judged(election, tmp_path))
    with without(evidence.share_proven):
        assert rejecting(judged(election, tmp_path)) == {"V5.15"}


def opening_of(election: Election) -> tuple[dict[str, Any], stages.Columns]:
    """The right opening, made on a copy."""
    other = copy.deepcopy(election)
    other.root(1, 3)
    return stages.opening_body(other.state)


def test_v5_16_something_above_the_last_slot(tmp_path: Path) -> None:
    """A wrong opening is stopped by V5.13; without it, V5.16 rejects alone."""

    def overflow(values: list[mpz], election: Election) -> None:
        values[0] += mpz(1) << 200

    election = opened_with(overflow)
    assert rejecting(judged(election, tmp_path)) == {"V5.13", "V5.16"}
    with without(evidence.opening_holds):
        assert rejecting(judged(election, tmp_path)) == {"V5.16"}


def test_v5_19_a_verifier_whose_batches_do_not_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(equation, "draw_weight", lambda: 2)
    assert rejecting(judged(at("published"), tmp_path)) == {"V5.19"}
