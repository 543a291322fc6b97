"""A count whose workers, Redis, mixers, site and conductor are killed: the result is right, each entry there once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.broker import ROOT
from tests.killed.run import BALLOTS, KILLS, UNITS
from tests.voting.postgres import server

MIXERS, THRESHOLD = 2, 2


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What the run says, in a process of its own with a database of its own."""
    folder = tmp_path_factory.mktemp("killed")
    with server() as address, psycopg.connect(address, autocommit=True) as admin:
        name = f"killed_{os.getpid()}"
        admin.execute(f"CREATE DATABASE {name}")
        try:
            run = _run(urlsplit(address)._replace(path=f"/{name}").geturl(), folder)
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    if run.returncode:
        logs = "\n".join(f"== {log.name}\n{log.read_text()[-3000:]}" for log in folder.glob("*.log"))
        pytest.fail(f"{run.stderr[-3000:]}\n{logs}")
    found: dict[str, object] = json.loads(run.stdout.splitlines()[-1])
    return found


def _run(database: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    return subprocess.run(
        [sys.executable, "-m", "tests.killed.run", database, str(folder)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def test_the_result_is_what_was_chosen(seen: dict[str, object]) -> None:
    """Every vote of 2,000, although nothing lived for long."""
    chosen: dict[str, dict[str, int]] = seen["chosen"]  # type: ignore[assignment]
    assert sum(chosen["mayor"].values()) == BALLOTS
    assert seen["published"] == chosen


def test_everything_was_killed(seen: dict[str, object]) -> None:
    """Workers, both mixers, Redis, the site and the conductor, thirty times in all."""
    kills: dict[str, int] = seen["kills"]  # type: ignore[assignment]
    assert sum(kills.values()) == KILLS
    assert set(kills) == {"redis", "web", "work-1", "work-2", "mixer-1", "mixer-2", "count"}


def test_each_entry_is_there_once(seen: dict[str, object]) -> None:
    """One freeze, each stage of each list once, each trustee once, one opening, one result; nothing else."""
    steps: list[str] = seen["steps"]  # type: ignore[assignment]
    stages = [f"mix-stage council {group} {stage}" for group in range(UNITS) for stage in range(1, MIXERS + 1)]
    roots = ["partial-roots 1", "partial-roots 3"]
    assert sorted(steps[-len(stages) - len(roots) - 3 :]) == sorted(
        ["tally-frozen", *stages, *roots, "opening", "result"]
    )
    assert len(roots) == THRESHOLD
    assert steps[-2:] == ["opening", "result"]


def test_the_archive_verifies(seen: dict[str, object]) -> None:
    """The verifier's report, which the conductor had made after the result."""
    assert seen["valid"], seen["text"]
