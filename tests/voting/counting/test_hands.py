"""Who does the work: the mixers whose keys are here, or mixers elsewhere that are asked until they answer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from nacl.signing import SigningKey

from tally import mixer, worker
from tally.errors import OrderRefused, StoreUnreachable
from tally.mixer import Order, unpack_order
from tally.parcels import pack
from tally.signing import public_key
from tally.submission import Submission
from tests.election import BITS, signing_key
from tests.tally.orders import first_order
from tests.voting.counting.frozen import frozen
from tests.voting.polling import key_file
from verifier.record.entries import Type
from verifier.record.manifest import Party
from verifier.workers import InProcess
from voting.counting import hands, progress
from voting.counting.conductor import Place
from voting.counting.hands import SILENCE, HereHands, WorkerHands

ELECTION = 7
KEY = signing_key("mixer 1")
MIXER = Party("架空混合所", public_key(KEY))
PLACE: Place = ("council", 0, 1)
NAME = "5e" * 32


class Board:
    """What hands ask of a conductor, and what they tell it."""

    def __init__(self) -> None:
        self.election = SimpleNamespace(pk=ELECTION)
        self.orders, self.told, self.silent = 0, list[tuple[str, Place | None, int, int]](), 0

    def order(self, place: Place) -> Order:
        self.orders += 1
        return first_order(frozen(), *place[:2])

    def tell(self, kind: str, place: Place | None, done: int, total: int) -> None:
        self.told.append((kind, place, done, total))

    def mixer_is_silent(self, place: Place, mixer: Party) -> None:
        self.silent += 1
        progress.problem(ELECTION, f"mixer {place[2]}", "silent")


@pytest.fixture
def board() -> Any:
    return Board()


# Here


def test_here_mixes_whose_key_is_here(board: Any) -> None:
    """And nobody else: that is no fault, the stage comes as a file."""
    other = HereHands([signing_key("mixer 2")])
    assert other.mix(PLACE, NAME, MIXER, board) is None and board.orders == 0
    made = HereHands([signing_key("mixer 2"), KEY]).mix(PLACE, NAME, MIXER, board)
    assert made is not None and made.type is Type.MIX_STAGE
    assert [signature["key"] for signature in made.signatures] == [made.signed_by(KEY).signatures[0]["key"]]
    assert board.told[-1][:2] == ("mix", PLACE) and board.told[-1][2] == board.told[-1][3] > 0
    assert not other.wait()


def test_keys_in_the_directory_mix(settings: Any, tmp_path: Any, board: Any) -> None:
    """Without Redis; no directory means no mixer here."""
    settings.REDIS_URL, settings.MIXER_KEYS = "", tmp_path / "mixers"
    nobody = hands.hands()
    assert isinstance(nobody, HereHands) and nobody.mix(PLACE, NAME, MIXER, board) is None
    settings.MIXER_KEYS.mkdir()
    key_file(settings.MIXER_KEYS / "one.key", KEY)
    assert hands.hands().mix(PLACE, NAME, MIXER, board) is not None


def test_with_redis_workers_do_the_work(settings: Any, redis: Redis) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert isinstance(hands.hands(), WorkerHands)


# Elsewhere


class Redis:
    """A store and a broker in memory. What is kept fades when a test says so."""

    def __init__(self) -> None:
        self.away = False
        self.kept: dict[str, bytes] = {}
        self.sent: list[tuple[str, str, str]] = []

    def _reach(self) -> None:
        if self.away:
            raise StoreUnreachable("Redis: ConnectionError")

    def get(self, name: str) -> bytes | None:
        self._reach()
        return self.kept.get(name)

    def put(self, name: str, data: bytes, kept: int | None = None) -> None:
        self._reach()
        self.kept[name] = data

    def delete(self, *names: str) -> None:
        self._reach()
        for name in names:
            self.kept.pop(name, None)

    def sender(self, task: Any, queue: str) -> Any:
        def send(name: str) -> None:
            self._reach()
            self.sent.append((task.name, queue, name))

        return send


class Clock:
    """A time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.fixture
def redis(monkeypatch: pytest.MonkeyPatch) -> Redis:
    made = Redis()
    monkeypatch.setattr(worker, "redis_store", lambda: made)
    monkeypatch.setattr(worker, "sender", made.sender)
    return made


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(hands, "time", made)
    return made


@pytest.fixture
def elsewhere(redis: Redis, clock: Clock) -> WorkerHands:
    return WorkerHands(2)


def asked(elsewhere: WorkerHands, board: Any) -> Submission | None:
    return elsewhere.mix(PLACE, NAME, MIXER, board)


def signed(key: SigningKey = KEY) -> Submission:
    """A stage as a mixer's program makes it."""
    return mixer.mix(first_order(frozen()), key, InProcess(), allowed_bits=(BITS,))


def test_an_order_goes_to_the_queue_of_its_mixer(elsewhere: WorkerHands, redis: Redis, board: Any) -> None:
    """The message is a name; the order lies in Redis, and the mixer's program takes it."""
    assert asked(elsewhere, board) is None
    assert redis.sent == [("tally.mix", worker.queue_of(MIXER.key), NAME)]
    order = unpack_order(redis.kept[f"order-{NAME}"])
    assert (order.contest, order.group, order.stage) == PLACE
    assert mixer.mix(order, KEY, InProcess(), allowed_bits=(BITS,)).type is Type.MIX_STAGE


def test_it_is_sent_again_after_a_while_and_written_once(
    elsewhere: WorkerHands, redis: Redis, clock: Clock, board: Any
) -> None:
    """A lost message; a mixer that does not say that it is at it gets the next one."""
    asked(elsewhere, board)
    clock.now += worker.ALIVE - 1
    asked(elsewhere, board)
    assert len(redis.sent) == 1
    clock.now += 1
    asked(elsewhere, board)
    assert len(redis.sent) == 2 and board.orders == 1
    redis.kept.clear()  # Redis was killed, with everything in it
    clock.now += worker.ALIVE
    asked(elsewhere, board)
    assert len(redis.sent) == 3 and board.orders == 2 and f"order-{NAME}" in redis.kept


def test_who_is_at_it_is_not_asked_again(elsewhere: WorkerHands, redis: Redis, clock: Clock, board: Any) -> None:
    """Also by a conductor that has just begun; it tells how far the mixer is. When the mixer is killed, it asks."""
    redis.kept[f"alive-{NAME}"] = pack((120, 500))
    for _ in range(3):
        asked(elsewhere, board)
        clock.now += worker.ALIVE
    assert redis.sent == [] and board.told == [("mix", PLACE, 120, 500)] * 3 and board.silent == 0
    del redis.kept[f"alive-{NAME}"]
    asked(elsewhere, board)
    assert len(redis.sent) == 1


def test_a_mixer_that_does_not_answer_is_told(elsewhere: WorkerHands, redis: Redis, clock: Clock, board: Any) -> None:
    """After a minute, and until it gives a sign of life. It is asked again meanwhile."""
    asked(elsewhere, board)
    clock.now += SILENCE
    asked(elsewhere, board)
    assert board.silent == 0
    clock.now += 1
    asked(elsewhere, board)
    assert board.silent == 1 and list(progress.problems(ELECTION)) == ["mixer 1"] and len(redis.sent) == 2
    redis.kept[f"alive-{NAME}"] = pack((0, 0))
    asked(elsewhere, board)
    assert progress.problems(ELECTION) == {}
    del redis.kept[f"alive-{NAME}"]
    clock.now += SILENCE
    asked(elsewhere, board)
    assert board.silent == 1


def test_the_stage_comes_back_signed(elsewhere: WorkerHands, redis: Redis, clock: Clock, board: Any) -> None:
    """As often as it is looked for, until it is discarded; then everything about it is gone.

    If the board refused it, the mixer is asked again, but not in a hurry.
    """
    asked(elsewhere, board)
    stage = signed()
    redis.kept[f"stage-{NAME}"] = pack(("done", stage.to_bytes()))
    for _ in range(2):
        assert asked(elsewhere, board) == stage
    elsewhere.discard(NAME)
    assert redis.kept == {}
    assert asked(elsewhere, board) is None and len(redis.sent) == 1
    clock.now += worker.ALIVE
    assert asked(elsewhere, board) is None and len(redis.sent) == 2


def test_a_refusal_is_told_in_the_mixers_words(elsewhere: WorkerHands, redis: Redis, board: Any) -> None:
    redis.kept[f"stage-{NAME}"] = pack(("refused", "the list has another digest"))
    with pytest.raises(OrderRefused, match="the list has another digest"):
        asked(elsewhere, board)


def test_a_mixer_that_refuses_is_not_silent(elsewhere: WorkerHands, redis: Redis, clock: Clock, board: Any) -> None:
    """However often it is asked: each refusal is an answer."""
    for _ in range(5):
        asked(elsewhere, board)
        clock.now += SILENCE / 2
        redis.kept[f"stage-{NAME}"] = pack(("refused", "no"))
        with pytest.raises(OrderRefused):
            asked(elsewhere, board)
        elsewhere.discard(NAME)
    assert board.silent == 0


@pytest.mark.parametrize(
    "left",
    [b"", b"[", b'["t"]', pack(7), pack(("done",)), pack(("done", 7)), pack(("done", b"{}")), pack(("done", "text"))],
)
def test_what_somebody_else_left_in_redis_is_refused(
    elsewhere: WorkerHands, redis: Redis, board: Any, left: bytes
) -> None:
    """The attacker's side: whoever can write to Redis delays a stage, and does not stop the count."""
    redis.kept[f"stage-{NAME}"] = left
    with pytest.raises(OrderRefused):
        asked(elsewhere, board)


@pytest.mark.parametrize("left", [b"", b"[", pack(7), pack(("half", "way")), pack((1, 2, 3)), pack((1, None))])
def test_a_sign_of_life_that_cannot_be_read_is_one_all_the_same(
    elsewhere: WorkerHands, redis: Redis, board: Any, left: bytes
) -> None:
    redis.kept[f"alive-{NAME}"] = left
    assert asked(elsewhere, board) is None
    assert redis.sent == [] and board.told == []


def test_while_redis_is_away_there_is_nothing(elsewhere: WorkerHands, redis: Redis, clock: Clock, board: Any) -> None:
    """Nothing is raised and nothing forgotten; when it is back, the mixer is asked at once."""
    redis.away = True
    assert asked(elsewhere, board) is None
    elsewhere.discard(NAME)
    redis.away = False
    assert asked(elsewhere, board) is None and len(redis.sent) == 1
    assert elsewhere.wait() and clock.slept == [hands.PAUSE]


def test_it_does_not_wait_for_ever_where_nobody_answers(
    elsewhere: WorkerHands, redis: Redis, clock: Clock, board: Any
) -> None:
    """Another election may need the process. One mixer that is at it is enough to be waited for."""
    assert elsewhere.wait()
    asked(elsewhere, board)
    clock.now += 2 * SILENCE - 1
    assert elsewhere.wait()
    clock.now += 1
    assert not elsewhere.wait()
    redis.kept["alive-" + "6f" * 32] = pack((1, 2))
    elsewhere.mix(("council", 1, 1), "6f" * 32, MIXER, board)
    assert elsewhere.wait() and set(clock.slept) == {hands.PAUSE}
