"""The cast of the demonstration: every key that somebody else would hold in a real election, in one place.

A real election has no such object. Here one process plays officials, trustees, mixers, witness and voters.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from nacl.signing import SigningKey

from tally.signing import public_key
from voting import keyfile

TRUSTEES, THRESHOLD, MIXERS, OFFICIALS = 5, 3, 2, 3


def _keys(count: int) -> tuple[SigningKey, ...]:
    return tuple(SigningKey.generate() for _ in range(count))


def _registrar_seed() -> bytes:
    return keyfile.load_or_create(Path(settings.REGISTRAR_KEY_FILE))


@dataclass(frozen=True)
class Cast:
    """Fresh signing keys for everybody."""

    officials: tuple[SigningKey, ...] = field(default_factory=lambda: _keys(OFFICIALS), repr=False)
    registrar: SigningKey = field(default_factory=lambda: SigningKey(_registrar_seed()), repr=False)
    """the server's own: it signs credentials while officials sleep"""
    trustees: tuple[SigningKey, ...] = field(default_factory=lambda: _keys(TRUSTEES), repr=False)
    mixers: tuple[SigningKey, ...] = field(default_factory=lambda: _keys(MIXERS), repr=False)
    witness: SigningKey = field(default_factory=SigningKey.generate, repr=False)
    voters: dict[str, SigningKey] = field(default_factory=dict, repr=False)

    def voter(self, voter: str) -> SigningKey:
        """The credential key of a voter's device, made when it is first asked for."""
        return self.voters.setdefault(voter, SigningKey.generate())

    def parties(self) -> dict[str, list[tuple[str, bytes]]]:
        """(name, public key) by role, as the manifest names them."""
        named = {
            "official": [(f"選挙管理委員 {n}", key) for n, key in enumerate(self.officials, 1)],
            "registrar": [("選挙人名簿係", self.registrar)],
            "trustee": [(f"開票立会人 {n}", key) for n, key in enumerate(self.trustees, 1)],
            "mixer": [(f"混合者 {n}", key) for n, key in enumerate(self.mixers, 1)],
            "witness": [("kakuu-shimbun", self.witness)],
        }
        return {role: [(name, public_key(key)) for name, key in keys] for role, keys in named.items()}
