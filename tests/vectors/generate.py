"""Test vectors for every primitive and record: what goes in, secrets and chance included, and what comes out.

`python -m tests.vectors.generate` writes them beside this file, always the same. Each file is an object of
`description` and `vectors`. A vector names an operation and has `input` and either `output` or `refused` (error and the
beginning of its reason). OPERATIONS says what each operation is in terms of the project's code; another implementation
needs the same table.

Integers of the protocol are lower-case hexadecimal without leading zeros; bytes are hexadecimal, two digits each;
sizes, positions and numbers of bits are JSON numbers. Bodies and proofs named `wire` are in their wire form, as JSON.

Provers draw their randomness from a stream (`deterministic`), whose values are also listed in `draws`, in their order.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import gmpy2
from gmpy2 import mpz
from nacl import bindings
from nacl.signing import SigningKey

from tally import mixing
from tally.ballot import BallotMaker, Randomness, plaintexts_of, prove_knowledge, prove_membership
from tally.ballot import knowledge_record as knowledge_wire
from tally.ballot import membership_record as membership_wire
from tally.ceremony import deal_with, key_body
from tally.roots import partial_roots
from tally.signing import public_key, sign_entry
from tests import election as elections
from tests.keys import safe_primes, secret_key
from tests.vectors import generators
from verifier import count as counting
from verifier import outcome as decisions
from verifier.ballots import Sealed, Setting, examine
from verifier.checks import Check, evidence, integrity
from verifier.crypto import certificate, checkpoint, equation, group, merkle, seed, shuffle, threshold, transcript
from verifier.crypto.ballot_proof import (
    BallotContext,
    KnowledgeProof,
    MembershipProof,
    knowledge_challenge,
    knowledge_equation,
    membership_challenge,
    membership_equations,
)
from verifier.crypto.paillier import PublicKey
from verifier.crypto.signatures import verify
from verifier.errors import CheckFailed
from verifier.receipt import parse_receipt
from verifier.record import answers, canonical, column
from verifier.record.entries import Entry, Signature, Type, parse_entry, signed_message, statement_digest, tracker
from verifier.record.key import key_hash, parse_key
from verifier.record.manifest import FORM_KINDS, Contest, Form, parse_contest, parse_manifest
from verifier.record.roll import roll_leaf
from verifier.replay import groups
from verifier.replay.freeze import columns_digest
from verifier.report import Gate
from verifier.workers import InProcess

HERE = Path(__file__).parent
JSON = dict[str, Any]
BITS = 512
ED25519_L = 2**252 + 27742317777372353535851937790883648493


# The stream


@contextmanager
def deterministic(stream: bytes) -> Iterator[list[str]]:
    """Inside, `secrets` draws from SHAKE-256 and the list holds every value drawn.

    Attempt number i (from 0) at a value of k bits is the first k bits of SHAKE-256(stream ‖ i in 8 bytes). A value
    below n has as many bits as n − 1; attempts that are not below n are passed over and not listed. A shuffle of n
    items draws below n, n − 1 … 2 and swaps item n − 1, n − 2 … 1 with the item drawn. The verifier's own weights stay
    random.
    """
    attempts, draws = count(), []

    def attempt(bits: int) -> int:
        size = (bits + 7) // 8
        data = hashlib.shake_256(stream + next(attempts).to_bytes(8, "big")).digest(size)
        return int.from_bytes(data, "big") >> (8 * size - bits)

    def drawn(value: int) -> int:
        draws.append(integer(value))
        return value

    def randbelow(bound: int) -> int:
        while (value := attempt((bound - 1).bit_length())) >= bound:
            continue
        return drawn(value)

    def swap(items: list[Any]) -> None:
        for at in range(len(items) - 1, 0, -1):
            other = randbelow(at + 1)
            items[at], items[other] = items[other], items[at]

    weights = SimpleNamespace(randbits=secrets.randbits)
    with (
        patch.object(equation, "secrets", weights),
        patch.multiple(
            secrets,
            randbits=lambda bits: drawn(attempt(bits)),
            randbelow=randbelow,
            token_bytes=lambda size: drawn(attempt(8 * size)).to_bytes(size, "big"),
            SystemRandom=lambda: SimpleNamespace(shuffle=swap),
        ),
    ):
        yield draws


def stream_of(name: str) -> str:
    """A 32-byte seed that is named, in hexadecimal."""
    return hashlib.sha256(f"Tashika test vectors: {name}".encode()).hexdigest()


# JSON forms


def integer(x: int | mpz) -> str:
    return format(int(x), "x")


def integers(values: Sequence[int | mpz]) -> list[str]:
    return [integer(value) for value in values]


def number(text: str) -> mpz:
    return mpz(text, 16)


def numbers(texts: Sequence[str]) -> list[mpz]:
    return [number(text) for text in texts]


def octets(texts: Sequence[str]) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


def hexes(values: Sequence[bytes]) -> list[str]:
    return [value.hex() for value in values]


def named(value: Any, names: Sequence[str]) -> JSON:
    """These integers or lists of integers of an object."""
    fields = {name: getattr(value, name) for name in names}
    return {name: integers(part) if isinstance(part, list | tuple) else integer(part) for name, part in fields.items()}


def unnamed(value: JSON, names: Sequence[str]) -> JSON:
    """The inverse of `named`; lists become tuples."""
    fields = {name: value[name] for name in names}
    return {name: tuple(numbers(part)) if isinstance(part, list) else number(part) for name, part in fields.items()}


def item_of(item: JSON) -> Any:
    """A hashed item: {"integer"}, {"text"}, {"bytes"}, {"list"}, or {"other"}, which has no encoding."""
    [(kind, value)] = item.items()
    if kind == "list":
        return [item_of(part) for part in value]
    return {"integer": number, "text": str, "bytes": bytes.fromhex, "other": lambda other: other}[kind](value)


def item(value: Any) -> JSON:
    """The inverse of `item_of`."""
    if isinstance(value, list):
        return {"list": [item(part) for part in value]}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    return {"text": value} if isinstance(value, str) else {"integer": integer(value)}


def answer_of(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


# Operations: canonical forms


def op_parse_json(given: JSON) -> JSON:
    value = canonical.parse(bytes.fromhex(given["bytes"]), given["max_bytes"], given["max_depth"])
    return {"value": value}


def op_serialise_json(given: JSON) -> JSON:
    return {"bytes": canonical.serialise(given["value"]).hex()}


def op_encode_bytes(given: JSON) -> JSON:
    return {"text": canonical.encode_bytes(bytes.fromhex(given["bytes"]))}


def op_decode_bytes(given: JSON) -> JSON:
    return {"bytes": canonical.decode_bytes(given["text"], given["size"]).hex()}


def op_encode_integer(given: JSON) -> JSON:
    return {"text": canonical.encode_integer(number(given["integer"]), given["width"])}


def op_decode_integer(given: JSON) -> JSON:
    return {"integer": integer(canonical.decode_integer(given["text"], given["width"]))}


def op_write_column(given: JSON) -> JSON:
    written, data = column.write_column(numbers(given["values"]), given["width"])
    return {"bytes": data.hex(), "digest": written.digest.hex(), "record": written.to_record()}


def op_read_column(given: JSON) -> JSON:
    stated = column.Column.from_record(given["record"], given["width"])
    return {"values": integers(column.read_column(bytes.fromhex(given["bytes"]), stated))}


# Operations: hashes


def op_encode_item(given: JSON) -> JSON:
    return {"bytes": transcript.encode(item_of(given["item"])).hex()}


def op_transcript(given: JSON) -> JSON:
    """Steps in order; those that absorb have null as their result."""
    running = transcript.Transcript(given["kind"], bytes.fromhex(given["election"]))
    results: list[Any] = []
    for step in given["steps"]:
        [(kind, what)] = step.items()
        if kind == "absorb":
            running.absorb(*map(item_of, what))
            results.append(None)
        elif kind == "challenge":
            results.append(integer(running.challenge(what["label"], what["bits"])))
        elif kind == "challenges":
            results.append(integers(running.challenges(what["label"], what["count"])))
        else:
            results.append(integer(running.scalar(what["label"], number(what["q"]))))
    return {"results": results}


def op_hash_to_range(given: JSON) -> JSON:
    value = transcript.hash_to_range(number(given["bound"]), given["tag"], *map(item_of, given["items"]))
    return {"integer": integer(value)}


def op_digest(given: JSON) -> JSON:
    return {"digest": transcript.digest(given["tag"], *map(item_of, given["items"])).hex()}


def op_roll_leaf(given: JSON) -> JSON:
    return {"leaf": roll_leaf(given["index"], bytes.fromhex(given["salt"]), given["row"]).hex()}


# Operations: Merkle trees


def tree_of(leaves: Sequence[str]) -> merkle.MerkleTree:
    tree = merkle.MerkleTree()
    for leaf in octets(leaves):
        tree.append(merkle.leaf_hash(leaf))
    return tree


def op_leaf_hash(given: JSON) -> JSON:
    return {"hash": merkle.leaf_hash(bytes.fromhex(given["leaf"])).hex()}


def op_merkle_root(given: JSON) -> JSON:
    return {"root": tree_of(given["leaves"]).root().hex()}


def op_inclusion_path(given: JSON) -> JSON:
    return {"path": hexes(tree_of(given["leaves"]).inclusion_path(given["index"], given["size"]))}


def op_consistency_path(given: JSON) -> JSON:
    return {"path": hexes(tree_of(given["leaves"]).consistency_path(given["old"], given["new"]))}


def op_inclusion_holds(given: JSON) -> JSON:
    leaf, root = bytes.fromhex(given["leaf_hash"]), bytes.fromhex(given["root"])
    return {"holds": merkle.inclusion_holds(leaf, given["index"], given["size"], octets(given["path"]), root)}


def op_consistency_holds(given: JSON) -> JSON:
    roots = bytes.fromhex(given["old_root"]), bytes.fromhex(given["new_root"])
    return {"holds": merkle.consistency_holds(given["old"], given["new"], *roots, octets(given["path"]))}


# Operations: signatures and checkpoints


def op_ed25519_sign(given: JSON) -> JSON:
    key = SigningKey(bytes.fromhex(given["seed"]))
    return {"key": public_key(key).hex(), "signature": key.sign(bytes.fromhex(given["message"])).signature.hex()}


def op_ed25519_verify(given: JSON) -> JSON:
    return {"holds": verify(*octets([given["key"], given["message"], given["signature"]]))}


def head_of(given: JSON) -> checkpoint.Checkpoint:
    return checkpoint.Checkpoint(given["origin"], given["size"], bytes.fromhex(given["root"]), given["time"])


def op_sign_checkpoint(given: JSON) -> JSON:
    head, board = head_of(given), SigningKey(bytes.fromhex(given["board_seed"]))
    lines = [checkpoint.board_line(given["origin"], public_key(board), board.sign(head.body()).signature)]
    messages = []
    for witness in given["witnesses"]:
        key, time = SigningKey(bytes.fromhex(witness["seed"])), witness["time"]
        messages.append(checkpoint.cosignature_message(head, time))
        signature = key.sign(messages[-1]).signature
        lines.append(checkpoint.cosignature_line(witness["name"], public_key(key), time, signature))
    return {
        "body": head.body().hex(),
        "cosigned": hexes(messages),
        "lines": lines,
        "note": checkpoint.note_text(head, lines).hex(),
    }


def op_parse_note(given: JSON) -> JSON:
    note = checkpoint.parse_note(bytes.fromhex(given["note"]))
    head = note.checkpoint
    return {
        "origin": head.origin,
        "size": head.size,
        "root": head.root.hex(),
        "time": head.time,
        "signatures": [[name, raw.hex()] for name, raw in note.signatures],
    }


def op_note_signers(given: JSON) -> JSON:
    note = checkpoint.parse_note(bytes.fromhex(given["note"]))
    witnesses = {name: bytes.fromhex(key) for name, key in given["witnesses"].items()}
    return {
        "board": checkpoint.board_signature_holds(note, given["name"], bytes.fromhex(given["key"])),
        "witnesses": checkpoint.cosignature_times(note, witnesses),
    }


# Operations: Paillier, ballot seeds, ballot proofs


def op_paillier_encrypt(given: JSON) -> JSON:
    key = PublicKey(number(given["modulus"]))
    c = key.encrypt(number(given["plaintext"]), number(given["randomness"]))
    return {"ciphertext": integer(c), "without_sign": integer(key.without_sign(c))}


def op_paillier_key(given: JSON) -> JSON:
    """|N|, h_N, and the mixer's y."""
    key = PublicKey(number(given["modulus"]))
    return {"bits": key.bits, "h": integer(key.h), "y": integer(mixing.non_residue(key))}


def op_ciphertext_domain(given: JSON) -> JSON:
    key = PublicKey(number(given["modulus"]))
    x = number(given["value"])
    return {"is_ciphertext": _passes(integrity.ciphertext_domain, key, [x]), "is_element": key.is_element(x)}


def _passes(check: Check, *args: object) -> bool:
    try:
        return Gate().run(check, "", *args)
    except CheckFailed:
        return False


def op_seed_randomness(given: JSON) -> JSON:
    key = PublicKey(number(given["modulus"]))
    place = bytes.fromhex(given["seed"]), given["contest"], given["position"]
    return {
        "bits": seed.exponent_bits(key),
        "exponent": integer(seed.exponent(key, *place)),
        "randomness": integer(seed.randomness(key, *place)),
    }


def op_recover_plaintext(given: JSON) -> JSON:
    """null when r is not the randomness of c."""
    key = PublicKey(number(given["modulus"]))
    m = seed.plaintext(key, number(given["ciphertext"]), number(given["randomness"]))
    return {"plaintext": None if m is None else integer(m)}


@cache
def randomness_of(N: mpz) -> Randomness:
    return Randomness(PublicKey(N))


def context_of(given: JSON) -> BallotContext:
    return BallotContext(
        bytes.fromhex(given["election"]),
        PublicKey(number(given["modulus"])),
        given["contest"],
        given["slot"],
        given["sequence"],
        bytes.fromhex(given["credential"]),
    )


def sealed_of(given: JSON, m: mpz) -> tuple[mpz, mpz]:
    """(c, r) with c = E(m; r) and r = h_N^α."""
    randomness = randomness_of(number(given["modulus"]))
    alpha, key = number(given["alpha"]), randomness.key
    return (1 + m * key.N) * randomness.power(alpha) % key.N2, randomness.root(alpha)


def op_prove_membership(given: JSON) -> JSON:
    context, values = context_of(given), numbers(given["values"])
    c, r = sealed_of(given, values[given["choice"]])
    with deterministic(bytes.fromhex(given["stream"])) as draws:
        proof = prove_membership(
            randomness_of(context.key.N), context, given["position"], values, given["choice"], c, r
        )
    return {
        "ciphertext": integer(c),
        "randomness": integer(r),
        "draws": draws,
        "challenge": integer(membership_challenge(context, given["position"], values, c, proof.a)),
        "proof": named(proof, ("a", "e", "z")),
        "wire": membership_wire(proof, (context.key.bits + 7) // 8),
    }


def op_prove_knowledge(given: JSON) -> JSON:
    context, m = context_of(given), number(given["plaintext"])
    c, r = sealed_of(given, m)
    with deterministic(bytes.fromhex(given["stream"])) as draws:
        proof = prove_knowledge(randomness_of(context.key.N), context, given["position"], m, c, r)
    return {
        "ciphertext": integer(c),
        "randomness": integer(r),
        "draws": draws,
        "challenge": integer(knowledge_challenge(context, given["position"], c, proof.a)),
        "proof": named(proof, ("a", "z_m", "z_r")),
        "wire": knowledge_wire(proof, (context.key.bits + 7) // 8),
    }


def op_check_membership(given: JSON) -> JSON:
    """What is checked of a membership proof, in the order in which ballots are examined."""
    context, values, c = context_of(given), numbers(given["values"]), number(given["ciphertext"])
    proof = MembershipProof(**unnamed(given["proof"], ("a", "e", "z")))
    key, gate = context.key, Gate()
    gate.run(integrity.ciphertext_domain, "", key, [c])
    gate.run(integrity.commitment_domain, "", key, proof.a)
    gate.run(integrity.challenge_domain, "", proof.e)
    gate.run(integrity.response_domain, "", key, proof.z)
    gate.run(evidence.challenge_recomputed, "", context, given["position"], values, c, proof)
    equations = membership_equations(key, values, c, proof)
    gate.run_batch(evidence.ballot_valid, [""] * len(equations), key, equations)
    return {"holds": True}


def op_check_knowledge(given: JSON) -> JSON:
    """What is checked of a proof of plaintext knowledge, in the order in which ballots are examined."""
    context, c = context_of(given), number(given["ciphertext"])
    proof = KnowledgeProof(**unnamed(given["proof"], ("a", "z_m", "z_r")))
    key, gate = context.key, Gate()
    gate.run(integrity.ciphertext_domain, "", key, [c])
    gate.run(integrity.commitment_domain, "", key, [proof.a])
    gate.run(integrity.response_domain, "", key, [proof.z_r], [proof.z_m])
    held = knowledge_equation(context, given["position"], c, proof)
    gate.run_batch(evidence.ballot_valid, [""], key, [held])
    return {"holds": True}


# Operations: contests, answers and ballots


def op_parse_contest(given: JSON) -> JSON:
    contest = parse_contest(given["contest"], "contest")
    return {"choices": contest.choices, "ciphertexts": contest.ciphertexts, "proofs": contest.proofs}


def op_encode_answer(given: JSON) -> JSON:
    plaintexts = answers.encode_answer(
        parse_contest(given["contest"], "contest"), given["modulus_bits"], answer_of(given["answer"])
    )
    return {"plaintexts": integers(plaintexts)}


def op_decode_answer(given: JSON) -> JSON:
    contest = parse_contest(given["contest"], "contest")
    answer = answers.decode_answer(contest, given["modulus_bits"], numbers(given["plaintexts"]))
    return {
        "answer": list(answer) if isinstance(answer, tuple) else answer,
        "blank": answers.is_blank(contest, answer),
    }


def op_fits(given: JSON) -> JSON:
    return {"fits": answers.fits(parse_contest(given["contest"], "contest"), given["modulus_bits"])}


@cache
def maker_of(manifest: str, N: mpz, rows: int) -> BallotMaker:
    base = mpz(1) << rows.bit_length()
    return BallotMaker(Setting(parse_manifest(json.loads(manifest)), PublicKey(N), base))


def cached_maker(given: JSON) -> BallotMaker:
    return maker_of(json.dumps(given["manifest"]), number(given["modulus"]), given["rows"])


def op_ballot_plaintexts(given: JSON) -> JSON:
    setting = cached_maker(given).setting
    contest = setting.manifest.contest(given["contest"])
    return {"plaintexts": integers(plaintexts_of(setting, contest, answer_of(given["choice"])))}


def op_make_ballot(given: JSON) -> JSON:
    maker, device = cached_maker(given), SigningKey(bytes.fromhex(given["credential_seed"]))
    setting, ballot_seed = maker.setting, bytes.fromhex(given["seed"])
    style = next(style for style in setting.manifest.styles if style.id == given["style"])
    choices = {contest: answer_of(choice) for contest, choice in given["choices"].items()}
    with deterministic(bytes.fromhex(given["stream"])) as draws:
        ballot = maker.make(style, given["slot"], given["sequence"], public_key(device), choices, ballot_seed)
    sealed = {
        contest.id: plaintexts_of(setting, contest, choices[contest.id])
        for contest in setting.manifest.contests_of(style)
    }
    return {
        "election": setting.manifest.election.hex(),
        "base": integer(setting.base),
        "plaintexts": {contest: integers(plaintexts) for contest, plaintexts in sealed.items()},
        "exponents": {
            contest: integers([seed.exponent(setting.key, ballot_seed, contest, at) for at in range(len(plaintexts))])
            for contest, plaintexts in sealed.items()
        },
        "draws": draws,
        "ballot": canonical.serialise(ballot).hex(),
        "tracker": tracker(ballot).hex(),
        "cast_message": signed_message(Type.BALLOT_CAST, tracker(ballot)).hex(),
        "open_message": signed_message(Type.BALLOT_OPENED, tracker(ballot)).hex(),
        "cast_signatures": sign_entry(Type.BALLOT_CAST, ballot, [device]),
        "open_signatures": sign_entry(Type.BALLOT_OPENED, {"ballot": ballot, "seed": given["seed"]}, [device]),
    }


def op_check_ballot(given: JSON) -> JSON:
    """Every check of a ballot that needs no other entry; with a seed, that of an opened ballot as well."""
    setting = cached_maker(given).setting
    body = canonical.parse(bytes.fromhex(given["ballot"]), 1 << 20)
    kind = Type.BALLOT_CAST
    if "seed" in given:
        kind, body = Type.BALLOT_OPENED, {"ballot": body, "seed": canonical.encode_bytes(bytes.fromhex(given["seed"]))}
    signature = Signature(bytes.fromhex(given["credential"]), bytes.fromhex(given["signature"]))
    examine(Gate(), setting, [Sealed("", Entry(kind, elections.OPENS, body, (signature,), canonical.serialise(body)))])
    return {"holds": True}


# Operations: the commitment group and the shuffle


def op_derive_group(given: JSON) -> JSON:
    p, q = group.derive(given["seed"])
    found = group.Group(p, q, given["seed"])
    g = generators.derived(found, given["generators"])
    return {"p": integer(p), "q": integer(q), "h": integer(found.h), "g": integers(g)}


def op_group_element(given: JSON) -> JSON:
    return {"is_element": group.GROUP.is_element(number(given["value"]))}


def op_commit(given: JSON) -> JSON:
    vector, randomisers = numbers(given["vector"]), numbers(given["randomisers"])
    return {"rows": integers(*shuffle.commit([(vector, randomisers)], InProcess()))}


PROOF_LISTS = (*shuffle.COMMITMENTS, "F", *shuffle.VECTORS, *shuffle.RANDOMISERS, "z")


def statement_of(given: JSON, outputs: list[list[mpz]]) -> shuffle.Statement:
    key = PublicKey(number(given["modulus"]))
    inputs = [numbers(part) for part in given["inputs"]]
    width = 2 * ((key.bits + 7) // 8)
    digests = columns_digest(inputs, width), columns_digest(outputs, width)
    return shuffle.Statement(
        key, bytes.fromhex(given["context"]), bytes.fromhex(given["election"]), inputs, outputs, *digests
    )


def drawn_rho(key: PublicKey, drawn: Sequence[str]) -> mpz:
    """ρ = h_N^α · y^b · (−1)^{b'} for α, b, b' as they were drawn."""
    alpha, b, sign = numbers(drawn)
    rho = gmpy2.powmod(key.h, alpha, key.N) * mixing.non_residue(key) ** b % key.N
    return key.N - rho if sign else rho


def op_shuffle(given: JSON) -> JSON:
    key = PublicKey(number(given["modulus"]))
    with deterministic(bytes.fromhex(given["stream"])) as draws:
        shuffled = mixing.shuffle(key, [numbers(part) for part in given["inputs"]])
        statement = statement_of(given, shuffled.outputs)
        proof = mixing.prove(statement, shuffled)
    wire, columns = shuffle.to_record(proof, key.bits)
    n = statement.n
    starts = range(n - 1, n - 1 + 3 * n * len(statement.inputs), 3 * n)
    triples = [[draws[at : at + 3] for at in range(start, start + 3 * n, 3)] for start in starts]
    return {
        "permutation": shuffled.permutation,
        "rho": [[integer(drawn_rho(key, drawn)) for drawn in part] for part in triples],
        "outputs": [integers(part) for part in shuffled.outputs],
        "input_digest": statement.input_digest.hex(),
        "output_digest": statement.output_digest.hex(),
        "draws": draws,
        "challenges": named(shuffle.challenges(statement, proof), ("tau", "y", "zeta", "x")),
        "proof": named(proof, PROOF_LISTS),
        "wire": wire,
        "columns": {digest.hex(): data.decode() for digest, data in columns.items()},
    }


def op_check_shuffle(given: JSON) -> JSON:
    """What is checked of a mix stage's proof, in the order of replay."""
    outputs = [numbers(part) for part in given["outputs"]]
    statement = statement_of(given, outputs)
    proof = shuffle.Proof(**{name: numbers(given["proof"][name]) for name in PROOF_LISTS})
    key, gate = statement.key, Gate()
    for part in outputs:
        gate.run(integrity.ciphertext_domain, "", key, part)
    gate.run(integrity.mix_response_range, "", proof)
    gate.run(integrity.group_membership, "", proof)
    gate.run(integrity.commitment_domain, "", key, proof.F)
    gate.run(integrity.response_domain, "", key, proof.z)
    challenges = shuffle.challenges(statement, proof)
    gate.run(evidence.shuffle_product, "", proof, challenges)
    gate.run(evidence.shuffle_openings, "", statement, proof, challenges)
    gate.run(evidence.shuffle_ciphertexts, "", statement, proof, challenges, InProcess())
    return {"holds": True}


# Operations: the key and its trustees


def op_deal(given: JSON) -> JSON:
    election = bytes.fromhex(given["election"])
    with deterministic(bytes.fromhex(given["stream"])) as draws:
        dealt = deal_with(number(given["P"]), number(given["Q"]), given["n"], given["t"], election)
    body, N, part = key_body(dealt, election), dealt.N, dealt.certificate.large_factors
    return {
        "modulus": integer(N),
        "draws": draws,
        "shares": integers(dealt.shares),
        "verification_base": integer(threshold.verification_base(N)),
        "verification_keys": integers(dealt.verification_keys),
        "modp": integer(certificate.modp()),
        "modp_h": integer(certificate.modp_h()),
        "nth_challenges": integers([certificate.nth_challenge(N, j) for j in range(certificate.NTH_ROOTS)]),
        "square_challenges": integers([certificate.square_challenge(N, j) for j in range(certificate.SQUARE_ROOTS)]),
        "large_factors_challenge": integer(
            certificate.large_factors_challenge(N, election, part.C, part.t_1, part.t_2)
        ),
        "nth_roots": integers(dealt.certificate.nth_roots),
        "square_roots": integers(dealt.certificate.square_roots),
        "large_factors": named(part, ("C", "t_1", "t_2", "z_P", "z_Q", "z_rho", "z_s")),
        "body": body,
        "key_hash": key_hash(body).hex(),
    }


def op_check_key(given: JSON) -> JSON:
    """What is checked of a key entry's body, in the order of replay."""
    shape = SimpleNamespace(modulus_bits=given["bits"], trustees=range(given["n"]))
    body, gate = parse_key(given["body"], "body", shape), Gate()
    N = body["modulus"]
    gate.run(evidence.key_plausible, "", N, given["bits"])
    gate.run(evidence.key_proven, "", N, body["election"], body["certificate"])
    gate.run(evidence.verification_keys_proven, "", N, given["n"], given["t"], body["verification_keys"])
    return {"key_hash": key_hash(given["body"]).hex()}


def op_key_problem(given: JSON) -> JSON:
    return {"problem": certificate.key_problem(number(given["modulus"]), given["bits"])}


def op_partial_roots(given: JSON) -> JSON:
    N, xs, election = number(given["modulus"]), numbers(given["xs"]), bytes.fromhex(given["election"])
    share, index, n, t = number(given["share"]), given["trustee"], given["n"], given["t"]
    with deterministic(bytes.fromhex(given["stream"])) as draws:
        proof = partial_roots(share, index, N, xs, election, n, t)
    key = gmpy2.powmod(threshold.verification_base(N), share, N)
    challenge = threshold.Challenge(election, N, n, t, key, index, xs, proof.roots)
    wire, columns = threshold.to_record(proof, N.bit_length())
    return {
        "draws": draws,
        "weights": integers(challenge.weights),
        "challenge": integer(challenge.e(proof.a_1, proof.a_2)),
        "proof": named(proof, ("roots", "a_1", "a_2", "z")),
        "wire": wire,
        "columns": {digest.hex(): data.decode() for digest, data in columns.items()},
    }


def op_check_partial_roots(given: JSON) -> JSON:
    """What is checked of partial roots, in the order of replay."""
    N, keys, xs = number(given["modulus"]), numbers(given["verification_keys"]), numbers(given["xs"])
    fields = unnamed(given["proof"], ("roots", "a_1", "a_2", "z"))
    proof, gate = threshold.PartialRoots(given["trustee"], **{**fields, "roots": list(fields["roots"])}), Gate()
    gate.run(integrity.share_domain, "", PublicKey(N), proof)
    gate.run(integrity.share_range, "", PublicKey(N), proof)
    election = bytes.fromhex(given["election"])
    gate.run(evidence.share_proven, "", election, N, given["n"], given["t"], keys, xs, proof)
    return {"holds": True}


def op_combine(given: JSON) -> JSON:
    partials = {int(index): numbers(roots) for index, roots in given["partials"].items()}
    T = sorted(partials)
    roots = threshold.combine(number(given["modulus"]), given["n"], numbers(given["xs"]), partials)
    coefficients = [threshold.lagrange_at_zero(T, j, given["n"]) for j in T]
    return {"lagrange": integers(coefficients), "roots": integers(roots)}


def op_check_opening(given: JSON) -> JSON:
    """E(m; r) = c for every row, up to the sign."""
    key = PublicKey(number(given["modulus"]))
    c, m, r = (numbers(given[name]) for name in ("ciphertexts", "plaintexts", "roots"))
    gate = Gate()
    gate.run(integrity.response_domain, "", key, r, m)
    gate.run_batch(evidence.opening_holds, [""] * len(c), key, c, m, r, InProcess())
    return {"holds": True}


# Operations: counting


def op_partition(given: JSON) -> JSON:
    sizes = dict(given["units"])
    partition = groups.partition(sizes, given["minimum"])
    return {
        "groups": [list(units) for units in partition],
        "below_minimum": groups.below_minimum(sizes, partition, given["minimum"]),
    }


def counted(contest: Contest, found: counting.GroupCount) -> JSON:
    return {
        "count": counting.count_record(found),
        "overflow": integer(found.overflow),
        "misfit": counting.misfit(contest, found),
    }


def op_count_slots(given: JSON) -> JSON:
    contest = parse_contest(given["contest"], "contest")
    found = counting.count_slots(contest, number(given["plaintext"]), given["slot_bits"], given["ballots"])
    return counted(contest, found)


def op_count_answers(given: JSON) -> JSON:
    contest = parse_contest(given["contest"], "contest")
    rows = [numbers(row) for row in given["rows"]]
    return counted(contest, counting.count_answers(contest, given["modulus_bits"], rows))


def op_total(given: JSON) -> JSON:
    """The total of groups of mixed answers."""
    contest = parse_contest(given["contest"], "contest")
    found = [
        counting.count_answers(contest, given["modulus_bits"], [numbers(row) for row in rows])
        for rows in given["groups"]
    ]
    return {"total": counting.total_record(contest, found)}


def op_outcome(given: JSON) -> JSON:
    return {
        "outcome": decisions.outcome_record(decisions.outcome(parse_contest(given["contest"], "c"), given["total"]))
    }


# Operations: entries


def op_entry(given: JSON) -> JSON:
    """An entry's envelope, what its signatures cover, and the root that its inclusion path leads to."""
    raw = bytes.fromhex(given["bytes"])
    entry, leaf = parse_entry(raw), merkle.leaf_hash(raw)
    statement = statement_digest(entry.type, entry.body)
    message = signed_message(entry.type, statement)
    root = merkle.root_from_inclusion(leaf, given["index"], given["size"], octets(given["path"]))
    return {
        "type": str(entry.type),
        "time": entry.time.strftime("%Y-%m-%dT%H:%MZ"),
        "statement": statement.hex(),
        "message": message.hex(),
        "signatures": [
            {"key": one.key.hex(), "holds": verify(one.key, message, one.signature)} for one in entry.signatures
        ],
        "leaf_hash": leaf.hex(),
        "root": root.hex() if root else None,
    }


def op_election_id(given: JSON) -> JSON:
    manifest = parse_manifest(given["manifest"])
    return {"election": manifest.election.hex(), "bytes": len(canonical.serialise(given["manifest"]))}


def op_parse_receipt(given: JSON) -> JSON:
    receipt = parse_receipt(bytes.fromhex(given["bytes"]))
    head = receipt.checkpoint.checkpoint
    return {
        "election": receipt.election.hex(),
        "tracker": receipt.tracker.hex(),
        "entry": receipt.entry,
        "path": hexes(receipt.path),
        "checkpoint": {"origin": head.origin, "size": head.size, "root": head.root.hex(), "time": head.time},
    }


@cache
def whole_election(stream: bytes) -> elections.Election:
    """The election of tests/election.py, with a replaced key and a correction, so that every type of entry occurs."""
    with deterministic(stream), patch.object(elections, "dealt", elections.dealt.__wrapped__):
        election = elections.voted()
        officials = ["official 1", "official 2"]
        body = election.body(slot="v5", credential=elections.party("v5, new device")["key"])
        signers = ["registrar", *officials, "v5, new device"]
        election.append(Type.CREDENTIAL_REPLACED, body, signers)
        elections.finish(election)
        body = election.body(entry=len(election.entries) - 1, text="試験のための訂正")
        election.append(Type.CORRECTION, body, officials)
    return election


def op_whole_election(given: JSON) -> JSON:
    """The leaf hashes of all entries, their columns, and the signed checkpoint."""
    election = whole_election(bytes.fromhex(given["stream"]))
    return {
        "leaf_hashes": hexes([merkle.leaf_hash(raw) for raw in election.entries]),
        "columns": sorted(hexes(list(election.columns))),
        "root": election.replay.tree.root().hex(),
        "checkpoint": election.checkpoint().hex(),
    }


OPERATIONS: dict[str, Callable[[JSON], JSON]] = {
    name.removeprefix("op_").replace("_", "-"): function
    for name, function in sorted(globals().items())
    if name.startswith("op_")
}


# Making vectors


def accepted(operation: str, comment: str, given: JSON, **expected: Any) -> JSON:
    """A vector whose output is what the code says, which has to agree with `expected`."""
    output = OPERATIONS[operation](given)
    for name, value in expected.items():
        if output[name] != value:
            raise AssertionError(f"{operation}, {comment}: {name} is {output[name]}, not {value}")
    return {"operation": operation, "comment": comment, "input": given, "output": output}


def refused(operation: str, comment: str, given: JSON, error: str) -> JSON:
    """A vector that raises `error`."""
    try:
        OPERATIONS[operation](given)
    except Exception as raised:
        if type(raised).__name__ != error:
            raise
        reason = str(raised)
        # what a JSON parser says of bad syntax is its own affair
        said = "not JSON" if reason.startswith("not JSON") else reason
        return {
            "operation": operation,
            "comment": comment,
            "input": given,
            "refused": {"error": error, "reason": said},
        }
    raise AssertionError(f"{operation}, {comment}: {error} was expected")


def canonical_json() -> Iterator[JSON]:
    limits = {"max_bytes": 1 << 20, "max_depth": canonical.MAX_DEPTH}
    valid = {
        "the largest integer": b"9007199254740991",
        "the smallest integer": b"-9007199254740991",
        "minus one": b"-1",
        "zero": b"0",
        "literals": b"[false,null,true]",
        "the empty string": b'""',
        "the empty array": b"[]",
        "the empty object": b"{}",
        "the empty key": b'{"":1}',
        "escapes: two characters where there are, four digits otherwise": b'"\\b\\t\\n\\f\\r\\u0000\\u001f\\\\\\""',
        "delete is not escaped": b'"\x7f"',
        "the solidus is not escaped": b'"/"',
        "line separators are not escaped": '"\u2028\u2029"'.encode(),
        "keys in the order of UTF-16 code units, not of code points": '{"\U00010000":1,"\ufb00":2}'.encode(),
        "the keys of RFC 8785, 3.2.3, without its script tag": (
            '{"\\r":1,"1":2,"\x80":3,"\xf6":4,"\u20ac":5,"\U0001f600":6,"\ufb33":7}'.encode()
        ),
        "prefixes before longer keys, capitals before small letters": b'{"A":1,"a":2,"aa":3,"b":4}',
        "text outside the first plane, not escaped": '"𠮷田"'.encode(),
        "decomposed text stays as it is": '"か\u3099"'.encode(),
        "nesting of 12": b"[" * 12 + b"]" * 12,
        "brackets in strings are no nesting": b'["[[[[[[[[[[[[[[{{{{\\"[[["]',
    }
    for comment, raw in valid.items():
        yield accepted("parse-json", comment, {"bytes": raw.hex(), **limits})
        value = json.loads(raw)
        yield accepted("serialise-json", comment, {"value": value}, bytes=raw.hex())
    invalid = {
        "nothing": b"",
        "only white space": b" ",
        "white space before": b" [1]",
        "white space after": b"[1] ",
        "a newline at the end": b"[1]\n",
        "white space inside": b"[1, 2]",
        "an object that does not end": b"{",
        "a comma too many in an object": b'{"a":1,}',
        "a comma too many in an array": b"[1,]",
        "a bracket too many": b"[1]]",
        "half a literal": b"nul",
        "undefined": b"undefined",
        "a byte order mark": b"\xef\xbb\xbf[]",
        "UTF-16": b"\xff\xfe[\x00]\x00",
        "the same key twice, equal values": b'{"a":1,"a":1}',
        "the same key twice, other values": b'{"a":1,"a":2}',
        "the same key twice, deep inside": b'[{"b":{"a":1,"a":1}}]',
        "the same key twice, once escaped": b'{"a":1,"\\u0061":1}',
        "keys out of order": b'{"b":1,"a":1}',
        "keys in the order of code points": '{"\ufb00":2,"\U00010000":1}'.encode(),
        "not a number": b"NaN",
        "infinity": b"[Infinity]",
        "a fraction (RFC 8785 has it, records do not)": b"0.5",
        "a fraction that is a whole number": b"1.0",
        "an exponent": b"1e2",
        "a large exponent": b"1e400",
        "minus zero": b"-0",
        "minus zero as a fraction": b"-0.0",
        "a zero before": b"01",
        "a plus sign": b"+1",
        "2^53": b"9007199254740992",
        "-2^53": b"-9007199254740992",
        "2^63 + 1": b"[9223372036854775809]",
        "a long integer": b"1" * 400,
        "a lone high surrogate": b'"\\ud800"',
        "surrogates in the wrong order": b'"\\udc00\\ud800"',
        "a surrogate in UTF-8": b'"\xed\xa0\x80"',
        "an escaped pair of surrogates": b'"\\ud83d\\ude00"',
        "an escaped letter": b'"\\u0061"',
        "an escaped solidus": b'"\\/"',
        "a newline with four digits": b'"\\u000a"',
        "four digits in capitals": b'"\\u001F"',
        "a newline in a string": b'"\n"',
        "a zero byte in a string": b'"\x00"',
        "a byte that is not UTF-8": b'"\xff"',
        "an overlong zero": b'"\xc0\x80"',
        "an overlong solidus": b'"\xc0\xaf"',
        "single quotes": b"'a'",
        "a comment after": b"[1,2]//",
        "a comment before": b"/**/[]",
        "a string that does not end": b'"a',
        "nesting of 13 arrays": b"[" * 13 + b"]" * 13,
        "nesting of 13 objects": b'{"a":' * 13 + b"1" + b"}" * 13,
        "deep nesting that does not end": b"[" * 5000,
    }
    for comment, raw in invalid.items():
        yield refused("parse-json", comment, {"bytes": raw.hex(), **limits}, "NotCanonical")
    small = {"bytes": b"[1,20]".hex(), "max_depth": 12}
    yield accepted("parse-json", "as large as allowed", {**small, "max_bytes": 6}, value=[1, 20])
    yield refused("parse-json", "a byte too large", {**small, "max_bytes": 5}, "NotCanonical")
    yield refused("serialise-json", "an integer of 2^53", {"value": 2**53}, "NotCanonical")

    for size in (0, 1, 2, 3, 32, 64):
        data = hashlib.shake_256(b"bytes").digest(size)
        text = accepted("encode-bytes", f"{size} bytes", {"bytes": data.hex()})
        yield text
        yield accepted(
            "decode-bytes", f"{size} bytes", {"text": text["output"]["text"], "size": size}, bytes=data.hex()
        )
    yield accepted("encode-bytes", "both characters of base64url", {"bytes": "fbeffe3f"}, text="--_-Pw")
    for width in (1, 2, 32, 64, 128, 384):
        for comment, x in (("zero", 0), ("one", 1), ("the largest", 256**width - 1)):
            text = accepted("encode-integer", f"{comment} of {width} bytes", {"integer": integer(x), "width": width})
            yield text
            given = {"text": text["output"]["text"], "width": width}
            yield accepted("decode-integer", f"{comment} of {width} bytes", given, integer=integer(x))
    yield refused("encode-integer", "too large", {"integer": "100", "width": 1}, "OverflowError")
    yield refused("encode-integer", "negative", {"integer": "-1", "width": 1}, "OverflowError")
    for text, width, comment in [
        (None, 1, "null"), (5, 1, "a number"), (["A", "A"], 1, "a list"), ("", 1, "nothing"), ("A", 1, "too short"),
        ("AAA", 1, "too long"), ("AA==", 1, "padding"), ("AAA=", 2, "padding"), ("A=", 1, "padding inside the length"),
        ("AB", 1, "unused bits set"), ("AP", 1, "unused bits set"), ("AAB", 2, "unused bits set"),
        ("AAA=", 3, "padding inside the length"), ("++++", 3, "the alphabet of base64"),
        ("////", 3, "the alphabet of base64"), ("AA A", 3, "a space"), ("AA\nA", 3, "a newline"),
        ("AAA\n", 3, "a newline at the end"), ("\uff21AAA", 3, "a wide letter"), ("AAA\u00e9", 3, "an accent"),
        ("AAA\0", 3, "a zero byte"), ("A=AA", 3, "padding inside"), ("AA!A", 3, "another character"),
    ]:  # fmt: skip
        yield refused("decode-integer", comment, {"text": text, "width": width}, "BadInteger")
        yield refused("decode-bytes", comment, {"text": text, "size": width}, "BadInteger")


def columns() -> Iterator[JSON]:
    for width, values in ((1, []), (1, [0, 255]), (3, [1, 2, 3]), (64, [5, 256**64 - 1]), (128, [7])):
        comment = f"{len(values)} values of {width} bytes"
        written = accepted("write-column", comment, {"values": integers(values), "width": width})
        yield written
        given = {name: written["output"][name] for name in ("bytes", "record")}
        yield accepted("read-column", comment, {**given, "width": width}, values=integers(values))
    for value in (-1, 256):
        yield refused("write-column", "out of range", {"values": [integer(value)], "width": 1}, "OverflowError")
    column_3, data = column.write_column([1, 2, 3], 3)
    record = column_3.to_record()
    for comment, other in (
        ("other bytes", data.replace(b"B", b"C")),
        ("a byte missing", data[:-1]),
        ("a byte too many", data + b"\n"),
    ):
        yield refused("read-column", comment, {"bytes": other.hex(), "record": record, "width": 3}, "NotCanonical")
    for comment, other in (
        ("another number of rows", {**record, "rows": 2}),
        ("a boolean for rows", {**record, "rows": True}),
        ("negative rows", {**record, "rows": -1}),
        ("a key missing", {"rows": 3}),
        ("an unknown key", {**record, "width": 3}),
        ("a list", []),
    ):
        yield refused("read-column", comment, {"bytes": data.hex(), "record": other, "width": 3}, "NotCanonical")
    short = {**record, "digest": record["digest"][1:]}
    yield refused("read-column", "a short digest", {"bytes": data.hex(), "record": short, "width": 3}, "BadInteger")
    for comment, data in (
        ("lines of other lengths", b"AAAAAAAA\n\n"),
        ("no newline between", b"AAAA AAAA\n"),
        ("a carriage return", b"AAAA\rAAAA\n"),
        ("padding", b"AAAA\nAAA=\n"),
        ("the alphabet of base64", b"AA+A\nAAAA\n"),
        ("no newline at the end", b"AAAA\nAAAA "),
    ):
        stated = column.Column(hashlib.sha256(data).digest(), 2, 3).to_record()
        yield refused("read-column", comment, {"bytes": data.hex(), "record": stated, "width": 3}, "BadInteger")
    stated = column.Column(hashlib.sha256(b"AA\nAB\n").digest(), 2, 1).to_record()
    given = {"bytes": b"AA\nAB\n".hex(), "record": stated, "width": 1}
    yield refused("read-column", "unused bits set", given, "BadInteger")


def hashing() -> Iterator[JSON]:
    for comment, value in {
        "zero has no bytes": 0,
        "one": 1,
        "255": 255,
        "256": 256,
        "2^512": 2**512,
        "no text": "",
        "ASCII": "tashika",
        "a text counts its UTF-8 bytes": "確か",
        "no bytes": b"",
        "bytes": b"\x00\xff",
        "no items": [],
        "items": [1, "1", b"1", []],
        "nesting": [[1], [[2, 3]]],
    }.items():
        yield accepted("encode-item", comment, {"item": item(value)})
    yield refused("encode-item", "negative", {"item": item(-1)}, "ValueError")
    for other in (True, None, {"a": 1}):
        yield refused("encode-item", "neither integer, text, bytes nor list", {"item": {"other": other}}, "TypeError")

    q = {"label": "y", "q": integer(group.GROUP.q)}
    fixed = {"kind": "membership", "election": bytes(range(32)).hex()}
    steps = [
        {"absorb": [item(5), item("mayor"), item([mpz(2), b"\x01"])]},
        {"challenge": {"label": "e", "bits": 128}},
        {"challenge": {"label": "e", "bits": 128}},
        {"challenge": {"label": "wide", "bits": 640}},
        {"challenges": {"label": "tau", "count": 5}},
        {"challenges": {"label": "none", "count": 0}},
        {"scalar": q},
        {"absorb": [item(6)]},
        {"scalar": q},
    ]
    yield accepted(
        "transcript", "each challenge absorbs its label, so that equal steps differ", {**fixed, "steps": steps}
    )
    for comment, given in {
        "nothing absorbed": fixed,
        "another kind": {**fixed, "kind": "shuffle"},
        "another election": {**fixed, "election": bytes(32).hex()},
    }.items():
        yield accepted("transcript", comment, {**given, "steps": [{"challenge": {"label": "e", "bits": 128}}]})
    for steps in ([{"absorb": [item("ab")]}], [{"absorb": [item("a"), item("b")]}], [{"absorb": [item(["ab"])]}]):
        more = [*steps, {"challenge": {"label": "e", "bits": 128}}]
        yield accepted("transcript", "ab, (a, b) and [ab] are three statements", {**fixed, "steps": more})

    for bound in (2, 3, 255, 256, 257, 2**64, 2**64 + 1, int(secret_key().public.N)):
        given = {"bound": integer(bound), "tag": "test", "items": [item("x"), item(7)]}
        yield accepted("hash-to-range", "a value in [1, bound)", given)
    for at in range(4):
        given = {"bound": "81", "tag": "test", "items": [item(at)]}
        yield accepted("hash-to-range", "a bound just above a power of two: half of the attempts fail", given)
    for tag, items in (
        ("test", []),
        ("body", [b"{}"]),
        ("manifest", [b"{}"]),
        ("key", [b"{}"]),
        ("tracker", [b"{}"]),
        ("rows", [[bytes(32), b"\x01" * 32]]),
        ("mix context", [b"e" * 32, b"k" * 32, "council", 0, 1, b"i" * 32]),
        ("roots context", [b"e" * 32, b"k" * 32, [mpz(2), mpz(3)]]),
        ("counted ballots", [[[17, b"t" * 32], [19, b"u" * 32]]]),
    ):
        yield accepted("digest", f"the shape of {tag!r} in the protocol", {"tag": tag, "items": list(map(item, items))})
    for index, row in ((0, ""), (1, "架空 花子,北一丁目"), (2**40, "row")):
        salt = hashlib.sha256(row.encode()).hexdigest()
        yield accepted("roll-leaf", "the leaf of a roll row", {"index": index, "salt": salt, "row": row})


def merkle_trees() -> Iterator[JSON]:
    leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    known = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    for leaf in leaves:
        yield accepted("leaf-hash", "SHA-256(00 ‖ leaf)", {"leaf": leaf})
    for size in range(8):
        yield accepted("merkle-root", f"{size} leaves of RFC 6962's example", {"leaves": leaves[:size]})
    yield accepted(
        "merkle-root", "all 8 leaves; the root is known from Certificate Transparency", {"leaves": leaves}, root=known
    )

    def proof(size: int, index: int) -> JSON:
        path = OPERATIONS["inclusion-path"]({"leaves": leaves, "index": index, "size": size})["path"]
        hashed, root = merkle.leaf_hash(bytes.fromhex(leaves[index])), tree_of(leaves[:size]).root()
        return {"leaf_hash": hashed.hex(), "index": index, "size": size, "path": path, "root": root.hex()}

    for size in range(1, 9):
        for index in range(size):
            given = {"leaves": leaves, "index": index, "size": size}
            yield accepted("inclusion-path", f"leaf {index} of {size}", given)
            yield accepted("inclusion-holds", f"leaf {index} of {size}", proof(size, index), holds=True)
    good = proof(7, 2)
    for comment, change in {
        "another leaf": {"leaf_hash": proof(7, 3)["leaf_hash"]},
        "another index": {"index": 3},
        "another size": {"size": 9},
        "index out of range": {"index": 7},
        "negative index": {"index": -1},
        "an empty tree": {"index": 0, "size": 0},
        "a hash missing": {"path": good["path"][:-1]},
        "a hash too many": {"path": [*good["path"], good["root"]]},
        "hashes swapped": {"path": good["path"][::-1]},
        "a short hash": {"path": [good["path"][0][2:], *good["path"][1:]]},
        "another root": {"root": proof(8, 2)["root"]},
    }.items():
        yield accepted("inclusion-holds", comment, {**good, **change}, holds=False)
    tree = {"leaves": leaves, "index": 3, "size": 3}
    yield refused("inclusion-path", "no such leaf", tree, "ValueError")

    def growth(old: int, new: int) -> JSON:
        path = OPERATIONS["consistency-path"]({"leaves": leaves, "old": old, "new": new})["path"]
        roots = {"old_root": tree_of(leaves[:old]).root().hex(), "new_root": tree_of(leaves[:new]).root().hex()}
        return {"old": old, "new": new, **roots, "path": path}

    for new in range(9):
        for old in range(new + 1):
            given = {"leaves": leaves, "old": old, "new": new}
            yield accepted("consistency-path", f"{old} leaves in {new}", given)
            yield accepted("consistency-holds", f"{old} leaves in {new}", growth(old, new), holds=True)
    yield refused("consistency-path", "the tree shrinks", {"leaves": leaves, "old": 4, "new": 3}, "ValueError")
    good = growth(3, 7)
    for comment, change in {
        "another old size": {"old": 4},
        "another new size": {"new": 9},
        "a tree that shrinks": {"old": 7, "new": 3},
        "roots swapped": {"old_root": good["new_root"], "new_root": good["old_root"]},
        "no path": {"path": []},
        "a hash missing": {"path": good["path"][:-1]},
        "a hash too many": {"path": [*good["path"], good["path"][0]]},
        "a short hash": {"path": [good["path"][0][2:], *good["path"][1:]]},
        "the empty tree with another root": {"old": 0, "path": []},
        "equal sizes, other roots": {"old": 7, "path": []},
    }.items():
        yield accepted("consistency-holds", comment, {**good, **change}, holds=False)


def signatures() -> Iterator[JSON]:
    rfc = {
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60": "",
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb": "72",
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7": "af82",
    }
    for secret, message in rfc.items():
        signed = accepted("ed25519-sign", "RFC 8032, section 7.1", {"seed": secret, "message": message})
        yield signed
        good = {"message": message, **signed["output"]}
        yield accepted("ed25519-verify", "RFC 8032, section 7.1", good, holds=True)
        yield accepted("ed25519-verify", "another message", {**good, "message": message + "00"}, holds=False)
    S = int.from_bytes(bytes.fromhex(good["signature"])[32:], "little")
    for multiple in (1, 2, 15):
        other = good["signature"][:64] + scalar(S + multiple * ED25519_L)
        yield accepted(
            "ed25519-verify", f"S + {multiple}·L is not canonical", {**good, "signature": other}, holds=False
        )
    for name, value in (("key", good["key"][2:]), ("key", good["key"] + "00"), ("signature", good["signature"][2:]),
                        ("signature", good["signature"] + "00"), ("key", ""), ("signature", "")):  # fmt: skip
        yield accepted("ed25519-verify", f"{name} of another length", {**good, name: value}, holds=False)
    for name, at in (("signature", 0), ("signature", 32), ("key", 0)):
        changed = bytearray.fromhex(good[name])
        changed[at] ^= 1
        yield accepted("ed25519-verify", f"a bit of the {name}", {**good, name: changed.hex()}, holds=False)
    yield from small_order_signatures()


def scalar(value: int) -> str:
    return value.to_bytes(32, "little").hex()


def hashed_scalar(r: str, key: str, message: str) -> int:
    """k = SHA-512(R ‖ A ‖ M) mod L."""
    return int.from_bytes(hashlib.sha512(bytes.fromhex(r + key + message)).digest(), "little") % ED25519_L


def multiple_of_base(value: int) -> str:
    return bindings.crypto_scalarmult_ed25519_base_noclamp(bytes.fromhex(scalar(value))).hex()


ORDER_8 = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"
SMALL_ORDER = {
    "order 1": (1, scalar(1)),
    "order 1, x = 0 with the sign bit": (1, scalar(1 + 2**255)),
    "order 1, y = p + 1": (1, scalar(2**255 - 18)),
    "order 2": (2, scalar(2**255 - 20)),
    "order 2, x = 0 with the sign bit": (2, scalar(2**256 - 20)),
    "order 4": (4, scalar(0)),
    "order 4, the other sign": (4, scalar(2**255)),
    "order 4, y = p": (4, scalar(2**255 - 19)),
    "order 8": (8, ORDER_8),
    "order 8, another": (8, "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
}
"""points of small order by their encoding; k·A = 0 when the order divides k"""


def small_order_signatures() -> Iterator[JSON]:
    S, secret = 5, 0x1234567890ABCDEF
    r, key = multiple_of_base(S), multiple_of_base(secret)
    for comment, (order, small) in SMALL_ORDER.items():
        message = next(m for m in map(scalar, range(1000)) if hashed_scalar(r, small, m) % order == 0)
        given = {"key": small, "message": message, "signature": r + scalar(S)}
        yield accepted("ed25519-verify", f"key of {comment}: S·B = R + k·A holds", given, holds=False)
        k = hashed_scalar(small, key, message)
        given = {"key": key, "message": message, "signature": small + scalar(k * secret % ED25519_L)}
        yield accepted("ed25519-verify", f"R of {comment}: S·B = k·A", given, holds=False)
    mixed = bindings.crypto_core_ed25519_add(bytes.fromhex(key), bytes.fromhex(ORDER_8)).hex()
    for vanishes in (True, False):
        message = next(m for m in map(scalar, range(1000)) if (hashed_scalar(r, mixed, m) % 8 == 0) is vanishes)
        k = hashed_scalar(r, mixed, message)
        given = {"key": mixed, "message": message, "signature": r + scalar((S + k * secret) % ED25519_L)}
        comment = "a key of mixed order: the equation without the cofactor decides"
        yield accepted("ed25519-verify", comment, given, holds=vanishes)


def checkpoints() -> Iterator[JSON]:
    origin = "board.example/2026"
    board, anna, ben = (hashlib.sha256(name.encode()).hexdigest() for name in ("board", "anna", "ben"))
    keys = {name: public_key(SigningKey(bytes.fromhex(one))).hex() for name, one in
            (("board", board), ("anna.example", anna), ("ben.example", ben))}  # fmt: skip
    witnesses = {name: key for name, key in keys.items() if name != "board"}
    root = bytes(range(32)).hex()
    fixed = {"origin": origin, "size": 12, "root": root, "time": 1_800_000_000, "board_seed": board}
    cosigned = [
        {"name": "anna.example", "seed": anna, "time": 1_800_000_005},
        {"name": "ben.example", "seed": ben, "time": 1_800_000_006},
        {"name": "anna.example", "seed": anna, "time": 1_800_000_009},
    ]
    empty = {**fixed, "size": 0, "root": merkle.EMPTY_ROOT.hex(), "witnesses": []}
    yield accepted("sign-checkpoint", "an empty board without witnesses", empty)
    largest = {**fixed, "size": 10**15 - 1, "time": 10**15 - 1, "witnesses": cosigned[:1]}
    yield accepted("sign-checkpoint", "the largest numbers", largest)
    signed = accepted("sign-checkpoint", "the latest time of each witness counts", {**fixed, "witnesses": cosigned})
    yield signed
    note = bytes.fromhex(signed["output"]["note"])
    yield accepted("parse-note", "a signed note", {"note": note.hex()}, size=12, root=root)
    asked = {"note": note.hex(), "name": origin, "key": keys["board"], "witnesses": witnesses}
    times = {"anna.example": 1_800_000_009, "ben.example": 1_800_000_006}
    yield accepted("note-signers", "board and witnesses", asked, board=True, witnesses=times)
    yield accepted("note-signers", "another board name", {**asked, "name": "other.example"}, board=False)
    yield accepted("note-signers", "another board key", {**asked, "key": keys["ben.example"]}, board=False)
    other = {"ben.example": keys["anna.example"], "carl.example": keys["ben.example"]}
    yield accepted(
        "note-signers", "a witness with another key, and an unknown one", {**asked, "witnesses": other}, witnesses={}
    )
    other_size = note.replace(b"\n12\n", b"\n13\n", 1)
    yield accepted(
        "note-signers",
        "signatures on another checkpoint",
        {**asked, "note": other_size.hex()},
        board=False,
        witnesses={},
    )
    failing = note + checkpoint.board_line(origin, bytes.fromhex(keys["board"]), bytes(64)).encode() + b"\n"
    yield accepted(
        "note-signers", "a line of the board fails beside a good one", {**asked, "note": failing.hex()}, board=False
    )
    for comment, old, new in [
        ("a size with a zero before", b"\n12\n", b"\n012\n"),
        ("a size with a sign", b"\n12\n", b"\n+12\n"),
        ("a size with a space", b"\n12\n", b"\n12 \n"),
        ("a size of 16 digits", b"\n12\n", b"\n1" + b"0" * 15 + b"\n"),
        ("a size in wide digits", b"\n12\n", "\n１２\n".encode()),
        ("a carriage return", b"\n12\n", b"\r\n12\n"),
        ("another line", b"\n12\n", b"\n12\nmore\n"),
        ("a short root", b"AAECAwQ", b"AAECAw"),
        ("a root without padding", b"Hh8=\n", b"Hh8\n"),
        ("a root with unused bits", b"Hh8=\n", b"Hh9=\n"),
        ("a root in base64url", b"AAECAwQ", b"-_ECAwQ"),
        ("a time with a zero before", b"time 18", b"time 018"),
        ("no time", b"time 1800000000\n", b""),
        ("two times", b"time 1800000000\n", b"time 1800000000\ntime 1\n"),
        ("no empty line", b"\n\n", b"\n"),
        ("two empty lines", b"\n\n", b"\n\n\n"),
        ("a hyphen for the dash", "— ".encode(), b"-- "),
        ("a signer with a plus sign", "— board".encode(), b"\xe2\x80\x94 bo+ard"),
        ("an origin with a space", b"board.example/2026\n12", b"board example\n12"),
        ("an origin with a line separator", b"board.example/2026\n12", "board\u2028x\n12".encode()),
        ("an origin that is not UTF-8", b"board.example/2026\n12", b"board\xff\n12"),
        ("an origin of 256 characters", b"board.example/2026\n12", b"b" * 256 + b"\n12"),
    ]:  # fmt: skip
        changed = note.replace(old, new, 1)
        yield refused("parse-note", comment, {"note": changed.hex()}, "NotCanonical")
    for comment, text in (
        ("nothing", b""),
        ("no signature", bytes.fromhex(signed["output"]["body"]) + b"\n"),
        ("no newline at the end", note[:-1]),
        ("a newline too many", note + b"\n"),
    ):
        yield refused("parse-note", comment, {"note": text.hex()}, "NotCanonical")
    words = {**fixed, "origin": "two words", "witnesses": []}
    yield refused("sign-checkpoint", "an origin of two words", words, "NotCanonical")


def paillier() -> Iterator[JSON]:
    for bits in (512, 640):
        secret = secret_key(bits)
        key = {"modulus": integer(secret.public.N)}
        factors = {"P": integer(secret.P), "Q": integer(secret.Q)}
        yield accepted("paillier-key", f"a test key of {bits} bits with its factors", {**key, **factors})
        N, h = secret.public.N, secret.public.h
        for comment, m, r in (
            ("zero", mpz(0), h),
            ("one, r = 1", mpz(1), mpz(1)),
            ("42", mpz(42), gmpy2.powmod(h, 12345, N)),
            ("the largest plaintext, r = N − 1", N - 1, N - 1),
        ):
            given = {**key, "plaintext": integer(m), "randomness": integer(r)}
            sealed = accepted("paillier-encrypt", comment, given)
            yield sealed
            unsigned = sealed["output"]["without_sign"]
            comment = "E(m; −r) = −E(m; r): the same form without the sign"
            yield accepted("paillier-encrypt", comment, {**given, "randomness": integer(N - r)}, without_sign=unsigned)
        N2 = secret.public.N2
        for comment, x in (
            ("zero", 0), ("one", 1), ("N − 1", N - 1), ("N", N), ("N + 1", N + 1), ("N² − 1", N2 - 1), ("N²", N2),
            ("a factor", secret.P), ("a multiple of a factor", secret.Q * 12345), ("5·N", 5 * N), ("negative", -1),
        ):  # fmt: skip
            yield accepted("ciphertext-domain", comment, {**key, "value": integer(x)})


def ballot_seeds() -> Iterator[JSON]:
    key = secret_key().public
    modulus, text = integer(key.N), stream_of("ballot seed")
    for contest, position in (("mayor", 0), ("judges", 0), ("judges", 1), ("judges", 300), ("name", 0)):
        given = {"modulus": modulus, "seed": text, "contest": contest, "position": position}
        yield accepted("seed-randomness", f"{contest}, ciphertext {position}", given)
    given = {"modulus": modulus, "seed": bytes(32).hex(), "contest": "mayor", "position": 0}
    yield accepted("seed-randomness", "another seed", given)
    other_key = {**given, "modulus": integer(secret_key(640).public.N)}
    yield accepted("seed-randomness", "another key", other_key)
    r = seed.randomness(key, bytes.fromhex(text), "mayor", 0)
    for m in (mpz(0), mpz(1), mpz(2) ** 300, key.N - 1):
        c = key.encrypt(m, r)
        given = {"modulus": modulus, "ciphertext": integer(c), "randomness": integer(r)}
        yield accepted("recover-plaintext", "the right r", given, plaintext=integer(m))
        wrong = (r + 1, key.N - r, mpz(1), seed.randomness(key, bytes.fromhex(text), "mayor", 1))
        for other in wrong:
            comment = "a wrong r: the division is not exact"
            yield accepted("recover-plaintext", comment, {**given, "randomness": integer(other)}, plaintext=None)
        negative = {**given, "ciphertext": integer(key.N2 - c)}
        yield accepted("recover-plaintext", "−c has another r", negative, plaintext=None)
        both = {**negative, "randomness": integer(key.N - r)}
        yield accepted("recover-plaintext", "−c with −r", both, plaintext=integer(m))


def ballot_proofs() -> Iterator[JSON]:
    key = secret_key().public
    fixed = {
        "modulus": integer(key.N),
        "election": stream_of("election"),
        "contest": "mayor",
        "slot": "slot-1",
        "sequence": 1,
        "credential": stream_of("credential"),
        "position": 0,
    }
    alpha = integer(int(stream_of("alpha"), 16) >> 1)
    powers = integers([2 ** (7 * j) for j in range(5)])
    for comment, values, choice in (
        ("choose one of five, the first", powers, 0),
        ("choose one of five, the last", powers, 4),
        ("a mark that is not set", ["0", "1"], 0),
        ("a mark that is set", ["0", "1"], 1),
        ("a single listed value: a proof of one branch", ["1"], 0),
    ):
        given = {**fixed, "values": values, "choice": choice, "alpha": alpha, "stream": stream_of(comment)}
        proved = accepted("prove-membership", comment, given)
        yield proved
        good = checkable(fixed, proved, ("values",))
        yield accepted("check-membership", comment, good, holds=True)
    good = checkable(fixed, accepted("prove-membership", "", {**given, "values": powers, "choice": 2}), ("values",))
    for comment, change, check in (
        ("another election", {"election": bytes(32).hex()}, "V5.6"),
        ("another contest", {"contest": "council"}, "V5.6"),
        ("another slot", {"slot": "slot-2"}, "V5.6"),
        ("another sequence number", {"sequence": 2}, "V5.6"),
        ("another credential", {"credential": bytes(32).hex()}, "V5.6"),
        ("another position", {"position": 1}, "V5.6"),
        ("other listed values", {"values": powers[::-1]}, "V5.6"),
        ("another ciphertext", {"ciphertext": integer(key.N2 - number(good["ciphertext"]))}, "V5.6"),
        ("a ciphertext of zero", {"ciphertext": "0"}, "V4.4"),
        ("a ciphertext above N²", {"ciphertext": integer(number(good["ciphertext"]) + key.N2)}, "V4.4"),
        ("a commitment of zero", {"proof": replaced(good["proof"], "a", 1, "0")}, "V4.5"),
        ("a commitment above N²", {"proof": raised(good["proof"], "a", 1, key.N2)}, "V4.5"),
        ("a challenge of 2^128 and more", {"proof": raised(good["proof"], "e", 1, mpz(2) ** 128)}, "V4.7"),
        ("a response of zero", {"proof": replaced(good["proof"], "z", 1, "0")}, "V4.6"),
        ("a response above N", {"proof": raised(good["proof"], "z", 1, key.N)}, "V4.6"),
        ("a challenge plus one", {"proof": raised(good["proof"], "e", 1, mpz(1))}, "V5.6"),
        ("a response that was changed", {"proof": replaced(good["proof"], "z", 1, good["proof"]["z"][0])}, "V5.5"),
    ):
        yield rejected("check-membership", comment, {**good, **change}, check)
    negative = replaced(good["proof"], "z", 1, integer(key.N - number(good["proof"]["z"][1])))
    comment = "−z in place of z: equations hold on squares, so the sign is free"
    yield accepted("check-membership", comment, {**good, "proof": negative}, holds=True)

    for m in (mpz(0), mpz(1) << 400, key.N - 1):
        given = {
            **fixed,
            "contest": "council",
            "plaintext": integer(m),
            "alpha": alpha,
            "stream": stream_of(f"knowledge {m}"),
        }
        comment = f"a plaintext of {m.bit_length()} bits"
        proved = accepted("prove-knowledge", comment, given)
        yield proved
        good = checkable({**fixed, "contest": "council"}, proved, ())
        yield accepted("check-knowledge", comment, good, holds=True)
    c, proof = number(good["ciphertext"]), good["proof"]
    for comment, change, check in (
        ("another slot", {"slot": "slot-2"}, "V5.5"),
        ("another position", {"position": 1}, "V5.5"),
        ("a ciphertext with one vote added", {"ciphertext": integer(c * (1 + key.N) % key.N2)}, "V5.5"),
        ("a ciphertext of N", {"ciphertext": integer(key.N)}, "V4.4"),
        ("a commitment of zero", {"proof": {**proof, "a": "0"}}, "V4.5"),
        ("z_m above N", {"proof": {**proof, "z_m": integer(number(proof["z_m"]) + key.N)}}, "V4.6"),
        ("z_r of zero", {"proof": {**proof, "z_r": "0"}}, "V4.6"),
        ("another z_m", {"proof": {**proof, "z_m": "5"}}, "V5.5"),
        ("another z_r", {"proof": {**proof, "z_r": "5"}}, "V5.5"),
    ):
        yield rejected("check-knowledge", comment, {**good, **change}, check)


def checkable(fixed: JSON, proved: JSON, more: Sequence[str]) -> JSON:
    """The public part of a proof's vector."""
    public = {name: proved["input"][name] for name in more}
    return {**fixed, **public, "ciphertext": proved["output"]["ciphertext"], "proof": proved["output"]["proof"]}


def replaced(proof: JSON, name: str, at: int, value: str) -> JSON:
    """A proof with another value in one of its lists."""
    values = list(proof[name])
    values[at] = value
    return {**proof, name: values}


def raised(proof: JSON, name: str, at: int, by: mpz) -> JSON:
    """A proof with a value in one of its lists raised."""
    return replaced(proof, name, at, integer(number(proof[name][at]) + by))


def rejected(operation: str, comment: str, given: JSON, check: str) -> JSON:
    """A vector that the check of this number refuses."""
    vector = refused(operation, comment, given, "CheckFailed")
    if not vector["refused"]["reason"].startswith(check + " "):
        raise AssertionError(f"{operation}, {comment}: {check} was expected, not {vector['refused']['reason']}")
    return vector


def contest(kind: str, options: int, **changes: Any) -> JSON:
    """A contest of the manifest with options a, b, c …"""
    return elections.contest("c", kind, [f"option {number}" for number in range(options)], **changes)


def payload(data: bytes, width: int = 1, length: int | None = None) -> list[str]:
    """Plaintexts that carry these bytes after this length."""
    size = answers.block_bytes(BITS)
    stated = len(data) if length is None else length
    block = (stated.to_bytes(2, "big") + data).ljust(width * size, b"\0")
    return [integer(int.from_bytes(block[at : at + size], "big")) for at in range(0, len(block), size)]


OPEN_LISTS = [
    elections.option("a", "みほん党"),
    elections.option("a1", "架空 一郎", list="a"),
    elections.option("a2", "架空 花子", list="a", priority=1),
    elections.option("a3", "仮名 次郎", list="a", priority=2),
    elections.option("b", "れいの会"),
    elections.option("b1", "例示 太郎", list="b"),
    elections.option("b2", "例示 桜子", list="b"),
]
CLOSED_LISTS = [
    elections.option("a", "みほん党", candidates=["架空 一郎", "架空 花子", "仮名 次郎"]),
    elections.option("b", "れいの会", candidates=["例示 太郎", "例示 太郎"]),
]


def contest_of_form(usually: str, **changes: Any) -> JSON:
    """A contest of a form with what only this form has."""
    kind = FORM_KINDS[Form(usually)][0]
    usual = contest(kind, 0 if kind == "text" else 3, form=usually)
    lists = {"PR_OPEN": {"options": OPEN_LISTS, "seats": 3}, "PR_CLOSED": {"options": CLOSED_LISTS, "seats": 3}}
    several = {"SNTV": {"seats": 2}, "WRITE_IN": {"most": 50, "seats": 2}, "RANKING": {"most": 3}}
    review = {"REVIEW": {"least": 0, "most": 3}}
    return {**usual, **(lists | several | review).get(usually, {}), **changes}


def changed(options: list[JSON], identifier: str, **changes: Any) -> list[JSON]:
    """These options with one that is different."""
    return [{**option, **changes} if option["id"] == identifier else option for option in options]


ON_LISTS_ONLY = "only in a contest of form PR_OPEN are candidates options of a list"
NAMES_ONLY = "only in a contest of form PR_CLOSED does an option name candidates"
CONTEST_FAULTS: list[tuple[JSON, str]] = [
    (contest_of_form("SINGLE", seats=2), "a contest of form SINGLE has one seat"),
    (contest_of_form("REVIEW", seats=3), "a contest of form REVIEW has one seat"),
    (contest_of_form("REFERENDUM", seats=2), "a contest of form REFERENDUM has one seat"),
    (contest_of_form("RANKING", seats=2), "a contest of form RANKING has one seat"),
    (contest_of_form("SINGLE", form="RANKING"), "a contest of form RANKING is not answered by choose-one"),
    (contest_of_form("RANKING", form="SNTV"), "a contest of form SNTV is not answered by ranking"),
    (contest_of_form("REVIEW", form="REFERENDUM"), "a contest of form REFERENDUM is not answered by choose-several"),
    (contest_of_form("REFERENDUM", kind="index"), "a contest of form REFERENDUM is not answered by index"),
    (contest_of_form("WRITE_IN", form="SINGLE"), "a contest of form SINGLE is not answered by text"),
    (
        contest_of_form("SNTV", options=changed(elections.options("甲", "乙"), "b", list="a")),
        f"option b: {ON_LISTS_ONLY}",
    ),
    (contest_of_form("SNTV", options=changed(elections.options("甲"), "a", priority=1)), f"option a: {ON_LISTS_ONLY}"),
    (contest_of_form("PR_CLOSED", options=changed(CLOSED_LISTS, "b", list="a")), f"option b: {ON_LISTS_ONLY}"),
    (
        contest_of_form("SINGLE", options=changed(elections.options("甲"), "a", candidates=["乙"])),
        f"option a: {NAMES_ONLY}",
    ),
    (contest_of_form("PR_OPEN", options=changed(OPEN_LISTS, "a", candidates=["乙"])), f"option a: {NAMES_ONLY}"),
    (
        contest_of_form("PR_CLOSED", options=changed(CLOSED_LISTS, "b", candidates=[])),
        "option b: a list without candidates",
    ),
    (contest_of_form("PR_OPEN", options=OPEN_LISTS[:5]), "option b: a list without candidates"),
    (
        contest_of_form("PR_OPEN", options=changed(OPEN_LISTS, "b1", list="c")),
        "option b1: 'c' is no list of this contest",
    ),
    (
        contest_of_form("PR_OPEN", options=changed(OPEN_LISTS, "b1", list="a1")),
        "option b1: 'a1' is no list of this contest",
    ),
    (
        contest_of_form("PR_OPEN", options=changed(OPEN_LISTS, "b1", list="b1")),
        "option b1: 'b1' is no list of this contest",
    ),
    (
        contest_of_form("PR_OPEN", options=changed(OPEN_LISTS, "a", priority=1)),
        "option a: a list has no priority, only its candidates",
    ),
    *(
        (
            contest_of_form("PR_OPEN", options=changed(OPEN_LISTS, name, priority=priority)),
            "option a: the priorities of a list are 1, 2, … without gaps",
        )
        for name, priority in (("a2", 0), ("a3", 1), ("a3", 3), ("a1", 4), ("a1", 1))
    ),
    (contest_of_form("SINGLE", form="PLURALITY"), f"contest, form: one of {', '.join(Form)} was expected"),
    (contest_of_form("SNTV", seats=0), "contest, seats: a whole number from 1 to 100 was expected"),
    (contest_of_form("SNTV", seats=101), "contest, seats: a whole number from 1 to 100 was expected"),
    (
        contest_of_form("PR_OPEN", options=changed(OPEN_LISTS, "a1", list=None)),
        "contest, options 1, list: a text of 0 to 63 characters was expected",
    ),
    (
        contest_of_form("PR_OPEN", options=changed(OPEN_LISTS, "a1", priority=-1)),
        "contest, options 1, priority: a whole number from 0 to 500 was expected",
    ),
    (
        contest_of_form("PR_CLOSED", options=changed(CLOSED_LISTS, "a", candidates=[""])),
        "contest, options 0, candidates 0: a text of 1 to 100 characters was expected",
    ),
    (
        contest_of_form("PR_CLOSED", options=changed(CLOSED_LISTS, "a", candidates="架空")),
        "contest, options 0, candidates: a list of 0 to 500 items was expected",
    ),
]
"""Contests that contradict themselves, and why they are refused; without a place, it is `contest`."""


def contest_forms() -> Iterator[JSON]:
    for form in Form:
        for kind in FORM_KINDS[form]:
            given = {"contest": contest_of_form(form, kind=kind)}
            yield accepted("parse-contest", f"{form}, answered by {kind}", given)
    for form in (Form.SNTV, Form.PR_OPEN, Form.PR_CLOSED, Form.WRITE_IN):
        yield accepted("parse-contest", f"{form} with one seat", {"contest": contest_of_form(form, seats=1)})
    for record, reason in CONTEST_FAULTS:
        vector = refused("parse-contest", reason, {"contest": record}, "NotCanonical")
        if vector["refused"]["reason"].removeprefix("contest: ") != reason:
            raise AssertionError(f"{vector['refused']['reason']}, not {reason}")
        yield vector


def contest_answers() -> Iterator[JSON]:
    index, ranking = contest("index", 12), contest("ranking", 12, most=12)
    text, wide = contest("text", 0, most=50), contest("text", 0, most=120, width=2)
    for form, answer in (
        (index, "a"), (index, "l"), (index, "blank"), (ranking, ["b", "a"]), (ranking, []),
        (ranking, list("lkjihgfedcba")), (text, ""), (text, "髙橋 花子"), (text, "𠮷田"), (text, "葛\U000e0100城"),
        (text, "a" * 50), (wide, "あ" * 40), (wide, "short"),
    ):  # fmt: skip
        given = {"contest": form, "modulus_bits": BITS}
        encoded = accepted("encode-answer", f"{form['kind']} over {form['width']}", {**given, "answer": answer})
        yield encoded
        plaintexts = encoded["output"]["plaintexts"]
        yield accepted("decode-answer", form["kind"], {**given, "plaintexts": plaintexts}, answer=answer)
    for form, answer, comment in (
        (index, "z", "an unknown option"),
        (contest("index", 12, blank=False), "blank", "no blank is allowed"),
        (ranking, ["a", "a"], "an option twice"),
        (contest("ranking", 12, most=2), ["a", "b", "c"], "too many ranks"),
        (contest("ranking", 12, least=2, most=3), ["a"], "too few ranks"),
        (contest("ranking", 12, most=3, blank=False), [], "no blank is allowed"),
        (text, "a" * 51, "too many bytes"),
        (text, "あ" * 17, "bytes count, not characters"),
        (text, "か\u3099", "not in normal form C"),
        (text, "a\nb", "a control character"),
        (contest("text", 0, least=3, most=50), "ab", "too short"),
    ):
        yield refused("encode-answer", comment, {"contest": form, "modulus_bits": BITS, "answer": answer}, "ValueError")
    size = answers.block_bytes(BITS)
    for form, plaintexts, comment in (
        (index, payload(b"\0\x0d"), "an index above the blank"),
        (contest("index", 12, blank=False), payload(b"\0\x0c"), "the index of a blank that is not allowed"),
        (index, payload(b"\0"), "half an index"),
        (index, payload(b""), "no index"),
        (index, payload(b"\0\x01\0\x02"), "two indexes"),
        (index, payload(b"\0\x01\0\x01", length=2), "padding that is not zero"),
        (index, [integer(1 << (8 * size))], "a plaintext above the block"),
        (ranking, payload(b"\0\x01\0\x01"), "an option twice"),
        (ranking, payload(b"\0\x0c"), "an index above the options"),
        (contest("ranking", 12, most=2), payload(b"\0\0\0\x01\0\x02"), "too many ranks"),
        (contest("ranking", 12, least=2, most=3), payload(b"\0\0"), "too few ranks"),
        (contest("ranking", 12, most=3, blank=False), payload(b""), "a blank that is not allowed"),
        (text, payload(b"\xff\xfe"), "not UTF-8"),
        (text, payload(b"\xed\xa0\x80"), "a surrogate"),
        (text, payload("か\u3099".encode()), "not in normal form C"),
        (text, payload(b"a\nb"), "a control character"),
        (text, payload(b"\0"), "a zero character"),
        (text, payload(b"\x7f"), "delete"),
        (text, payload("\x85".encode()), "a control character of two bytes"),
        (text, payload(b"a" * 51), "too many bytes"),
        (text, payload(b"abc", length=400), "a length beyond the block"),
        (wide, payload(b"abc", width=2)[:1] + ["1"], "padding in the second block that is not zero"),
    ):
        given = {"contest": form, "modulus_bits": BITS, "plaintexts": plaintexts}
        yield refused("decode-answer", comment, given, "Undecodable")
    for form, fits in (
        (contest("text", 0, most=61), True), (contest("text", 0, most=62), False),
        (contest("text", 0, most=62, width=2), True), (contest("ranking", 26, most=26), True),
        (index, True),
    ):  # fmt: skip
        yield accepted("fits", "does the longest answer fit?", {"contest": form, "modulus_bits": BITS}, fits=fits)


def ballots() -> Iterator[JSON]:
    manifest = elections.small_manifest()
    kinds = {part["id"]: part["kind"] for part in manifest["contests"]}
    all_of = [{"id": "all", "unit": "north", "contests": list(kinds)}]
    manifest["styles"] = [*({"id": one, "unit": "north", "contests": [one]} for one in kinds), *all_of]
    fixed = {"manifest": manifest, "modulus": integer(secret_key().public.N), "rows": 40}
    choices = {"mayor": "b", "judges": ["a", "c"], "council": "d", "chair": ["c", "a"], "name": "山田"}
    blank = {"mayor": "blank", "judges": [], "council": "blank", "chair": [], "name": ""}
    device = {"slot": "v1", "sequence": 1, "credential_seed": stream_of("device"), "seed": stream_of("seed")}
    made = {}
    for style, picked, comment in (
        *((one, {one: choices[one]}, kind) for one, kind in kinds.items()),
        *((one, {one: blank[one]}, f"{kind}, blank") for one, kind in kinds.items()),
        ("all", choices, "every kind of contest"),
    ):
        given = {**fixed, "style": style, **device, "choices": picked, "stream": stream_of(f"ballot {comment}")}
        made[comment] = accepted("make-ballot", comment, given)
        yield made[comment]
        yield accepted("check-ballot", comment, checked_ballot(fixed, made[comment]), holds=True)
        opened = {**checked_ballot(fixed, made[comment], "open_signatures"), "seed": given["seed"]}
        yield accepted("check-ballot", f"{comment}, opened by its seed", opened, holds=True)
    for name, choice, comment in (
        ("mayor", "z", "an unknown option"), ("mayor", ["a", "b"], "two of one"),
        ("judges", ["a", "z"], "an unknown mark"), ("council", "z", "an unknown option"),
        ("chair", ["a", "a"], "an option twice"), ("name", "a" * 31, "too long"),
    ):  # fmt: skip
        yield refused("ballot-plaintexts", comment, {**fixed, "contest": name, "choice": choice}, "ValueError")
    for name, choice in choices.items():
        yield accepted("ballot-plaintexts", kinds[name], {**fixed, "contest": name, "choice": choice})
    good = checked_ballot(fixed, made["choose-one"])
    opened = {**checked_ballot(fixed, made["choose-one"], "open_signatures"), "seed": device["seed"]}
    body = json.loads(bytes.fromhex(good["ballot"]))
    for comment, given, check in (
        ("signed for the other use", {**good, "signature": opened["signature"]}, "V2.4"),
        ("signed by another key", {**good, "credential": stream_of("device")}, "V2.4"),
        ("another slot", {**good, "ballot": canonical.serialise({**body, "slot": "v2"}).hex()}, "V2.4"),
        ("opened with another seed", {**opened, "seed": bytes(32).hex()}, "V5.20"),
    ):
        yield rejected("check-ballot", comment, given, check)


def checked_ballot(fixed: JSON, made: JSON, signed: str = "cast_signatures") -> JSON:
    """The public part of a ballot's vector."""
    [signature] = made["output"][signed]
    return {
        **fixed,
        "ballot": made["output"]["ballot"],
        "credential": canonical.decode_bytes(signature["key"], 32).hex(),
        "signature": canonical.decode_bytes(signature["signature"], 64).hex(),
    }


def commitment_group() -> Iterator[JSON]:
    derived = accepted("derive-group", "p, q, h, g_1 … g_3 of the seed", {"seed": group.SEED, "generators": 3})
    yield derived
    p, q, h = group.GROUP.p, group.GROUP.q, group.GROUP.h
    for comment, x, inside in (
        ("zero", 0, False), ("one", 1, True), ("h", h, True), ("2", 2, False), ("p − 1, of order 2", p - 1, False),
        ("−h", p - h, False), ("p", p, False), ("p + h", p + h, False), ("negative", -1, False),
    ):  # fmt: skip
        yield accepted("group-element", comment, {"value": integer(x)}, is_element=inside)
    for comment, vector, randomisers in (
        ("no values", [], []),
        ("zero and randomiser zero", [0], [0]),
        ("the generator g_1", [1], [0]),
        ("three values", [1, q - 1, 2**300], [12345]),
    ):
        yield accepted("commit", comment, {"vector": integers(vector), "randomisers": integers(randomisers)})


def shuffles() -> Iterator[JSON]:
    key = secret_key().public
    fixed = {"modulus": integer(key.N), "context": stream_of("mix context"), "election": stream_of("election")}
    for n, columns_of in ((1, 1), (2, 1), (5, 1), (5, 2)):
        comment = f"{n} rows, {columns_of} columns"
        inputs = [
            [
                integer(key.encrypt(mpz(100 * at + row + 1), gmpy2.powmod(key.h, 7 + 10 * at + row, key.N)))
                for row in range(n)
            ]
            for at in range(columns_of)
        ]
        given = {**fixed, "inputs": inputs, "stream": stream_of(comment)}
        shuffled = accepted("shuffle", f"{comment}: row i of column k encrypts 100·k + i + 1", given)
        yield shuffled
        good = {**fixed, "inputs": inputs, **{name: shuffled["output"][name] for name in ("outputs", "proof")}}
        yield accepted("check-shuffle", comment, good, holds=True)
        if n == 2:
            proof, outputs, p = good["proof"], good["outputs"], group.GROUP.p
            for what, change, check in (
                ("another context", {"context": bytes(32).hex()}, "V5.9"),
                ("outputs swapped", {"outputs": [outputs[0][::-1]]}, "V5.9"),
                ("an output of zero", {"outputs": [["0", outputs[0][1]]]}, "V4.4"),
                ("f out of range", {"proof": raised(proof, "f", 0, shuffle.RESPONSE_BOUND)}, "V4.8"),
                ("f raised by q: the commitments hold", {"proof": raised(proof, "f", 0, group.GROUP.q)}, "V4.8"),
                ("ã out of range", {"proof": raised(proof, "a", 0, group.GROUP.q)}, "V4.8"),
                ("A outside the group", {"proof": replaced(proof, "A", 0, integer(p - number(proof["A"][0])))}, "V4.9"),
                ("F above N²", {"proof": raised(proof, "F", 0, key.N2)}, "V4.5"),
                ("z of zero", {"proof": replaced(proof, "z", 0, "0")}, "V4.6"),
                ("b̃_n plus one", {"proof": raised(proof, "b", 1, mpz(1))}, "V5.9"),
                ("f_1 plus one", {"proof": raised(proof, "f", 0, mpz(1))}, "V5.10"),
                ("a randomiser plus one", {"proof": raised(proof, "r_w", 0, mpz(1))}, "V5.10"),
                ("another z", {"proof": replaced(proof, "z", 0, "2")}, "V5.11"),
            ):
                yield rejected("check-shuffle", what, {**good, **change}, check)
            sign = replaced(proof, "z", 0, integer(key.N - number(proof["z"][0])))
            yield accepted("check-shuffle", "−z in place of z: the sign is free", {**good, "proof": sign}, holds=True)


def ceremony_of(stream: str) -> JSON:
    P, Q = safe_primes(BITS // 2)
    given = {"P": integer(P), "Q": integer(Q), "n": 3, "t": 2, "election": stream_of("election"), "stream": stream}
    return accepted(
        "deal", "three trustees of whom two open; draws begin with the coefficients of the polynomial", given
    )


def ceremony() -> Iterator[JSON]:
    dealt = ceremony_of(stream_of("deal"))
    yield dealt
    body, N = dealt["output"]["body"], number(dealt["output"]["modulus"])
    good = {"bits": BITS, "n": 3, "t": 2, "body": body}
    yield accepted("check-key", "the key entry's body", good, key_hash=dealt["output"]["key_hash"])
    parts, keys = body["certificate"], body["verification_keys"]

    def root_at(name: str, at: int, value: mpz) -> JSON:
        roots = list(parts[name])
        roots[at] = canonical.encode_integer(value, BITS // 8)
        return {**good, "body": {**body, "certificate": {**parts, name: roots}}}

    P = number(dealt["input"]["P"])
    sigma = number(dealt["output"]["square_roots"][5])
    other_root = next(x for x in square_roots_of(sigma, P, N // P) if gmpy2.jacobi(x, N) == -1)
    large = parts["large_factors"]
    swapped = {**parts, "large_factors": {**large, "z_P": large["z_Q"], "z_Q": large["z_P"]}}
    for comment, given in (
        ("another N-th root", root_at("nth_roots", 3, mpz(2))),
        ("another square root", root_at("square_roots", 5, mpz(2))),
        ("a square root of Jacobi symbol −1: with the other it factors N", root_at("square_roots", 5, other_root)),
        ("z_P and z_Q swapped", {**good, "body": {**body, "certificate": swapped}}),
        ("another election", {**good, "body": {**body, "election": canonical.encode_bytes(bytes(32))}}),
    ):
        yield rejected("check-key", comment, given, "V5.2")
    for comment, other in (("verification keys swapped", keys[::-1]), ("a key twice", [keys[0], keys[0], keys[2]])):
        yield rejected("check-key", comment, {**good, "body": {**body, "verification_keys": other}}, "V5.3")
    yield rejected("check-key", "another threshold", {**good, "t": 1}, "V5.3")
    yield refused("check-key", "another number of trustees", {**good, "n": 4}, "NotCanonical")
    short = {**good, "body": {**body, "modulus": body["modulus"][1:]}}
    yield refused("check-key", "a short modulus", short, "BadInteger")
    for comment, modulus, bits, problem in (
        ("a good modulus", N, BITS, None),
        ("another size", N, 513, "the modulus has 512 bits, not 513"),
        ("even", N - 1, BITS, "the modulus is even"),
        ("a multiple of 3", N - N % 6 + 3, BITS, "the modulus has a prime factor below 2^16"),
        ("a prime", gmpy2.next_prime(N), BITS, "the modulus is a prime number"),
        ("the square of a prime", gmpy2.next_prime(mpz(3) << 254) ** 2, BITS, "the modulus is a perfect power"),
    ):
        yield accepted("key-problem", comment, {"modulus": integer(modulus), "bits": bits}, problem=problem)


def square_roots_of(sigma: mpz, P: mpz, Q: mpz) -> list[mpz]:
    """The four roots of σ² modulo P·Q."""
    N, half = P * Q, sigma * (1 - 2 * P * gmpy2.invert(P, Q)) % (P * Q)
    return [sigma, N - sigma, half, N - half]


def threshold_roots() -> Iterator[JSON]:
    dealt = ceremony_of(stream_of("deal"))["output"]
    key = PublicKey(number(dealt["modulus"]))
    plain = [mpz(0), mpz(1) << 300, mpz(42)]
    ciphertexts = [key.encrypt(m, gmpy2.powmod(key.h, 3 + at, key.N)) for at, m in enumerate(plain)]
    ciphertexts[2] = key.N2 - ciphertexts[2]
    xs = integers([c % key.N for c in ciphertexts])
    fixed = {"modulus": dealt["modulus"], "election": stream_of("election"), "n": 3, "t": 2, "xs": xs}
    proofs = {}
    for trustee in (1, 2, 3):
        stream = {"trustee": trustee, "stream": stream_of(f"trustee {trustee}")}
        proved = accepted(
            "partial-roots", f"trustee {trustee}", {**fixed, **stream, "share": dealt["shares"][trustee - 1]}
        )
        yield proved
        proofs[trustee] = proved["output"]["proof"]
        good = {**fixed, "verification_keys": dealt["verification_keys"], "trustee": trustee, "proof": proofs[trustee]}
        yield accepted("check-partial-roots", f"trustee {trustee}", good, holds=True)
    proof = good["proof"]
    for comment, change, check in (
        ("another election", {"election": bytes(32).hex()}, "V5.14"),
        ("another trustee", {"trustee": 2}, "V5.14"),
        ("elements in another order", {"xs": xs[::-1]}, "V5.14"),
        ("another partial root", {"proof": replaced(proof, "roots", 1, "2")}, "V5.14"),
        ("a partial root of zero", {"proof": replaced(proof, "roots", 1, "0")}, "V4.11"),
        ("a partial root above N", {"proof": raised(proof, "roots", 1, key.N)}, "V4.11"),
        ("z out of range", {"proof": {**proof, "z": integer(mpz(1) << threshold.response_bits(BITS))}}, "V4.10"),
        ("z plus one", {"proof": {**proof, "z": integer(number(proof["z"]) + 1)}}, "V5.14"),
    ):
        yield rejected("check-partial-roots", comment, {**good, **change}, check)
    for T in ((1, 2), (1, 3), (2, 3)):
        partials = {str(j): proofs[j]["roots"] for j in T}
        comment = f"trustees {T[0]} and {T[1]}: r with r^N = x"
        combined = accepted("combine", comment, {"modulus": dealt["modulus"], "n": 3, "xs": xs, "partials": partials})
        yield combined
    roots = combined["output"]["roots"]
    for c, r, m in zip(ciphertexts, roots, plain, strict=True):
        given = {"modulus": dealt["modulus"], "ciphertext": integer(c), "randomness": r}
        yield accepted("recover-plaintext", "the combined root opens", given, plaintext=integer(m))
    opening = {
        "modulus": dealt["modulus"],
        "ciphertexts": integers(ciphertexts),
        "plaintexts": integers(plain),
        "roots": roots,
    }
    yield accepted("check-opening", "every row", opening, holds=True)
    for comment, change, check in (
        ("another plaintext", {"plaintexts": integers([1, *plain[1:]])}, "V5.13"),
        ("rows swapped", {"roots": roots[::-1]}, "V5.13"),
        ("a plaintext above N", {"plaintexts": integers([key.N, *plain[1:]])}, "V4.6"),
        ("a root of zero", {"roots": ["0", *roots[1:]]}, "V4.6"),
    ):
        yield rejected("check-opening", comment, {**opening, **change}, check)


def counts() -> Iterator[JSON]:
    for sizes, minimum, found in (
        ({"a": 12, "b": 15}, 10, [["a"], ["b"]]),
        ({"a": 12, "b": 3, "c": 8}, 10, [["a"], ["b", "c"]]),
        ({"a": 30, "b": 3, "c": 20}, 10, [["a"], ["b", "c"]]),
        ({"a": 20, "b": 20, "c": 1}, 10, [["b"], ["a", "c"]]),
        ({"b": 20, "a": 20, "c": 1}, 10, [["b"], ["a", "c"]]),
        ({"a": 11, "b": 5, "c": 0}, 10, [["a", "b", "c"]]),
        ({"a": 1, "b": 2}, 10, [["a", "b"]]),
        ({"a": 0, "b": 0}, 0, [["a"], ["b"]]),
        ({"a": 10}, 10, [["a"]]),
        ({"a": 9}, 10, [["a"]]),
        ({"a": 0, "b": 12}, 10, [["a", "b"]]),
    ):
        given = {"units": [[unit, size] for unit, size in sizes.items()], "minimum": minimum}
        yield accepted("partition", "units with their counted ballots", given, groups=found)

    one, several = contest("choose-one", 3), contest("choose-several", 3, least=0, most=2)
    for form, digits, ballots, misfit in (
        (one, (5, 0, 2, 1), 8, None),
        (one, (0, 0, 0, 0), 0, None),
        (one, (31, 31, 31, 31), 124, None),
        (one, (5, 0, 2, 1), 9, "8 votes from 9 ballots"),
        (one, (5, 0, 2, 1, 1), 8, None),
        (contest("choose-one", 3, blank=False), (5, 0, 3), 8, None),
        (several, (4, 0, 3), 5, None),
        (several, (4, 4, 3), 5, "11 marks from 5 ballots"),
    ):
        plaintext = sum(digit << (5 * at) for at, digit in enumerate(digits))
        comment = f"{form['kind']}, digits {digits} in base 32"
        given = {"contest": form, "plaintext": integer(plaintext), "slot_bits": 5, "ballots": ballots}
        yield accepted("count-slots", comment, given, misfit=misfit)

    votes = {
        "index": (contest("index", 3), ["b", "a", "blank", "b"]),
        "ranking": (contest("ranking", 3, most=3), [["b", "a"], ["a"], [], ["b", "a"], ["b"]]),
        "text": (contest("text", 0, most=50), ["鈴木", "佐藤", "", "佐藤", "Zoe", "\U00020bb7田", "\uff21"]),
        "wide text": (contest("text", 0, most=120, width=2), ["あ" * 40, "あ" * 40, ""]),
    }
    for comment, (form, cast) in votes.items():
        rows = [integers(answers.encode_answer(parse_contest(form, "contest"), BITS, answer_of(vote))) for vote in cast]
        bad = payload(b"\xff" * 5, form["width"])
        given = {"contest": form, "modulus_bits": BITS}
        yield accepted("count-answers", comment, {**given, "rows": rows}, misfit=None)
        mixed = [rows[0], bad, *rows[1:], bad]
        yield accepted("count-answers", f"{comment}, two invalid rows", {**given, "rows": mixed}, misfit=None)
        yield accepted("count-answers", f"{comment}, no rows", {**given, "rows": []}, misfit=None)
        yield accepted("total", f"{comment}: the total of three groups", {**given, "groups": [rows, mixed, []]})


def outcomes() -> Iterator[JSON]:
    for comment, form, counts in (
        ("one seat", "SINGLE", (3, 5, 1)),
        ("a tie", "SINGLE", (5, 5, 1)),
        ("no votes", "SINGLE", (0, 0, 0)),
        ("a tie for the last seat", "SNTV", (2, 5, 2)),
        ("a seat that nobody has votes for", "SNTV", (0, 5, 0)),
        ("a tie of lists for the last seat", "PR_CLOSED", (3, 3)),
        ("a list that is too short", "PR_CLOSED", (1, 60)),
        ("those elected first, then by votes", "PR_OPEN", (4, 9, 0, 1, 3, 2, 1)),
        ("candidates with equal votes", "PR_OPEN", (0, 0, 9, 0, 0, 2, 2)),
        ("a tie of lists and one of candidates", "PR_OPEN", (2, 1, 0, 0, 1, 1, 1)),
        ("one judge of three, one with half", "REVIEW", (6, 5, 0)),
        ("more than half", "REFERENDUM", (5, 3, 1)),
        ("fewer than half", "REFERENDUM", (4, 3, 1)),
        ("a tie", "REFERENDUM", (4, 4, 1)),
    ):
        one = contest_of_form(form)
        lines = [{"answer": option["id"], "count": count} for option, count in zip(one["options"], counts, strict=True)]
        ballots, blank = (10, None) if form == "REVIEW" else (sum(counts) + 1, 1)
        total = {"ballots": ballots, "blank": blank, "counts": lines, "invalid": 0}
        yield accepted("outcome", f"{form}: {comment}", {"contest": one, "total": total})
    for comment, form, texts in (
        ("two of three names", "WRITE_IN", {"佐藤": 2, "山田": 3, "鈴木": 1}),
        ("first choices are enough", "RANKING", {"a": 3, "bc": 2}),
        ("a transfer", "RANKING", {"a": 4, "bc": 3, "cb": 2}),
        ("the Condorcet winner leaves first", "RANKING", {"ab": 5, "ba": 3, "cb": 4}),
        ("a circle, and a tie for leaving", "RANKING", {"abc": 1, "bca": 1, "cab": 1}),
        ("two are left with as many", "RANKING", {"a": 3, "b": 2, "cb": 1}),
        ("no rankings", "RANKING", {}),
    ):
        lines = [{"answer": list(text) if form == "RANKING" else text, "count": count} for text, count in texts.items()]
        total = {"ballots": sum(texts.values()) + 1, "blank": 1, "counts": lines, "invalid": 0}
        yield accepted("outcome", f"{form}: {comment}", {"contest": contest_of_form(form), "total": total})


def entries() -> Iterator[JSON]:
    stream = stream_of("whole election")
    whole = accepted(
        "whole-election", "every entry's leaf hash, and the checkpoint over all of them", {"stream": stream}
    )
    yield whole
    election = whole_election(bytes.fromhex(stream))
    size, tree = len(election.entries), election.replay.tree
    seen = set()
    for index, raw in enumerate(election.entries):
        kind = parse_entry(raw).type
        if kind in seen:
            continue
        seen.add(kind)
        named_columns = [digest for digest in election.columns if canonical.encode_bytes(digest).encode() in raw]
        given = {
            "bytes": raw.hex(),
            "index": index,
            "size": size,
            "path": hexes(tree.inclusion_path(index, size)),
            "columns": {digest.hex(): election.columns[digest].decode() for digest in named_columns},
        }
        yield accepted("entry", f"{kind}, with the columns that it names", given, root=whole["output"]["root"])
        if kind is Type.MANIFEST:
            manifest = parse_entry(raw).body
            yield accepted("election-id", "the hash of the manifest", {"manifest": manifest})
            yield refused(
                "election-id",
                "a threshold above the trustees",
                {"manifest": {**manifest, "threshold": 4}},
                "NotCanonical",
            )
        if kind is Type.BALLOT_CAST:
            yield from receipts(election, index, raw)
    if seen != set(Type):
        raise AssertionError(f"no entry of type {set(Type) - seen}")
    yield from other_entries(election.entries[0])


def receipts(election: elections.Election, index: int, raw: bytes) -> Iterator[JSON]:
    """The receipt of a cast ballot."""
    receipt = {
        "election": canonical.encode_bytes(election.election_id),
        "tracker": canonical.encode_bytes(tracker(parse_entry(raw).body)),
        "entry": index,
        "path": [
            canonical.encode_bytes(node) for node in election.replay.tree.inclusion_path(index, len(election.entries))
        ],
        "checkpoint": election.checkpoint().decode(),
    }
    yield accepted(
        "parse-receipt", "the receipt of this ballot", {"bytes": canonical.serialise(receipt).hex()}, entry=index
    )
    for comment, change, error in (
        ("a choice in a receipt", {"choice": "a"}, "NotCanonical"),
        ("a tracker of another length", {"tracker": receipt["tracker"][1:]}, "BadInteger"),
        ("no signed checkpoint", {"checkpoint": "none"}, "NotCanonical"),
        ("a path of 65 hashes", {"path": receipt["path"][:1] * 65}, "NotCanonical"),
    ):
        given = {"bytes": canonical.serialise({**receipt, **change}).hex()}
        yield refused("parse-receipt", comment, given, error)


def other_entries(raw: bytes) -> Iterator[JSON]:
    """Entries whose envelope is not the one form."""
    entry = json.loads(raw)
    entry["body"] = {}
    first, second = entry["signatures"]
    for comment, change, error in (
        ("an unknown type", {"type": "ballot"}, "NotCanonical"),
        ("an unknown key", {"note": ""}, "NotCanonical"),
        ("seconds in the time", {"time": "2026-11-14T00:00:00Z"}, "NotCanonical"),
        ("no such day", {"time": "2026-02-30T00:00Z"}, "NotCanonical"),
        ("a digit missing in the time", {"time": "2026-11-14T0:00Z"}, "NotCanonical"),
        ("signatures out of order", {"signatures": [second, first]}, "NotCanonical"),
        ("a signer twice", {"signatures": [first, first]}, "NotCanonical"),
        ("a short key", {"signatures": [{**first, "key": first["key"][1:]}]}, "BadInteger"),
        ("a short signature", {"signatures": [{**first, "signature": first["signature"][1:]}]}, "BadInteger"),
    ):
        changed = canonical.serialise({**entry, **change}).hex()
        yield refused("entry", comment, {"bytes": changed, "index": 0, "size": 1, "path": []}, error)
    spaced = json.dumps(entry).encode().hex()
    yield refused("entry", "spaces between", {"bytes": spaced, "index": 0, "size": 1, "path": []}, "NotCanonical")


FILES: Mapping[str, tuple[Callable[[], Iterator[JSON]], str]] = {
    "canonical": (canonical_json, "RFC 8785 JSON as records use it, and base64url of a fixed width."),
    "columns": (columns, "Columns: lines of integers of one width, named by the SHA-256 of their bytes."),
    "hashing": (hashing, "The encoding of hashed items, Fiat–Shamir transcripts, hashing to a range, tagged digests."),
    "merkle": (merkle_trees, "RFC 6962 trees: roots, inclusion and consistency, proofs that hold and that do not."),
    "signatures": (signatures, "Ed25519 as it is verified here: strict, without the cofactor, small order refused."),
    "checkpoints": (checkpoints, "Signed notes of the board with cosignatures of witnesses."),
    "paillier": (paillier, "Encryption, the form without sign, and the domains of ciphertexts and elements."),
    "seeds": (ballot_seeds, "The randomness of a ballot from its seed, and plaintexts by the randomness."),
    "ballot_proofs": (
        ballot_proofs,
        "Membership: draws are α of s, then e_j and β_j of each other branch. Knowledge: draws are u, then α of s.",
    ),
    "contests": (contest_forms, "Contests of every form, and contests that contradict themselves."),
    "answers": (contest_answers, "Plaintexts of index, ranking and text contests; what does not decode."),
    "ballots": (ballots, "Whole ballots with tracker and signatures; draws are those of their proofs in order."),
    "group": (commitment_group, "The commitment group from its seed, its elements, and vector commitments."),
    "shuffles": (
        shuffles,
        "Draws: the swaps of the permutation; for each column and row α, b, b'; then r_A, r_B, r_M, μ, for each column "
        "α, b, b' of F, β, γ_2 … γ_{n−1}, r_U, r_V, r_W. For n = 1, β is drawn and not used.",
    ),
    "ceremony": (
        ceremony,
        "The dealer's key. Draws: coefficients of the polynomial from the first power, then ρ, u_P, u_Q, u_ρ, u_s.",
    ),
    "roots": (threshold_roots, "Partial roots (the draw is k), their combination, and openings."),
    "counting": (counts, "Counting groups, packed homomorphic tallies, mixed answers, totals."),
    "outcomes": (outcomes, "Who is elected by a count: ties, lists, runoffs."),
    "entries": (entries, "One entry of every type from a whole election, with signatures, leaf hash and inclusion."),
}


def content(name: str) -> str:
    """The text of a file of vectors."""
    vectors, description = FILES[name]
    return json.dumps({"description": description, "vectors": list(vectors())}, indent=1) + "\n"


def main() -> None:
    for name in FILES:
        path = HERE / f"{name}.json"
        path.write_text(content(name))
        print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
