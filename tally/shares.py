"""Key shares on their way from the dealer to the trustees (protocol, 2.5).

A share file names election, key and trustee; a file of another election or of another trustee is refused by name.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import gmpy2
from gmpy2 import mpz
from nacl.signing import SigningKey

from tally.errors import DamagedFile, OtherElection, ShareDoesNotVerify
from tally.sealed import Ask, seal, seal_for, unseal
from verifier.crypto.threshold import verification_base
from verifier.errors import BadInteger, NotCanonical
from verifier.record.canonical import encode_bytes
from verifier.record.manifest import MOST_TRUSTEES
from verifier.record.schema import HASH, record, whole
from verifier.replay.state import State

KIND = "key share"


@dataclass(frozen=True)
class Share:
    """s_i of trustee i, and what it belongs to."""

    election: bytes
    key_hash: bytes
    trustee: int
    s: mpz = field(repr=False)

    @property
    def _about(self) -> dict[str, object]:
        return {
            "election": encode_bytes(self.election),
            "key": encode_bytes(self.key_hash),
            "trustee": self.trustee,
        }

    @property
    def secret(self) -> bytes:
        """s_i, big-endian."""
        return int(self.s).to_bytes((self.s.bit_length() + 7) // 8, "big")

    def seal(self, passphrase: str) -> bytes:
        """The share file for a passphrase."""
        return seal(KIND, self._about, self.secret, passphrase)

    def seal_for(self, recipient: bytes) -> bytes:
        """The share file for a trustee's Ed25519 key."""
        return seal_for(KIND, self._about, self.secret, recipient)


def unseal_share(raw: bytes, name: str, ask: Ask, key: SigningKey | None = None) -> Share:
    """Raises DamagedFile, WrongPassphrase, OtherElection."""
    about, secret = unseal(raw, KIND, name, ask, key)
    try:
        fields = record(about, name, election=HASH, key=HASH, trustee=whole(1, MOST_TRUSTEES))
    except (NotCanonical, BadInteger) as error:
        raise DamagedFile(str(error)) from None
    return Share(fields["election"], fields["key"], fields["trustee"], mpz(int.from_bytes(secret, "big")))


def require_share_of(state: State, share: Share, public: bytes) -> None:
    """The share is of this election, this key and the trustee who signs with `public`, and v^{s_i} = v_i mod N.

    Raises OtherElection, ShareDoesNotVerify.
    """
    if state.key is None:
        raise OtherElection("the board has no election key yet")
    manifest, key = state.require()
    if share.election != manifest.election:
        raise OtherElection("the share is of another election")
    if share.key_hash != state.key_hash:
        raise OtherElection("the share is of another key than the one on the board")
    if share.trustee > len(manifest.trustees) or manifest.trustees[share.trustee - 1].key != public:
        raise OtherElection(f"the share is that of trustee {share.trustee}, who has another signing key")
    v_i = state.verification_keys[share.trustee - 1]
    # An honest share is below N. With a larger one v^{s} can hold as well, but its proof leaves the range of z.
    if not 1 <= share.s < key.N or gmpy2.powmod_sec(verification_base(key.N), share.s, key.N) != v_i:
        raise ShareDoesNotVerify(f"the share of trustee {share.trustee} does not fit the verification key on the board")
