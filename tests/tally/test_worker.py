"""A mixer's program with real Celery and Redis: what it was ordered comes back signed, and nothing else gets out."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
from gmpy2 import mpz

from tally import mixer, worker
from tally.errors import InUse, OrderRefused, StoreUnreachable
from tally.mixer import Order
from tally.parcels import pack, unpack
from tally.signing import public_key
from tally.store import Directory, RedisStore
from tally.submission import Submission, parse_submission
from tests.broker import ROOT, Broker, kill_group
from tests.election import signing_key
from tests.forge import ALLOWED, at
from tests.tally.orders import first_order, next_order
from verifier.record.canonical import encode_integer
from verifier.workers import InProcess

KEY = signing_key("mixer 1")
QUEUE = worker.queue_of(public_key(KEY))
PATIENCE = 60
"""seconds that a test waits for what takes two"""
ROWS = 60
"""of a list whose permutation nobody guesses"""


def until(what: str, holds: Callable[[], Any]) -> Any:
    """Wait for it."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := holds():
            return found
        time.sleep(0.05)
    raise TimeoutError(what)


class Program:
    """A mixer's program as a process group of its own."""

    def __init__(self, url: str, folder: Path) -> None:
        self.workspace, self.secrets = folder / "workspace", folder / "secrets"
        self.secrets.mkdir(exist_ok=True)
        self._environment = {
            **os.environ,
            "C_FORCE_ROOT": "1",
            "REDIS_URL": url,
            "MIXER_WORKSPACE": str(self.workspace),
            "SECRETS": str(self.secrets),
        }
        self._log = folder / "log"
        self.begin()

    def begin(self) -> None:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.tally.small_mixer"],
                cwd=ROOT,
                env=self._environment,
                start_new_session=True,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )
        assert self.process.stdin
        self.process.stdin.write(bytes(KEY).hex().encode() + b"\n")
        self.process.stdin.close()

    def kill(self) -> None:
        kill_group(self.process)

    def family(self) -> list[psutil.Process]:
        """Every process of the group that is alive."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, ProcessLookupError):
                if os.getpgid(process.pid) == self.process.pid and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def parts(self) -> list[psutil.Process]:
        """Those that do the parts, once they are there."""
        return until("processes for the parts", self._parts)

    def _parts(self) -> list[psutil.Process]:
        found = []
        for process in self.family():
            with suppress(psutil.Error):
                found += [process] if f"{QUEUE}.parts" in process.cmdline() else []
        return found if len(found) >= 3 else []

    @contextmanager
    def in_the_middle(self) -> Iterator[None]:
        """What is ordered meanwhile is begun, but does not get to its end: those that do the parts stand still."""
        stopped = self.parts()
        for process in stopped:
            process.suspend()
        yield
        for process in stopped:
            with suppress(psutil.NoSuchProcess):
                process.resume()

    def mixings(self) -> int:
        """How many stages were proven."""
        return len(list(self.secrets.iterdir()))

    def log(self) -> str:
        return self._log.read_text()

    def left(self) -> list[str]:
        """What lies in the workspace."""
        return [path.name for path in self.workspace.iterdir()]


class Monitor(threading.Thread):
    """Every command that anybody sends to this Redis, with all its values."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._client = redis.Redis.from_url(url)
        self._commands: list[str] = []
        self._listening = threading.Event()
        self.start()
        assert self._listening.wait(PATIENCE)

    def run(self) -> None:
        with self._client.monitor() as monitor, suppress(redis.ConnectionError):
            self._listening.set()
            for command in monitor.listen():
                self._commands.append(command["command"])

    def end(self) -> str:
        """Everything until now, without the quotation marks and backslashes that JSON and Redis put into it."""
        mark = os.urandom(8).hex()
        self._client.echo(mark)
        until("the monitor has seen all", lambda: any(mark in command for command in self._commands))
        return "\n".join(self._commands).replace("\\", "").replace('"', "")


@pytest.fixture(scope="module")
def program(celery_broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    started = Program(celery_broker.url, tmp_path_factory.mktemp("mixer"))
    yield started
    started.kill()


@pytest.fixture
def store(celery_broker: Broker) -> RedisStore:
    return RedisStore(celery_broker.url)


def an_order(rows: int = 0) -> Order:
    """For the first stage of a contest, whose list is longer if asked for: a mixer cannot know what is in it."""
    election = at("frozen")
    order = first_order(election)
    if not rows:
        return order
    _, key = election.state.require()
    return replace(order, inputs=[[key.encrypt(mpz(row), mpz(row + 2)) for row in range(rows)]])


def send(store: RedisStore, order: Order | bytes, times: int = 1) -> str:
    """The name of the order."""
    name = os.urandom(32).hex()
    store.put(f"order-{name}", order if isinstance(order, bytes) else order.pack())
    for _ in range(times):
        remind(name)
    return name


def remind(name: str) -> None:
    worker.sender(worker.mix, QUEUE)(name)


def answer(store: RedisStore, name: str) -> tuple[str, Any]:
    return unpack(until("the answer", lambda: store.get(f"stage-{name}")))


def handled(store: RedisStore) -> bool:
    """Whether no message waits for the mixer, and none is being worked on."""
    client = store._client
    return not client.llen(QUEUE) and not client.hlen("unacked")


def check(order: Order, stage: Submission) -> None:
    """The next mixer, who checks the stage before its own, goes on from it."""
    following = next_order(order, stage)
    mixed = mixer.mix(following, signing_key("mixer 2"), InProcess(), allowed_bits=ALLOWED)
    assert mixed.body["stage"] == 2


def searched(program: Program) -> set[str]:
    """Every secret of every mixing, in all the ways it could be written; and the key."""
    found = {bytes(KEY).hex(), bytes(KEY).decode()}
    for path in program.secrets.iterdir():
        permutation, *values = path.read_text().splitlines()
        sources = permutation.split(",")
        if len(sources) > 20:  # a shorter one is found anywhere
            found |= {permutation, ",".join(str(int(source, 16)) for source in sources)}
        for value in values:
            number = int(value, 16)
            found |= {value, str(number), encode_integer(number, (number.bit_length() + 7) // 8)}
    return found


def test_an_order_comes_back_as_a_signed_stage(program: Program, store: RedisStore) -> None:
    order = an_order()
    verdict, value = answer(store, send(store, order))
    assert verdict == "done"
    check(order, parse_submission(value, "stage"))


def test_nothing_secret_leaves_the_mixer(program: Program, store: RedisStore, celery_broker: Broker) -> None:
    """Of all that went through Redis, and of what lies in it; the log, and what lies in the workspace afterwards."""
    monitor = Monitor(celery_broker.url)
    before = program.mixings()
    order = an_order(ROWS)
    name = send(store, order)
    seen = []
    until("the answer", lambda: seen.append(celery_broker.contents()) or store.get(f"stage-{name}"))
    until("the queue is empty", lambda: handled(store))
    traffic = monitor.end() + b"".join([*seen, celery_broker.contents()]).decode("latin-1").replace('"', "")
    assert program.mixings() == before + 1
    secrets = searched(program)
    assert len(secrets) > 500
    log = program.log()
    assert [secret for secret in secrets if secret in traffic or secret in log] == []
    # That the search finds what is there: the name of the order, and what everybody may know of it.
    assert name in traffic and format(order.inputs[0][0], "x") in traffic
    assert program.left() == []


def test_parts_are_named_by_chance(program: Program, store: RedisStore, celery_broker: Broker) -> None:
    """The same order twice: no name of a piece comes again."""
    names = []
    order = an_order()
    for _ in range(2):
        monitor = Monitor(celery_broker.url)
        answer(store, send(store, order))
        traffic = monitor.end()
        names.append(set(re.findall(r"argsrepr: ?\['([0-9a-f]{64})'\]", traffic)))
    assert len(names[0]) > 3
    assert not names[0] & names[1]


def test_the_same_order_sent_three_times_is_mixed_once(program: Program, store: RedisStore) -> None:
    before = program.mixings()
    name = send(store, an_order(), times=3)
    verdict, _ = answer(store, name)
    until("all messages are handled", lambda: handled(store))
    assert verdict == "done" and program.mixings() == before + 1
    assert store.get(f"alive-{name}") is None


def test_an_order_that_a_mixer_is_at_is_passed_over(program: Program, store: RedisStore) -> None:
    """As long as there is a sign of life; when that has faded, a reminder is enough."""
    before = program.mixings()
    name = os.urandom(32).hex()
    store.put(f"alive-{name}", pack((1, 2)))
    store.put(f"order-{name}", an_order().pack())
    remind(name)
    until("the message is handled", lambda: handled(store))
    assert store.get(f"stage-{name}") is None and program.mixings() == before
    store.delete(f"alive-{name}")
    remind(name)
    assert answer(store, name)[0] == "done"


def test_a_mixer_says_how_far_it_is(program: Program, store: RedisStore) -> None:
    with program.in_the_middle():
        name = send(store, an_order())
        assert unpack(until("a sign of life", lambda: store.get(f"alive-{name}"))) == (0, 0)
    assert answer(store, name)[0] == "done"


def test_a_wrong_order_is_answered_with_its_reason(program: Program, store: RedisStore) -> None:
    """Bytes that are none, another mixer's stage; the mixer lives on."""
    verdict, reason = answer(store, send(store, b"nothing"))
    assert (verdict, reason) == ("refused", "this is no order (DamagedFile)")
    wrong = an_order()
    verdict, reason = answer(store, send(store, replace(wrong, stage=2)))
    assert verdict == "refused" and "stage 2" in reason
    assert program.left() == []


def test_an_order_that_is_gone_is_passed_over(program: Program, store: RedisStore) -> None:
    """Also names that are none."""
    for name in ("ab" * 32, "", "../x"):
        remind(name)
    until("all messages are handled", lambda: handled(store))
    assert program.process.poll() is None


def test_the_key_is_in_no_environment_and_no_command(program: Program) -> None:
    """Anybody on the machine sees commands, and whoever runs as the same user environments."""
    parts = program.parts()
    assert len(program.family()) >= len(parts) + 2
    for process in program.family():
        shown = b"".join((Path("/proc") / str(process.pid) / name).read_bytes() for name in ("environ", "cmdline"))
        assert bytes(KEY) not in shown and bytes(KEY).hex().encode() not in shown
    for process in parts:
        assert (Path("/proc") / str(process.pid) / "fd" / "0").readlink() == Path("/dev/null")


def test_no_second_program_in_the_same_workspace(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would clear away the work of the first."""
    monkeypatch.setenv("MIXER_WORKSPACE", str(program.workspace))
    monkeypatch.setenv("MIXER_JOBS", "1")
    monkeypatch.setattr(worker, "_KEY", {})
    before = signal.getsignal(signal.SIGTERM)
    worker.workspace.cache_clear()
    held = Directory(program.workspace)
    held.put("work-" + "5e" * 32, b"of the first")
    try:
        with pytest.raises(InUse):
            worker.serve(KEY, 1)
    finally:
        signal.signal(signal.SIGTERM, before)
        worker.workspace.cache_clear()
    assert held.get("work-" + "5e" * 32) == b"of the first"
    held.clear()


def test_parts_that_were_killed_are_begun_again(program: Program, store: RedisStore) -> None:
    """Without them the mixer would wait for ever."""
    old = program.parts()
    with program.in_the_middle():
        name = send(store, an_order())
        until("mixing", program.left)
        for process in old:
            process.kill()
    assert answer(store, name)[0] == "done"
    assert not {process.pid for process in old} & {process.pid for process in program.parts()}


def test_a_killed_mixer_begins_again(program: Program, store: RedisStore) -> None:
    """The whole group in the middle of a stage; the order is sent again when there is no sign of life any more."""
    order = an_order()
    with program.in_the_middle():
        name = send(store, order)
        until("mixing", program.left)
        program.kill()
    assert store.get(f"stage-{name}") is None and program.left()
    program.begin()
    store.delete(f"alive-{name}")  # it fades away by itself, but a test does not wait for that
    remind(name)
    verdict, value = answer(store, name)
    assert verdict == "done" and program.left() == []
    check(order, parse_submission(value, "stage"))


def test_a_stage_survives_the_loss_of_redis(program: Program, store: RedisStore, celery_broker: Broker) -> None:
    """Redis is killed in the middle, and comes back with nothing in it; parts that were on their way are sent again."""
    before = program.mixings()
    order = an_order()
    with program.in_the_middle():
        name = send(store, order)
        until("mixing", program.left)
        celery_broker.kill()
        celery_broker.begin()
    verdict, value = answer(store, name)
    assert verdict == "done" and program.mixings() == before + 1
    check(order, parse_submission(value, "stage"))


def test_sigterm_ends_every_process_and_clears_the_workspace(program: Program) -> None:
    """The last test of the program."""
    other = program.workspace / "notes.txt"
    other.write_text("not of this program")
    (program.workspace / ("work-" + "5e" * 32)).write_bytes(b"left")
    program.process.send_signal(signal.SIGTERM)
    program.process.wait(PATIENCE)
    until("no process is left", lambda: not program.family())
    assert program.left() == ["notes.txt"]
    other.unlink()


# Without Celery


def test_what_fails_in_a_mixer_is_told_by_its_type(
    store: RedisStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The text of an error may hold what is secret; whoever ordered hears of it, and the workspace is cleared."""
    monkeypatch.setattr(worker, "workspace", lambda: Directory(tmp_path / "own"))
    monkeypatch.setitem(worker._KEY, "mixer", KEY)

    def fails(*_: Any) -> Any:
        Directory(tmp_path / "own").put("work-" + "5e" * 32, b"secret")
        raise ValueError("the secret")

    monkeypatch.setattr(mixer, "mix", fails)
    name = os.urandom(32).hex()
    store.put(f"order-{name}", an_order().pack())
    worker._mix(store, name)
    assert unpack(store.get(f"stage-{name}") or b"") == ("refused", "the mixer failed (ValueError)")
    assert not list((tmp_path / "own").iterdir())


def test_a_stage_is_handed_over_when_redis_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hours of work are not thrown away."""
    tries = []

    class Away(RedisStore):
        def __init__(self) -> None:
            self.held: dict[str, bytes] = {}

        def put(self, name: str, data: bytes, kept: int | None = None) -> None:
            tries.append(name)
            if len(tries) < 4:
                raise StoreUnreachable("Redis")
            self.held[name] = data

        def delete(self, *names: str) -> None:
            return

    monkeypatch.setattr(worker.time, "sleep", lambda _: None)
    away = Away()
    worker._hand_over(away, "x", b"the stage")
    assert away.held == {"stage-x": b"the stage"} and len(tries) == 4


def test_two_mixers_have_queues_of_their_own() -> None:
    queues = {worker.queue_of(public_key(signing_key(f"mixer {number}"))) for number in range(9)}
    assert len(queues) == 9


def test_a_mixer_without_the_right_key_refuses(store: RedisStore) -> None:
    """An order in the wrong queue: what it says is in the refusal, and no key is."""
    with pytest.raises(OrderRefused) as refusal:
        mixer.mix(an_order(), signing_key("mixer 2"), InProcess(), allowed_bits=ALLOWED)
    assert bytes(signing_key("mixer 2")).hex() not in str(refusal.value)
