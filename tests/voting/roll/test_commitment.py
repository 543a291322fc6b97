"""The commitment to the roll: leaves open with their salts, in an order by lot, agreed on by two officials."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.voting import kakuu
from tests.voting.kakuu import World
from tests.voting.offices import Town
from verifier.crypto.merkle import inclusion_holds
from verifier.record.canonical import decode_bytes
from verifier.record.roll import roll_leaf
from voting.board.models import BoardEntry
from voting.errors import AlreadyProposed, NotPermitted, RollNotReady
from voting.officials.models import Official
from voting.officials.roles import Act
from voting.officials.services import approve, decline
from voting.roll import commitment
from voting.roll.commitment import (
    approved_commitment,
    ask_to_commit,
    commitment_body,
    discard_leaves,
    forget_trees,
    is_committed,
    leaf_and_path,
    make_leaves,
    row_text,
    tree_of,
)
from voting.roll.models import Elector, Mark, RollImport, RollLeaf

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_trees() -> Iterator[None]:
    forget_trees()
    yield
    forget_trees()


@pytest.fixture
def world(town: Town) -> World:
    return kakuu.world(town)


def not_ready(world: World, match: str = "") -> None:
    with pytest.raises(RollNotReady, match=match) as refusal:
        make_leaves(world.election)
    assert (refusal.value.code, refusal.value.where) == ("roll-not-ready", "kakuu")


# Leaves


def test_every_row_has_one_leaf_that_opens(world: World) -> None:
    """Whoever has the row and the salt gets the leaf, and nobody else's."""
    electors = Elector.objects.count()
    assert make_leaves(world.election) == electors
    leaves = list(RollLeaf.objects.order_by("index"))
    assert [leaf.index for leaf in leaves] == list(range(electors))
    assert {leaf.elector_id for leaf in leaves} == set(Elector.objects.values_list("pk", flat=True))
    for leaf in leaves:
        assert leaf.row == row_text(leaf.elector)
        assert bytes(leaf.leaf) == roll_leaf(leaf.index, bytes(leaf.salt), leaf.row)
        assert bytes(leaf.leaf) != roll_leaf(leaf.index + 1, bytes(leaf.salt), leaf.row)
    assert len({bytes(leaf.salt) for leaf in leaves}) == electors
    assert {len(leaf.salt) for leaf in leaves} == {32}


def test_a_row_says_everything_that_decides(world: World) -> None:
    record = json.loads(row_text(world.electors["takahashi"]))
    assert record == {
        "number": "takahashi",
        "roll": "resident",
        "list_number": world.electors["takahashi"].list_number,
        "name": "髙橋　一郎",
        "kana": "タカハシ　イチロウ",
        "other_name": "",
        "sex": "M",
        "birth": [1980, 4, 1],
        "postcode": "",
        "address": "架空市港一丁目2番地3号",
        "building": "架空荘101",
        "district": "1",
        "registered_on": None,
        "mark": "",
        "marked_on": None,
        "kept_in_prefecture": False,
        "franchise": ["national", "prefectural", "municipal"],
    }


def test_names_are_committed_to_as_they_are(world: World) -> None:
    """𠮷, a selector and a character of the town's own stay what they are."""
    row = kakuu.elector(world.election, "rare", name="𠮷﨑󠄀　\ue000")
    assert json.loads(row_text(row))["name"] == "𠮷﨑󠄀　\ue000"
    make_leaves(world.election)


def test_the_order_is_drawn_by_lot(world: World) -> None:
    """Neither the roll's, nor the same twice; parties may inspect the roll (法28の2)."""
    for number in range(60):
        kakuu.elector(world.election, f"k{number}", name=f"架空　{number}")
    orders = []
    for _ in range(2):
        make_leaves(world.election)
        orders.append(list(RollLeaf.objects.order_by("index").values_list("elector_id", flat=True)))
        RollLeaf.objects.all().delete()
    rolls = sorted(orders[0])
    by_number = list(Elector.objects.order_by("list_number").values_list("pk", flat=True))
    assert len({tuple(order) for order in (*orders, rolls, by_number)}) == 4
    # Neighbours on the roll are no neighbours here: of 70 pairs, two or so by chance.
    near = sum(abs(first - second) == 1 for first, second in zip(orders[0], orders[0][1:], strict=False))
    assert near < 20


def test_batches_leave_no_gap(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commitment, "BATCH", 4)
    told: list[tuple[int, int]] = []
    total = make_leaves(world.election, lambda done, of: told.append((done, of)))
    assert told[-1] == (total, total) and [done for done, _of in told] == [*range(4, total, 4), total]
    assert list(RollLeaf.objects.order_by("index").values_list("index", flat=True)) == list(range(total))
    assert tree_of(world.election).size == total


def test_all_or_nothing(world: World) -> None:
    """A break in the middle leaves no leaf, and the next attempt is a new draw."""

    class Break(Exception): ...

    def stop(done: int, total: int) -> None:
        raise Break

    with pytest.raises(Break):
        make_leaves(world.election, stop)
    assert not RollLeaf.objects.exists()
    assert make_leaves(world.election)


def test_leaves_are_made_once(world: World) -> None:
    make_leaves(world.election)
    before = list(RollLeaf.objects.values_list("index", "salt"))
    not_ready(world, "already")
    assert list(RollLeaf.objects.values_list("index", "salt")) == before


def test_not_without_a_roll_nor_while_a_file_is_on_its_way(world: World) -> None:
    for state in ("checking", "checked"):
        row = RollImport.objects.create(
            election=world.election, state=state, file_name="x", digest=bytes(32), uploaded_by=world.town.clerk
        )
        not_ready(world, "on its way")
        row.delete()
    for state in ("faulty", "discarded", "taken-over"):
        RollImport.objects.create(
            election=world.election, state=state, file_name="x", digest=bytes(32), uploaded_by=world.town.clerk
        )
    Elector.objects.all().delete()
    not_ready(world, "no roll")


def test_only_this_elections_roll(world: World, town: Town) -> None:
    again = kakuu.world(town, slug="again")
    assert make_leaves(world.election) == again.election.electors.count()
    assert not RollLeaf.objects.filter(elector__election=again.election).exists()
    with pytest.raises(RollNotReady):
        tree_of(again.election)


# Paths


def test_every_path_leads_to_the_root(world: World) -> None:
    """As the verifier checks it; with another index, leaf or path it does not."""
    make_leaves(world.election)
    body = commitment_body(world.election)
    root, size = decode_bytes(body["root"], 32), body["rows"]
    assert size == Elector.objects.count()
    for elector in Elector.objects.all():
        part = leaf_and_path(elector)
        leaf, path = decode_bytes(part["leaf"], 32), [decode_bytes(node, 32) for node in part["path"]]
        assert inclusion_holds(leaf, part["index"], size, path, root)
        assert not inclusion_holds(leaf, (part["index"] + 1) % size, size, path, root)
        assert not inclusion_holds(leaf, part["index"], size, path[:-1], root)
        assert not inclusion_holds(bytes(32), part["index"], size, path, root)


def test_later_changes_of_the_roll_do_not_touch_the_leaf(world: World) -> None:
    """A death after the commitment is marked on the roll, not in what was committed to."""
    make_leaves(world.election)
    before, body = leaf_and_path(world.electors["taro"]), commitment_body(world.election)
    Elector.objects.filter(number="taro").update(mark=Mark.DEAD, name="改名", vote="cast")
    newcomer = kakuu.elector(world.election, "new", name="架空　新")
    forget_trees()
    taro = Elector.objects.get(number="taro")
    assert leaf_and_path(taro) == before and commitment_body(world.election) == body
    stored = RollLeaf.objects.get(elector=taro)
    assert stored.row != row_text(taro)
    assert bytes(stored.leaf) == roll_leaf(stored.index, bytes(stored.salt), stored.row)
    with pytest.raises(RollNotReady, match="not in the committed roll"):
        leaf_and_path(newcomer)


def test_nothing_is_told_before_there_are_leaves(world: World) -> None:
    for ask in (tree_of, commitment_body, approved_commitment):
        with pytest.raises(RollNotReady):
            ask(world.election)  # type: ignore[operator]
    with pytest.raises(RollNotReady):
        leaf_and_path(world.electors["taro"])


# Two officials


def test_two_officials_agree(world: World) -> None:
    """On root and number; only then there is something for the board."""
    make_leaves(world.election)
    town, body = world.town, commitment_body(world.election)
    asked = ask_to_commit(world.election, by=town.clerk)
    assert asked.payload == body and body["root"] in asked.summary
    with pytest.raises(RollNotReady, match="Two officials"):
        approved_commitment(world.election)
    for somebody in (town.clerk, town.second_clerk, town.auditor, town.poll_manager, *kakuu.neighbour()[1:]):
        with pytest.raises(NotPermitted):
            approve(asked, by=somebody)
    with pytest.raises(AlreadyProposed):
        ask_to_commit(world.election, by=town.chair)
    approve(asked, by=town.chair)
    assert approved_commitment(world.election) == body


def test_a_declined_commitment_is_none(world: World) -> None:
    make_leaves(world.election)
    decline(ask_to_commit(world.election, by=world.town.clerk), by=world.town.chair, remark="件数が違う")
    with pytest.raises(RollNotReady):
        approved_commitment(world.election)
    approve(ask_to_commit(world.election, by=world.town.clerk), by=world.town.chair)
    assert approved_commitment(world.election)


def test_who_may_ask(world: World) -> None:
    make_leaves(world.election)
    town = world.town
    board = (town.clerk, town.second_clerk, town.chair, town.second_chair)
    everybody = [one for one in vars(town).values() if isinstance(one, Official)]
    for somebody in [*everybody, *kakuu.neighbour()[1:]]:
        if somebody not in board:
            with pytest.raises(NotPermitted):
                ask_to_commit(world.election, by=somebody)


@pytest.mark.parametrize("when", ["before the second person", "after both"])
def test_leaves_that_change_are_not_what_was_agreed(world: World, when: str) -> None:
    """Somebody with the database's password exchanges a leaf: its root is nobody's agreement."""
    make_leaves(world.election)
    asked = ask_to_commit(world.election, by=world.town.clerk)

    def exchange() -> None:
        changed: dict[str, Any] = {"leaf": bytes(32)}
        RollLeaf.objects.filter(index=0).update(**changed)
        forget_trees()

    if when == "after both":
        approve(asked, by=world.town.chair)
        assert approved_commitment(world.election)
        exchange()
    else:
        exchange()
        with pytest.raises(RollNotReady, match="not the one"):
            approve(asked, by=world.town.chair)
        asked.refresh_from_db()
        assert (asked.decision, asked.act) == ("pending", Act.COMMIT_ROLL)
    with pytest.raises(RollNotReady):
        approved_commitment(world.election)


def test_an_election_of_no_office_has_nobody_to_ask(world: World) -> None:
    make_leaves(world.election)
    world.election.office = None
    with pytest.raises(RollNotReady):
        ask_to_commit(world.election, by=world.town.clerk)


def test_the_command_draws_the_leaves_once(world: World) -> None:
    """For rolls that are too large for a browser to wait for."""
    said = StringIO()
    call_command("make_leaves", "kakuu", stdout=said)
    assert f"{Elector.objects.count()} rows" in said.getvalue()
    assert RollLeaf.objects.count() == Elector.objects.count()
    with pytest.raises(CommandError, match="roll-not-ready"):
        call_command("make_leaves", "kakuu")


def test_what_is_on_the_board_is_committed_even_without_a_proposal(world: World) -> None:
    """An entry that came from elsewhere binds as well: its leaves are never thrown away."""
    make_leaves(world.election)
    assert not is_committed(world.election)
    BoardEntry.objects.create(
        election=world.election, index=0, type="roll-commitment", raw=b"{}", leaf_hash=bytes(32), submission=bytes(32),
        created=timezone.now(),
    )  # fmt: skip
    assert is_committed(world.election)
    discard_leaves(world.election)
    assert RollLeaf.objects.exists()
