"""The files that every voter's browser gets, with their hashes: the manifest names them (issue 4; threats W-02)."""

from __future__ import annotations

import hashlib
from pathlib import Path

from django.contrib.staticfiles import finders

from verifier.record.canonical import encode_bytes

VOTERS = ("apply/", "booth/", "check/", "guide/", "login/", "results/", "officials/icon.svg")
"""Where the files of voters' pages lie, besides those at the top."""


def served_files() -> list[dict[str, str]]:
    """{"path", "sha256"} of each file, sorted by path; hashes are 32 bytes in base64url."""
    found: dict[str, bytes] = {}
    for finder in finders.get_finders():
        for path, storage in finder.list(None):
            if "/" not in path or path.startswith(VOTERS):
                found.setdefault(path, Path(storage.path(path)).read_bytes())
    return [{"path": name, "sha256": encode_bytes(hashlib.sha256(found[name]).digest())} for name in sorted(found)]
