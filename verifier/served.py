"""The files that voters' browsers were to get, as the manifest names them: to compare with what a site serves."""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path

from verifier.errors import Unreadable
from verifier.record.archive import open_archive
from verifier.record.entries import Type, parse_entry
from verifier.record.manifest import ServedFile, parse_manifest


def files(archive_path: Path) -> tuple[ServedFile, ...]:
    """In the order of the manifest. That it is the election's manifest is for `verify` to say.

    Raises Unreadable, UnsupportedVersion, NotCanonical, BadInteger, CheckFailed.
    """
    with tempfile.TemporaryDirectory(prefix="tashika-files-") as workspace:
        archive = open_archive(archive_path, Path(workspace))
        with closing(archive):
            if not archive.index():
                raise Unreadable("the archive has no entries")
            entry = parse_entry(archive.entry(0))
    if entry.type is not Type.MANIFEST:
        raise Unreadable("the archive does not begin with a manifest")
    return parse_manifest(entry.body).served
