"""V2: every act carries the signatures of those who may do it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from verifier.checks import check, reject
from verifier.crypto.checkpoint import Note, board_signature_holds, cosignature_times
from verifier.crypto.merkle import inclusion_holds
from verifier.crypto.signatures import verify
from verifier.record.entries import (
    Entry,
    Signature,
    Type,
    signed_message,
)
from verifier.record.manifest import Manifest, Party


def _valid_keys(entry: Entry) -> set[bytes]:
    """The keys whose signature over the entry verifies; a signature that does not verify rejects."""
    message = signed_message(entry.type, entry.statement)
    for signature in entry.signatures:
        if not verify(signature.key, message, signature.signature):
            reject("a signature does not verify")
    return {signature.key for signature in entry.signatures}


def _require(entry: Entry, parties: Sequence[Party], needed: int, who: str) -> None:
    keys = _valid_keys(entry)
    if keys - {party.key for party in parties}:
        reject(f"signed by a key that is not one of the {who}")
    if len(keys) < needed:
        reject(f"{len(keys)} of {needed} signatures by {who}")


@check("V2.1")
def definition_signed(manifest: Manifest, entry: Entry) -> None:
    """The manifest, whose hash is the election id, carries the required officials' signatures."""
    _require(entry, manifest.officials, manifest.acts[Type.MANIFEST], "officials")


@check("V2.2")
def head_signed(manifest: Manifest, note: Note) -> None:
    """The checkpoint verifies under the board key of the manifest."""
    if note.checkpoint.origin != manifest.origin:
        reject(f"the checkpoint is of another board, {note.checkpoint.origin!r}")
    if not board_signature_holds(note, manifest.origin, manifest.board_key):
        reject("the board's signature is missing or does not verify")


@check("V2.3")
def head_witnessed(manifest: Manifest, note: Note) -> None:
    """The checkpoint carries at least w cosignatures of the manifest's witnesses."""
    valid = cosignature_times(note, {witness.name: witness.key for witness in manifest.witnesses})
    if len(valid) < manifest.witness_threshold:
        reject(f"{len(valid)} of {manifest.witness_threshold} cosignatures")


@check("V2.4")
def ballot_signed(entry: Entry) -> None:
    """The ballot has one strictly valid Ed25519 signature over {cast, tracker} or {open, tracker}."""
    _valid_keys(entry)


@check("V2.5")
def credential_listed(credential: bytes, signatures: Sequence[Signature]) -> None:
    """The ballot's one signing key is the credential that its slot had at that entry."""
    if [signature.key for signature in signatures] != [credential]:
        reject("not signed by the credential of its slot")


@check("V2.6")
def credential_list_signed(
    manifest: Manifest,
    entry: Entry,
    credential: bytes,
    known: Collection[bytes],
    faults: Sequence[str],
    officials: int,
) -> None:
    """A credential entry is signed by the registrar and by the new key, which nobody had before.

    `faults` are what replay found wrong with slot, style or roll row; so many `officials` sign a replacement.
    """
    if faults:
        reject("; ".join(faults))
    if credential in known:
        reject("the credential key was registered before")
    keys = {signature.key for signature in entry.signatures}
    if credential not in keys:
        reject("not signed by the new credential key")
    if manifest.registrar.key not in keys:
        reject("not signed by the registrar")
    signing = keys & {party.key for party in manifest.officials}
    if len(signing) < officials:
        reject(f"{len(signing)} of {officials} signatures by officials")
    if keys - signing - {credential, manifest.registrar.key}:
        reject("signed by a key that has no part in this")
    _valid_keys(entry)


@check("V2.7")
def trustee_signed(trustee: Party, entry: Entry) -> None:
    """A trustee's message is signed by that trustee."""
    _require(entry, [trustee], 1, "trustee " + trustee.name)


@check("V2.8")
def mixer_signed(mixer: Party, entry: Entry) -> None:
    """A mix stage is signed by the mixer of its position."""
    _require(entry, [mixer], 1, "mixer " + mixer.name)


@check("V2.9")
def act_signed(manifest: Manifest, entry: Entry) -> None:
    """An official act carries the signatures of as many different officials as the manifest says (two or more)."""
    _require(entry, manifest.officials, manifest.acts[entry.type], "officials")


@check("V2.11")
def receipt_included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """The receipt's entry is on the board whose checkpoint the receipt carries (RFC 6962, 2.1.1)."""
    if not inclusion_holds(leaf, index, size, list(path), root):
        reject("the inclusion proof does not lead to the checkpoint's root")
