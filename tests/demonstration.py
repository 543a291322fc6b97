"""A real election, made once in a test session: `manage.py demo` at a size that every program allows."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Demonstration:
    """A run of `manage.py demo` in a copy of the project, so that the copy's var/ is its own."""

    archive: Path
    status: int
    output: str
    errors: str


def copied_project(root: Path) -> dict[str, str]:
    """A copy of the programs with an empty database; the environment to run them in."""
    for package in ("verifier", "tally", "voting", "templates"):
        shutil.copytree(ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "manage.py", root)
    keep = {name: value for name, value in os.environ.items() if name not in ("DJANGO_SETTINGS_MODULE", "PYTHONPATH")}
    environment = {**keep, "DATABASE_URL": f"sqlite:///{root}/db.sqlite3", "COLUMNS": "120"}
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=root, env=environment, timeout=120, check=True)
    return environment


def run_demo(root: Path, *arguments: str) -> Demonstration:
    environment = copied_project(root)
    command = [sys.executable, "manage.py", "demo", *arguments]
    ended = subprocess.run(command, cwd=root, env=environment, timeout=600, capture_output=True, text=True, check=False)
    return Demonstration(root / "var" / "demo" / "election.zip", ended.returncode, ended.stdout, ended.stderr)


def demonstration(factory: pytest.TempPathFactory) -> Demonstration:
    """The run with default options, made once in a test session whatever the number of its processes."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with open(shared / "demonstration.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        root, kept = shared / "demonstration", shared / "demonstration.json"
        if not kept.exists():
            shutil.rmtree(root, ignore_errors=True)  # of a run that was ended in the middle
            ran = run_demo(root)
            kept.write_text(json.dumps([ran.status, ran.output, ran.errors]))
    return Demonstration(root / "var" / "demo" / "election.zip", *json.loads(kept.read_text()))
