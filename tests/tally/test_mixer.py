"""A mixer at work for a board that it does not trust: it signs a stage, or says what is wrong with its order."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from gmpy2 import mpz

from tally import mixer, stages
from tally.errors import OrderRefused, WorkFailed
from tally.mixer import Order, mix, unpack_order
from tally.parcels import pack
from tally.submission import Submission
from tests.election import BITS, Election, small_manifest
from tests.election import signing_key as key_of
from tests.forge import ALLOWED, at
from tests.tally.orders import entry_of, first_order, next_order
from verifier.checks import evidence
from verifier.record.canonical import decode_integer, encode_bytes, encode_integer, parse, serialise
from verifier.record.entries import MAX_ENTRY_BYTES, Type
from verifier.report import Gate
from verifier.workers import InProcess

HERE = InProcess()
Inputs = list[list[mpz]]


def frozen() -> Election:
    """From here on the board judges every entry, as a server does."""
    election = at("frozen")
    election.replay.judge = Gate()
    return election


def mixed_by(number: int, order: Order) -> Submission:
    return mix(order, key_of(f"mixer {number}"), HERE, allowed_bits=ALLOWED)


@cache
def first() -> Order:
    return first_order(frozen())


@cache
def board_and_second(contest: str = "council", group: int = 0) -> tuple[Election, Order]:
    """A board with the first stage of a group, and the order for the second. Not to be changed."""
    election = frozen()
    order = first_order(election, contest, group)
    submission = mixed_by(1, order)
    election.add(entry_of(submission), submission.columns)
    return election, next_order(order, submission)


def second(contest: str = "council", group: int = 0) -> Order:
    return board_and_second(contest, group)[1]


@pytest.mark.parametrize(("contest", "group"), [("council", 0), ("council", 1), ("chair", 0), ("name", 1)])
def test_the_board_admits_what_mixers_make_of_honest_orders(contest: str, group: int) -> None:
    """Stage 1 and then stage 2, each from an order that went through bytes."""
    board, order = board_and_second(contest, group)
    election = copy.deepcopy(board)
    submission = mixed_by(2, unpack_order(order.pack()))
    election.add(entry_of(submission), submission.columns)
    tally = next(tally for tally in election.state.tallies if tally.contest.id == contest)
    assert tally.groups[group].stages == 2
    assert (contest, group) not in {place[:2] for place in election.state.pending_stages()}


def test_an_order_comes_out_of_its_bytes_as_it_went_in() -> None:
    order = second()
    assert unpack_order(order.pack()) == order


def test_the_list_is_not_in_the_repr() -> None:
    """It is long, and would be in every log."""
    order = second()
    assert str(order.inputs[0][0]) not in repr(order)


# What is refused


def test_a_stage_of_another_mixer_is_not_signed() -> None:
    for number, order in ((2, second()), (1, first())):
        with pytest.raises(OrderRefused, match=f"belongs to another mixer, mixer {number}"):
            mixed_by(3 - number, order)


@pytest.mark.parametrize("stage", [-1, 0, 2, 3, 10**9])
def test_no_stage_is_skipped(stage: int) -> None:
    """Without the stage before there is only the first; no number leads around it."""
    with pytest.raises(OrderRefused, match=f"stage {stage}"):
        mixed_by(min(max(stage, 1), 2), replace(first(), stage=stage))


def test_the_stage_before_is_the_one_before() -> None:
    """Stage 3 of two mixers, and stage 1 in the place of stage 2."""
    order = second()
    for wrong in (next_order(order, mixed_by(2, order)), replace(order, stage=3)):
        with pytest.raises(OrderRefused):
            mixed_by(2, wrong)


def signed(body: Any, number: int, like: bytes) -> bytes:
    """An entry like another one, with this body, signed by this mixer."""
    submission = Submission(Type.MIX_STAGE, body).signed_by(key_of(f"mixer {number}"))
    held = parse(like, MAX_ENTRY_BYTES)
    return serialise({**held, "body": body, "signatures": list(submission.signatures)})


def changed(order: Order, change: Callable[[Any], object], number: int = 1) -> Order:
    """An accomplice of the board changes the stage before and signs it."""
    body = parse(order.before, MAX_ENTRY_BYTES)["body"]
    change(body)
    return replace(order, before=signed(body, number, order.before))


def _one_more(values: list[str], at: int, width: int) -> None:
    values[at] = encode_integer(decode_integer(values[at], width) + 1, width)


def cheats() -> dict[str, Callable[[Order], Order]]:
    """Stages before that are not what mixer 1 had to make."""
    digest = encode_bytes(bytes(32))

    def column(order: Order, change: Callable[[bytes], bytes]) -> Order:
        named = parse(order.before, MAX_ENTRY_BYTES)["body"]["proof"]["f"]["digest"]
        (name,) = [name for name in order.columns if encode_bytes(name) == named]
        return replace(order, columns={**order.columns, name: change(order.columns[name])})

    return {
        "a byte of a column": lambda order: column(order, lambda data: b"B" + data[1:]),
        "a column is cut": lambda order: column(order, lambda data: data[:-1]),
        "no column": lambda order: replace(order, columns={}),
        "a byte of the entry": lambda order: replace(order, before=order.before.replace(b'"stage":1', b'"stage":2')),
        "half an entry": lambda order: replace(order, before=order.before[:-9]),
        "no entry": lambda order: replace(order, before=b""),
        "an entry of another type": lambda order: replace(order, before=order.setup[1]),
        "a response": lambda order: changed(order, lambda body: _one_more(body["proof"]["r_f"], 0, 64)),
        "a randomiser": lambda order: changed(order, lambda body: _one_more(body["proof"]["z"], 0, BITS // 8)),
        "a commitment": lambda order: changed(order, lambda body: _one_more(body["proof"]["A"], 0, 384)),
        "another input": lambda order: changed(order, lambda body: body.update(input=digest)),
        "another context": lambda order: changed(order, lambda body: body.update(context=digest)),
        "another election": lambda order: changed(order, lambda body: body.update(election=digest)),
        "another group": lambda order: changed(order, lambda body: body.update(group=1)),
        "another contest": lambda order: changed(order, lambda body: body.update(contest="chair")),
        "another stage": lambda order: changed(order, lambda body: body.update(stage=2)),
        "nothing in it": lambda order: changed(order, lambda body: body.clear()),
        "signed by mixer 2": lambda order: changed(order, lambda body: None, number=2),
        "signed by an official": lambda order: replace(
            order, before=order.before.replace(*map(_signer_of, ("mixer 1", "official 1")))
        ),
    }


def _signer_of(name: str) -> bytes:
    return encode_bytes(bytes(key_of(name).verify_key)).encode()


@pytest.mark.parametrize("cheat", list(cheats()))
def test_a_wrong_stage_before_is_found(cheat: str) -> None:
    """Whatever the board or the mixer before did: this one signs nothing, and gets no other error."""
    order = second()
    wrong = cheats()[cheat](order)
    assert wrong != order
    with pytest.raises(OrderRefused, match="council, group 0, stage 2: "):
        mixed_by(2, wrong)


def test_a_replaced_ballot_is_found_by_the_next_mixer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mixer 1 puts a vote of its own in the place of one of its outputs and proves as well as it can.

    The guard is the check of the stage before: without it, mixer 2 goes on.
    """
    election = frozen()
    order = first_order(election)
    _, key = election.state.require()
    shuffle = stages.mixing.shuffle

    def cheating(*args: Any) -> Any:
        shuffled = shuffle(*args)
        shuffled.outputs[0][0] = key.encrypt(mpz(1), mpz(4711))
        return shuffled

    with monkeypatch.context() as patch:
        patch.setattr(stages.mixing, "shuffle", cheating)
        bad = mixed_by(1, order)
    wrong = next_order(order, bad)
    with pytest.raises(OrderRefused, match="V5.11"):
        mixed_by(2, wrong)
    monkeypatch.setattr(evidence.shuffle_ciphertexts, "function", lambda *_: None)
    assert mixed_by(2, wrong).body["stage"] == 2


def test_a_stage_before_of_another_list_is_found() -> None:
    """Of another group, of another contest, and of the right group whose list is said to have been another."""
    order = second()
    for contest, group in (("council", 1), ("chair", 0)):
        other = second(contest, group)
        with pytest.raises(OrderRefused):
            mixed_by(2, replace(order, before=other.before, columns=other.columns))
    for inputs in ([order.inputs[0][::-1]], [order.inputs[0][:-1]], [[*order.inputs[0], order.inputs[0][0]]]):
        with pytest.raises(OrderRefused, match="council, group 0, stage 2: V"):
            mixed_by(2, replace(order, inputs=inputs))


@cache
def _elsewhere() -> Election:
    return Election(small_manifest(title="隣町の選挙")).set_up()


def test_entries_of_another_election_do_not_fit() -> None:
    """A stage of one election is not the stage before of another; manifest and key belong together."""
    other = _elsewhere()
    order = second()
    theirs = (other.entries[0], other.entries[1])
    with pytest.raises(OrderRefused, match="V3"):
        mixed_by(2, replace(order, setup=theirs))
    for setup in ((order.setup[0], theirs[1]), (theirs[0], order.setup[1]), order.setup[::-1], (order.setup[0],) * 2):
        with pytest.raises(OrderRefused, match="stage 1: V"):
            mixed_by(1, replace(first(), setup=setup))


def _envelope(raw: bytes, **changes: Any) -> bytes:
    return serialise({**parse(raw, MAX_ENTRY_BYTES), **changes})


def _with_another_modulus(election: Election) -> bytes:
    """The key entry with N + 2, signed by two officials."""
    body = parse(election.entries[1], MAX_ENTRY_BYTES)["body"]
    modulus = decode_integer(body["modulus"], BITS // 8) + 2
    return election.raw(Type.KEY, {**body, "modulus": encode_integer(modulus, BITS // 8)}, ("official 1", "official 2"))


def test_a_manifest_or_key_that_nobody_signed_is_refused() -> None:
    election = frozen()
    order = first_order(election)
    manifest, key = order.setup
    one_official = election.raw(Type.MANIFEST, parse(manifest, MAX_ENTRY_BYTES)["body"], ("official 1",))
    changed_title = {**parse(manifest, MAX_ENTRY_BYTES)["body"], "title": "別の選挙"}
    wrong = {
        "unsigned": (_envelope(manifest, signatures=[]), key),
        "one of two": (one_official, key),
        "changed after signing": (_envelope(manifest, body=changed_title), key),
        "key unsigned": (manifest, _envelope(key, signatures=[])),
        "another modulus": (manifest, _with_another_modulus(election)),
        "no key": (manifest, election.entries[2]),
        "empty": (b"", b""),
    }
    for name, setup in wrong.items():
        with pytest.raises(OrderRefused, match="council, group 0, stage 1: "):
            pytest.fail(f"{name}: {mixed_by(1, replace(order, setup=setup))}")


def test_a_key_too_short_for_an_election_is_refused() -> None:
    """The size is judged by replay where the roll is committed to, which an order does not bring."""
    with pytest.raises(OrderRefused, match="512 bits is not allowed"):
        mix(first(), key_of("mixer 1"), HERE)


def out_of_domain() -> dict[str, Callable[[Inputs, mpz], Inputs]]:
    return {
        "zero": lambda inputs, N: [[mpz(0), *inputs[0][1:]]],
        "negative": lambda inputs, N: [[-inputs[0][0], *inputs[0][1:]]],
        "N squared and more": lambda inputs, N: [[inputs[0][0] + N * N, *inputs[0][1:]]],
        "a multiple of N": lambda inputs, N: [[3 * N, *inputs[0][1:]]],
        "a column too many": lambda inputs, N: [inputs[0], inputs[0]],
        "ragged, the second longer": lambda inputs, N: [inputs[0], [*inputs[0], inputs[0][0]]],
        "ragged, the second shorter": lambda inputs, N: [inputs[0], inputs[0][1:]],
        "an empty column": lambda inputs, N: [[]],
        "an empty one beside a full one": lambda inputs, N: [inputs[0], []],
        "no column": lambda inputs, N: [],
    }


@pytest.mark.parametrize("case", list(out_of_domain()))
def test_what_cannot_be_mixed_is_refused(case: str) -> None:
    """Before anything secret is drawn."""
    _, key = board_and_second()[0].state.require()
    with pytest.raises(OrderRefused, match="council, group 0, stage 1: |is not the next one"):
        mixed_by(1, replace(first(), inputs=out_of_domain()[case](list(first().inputs), key.N)))


@pytest.mark.parametrize(
    "change", [{"contest": "mayor"}, {"contest": "judges"}, {"contest": ""}, {"group": -1}, {"group": 10**12}]
)
def test_what_is_not_mixed_in_this_election_is_refused(change: dict[str, Any]) -> None:
    """Also a number of a group that would fill the memory."""
    with pytest.raises(OrderRefused):
        mixed_by(1, replace(first(), **change))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"\xff" * 40,
        pack(None),
        pack("order"),
        pack(("council", 0, 1)),
        pack(("council", 0, 1, (b"m", b"k"), b"", [], [[mpz(1)]], b"more")),
        pack((b"council", 0, 1, (b"m", b"k"), b"", [], [[mpz(1)]])),
        pack(("council", "first", 1, (b"m", b"k"), b"", [], [[mpz(1)]])),
        pack(("council", 0, None, (b"m", b"k"), b"", [], [[mpz(1)]])),
        pack(("council", 0, 1, (b"m",), b"", [], [[mpz(1)]])),
        pack(("council", 0, 1, ("m", "k"), b"", [], [[mpz(1)]])),
        pack(("council", 0, 1, (b"m", b"k"), None, [], [[mpz(1)]])),
        pack(("council", 0, 1, (b"m", b"k"), b"", [([], b"")], [[mpz(1)]])),
        pack(("council", 0, 1, (b"m", b"k"), b"", [(b"name", "text")], [[mpz(1)]])),
        pack(("council", 0, 1, (b"m", b"k"), b"", [], None)),
        pack(("council", 0, 1, (b"m", b"k"), b"", [], [mpz(1)])),
        pack(("council", 0, 1, (b"m", b"k"), b"", [], [["1"]])),
    ],
)
def test_bytes_that_are_no_order_are_refused(data: bytes) -> None:
    with pytest.raises(OrderRefused, match="this is no order"):
        unpack_order(data)


def test_a_failing_worker_is_no_verdict_about_the_order() -> None:
    """The order may be right: whoever failed was this mixer's own process."""

    class Failing(InProcess):
        def map(self, *_: Any) -> Any:
            raise WorkFailed("a worker process failed with MemoryError")

    order = second()
    with pytest.raises(WorkFailed):
        mixer.mix(order, key_of("mixer 2"), Failing(), allowed_bits=ALLOWED)
