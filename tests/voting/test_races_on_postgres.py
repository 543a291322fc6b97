"""What only PostgreSQL can show: every race, and again what leans on the database's own rules."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.voting import postgres

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
AGAIN = (
    "access/test_append_only.py",
    "applications/test_steps.py",
    "board/test_append_only.py",
    "elections/test_manifest.py",
    "officials/test_record.py",
    "test_triggers.py",
)
"""what the database itself refuses"""
PLAIN = ("-p", "no:cacheprovider", "--ignore-glob=*/test_browser_*")
"""A browser sees no difference between two databases."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with postgres.server() as found:
        yield found


def run(address: str, selection: str, *paths: Path) -> str:
    """What pytest says of these tests in a database made for this run and dropped after it; all of them passed."""
    url = urlsplit(address)._replace(path=f"/tashika_{secrets.token_hex(6)}").geturl()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-n", "0", *PLAIN, "-m", selection, *map(str, paths)],
        cwd=ROOT,
        env={**kept, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, f"{done.stdout[-20_000:]}\n{done.stderr[-5000:]}"
    return done.stdout


@pytest.mark.outer
def test_every_race_has_one_winner(address: str) -> None:
    """No race is left out: each is seen to pass, in threads and in processes."""
    said = run(address, "postgres", HERE)
    assert "SKIPPED" not in said
    for path in HERE.rglob("test_*.py"):
        races = path.read_text().count("\n@race\n")
        passed = [
            line for line in said.splitlines() if line.startswith(str(path.relative_to(ROOT))) and "PASSED" in line
        ]
        for runner in ("in_threads", "in_processes"):
            assert sum(f"[{runner}" in line for line in passed) >= races, path


@pytest.mark.outer
def test_the_databases_own_rules_hold_on_postgresql_too(address: str) -> None:
    run(address, "not outer and not postgres", *(HERE / name for name in AGAIN))
