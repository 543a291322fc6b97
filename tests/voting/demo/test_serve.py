"""`manage.py demo --serve`: somebody who wants to try finds a running election, and it is counted when they go."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.demonstration import copied_project

PATIENCE = 600  # seconds: a key of 2048 bits is searched for


def free_port() -> int:
    """Below those that the system hands out: nobody gets it between this test's look and the server's start."""
    for port in range(20_000 + os.getpid() % 10_000, 32_000):
        with socket.socket() as tried, suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no free port")


def test_a_running_election_with_ready_made_letters_that_is_counted_in_the_end(tmp_path: Path) -> None:
    """Addresses, letters and passwords are printed; Ctrl-C closes the polls, and the last line is VERIFIED."""
    port, printed = free_port(), tmp_path / "printed"
    surroundings = {**copied_project(tmp_path), "PYTHONUNBUFFERED": "1"}
    with printed.open("w") as file:
        demo = subprocess.Popen(  # noqa: S603
            [sys.executable, "manage.py", "demo", "--serve", "--port", str(port)],
            env=surroundings, stdout=file, stderr=subprocess.STDOUT, cwd=tmp_path,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )  # fmt: skip
        try:
            start = wait_for(f"http://localhost:{port}/", demo)
            text = printed.read_text()
            slug = re.search(r"/elections/(demo-[0-9a-f]+)/", text)
            assert slug is not None and slug[1] in start
            assert len(re.findall(r"(?:[0-9A-Z]{4}-){4}[0-9A-Z]{4}", text)) == 4
            assert "official demo-shoki: password" in text
            setup = urllib.request.urlopen(f"http://localhost:{port}/board/{slug[1]}/setup").read()  # noqa: S310
            assert b"roll-commitment" in setup
            worker = urllib.request.urlopen(f"http://localhost:{port}/static/booth/worker.js")  # noqa: S310
            assert worker.headers["Content-Type"].startswith("text/javascript")
            demo.send_signal(signal.SIGINT)
            assert demo.wait(PATIENCE) == 0, printed.read_text()
        finally:
            demo.kill()
    assert printed.read_text().rstrip().endswith("VERIFIED")
    assert "NOT VERIFIED" not in printed.read_text()


def wait_for(address: str, process: subprocess.Popen[bytes]) -> str:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            return str(urllib.request.urlopen(address).read().decode())  # noqa: S310
        except OSError:
            time.sleep(0.5)
    raise AssertionError("the site did not come up")


@pytest.mark.django_db
def test_ballots_of_a_file_are_cast_without_a_booth(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="--serve"):
        call_command("demo", serve=True, ballots=tmp_path / "election.soi")
