"""The witness: signs that a board continues what the witness saw before, so that nobody is shown another history."""

from __future__ import annotations

import time

from nacl.signing import SigningKey

from tally.board import NOT_YET
from tally.errors import OtherElection
from tally.signing import public_key
from verifier.crypto.checkpoint import cosignature_line, cosignature_message, parse_note
from verifier.record.manifest import Manifest

EXCUSED = (*NOT_YET, "V2.3")
"""The cosignature that is about to be made cannot be there yet."""


def cosign(manifest: Manifest, checkpoint: str, key: SigningKey) -> str:
    """The line that the witness with this key adds to a verified checkpoint, at the time of this machine.

    Raises OtherElection when the manifest does not name the key as a witness.
    """
    names = [witness.name for witness in manifest.witnesses if witness.key == public_key(key)]
    if not names:
        raise OtherElection("the manifest names no witness with this key")
    head, now = parse_note(checkpoint.encode()).checkpoint, int(time.time())
    signature = key.sign(cosignature_message(head, now)).signature
    return cosignature_line(names[0], public_key(key), now, signature)
