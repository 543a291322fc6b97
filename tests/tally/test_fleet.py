"""Work on other processes gives what it gives here, whatever is lost, done twice or killed on the way."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from gmpy2 import mpz

from tally import fleet, mixing, stages, worker
from tally.errors import StoreUnreachable, WorkFailed
from tally.fleet import FUNCTIONS, Fleet, perform
from tally.parcels import pack, unpack
from tally.store import Directory, RedisStore
from tests.broker import Broker, Worker
from tests.election import Election
from tests.forge import at, edit
from tests.keys import secret_key
from verifier.ballots import Sealed, Setting
from verifier.checks import evidence
from verifier.crypto import shuffle
from verifier.crypto.multiexp import part_of_product
from verifier.errors import CheckFailed
from verifier.record.canonical import decode_integer, encode_integer
from verifier.record.entries import Type, parse_entry
from verifier.report import Gate, Report
from verifier.workers import InProcess

SECRET = secret_key()
KEY = SECRET.public
CHUNKS = [([mpz(3), mpz(5)], [mpz(number), mpz(1)], mpz(10**9 + 7)) for number in range(20)]
"""pieces of a product, each with another value"""
ANSWERS = list(map(part_of_product, CHUNKS))
HERE = InProcess()


class Memory:
    """A store in this process that can be away for some calls."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.seen: set[str] = set()
        """every name that was ever used"""
        self.away = 0

    def _reached(self) -> None:
        if self.away:
            self.away -= 1
            raise StoreUnreachable("away")

    def put(self, name: str, data: bytes) -> None:
        self._reached()
        self.seen.add(name)
        self.held[name] = data

    def get(self, name: str) -> bytes | None:
        self._reached()
        return self.held.get(name)

    def delete(self, *names: str) -> None:
        self._reached()
        for name in names:
            self.held.pop(name, None)


def at_once(store: Memory) -> Callable[[str], None]:
    """A worker that does its work before the message has left."""
    return lambda piece: perform(store, piece)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """How often each piece of work was done; a piece is a number, and its answer the double."""
    done: Counter[int] = Counter()

    def double(number: int) -> int:
        done[int(number)] += 1
        return 2 * number

    monkeypatch.setattr(fleet, "FUNCTIONS", MappingProxyType({"double": double}))
    monkeypatch.setattr(fleet, "NAMES", {double: "double"})
    done.function = double  # type: ignore[attr-defined]
    return done


def doubled(with_fleet: Fleet, counted: Any, numbers: Iterable[int]) -> list[int]:
    return [int(value) for value in with_fleet.map(counted.function, numbers)]


# Lost, late, twice


def test_answers_come_in_the_order_of_the_questions() -> None:
    """Also when the last one asked is done first."""
    store = Memory()
    sent: list[str] = []

    class Backwards(Memory):
        def get(self, name: str) -> bytes | None:
            if name.startswith("answer") and name[7:] in sent:
                while sent:
                    perform(store, sent.pop())
            return store.held.get(name)

    backwards = Backwards()
    backwards.held = store.held
    assert list(Fleet(backwards, sent.append, 2).map(part_of_product, CHUNKS)) == ANSWERS


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_only_so_much_is_asked_at_once(jobs: int, counted: Counter[int]) -> None:
    """Redis holds a few pieces for each process, not a whole election."""
    store = Memory()
    most = 0

    def send(piece: str) -> None:
        nonlocal most
        perform(store, piece)
        most = max(most, sum(name.startswith("work-") for name in store.held))

    assert doubled(Fleet(store, send, jobs), counted, range(40)) == [2 * number for number in range(40)]
    assert most == 3 * jobs + 1


def test_it_tells_how_many_answers_are_there(counted: Counter[int]) -> None:
    store, told = Memory(), []
    doubled(Fleet(store, at_once(store), 1, progress=lambda *step: told.append(step)), counted, range(6))
    assert told == [(done, 6) for done in range(1, 7)]


def test_nothing_asked_is_nothing_answered(counted: Counter[int]) -> None:
    assert doubled(Fleet(Memory(), pytest.fail, 2), counted, []) == []


def test_a_lost_message_is_sent_again(counted: Counter[int]) -> None:
    """The first three of each piece get lost."""
    store = Memory()
    sent: Counter[str] = Counter()

    def send(piece: str) -> None:
        sent[piece] += 1
        if sent[piece] > 3:
            perform(store, piece)

    assert doubled(Fleet(store, send, 2, patience=0), counted, range(9)) == [2 * number for number in range(9)]
    assert set(sent.values()) == {4} and set(counted.values()) == {1}


def test_lost_content_is_put_again(counted: Counter[int]) -> None:
    """All keys are gone before the worker looks, and again after it has answered."""
    store = Memory()
    sent: Counter[str] = Counter()

    def send(piece: str) -> None:
        sent[piece] += 1
        if sent[piece] == 1:
            store.held.clear()
        perform(store, piece)
        if sent[piece] == 2:
            store.held.clear()

    assert doubled(Fleet(store, send, 1, patience=0), counted, range(3)) == [0, 2, 4]
    assert set(counted.values()) <= {2, 3}


@pytest.mark.parametrize("private", [False, True])
def test_a_message_that_comes_twice_is_done_once(counted: Counter[int], private: bool) -> None:
    """Before the answer is taken and after, also long after; nothing is left of what is private."""
    store = Memory()
    sent: list[str] = []

    def send(piece: str) -> None:
        sent.append(piece)
        perform(store, piece)
        perform(store, piece)

    assert doubled(Fleet(store, send, 2, private=private), counted, range(9)) == [2 * number for number in range(9)]
    for piece in sent:
        perform(store, piece)
    assert set(counted.values()) == {1}
    assert {name.split("-")[0] for name in store.held} == (set() if private else {"answer"})


def test_a_copy_that_is_done_late_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two workers have the same piece, and the answer of one was taken while the other still worked."""
    store = Memory()
    store.put("work-x", pack(("double", 1)))

    def double(number: int) -> int:
        store.delete("work-x")
        return 2 * number

    monkeypatch.setattr(fleet, "FUNCTIONS", MappingProxyType({"double": double}))
    perform(store, "x")
    assert not store.held


def test_a_store_that_is_away_is_waited_for(counted: Counter[int]) -> None:
    """While asking and while looking."""
    store = Memory()

    def send(piece: str) -> None:
        perform(store, piece)
        store.away = 2 if counted.total() == 1 else 0

    store.away = 1
    assert doubled(Fleet(store, send, 1), counted, range(3)) == [0, 2, 4]
    assert not store.away


def test_a_broker_that_is_away_is_waited_for(counted: Counter[int]) -> None:
    store = Memory()
    fails = [True]

    def send(piece: str) -> None:
        if fails:
            fails.pop()
            raise StoreUnreachable("the broker")
        perform(store, piece)

    assert doubled(Fleet(store, send, 1), counted, [1]) == [2]


# Failures and broken bytes


def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], Any]:
    def fails(secret: Any) -> Any:
        raise ValueError(f"not invertible: {secret}")

    monkeypatch.setattr(fleet, "FUNCTIONS", MappingProxyType({"fails": fails}))
    monkeypatch.setattr(fleet, "NAMES", {fails: "fails"})
    return fails


@pytest.mark.parametrize("private", [False, True])
def test_of_a_failure_only_the_type_is_told(monkeypatch: pytest.MonkeyPatch, private: bool) -> None:
    """The text of an error may hold what is secret."""
    store = Memory()
    answers = Fleet(store, at_once(store), 1, private=private).map(failing(monkeypatch), ["the secret"])
    with pytest.raises(WorkFailed) as failure:
        list(answers)
    assert str(failure.value) == "a worker process failed with ValueError"
    assert failure.value.__cause__ is None and failure.value.__context__ is None
    assert not any(b"secret" in data for data in store.held.values())


def test_a_failure_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever begins again tries again: for want of memory it may have failed once."""
    store = Memory()
    with_fleet = Fleet(store, at_once(store), 1)
    fails = failing(monkeypatch)
    with pytest.raises(WorkFailed):
        list(with_fleet.map(fails, [7]))
    monkeypatch.setattr(fleet, "FUNCTIONS", MappingProxyType({"fails": lambda number: number + 1}))
    assert list(with_fleet.map(fails, [7])) == [8]


@pytest.mark.parametrize(
    ("work", "error"),
    [
        (pack(("nonsense", 1)), "KeyError"),
        (pack(("multiexp", 1)), "TypeError"),
        (pack("multiexp"), "ValueError"),
        (pack(None), "TypeError"),
        (b"{", "DamagedFile"),
        (b"", "DamagedFile"),
        (pack(("open", (KEY, 3))), "ValueError"),
    ],
)
def test_what_no_worker_can_do_is_answered_as_a_failure(work: bytes, error: str) -> None:
    """A worker survives every message, and whoever asked hears of it."""
    store = Memory()
    store.put("work-x", work)
    perform(store, "x")
    assert unpack(store.held["answer-x"]) == ("failed", error)


def test_a_worker_passes_over_what_nobody_asks() -> None:
    store = Memory()
    perform(store, "x")
    assert not store.held


@pytest.mark.parametrize("broken", [b"", b"{", pack(3), pack(("done",)), pack(("maybe", 1)), pack(["done", 1, 2])])
def test_a_broken_answer_is_asked_for_again(counted: Counter[int], broken: bytes) -> None:
    store = Memory()
    breaks = [True, True]

    def send(piece: str) -> None:
        perform(store, piece)
        if breaks:
            breaks.pop()
            store.held[f"answer-{piece}"] = broken

    assert doubled(Fleet(store, send, 1), counted, [5]) == [10]
    assert not breaks


def test_only_the_functions_of_the_table_are_done() -> None:
    """A message cannot name another one, and nobody asks for another one."""
    assert set(FUNCTIONS) == {"multiexp", "commit", "re-encrypt", "openings", "open"}
    with pytest.raises(KeyError):
        list(Fleet(Memory(), pytest.fail, 1).map(json.loads, ["1"]))


# What is private


def test_names_of_private_work_say_nothing() -> None:
    """The same work has another name each time; public work has one name, under which its answer is found again."""
    names: dict[bool, list[set[str]]] = {False: [], True: []}
    for private in (False, False, True, True):
        store = Memory()
        list(Fleet(store, at_once(store), 2, private=private).map(part_of_product, CHUNKS))
        names[private].append(store.seen)
    assert names[False][0] == names[False][1]
    assert not names[True][0] & names[True][1]
    assert not names[True][0] & names[False][0]


def test_nothing_private_stays(tmp_path: Path) -> None:
    own = Directory(tmp_path / "own")
    assert list(Fleet(own, lambda piece: perform(own, piece), 2, private=True).map(part_of_product, CHUNKS)) == ANSWERS
    assert not list((tmp_path / "own").iterdir())


def test_an_answer_that_was_given_before_is_not_computed_again(counted: Counter[int]) -> None:
    """Whoever begins again after a crash finds public work done."""
    store = Memory()
    for _ in range(2):
        assert doubled(Fleet(store, at_once(store), 2), counted, range(5)) == [0, 2, 4, 6, 8]
    assert set(counted.values()) == {1}


# Ballots


@pytest.fixture(scope="module")
def forged() -> Election:
    """One proof of one contest of one ballot is wrong, and another ballot is signed by nobody."""
    election = at("voted")

    def change(body: dict[str, Any]) -> None:
        answer = next(answer for answer in body["answers"] if answer["contest"] == "mayor")
        width = 512 // 8
        answer["proofs"][0]["z"][0] = encode_integer(decode_integer(answer["proofs"][0]["z"][0], width) ^ 1, width)

    return edit(election, Type.BALLOT_CAST, change, which=2)


def test_a_single_ballot_is_judged_here_and_at_once(forged: Election) -> None:
    """It is admitted or not before this returns; no worker is asked."""
    state = forged.state
    setting = Setting(state.manifest, state.key, state.base)
    ballots = [raw for raw in forged.entries if parse_entry(raw).type is Type.BALLOT_CAST]
    with pytest.raises(CheckFailed, match="V5"):
        Fleet(Memory(), pytest.fail, 1).examine(Gate(), setting, Sealed("here", parse_entry(ballots[2])), 0)


# Real workers


@pytest.fixture(scope="module")
def celery_worker(celery_broker: Broker) -> Iterator[Worker]:
    started = Worker("tally.worker", worker.WORK, 2, {"REDIS_URL": celery_broker.url})
    yield started
    started.kill()


@pytest.fixture
def running(celery_broker: Broker, celery_worker: Worker) -> Fleet:
    """As the count has it, but less patient: a lost message is sent again after two seconds."""
    return Fleet(RedisStore(celery_broker.url), worker.sender(worker.work, worker.WORK), 3, patience=2)


def test_products_and_commitments_are_those_of_one_process(running: Fleet) -> None:
    assert list(running.map(part_of_product, CHUNKS)) == ANSWERS
    vectors = [([mpz(value) for value in range(start, start + 40)], [mpz(start)]) for start in (1, 10**30)]
    assert shuffle.commit(vectors, running) == shuffle.commit(vectors, HERE)


@pytest.mark.parametrize("wrong", [[], [0], [4, 5, 9]])
def test_wrong_openings_are_found_where_they_are(running: Fleet, wrong: list[int]) -> None:
    roots = [mpz(number) for number in range(2, 12)]
    ciphertexts = [KEY.encrypt(mpz(100 + at), r) for at, r in enumerate(roots)]
    plaintexts = [mpz(100 + at + (at in wrong)) for at in range(10)]
    places = [f"row {row}" for row in range(10)]
    reports = []
    for by in (running, HERE):
        reports.append(Report())
        reports[-1].run_batch(evidence.opening_holds, places, KEY, ciphertexts, plaintexts, roots, by)
    assert [str(failure) for failure in reports[0].failures] == [str(failure) for failure in reports[1].failures]
    assert [failure.where for failure in reports[0].failures] == [places[row] for row in wrong]


def test_an_opening_is_that_of_one_process(running: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also its failure, when the partial roots do not combine."""
    monkeypatch.setattr(stages, "OPENED", 3)
    election = at("rooted")
    assert stages.opening_body(election.state, workers=running) == stages.opening_body(election.state)
    next(iter(election.state.partial_roots.values())).roots[4] += 1
    with pytest.raises(WorkFailed, match="ThresholdNotMet"):
        stages.opening_body(election.state, workers=running)


def test_re_encrypted_rows_hold_what_they_held(running: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """In two columns and several pieces; the exponents that come back are those of the powers."""
    monkeypatch.setattr(mixing, "PART", 4)
    inputs = [[KEY.encrypt(mpz(column + row), mpz(7)) for row in range(10)] for column in (0, 100)]
    mixed = mixing.shuffle(KEY, inputs, workers=running)
    for column, outputs, rhos in zip(inputs, mixed.outputs, mixed.rho, strict=True):
        sources = [column[source - 1] for source in mixed.permutation]
        assert [SECRET.decrypt(C) for C in outputs] == [SECRET.decrypt(c) for c in sources]
        for C, c, rho in zip(outputs, sources, rhos, strict=True):
            assert c * KEY.encrypt(mpz(0), mixed.randomness.product([rho], [mpz(1)])) % KEY.N2 == C


def test_a_mix_stage_made_by_workers_is_admitted_by_workers(running: Fleet) -> None:
    """By the judge of a server, which asks the same workers."""
    election = at("frozen")
    election.replay.judge, election.replay.workers = Gate(), running
    for stage in (1, 2):
        body, columns = stages.mix_stage_body(election.state, "council", 0, workers=running)
        election.append(Type.MIX_STAGE, body, [f"mixer {stage}"], columns)
    assert ("council", 0) not in {place[:2] for place in election.state.pending_stages()}


def test_everything_may_be_killed_meanwhile(running: Fleet, celery_broker: Broker, celery_worker: Worker) -> None:
    """Workers in the middle of their work, and then Redis with everything in it."""
    modulus = (mpz(1) << 8000) + 1
    chunks = [([mpz(3)], [modulus >> number], modulus) for number in range(12)]
    answers = running.map(part_of_product, chunks)
    found = [next(answers)]
    celery_worker.kill()
    celery_worker.begin()
    found.append(next(answers))
    celery_broker.kill()
    celery_broker.begin()
    assert [*found, *answers] == list(map(part_of_product, chunks))


def test_a_worker_survives_names_of_nothing(running: Fleet, celery_broker: Broker) -> None:
    """Messages that no fleet has sent."""
    send = worker.sender(worker.work, worker.WORK)
    for name in ("", "x", "../../etc/passwd", "0" * 64):
        send(name)
    RedisStore(celery_broker.url).put("work-" + "1" * 64, b"{")
    send("1" * 64)
    assert list(running.map(part_of_product, CHUNKS[:4])) == ANSWERS[:4]


@pytest.mark.parametrize("broken", [b"", b"garbage", b"\0\0\0\1{", b"\xff\xff\xff\xff"])
def test_broken_bytes_in_redis_are_replaced(running: Fleet, celery_broker: Broker, broken: bytes) -> None:
    """Also such as claim to have billions of pieces."""
    name = hashlib.sha256(pack(("multiexp", CHUNKS[0]))).hexdigest()
    redis = RedisStore(celery_broker.url)
    redis._client.set(f"tashika:answer-{name}", broken)
    assert list(running.map(part_of_product, CHUNKS[:1])) == ANSWERS[:1]
    redis.delete(f"answer-{name}")


def test_messages_carry_names_only(celery_broker: Broker, celery_worker: Worker) -> None:
    """What lies in the queue of a worker that is away: the task, and 64 hex digits."""
    celery_worker.kill()
    pieces = [f"{number:064x}" for number in range(3)]
    for piece in pieces:
        worker.sender(worker.part, "mixer.0.parts")(piece)
    queued = RedisStore(celery_broker.url)._client.lrange("mixer.0.parts", 0, -1)
    messages = [json.loads(message) for message in reversed(queued)]
    assert [message["headers"]["argsrepr"] for message in messages] == [f"['{piece}']" for piece in pieces]
    assert all(len(message["body"]) < 300 for message in messages)
    celery_worker.begin()


def test_a_broker_that_is_away_is_told_to_the_sender() -> None:
    """In the words of this project, whatever Celery and Redis raise, and without the text of their errors."""

    class Task:
        def apply_async(self, *_: Any, **__: Any) -> None:
            raise OSError("redis://user:password@host is away")

    with pytest.raises(StoreUnreachable, match=r"^the broker: OSError$"):
        worker.sender(Task(), "work")("x")
