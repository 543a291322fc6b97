"""Benchmark: the import of a roll file, from CSV to the roll.

`python -m tests.bench.roll [--rows 800000] [--database URL]` prints one JSON line for the check and one for the
take-over, in a SQLite file of its own or in an empty database that is named. `peak_mb` is the most memory that this
process ever had.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def main() -> None:
    """Run all measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=800_000)
    parser.add_argument("--database", metavar="URL", help="an empty database, filled and left so")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DATABASE_URL"] = options.database or f"sqlite:///{folder}/roll.sqlite3"
        os.environ["DJANGO_SETTINGS_MODULE"] = "voting.settings"
        # As in production: with DEBUG on, Django remembers queries.
        os.environ.update(DEBUG="false", SECRET_KEY="for this measurement", ALLOWED_HOSTS="localhost")
        measure(Path(folder), options.rows)


def measure(folder: Path, rows: int) -> None:
    """Check a file of so many rows, and take it over."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from tests.voting import offices
    from tests.voting.roll import files
    from voting.officials.services import approve
    from voting.roll.imports import ask_to_take_over, begin_import, check_import
    from voting.roll.models import RollImport

    call_command("migrate", verbosity=0)
    town = offices.town()
    election = files.election_without_roll(town)
    path = files.write(folder / "roll.csv", files.rows(rows))
    begun = begin_import(election, path, kind=RollImport.Kind.FULL, file_name=path.name, by=town.clerk)
    checked = report(f"roll-check-{connection.vendor}", rows, lambda: check_import(begun, path))
    asked = ask_to_take_over(checked, by=town.clerk)
    report(f"roll-take-over-{connection.vendor}", rows, lambda: approve(asked, by=town.chair))


def report(name: str, n: int, work: Callable[[], T]) -> T:
    """Print how long the work takes, and return its result."""
    started = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    line = {"name": name, "n": n, "seconds": round(seconds, 1), "per_second": round(n / seconds), "peak_mb": peak}
    print(json.dumps(line), flush=True)
    return result


if __name__ == "__main__":
    main()
