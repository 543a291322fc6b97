"""Rules for the entries before and around the vote: manifest, key, shares, roll, credentials, opening."""

from __future__ import annotations

from typing import Any

from verifier.checks import authenticity, completeness, consistency, evidence
from verifier.crypto.certificate import Certificate
from verifier.crypto.merkle import inclusion_holds
from verifier.crypto.paillier import PublicKey
from verifier.record import entries
from verifier.record.entries import Type
from verifier.record.key import key_hash, parse_key
from verifier.record.manifest import parse_manifest
from verifier.replay.context import Context
from verifier.replay.state import Slot, Stage


def manifest(context: Context) -> None:
    """The first entry: its hash is the election id."""
    judge, where = context.judge, context.where
    parsed = context.read(parse_manifest, context.entry.body)
    judge.run(authenticity.definition_signed, where, parsed, context.entry)
    for contest in parsed.contests:
        judge.run(consistency.candidates_stable, f"{where}, contest {contest.id}", contest)
    judge.run(evidence.generators_derived, where, parsed.generators)
    context.state.manifest = parsed
    context.state.stage = Stage.SETUP


def key(context: Context) -> None:
    """The election key with its certificate and verification keys; there is exactly one."""
    state, judge, where = context.state, context.judge, context.where
    manifest = context.manifest
    body = context.read_body(lambda value, place: parse_key(value, place, manifest))
    judge.run(authenticity.act_signed, where, manifest, context.entry)
    named = key_hash(context.entry.body)
    first = judge.run(consistency.one_key, where, named, named if state.key_hash is None else None)
    public = PublicKey(body["modulus"])
    certificate: Certificate = body["certificate"]
    judge.run(evidence.key_plausible, where, public.N, manifest.modulus_bits)
    if not first or public.N % 2 == 0:  # no arithmetic below works modulo an even number
        return
    judge.run(evidence.key_proven, where, public.N, manifest.election, certificate)
    judge.run(
        evidence.verification_keys_proven,
        where,
        public.N,
        len(manifest.trustees),
        manifest.threshold,
        body["verification_keys"],
    )
    judge.run(evidence.batch_sound, where, public)
    state.key = public
    state.key_hash = named
    state.verification_keys = body["verification_keys"]


def share_confirmed(context: Context) -> None:
    """A trustee's signed "my share verifies"."""
    state, judge, where, manifest = context.state, context.judge, context.where, context.manifest
    body = context.read_body(entries.share_confirmed_shape)
    trustee = body["trustee"]
    judge.run(consistency.one_key, where, body["key"], state.key_hash)
    distinct = judge.run(consistency.trustees_distinct, where, trustee, state.confirmed, len(manifest.trustees))
    if not distinct:
        return
    judge.run(authenticity.trustee_signed, where, manifest.trustees[trustee - 1], context.entry)
    state.confirmed.add(trustee)


def roll_commitment(context: Context) -> None:
    """The Merkle root over the salted roll rows, once; it fixes B."""
    state, judge, where, manifest = context.state, context.judge, context.where, context.manifest
    body = context.read_body(entries.roll_shape)
    judge.run(authenticity.act_signed, where, manifest, context.entry)
    known = ["roll"] if state.roll_root else []
    judge.run(consistency.one_per_credential, where, known, "roll", "roll commitment")
    judge.run(consistency.parameters_safe, where, manifest, body["rows"], context.allowed_bits)
    state.roll_root, state.rows = body["root"], body["rows"]


def polls_opened(context: Context) -> None:
    """Two officials open the polls; refused with every reason while anything is missing."""
    state, manifest = context.state, context.manifest
    context.read_body(entries.act_shape)
    context.judge.run(authenticity.act_signed, context.where, manifest, context.entry)
    context.judge.run(completeness.setup_complete, context.where, missing_setup(context))
    state.stage = Stage.OPEN


def missing_setup(context: Context) -> list[str]:
    """What is still missing before the polls can open, in words."""
    state, manifest = context.state, context.manifest
    missing = [] if state.key else ["election key"]
    missing += [] if state.roll_root else ["roll commitment"]
    missing += [
        f"share confirmation of trustee {index} ({trustee.name})"
        for index, trustee in enumerate(manifest.trustees, 1)
        if index not in state.confirmed
    ]
    return missing


def credential_registered(context: Context) -> None:
    """A credential key bound to a new slot, which stands for one row of the roll."""
    state, judge, where, manifest = context.state, context.judge, context.where, context.manifest
    body: dict[str, Any] = context.read_body(entries.credential_shape)
    styles = {style.id: style for style in manifest.styles}
    faults = [] if body["style"] in styles else [f"unknown ballot style {body['style']}"]
    root = state.roll_root or b""
    if not inclusion_holds(body["leaf"], body["index"], state.rows, list(body["path"]), root):
        faults.append("the leaf is not in the roll commitment")
    credential = body["credential"]
    _list_signed(context, credential, faults, officials=0)
    judge.run(consistency.one_per_credential, where, state.slots, body["slot"], "slot of this name")
    judge.run(consistency.one_per_credential, where, state.indexes, body["index"], "slot for this roll row")
    if body["style"] not in styles:
        return
    state.slots[body["slot"]] = Slot(styles[body["style"]], credential)
    state.indexes.add(body["index"])
    state.credentials.add(credential)


def credential_replaced(context: Context) -> None:
    """A new key for a slot whose device was lost; the registrar and two officials sign."""
    state, manifest = context.state, context.manifest
    body = context.read_body(entries.replacement_shape)
    slot = state.slots.get(body["slot"])
    faults = [] if slot else [f"there is no slot {body['slot']}"]
    _list_signed(context, body["credential"], faults, officials=manifest.acts[Type.CREDENTIAL_REPLACED])
    if slot is None:
        return
    slot.credential = body["credential"]
    state.credentials.add(body["credential"])


def _list_signed(context: Context, credential: bytes, faults: list[str], officials: int) -> None:
    context.judge.run(
        authenticity.credential_list_signed,
        context.where,
        context.manifest,
        context.entry,
        credential,
        context.state.credentials,
        faults,
        officials,
    )
