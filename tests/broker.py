"""A Redis of the tests' own, which they may kill, and Celery workers that serve it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import redis

ROOT = Path(__file__).resolve().parent.parent


class Broker:
    """redis-server on a port of its own. It keeps nothing on the disk: when it is killed, everything is lost."""

    def __init__(self, directory: Path) -> None:
        program = shutil.which("redis-server")
        if program is None:
            raise RuntimeError("redis-server is needed: apt-get install redis-server")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._command = [
            program,
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            str(directory),
        ]
        self.name = "redis"
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.begin()

    def begin(self) -> None:
        """Come (back), and answer."""
        self._process = subprocess.Popen([*self._command, "--appendonly", "no"], stdout=subprocess.DEVNULL)
        client = redis.Redis.from_url(self.url)
        for _ in range(500):
            try:
                client.ping()
                return
            except redis.ConnectionError:
                time.sleep(0.02)
        raise RuntimeError("redis-server does not answer")

    def kill(self) -> None:
        """With everything in it."""
        self._process.kill()
        self._process.wait()

    def contents(self) -> bytes:
        """All names and values, one after the other: what somebody sees who reads along."""
        client = redis.Redis.from_url(self.url)
        seen = []
        for name in client.keys("*"):
            kind = client.type(name)
            if kind == b"string":
                seen += [name, client.get(name) or b""]
            elif kind == b"list":
                seen += [name, *client.lrange(name, 0, -1)]
            elif kind == b"hash":
                seen += [name, *(part for pair in client.hgetall(name).items() for part in pair)]
            else:
                seen.append(name)
        return b"\n".join(seen)


class Worker:
    """A Celery worker as a process group of its own."""

    def __init__(self, app: str, queue: str, processes: int, environment: Mapping[str, str], *options: str) -> None:
        self._command = [sys.executable, "-m", "celery", "-A", app, "worker", "-Q", queue, "-c", str(processes)]
        self._command += ["-n", f"{queue}-{os.urandom(4).hex()}@%h", "-l", "ERROR", *options]
        self._command += ["--without-mingle", "--without-gossip"]
        self._environment = {**os.environ, "C_FORCE_ROOT": "1", **environment}
        self.begin()

    def begin(self) -> None:
        """Begin (again)."""
        self.process = subprocess.Popen(
            self._command, cwd=ROOT, env=self._environment, start_new_session=True, stdout=subprocess.DEVNULL
        )

    def kill(self) -> None:
        """The whole group at once, in the middle of whatever it does."""
        kill_group(self.process)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL for a process that leads a group, and for all its children."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, 9)
    process.wait()
