"""The manifest names the files that voters' browsers get; another version of them cannot open the polls."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders

from tests.voting.polling import Counter
from voting.elections.served import served_files
from voting.elections.services import build_manifest
from voting.officials.roles import Act
from voting.polls import opening
from voting.polls.opening import opening_problems


def test_each_file_is_named_with_its_hash() -> None:
    files = {file["path"]: file["sha256"] for file in served_files()}
    assert list(files) == sorted(files)
    assert "tokens.css" in files
    assert not any(name.startswith(("admin/", "officials/office", "otp_totp/")) for name in files)
    for name, digest in files.items():
        found = finders.find(name)
        assert isinstance(found, str)
        expected = base64.urlsafe_b64encode(hashlib.sha256(Path(found).read_bytes()).digest()).decode().rstrip("=")
        assert digest == expected, name


@pytest.mark.django_db
def test_what_two_officials_agree_on_names_the_files(town: object) -> None:
    counter = Counter(town)  # type: ignore[arg-type]
    counter.row.served = []
    counter.row.save(update_fields=["served"])
    counter.agree(Act.FIX_DEFINITION)
    counter.row.refresh_from_db()
    assert build_manifest(counter.row)["served"] == served_files()


@pytest.mark.django_db
def test_another_version_of_the_files_cannot_open_the_polls(town: object, monkeypatch: pytest.MonkeyPatch) -> None:
    counter = Counter(town)  # type: ignore[arg-type]
    sentence = "this server does not serve the files that the manifest names"
    assert sentence not in opening_problems(counter.row)
    changed = [{**file, "sha256": "A" * 43} for file in served_files()]
    monkeypatch.setattr(opening, "served_files", lambda: changed)
    assert sentence in opening_problems(counter.row)
