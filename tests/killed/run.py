"""2,000 ballots are mixed and opened while everything is killed: `python -m tests.killed.run DATABASE_URL FOLDER`.

Real PostgreSQL, Redis, Celery workers, mixers and web server, each a process group of its own that gets SIGKILL at
random moments, Redis with everything in it. Prints one line of JSON: what a test is to look at.
"""

from __future__ import annotations

import binascii
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import requests

from tally import stages
from tally.submission import Submission
from tests.broker import ROOT, Broker, kill_group
from tests.election import Election, contest, signing_key, small_manifest
from verifier.record.entries import Type, parse_entry

BALLOTS, KILLS, UNITS, OPTIONS = 2000, 30, 3, "abcdefghijkl"
SEED = 20261122
SLUG = "killed"
PAUSE = (0.5, 2.5)
"""seconds between two kills"""
PATIENCE = 400
"""seconds for the whole count; a machine that needs more is stuck"""


class Process:
    """A program that is killed and begun again."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str], said: str = "") -> None:
        self.name, self._command, self._environment, self._said = name, command, environment, said
        self.begin()

    def begin(self) -> None:
        with Path(os.environ["KILLED_DIR"], f"{self.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._environment,
                start_new_session=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        if self._process.stdin is not None:
            self._process.stdin.write(self._said.encode())
            self._process.stdin.close()

    def kill(self) -> None:
        kill_group(self._process)


def voted() -> tuple[Election, dict[str, Counter[str]]]:
    """The election up to the close, and what was chosen: contest → choices."""
    units = [f"unit-{number}" for number in range(UNITS)]
    contests = [contest("mayor", "choose-one", list("abc")), contest("council", "index", list(OPTIONS))]
    manifest = small_manifest(
        contests=contests,
        minimum_group=10,
        witnesses=[],
        witness_threshold=0,
        units=[{"id": unit, "name": unit} for unit in units],
        styles=[{"id": unit, "unit": unit, "contests": ["mayor", "council"]} for unit in units],
        served=[],
    )
    election = Election(manifest, rows=BALLOTS).set_up()
    for number in range(BALLOTS):
        election.register(f"v{number}", units[number % UNITS], number)
    election.open_polls()
    chance, chosen = random.Random(SEED), {"mayor": Counter[str](), "council": Counter[str]()}
    for number in range(BALLOTS):
        choices = {"mayor": chance.choice("abc"), "council": chance.choice(OPTIONS)}
        slot = f"v{number}"
        election.append(Type.BALLOT_CAST, election.ballot(slot, choices), [slot])
        for name, choice in choices.items():
            chosen[name][choice] += 1
    election.close_polls()
    return election, chosen


def store(election: Election) -> Any:
    """Put it into the database as the server would have: the entries were judged when they were made."""
    from tests.voting.boards import define, submit
    from verifier.crypto.merkle import leaf_hash
    from voting.board.models import BoardEntry

    row = define(election, SLUG)
    submit(row, election.entries[0])
    BoardEntry.objects.bulk_create(
        BoardEntry(
            election=row,
            index=index,
            type=entry.type.value,
            raw=raw,
            leaf_hash=leaf_hash(raw),
            submission=index.to_bytes(32, "big"),
            created=entry.time,
        )
        for index, raw in enumerate(election.entries)
        if index and (entry := parse_entry(raw))
    )
    row.refresh_from_db()
    return row


class Killer(threading.Thread):
    """Kills one of the processes after the other, at random, and begins it again."""

    def __init__(self, processes: list[Any]) -> None:
        super().__init__(daemon=True)
        self.kills: Counter[str] = Counter()
        self._processes, self._chance, self.over = processes, random.Random(SEED), threading.Event()

    def end(self) -> None:
        """Leave the rest alive."""
        self.over.set()
        if self.is_alive():
            self.join()

    def run(self) -> None:
        while self.kills.total() < KILLS and not self.over.wait(self._chance.uniform(*PAUSE)):
            # Every one in turn, in an order of chance, so that none is spared.
            victim = self._processes[self.kills.total() % len(self._processes)]
            if self.kills.total() % len(self._processes) == 0:
                self._chance.shuffle(self._processes)
                victim = self._processes[0]
            victim.kill()
            time.sleep(self._chance.uniform(0, 0.5))
            victim.begin()
            self.kills[victim.name] += 1


def until(what: str, holds: Any) -> Any:
    """Wait for it. Raises TimeoutError."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := holds():
            return found
        time.sleep(0.2)
    raise TimeoutError(what)


def hand_in(site: str, submission: Submission) -> None:
    """A trustee uploads a file, again and again while the site does not answer."""
    session = requests.Session()

    def accepted() -> bool:
        try:
            page = session.get(f"{site}/trustees/{SLUG}/", timeout=20)
            token = page.text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
            files = {"file": ("partial-roots.json", submission.to_bytes())}
            answer = session.post(
                f"{site}/trustees/{SLUG}/", data={"csrfmiddlewaretoken": token}, files=files, timeout=60
            )
        except (requests.RequestException, IndexError):
            return False
        # Told twice, for example: the answer to the first was lost with the server.
        return answer.status_code in (200, 422)

    until("the trustee's file is taken", accepted)


def processes(broker: Broker, folder: Path, site: int) -> list[Any]:
    """Everything that is killed: Redis, the web server, workers for chunks, both mixers, and the count itself."""
    environment = {**os.environ, "C_FORCE_ROOT": "1"}
    python = [sys.executable, "-m"]
    app = [*python, "celery", "-A", "tests.killed.app", "worker", "-l", "ERROR", "-c", "1", "--without-mingle"]
    return [
        broker,
        Process("web", [*python, "gunicorn", "-b", f"127.0.0.1:{site}", "-t", "60", "voting.wsgi"], environment),
        Process("work-1", [*app, "-Q", "work", "-n", "one@%h"], environment),
        Process("work-2", [*app, "-Q", "work", "-n", "two@%h"], environment),
        *(
            Process(
                f"mixer-{number}",
                [*python, "tests.killed.app", "mixer"],
                {**environment, "MIXER_WORKSPACE": str(folder / f"mixer-{number}")},
                bytes(signing_key(f"mixer {number}")).hex() + "\n",
            )
            for number in (1, 2)
        ),
        Process("count", [*python, "tests.killed.app", "count", str(folder / "beat")], environment),
    ]


def main(database: str, folder: Path) -> None:
    broker = Broker(folder)
    try:
        seen = run(database, folder, broker)
    finally:
        broker.kill()
    sys.stdout.write(json.dumps(seen) + "\n")


def run(database: str, folder: Path, broker: Broker) -> dict[str, Any]:
    """The whole election; what is to be looked at."""
    os.environ.update(
        DJANGO_SETTINGS_MODULE="tests.killed.settings",
        DATABASE_URL=database,
        REDIS_URL=broker.url,
        CACHE_URL=broker.url.replace("redis:", "rediscache:"),
        KILLED_DIR=str(folder),
        DEBUG="true",
    )
    (folder / "board.key").write_bytes(binascii.b2a_base64(bytes(signing_key("board"))))
    (folder / "board.key").chmod(0o600)
    import django
    from django.core.management import call_command

    django.setup()
    started = time.monotonic()
    call_command("migrate", verbosity=0)
    election, chosen = voted()
    row = store(election)
    built = time.monotonic()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    running = processes(broker, folder, port)
    killer = Killer(list(running))
    try:
        count(row, election, killer, f"http://127.0.0.1:{port}")
        killer.end()
        report = until("the verifier's report", lambda: finished(row))
    finally:
        killer.end()
        for process in running:
            process.kill()
    ended = time.monotonic()
    seconds = {"built": round(built - started), "counted": round(ended - built)}
    return found(row, report, chosen) | {"kills": dict(killer.kills), "seconds": seconds}


def count(row: Any, election: Election, killer: Killer, site: str) -> None:
    """Officials and trustees do their part; everything else has to happen by itself."""
    from voting.board.replica import replica_of
    from voting.board.services import append
    from voting.counting import tasks

    def state() -> Any:
        return replica_of(row.pk).catch_up().state

    def official(kind: Type, body: Any) -> None:
        signed = Submission(kind, body)
        for name in ("official 1", "official 2"):
            signed = signed.signed_by(signing_key(name))
        append(row, entry_type=kind, body=body, signatures=signed.signatures)
        tasks.start(row)

    killer.start()
    official(Type.TALLY_FROZEN, stages.freeze_body(state(), replica_of(row.pk).log))
    for number, kills in ((1, KILLS // 2), (3, KILLS * 2 // 3)):
        until("all is mixed", lambda: not state().missing_stages())
        until("more kills", lambda kills=kills: killer.kills.total() >= kills)
        share = election.dealt.shares[number - 1]
        body, columns = stages.partial_roots_body(state(), number, share)
        hand_in(site, Submission(Type.PARTIAL_ROOTS, body, (), columns).signed_by(signing_key(f"trustee {number}")))
        until("the partial roots are on the board", lambda number=number: number in state().partial_roots)
    until("the opening is on the board", lambda: state().stage == "opened")
    until("more kills", lambda: killer.kills.total() >= KILLS - 2)
    official(Type.RESULT, stages.result_body(state()))
    until("all kills", lambda: killer.kills.total() >= KILLS)


def finished(row: Any) -> Any:
    from voting.board.log import DatabaseLog
    from voting.results.models import Verification

    return Verification.objects.filter(election=row, size=DatabaseLog(row.pk).size).first()


def found(row: Any, report: Any, chosen: dict[str, Counter[str]]) -> dict[str, Any]:
    """What the board says, beside what was chosen."""
    from voting.board.models import BoardEntry
    from voting.board.replica import replica_of

    state = replica_of(row.pk).catch_up().state
    published = {
        part["contest"]: {line["answer"]: line["count"] for line in part["total"]["counts"]}
        for part in state.result["contests"]
    }
    bodies = [
        (entry.type, json.loads(bytes(entry.raw))["body"])
        for entry in BoardEntry.objects.filter(election=row, index__gte=2 * BALLOTS)
    ]
    steps = [
        " ".join([kind, *(str(body[part]) for part in ("contest", "group", "stage", "trustee") if part in body)])
        for kind, body in bodies
    ]
    return {"published": published, "chosen": chosen, "steps": steps, "valid": report.valid, "text": report.text}


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
