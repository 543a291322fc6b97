"""An entry on its way to the board: type, body, signatures and columns in one file that a stick can carry."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nacl.signing import SigningKey

from tally.errors import DamagedFile
from tally.files import replace_file
from tally.signing import sign_entry
from verifier.errors import BadInteger, NotCanonical
from verifier.record.canonical import decode_bytes, encode_bytes, parse, serialise
from verifier.record.entries import Type
from verifier.record.schema import KEY, SIGNATURE, anything, list_of, one_of, record, shape

MAX_BYTES = 1 << 30
KEY_BYTES = 32


@dataclass(frozen=True)
class Submission:
    """What `manage.py submit` puts on the board."""

    type: Type
    body: Any
    signatures: tuple[dict[str, str], ...] = ()
    columns: Mapping[bytes, bytes] = field(default_factory=dict)

    def signed_by(self, key: SigningKey) -> Submission:
        """The same with the signature of one more key. Raises DamagedFile for a ballot that is none."""
        try:
            mine = sign_entry(self.type, self.body, [key])
        except (KeyError, TypeError):
            raise DamagedFile(f"the body is not that of an entry {self.type}") from None
        others = [signature for signature in self.signatures if signature["key"] != mine[0]["key"]]
        ordered = sorted([*others, *mine], key=_public_bytes)
        return Submission(self.type, self.body, tuple(ordered), self.columns)

    def to_bytes(self) -> bytes:
        """Canonical JSON; each column is its text under its digest in hex."""
        return serialise(
            {
                "type": self.type.value,
                "body": self.body,
                "signatures": list(self.signatures),
                "columns": {digest.hex(): data.decode() for digest, data in self.columns.items()},
            }
        )

    def write(self, path: Path) -> None:
        """The file is whole or not there."""
        replace_file(path, self.to_bytes())


def _public_bytes(signature: dict[str, str]) -> bytes:
    return decode_bytes(signature["key"], KEY_BYTES)


def parse_submission(raw: bytes, name: str) -> Submission:
    """Raises DamagedFile."""
    signature = shape(key=KEY, signature=SIGNATURE)
    try:
        fields = record(
            parse(raw, MAX_BYTES, max_depth=16),
            name,
            type=one_of(*Type),
            body=anything,
            signatures=list_of(signature, 0, 100),
            columns=anything,
        )
        columns = _columns(fields["columns"], name)
    except (NotCanonical, BadInteger) as error:
        raise DamagedFile(f"{name}: not an entry for the board, or damaged ({error})") from None
    signatures = tuple(
        {"key": encode_bytes(part["key"]), "signature": encode_bytes(part["signature"])}
        for part in fields["signatures"]
    )
    return Submission(Type(fields["type"]), fields["body"], signatures, columns)


def _columns(value: Any, name: str) -> dict[bytes, bytes]:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise NotCanonical(f"{name}, columns: an object of texts was expected")
    columns = {hashlib.sha256(text.encode()).digest(): text.encode() for text in value.values()}
    if {digest.hex() for digest in columns} != value.keys():
        raise NotCanonical(f"{name}, columns: a column does not hash to its name")
    return columns


def write_all(submissions: Iterable[tuple[str, Submission]], directory: Path) -> list[Path]:
    """Write each under its name into `directory`, which is made when it is not there."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, submission in submissions:
        paths.append(directory / f"{name}.json")
        submission.write(paths[-1])
    return paths
