"""What a server refuses to start with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("queue", "cache", "refused"),
    [
        ("redis://queue:6379/0", "rediscache://queue:6379/1", True),
        ("redis://:secret@queue:6379/0", "rediscache://queue:6379/1", True),
        ("redis://queue:6379/0", "rediscache://cache:6379/1", False),
        ("", "rediscache://queue:6379/1", False),
    ],
)
def test_mixers_cannot_write_to_the_cache(queue: str, cache: str, refused: bool) -> None:
    """Django unpickles what lies in its cache, and mixers write to the Redis of the count."""
    given = {
        "DEBUG": "false",
        "SECRET_KEY": "x",
        "ALLOWED_HOSTS": "vote.example",
        "CACHE_URL": cache,
        "REDIS_URL": queue,
    }
    ran = subprocess.run(
        [sys.executable, "-c", "import voting.settings"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **given},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ("CACHE_URL and REDIS_URL name one server" in ran.stderr) is refused
    assert (ran.returncode == 0) is not refused
