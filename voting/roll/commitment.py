"""The salted commitment to the roll (protocol, section 4): leaves, their tree, and the paths that voters' slots need.

The order of the leaves is drawn by lot. Parties may inspect the roll by law (法28の2), so the order of the roll itself
would tell them near which neighbours a voter's published index lies.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from verifier.crypto.merkle import MerkleTree
from verifier.record.canonical import encode_bytes, serialise
from verifier.record.entries import Type
from verifier.record.roll import SALT_BYTES, roll_leaf, roll_tree
from voting.board.models import BoardEntry
from voting.elections.models import Election
from voting.errors import RollNotReady
from voting.officials.models import Official, Proposal
from voting.officials.roles import Act
from voting.officials.services import approved, carries_out, key_of_target, propose, target_of
from voting.roll.models import Elector, RollImport, RollLeaf

BATCH = 5_000
TREES = 4
"""Trees kept in memory; one of 800,000 leaves takes 51 MB."""

Progress = Callable[[int, int], None]


def row_text(elector: Elector) -> str:
    """What a leaf commits to: the row as canonical JSON."""
    record: dict[str, Any] = {
        "number": elector.number,
        "roll": elector.roll,
        "list_number": elector.list_number,
        "name": elector.name,
        "kana": elector.kana,
        "other_name": elector.other_name,
        "sex": elector.sex,
        "birth": [elector.birth_year, elector.birth_month, elector.birth_day],
        "postcode": elector.postcode,
        "address": elector.address,
        "building": elector.building,
        "district": elector.district.code,
        "registered_on": elector.registered_on.isoformat() if elector.registered_on else None,
        "mark": elector.mark,
        "marked_on": elector.marked_on.isoformat() if elector.marked_on else None,
        "kept_in_prefecture": elector.kept_in_prefecture,
        "franchise": [name for name in ("national", "prefectural", "municipal") if getattr(elector, name)],
    }
    return serialise(record).decode()


def make_leaves(election: Election, progress: Progress = lambda done, total: None) -> int:
    """Draw the order and the salts and store every leaf; the number of leaves. All or nothing.

    Raises RollNotReady when there is no roll, an import is under way, or there are leaves already.
    """
    with transaction.atomic():
        # An import that is taken over, and a second commitment, wait for this row; requests do not.
        Election.objects.select_for_update(no_key=True).get(pk=election.pk)
        if RollImport.objects.filter(election=election, state__in=("checking", "checked")).exists():
            raise RollNotReady(_("A roll file is still on its way."), election.slug)
        if RollLeaf.objects.filter(election=election).exists():
            raise RollNotReady(_("The roll is committed to already."), election.slug)
        keys = list(Elector.objects.filter(election=election).values_list("pk", flat=True))
        if not keys:
            raise RollNotReady(_("There is no roll yet."), election.slug)
        secrets.SystemRandom().shuffle(keys)
        for start in range(0, len(keys), BATCH):
            _store(election, start, keys[start : start + BATCH])
            progress(min(start + BATCH, len(keys)), len(keys))
    return len(keys)


def _store(election: Election, start: int, keys: list[int]) -> None:
    electors = Elector.objects.select_related("district").in_bulk(keys)
    leaves = []
    for index, key in enumerate(keys, start):
        salt, row = secrets.token_bytes(SALT_BYTES), row_text(electors[key])
        leaf = roll_leaf(index, salt, row)
        leaves.append(RollLeaf(election=election, elector_id=key, index=index, salt=salt, row=row, leaf=leaf))
    RollLeaf.objects.bulk_create(leaves, batch_size=500)


def is_committed(election: Election) -> bool:
    """Whether the commitment is on the board, two officials agreed on it, or one has asked and it is not decided."""
    agreed = Proposal.objects.filter(
        act=Act.COMMIT_ROLL,
        target=target_of(election),
        decision__in=[Proposal.Decision.PENDING, Proposal.Decision.APPROVED],
    )
    on_board = BoardEntry.objects.filter(election=election, type=Type.ROLL_COMMITMENT)
    return agreed.exists() or on_board.exists()


def discard_leaves(election: Election) -> None:
    """Leaves that nobody agreed on bind nobody: they go when another roll file comes."""
    with transaction.atomic():
        Election.objects.select_for_update(no_key=True).get(pk=election.pk)
        if not is_committed(election):
            RollLeaf.objects.filter(election=election).delete()
            forget_trees()


def tree_of(election: Election) -> MerkleTree:
    """The tree over an election's leaves. Raises RollNotReady before there are any."""
    if not RollLeaf.objects.filter(election=election).exists():
        raise RollNotReady(_("The roll is not committed to yet."), election.slug)
    return _tree(election.pk)


@lru_cache(maxsize=TREES)
def _tree(election_id: int) -> MerkleTree:
    return roll_tree(_leaves(election_id))


def _leaves(election_id: int) -> Iterator[bytes]:
    rows = RollLeaf.objects.filter(election_id=election_id).order_by("index").values_list("leaf", flat=True)
    return (bytes(leaf) for leaf in rows.iterator(chunk_size=BATCH))


def forget_trees() -> None:
    """Also needed by tests, whose elections are not kept."""
    _tree.cache_clear()


def leaf_and_path(elector: Elector) -> dict[str, Any]:
    """The parts `index`, `leaf` and `path` of a credential entry. Raises RollNotReady."""
    tree = tree_of(elector.election)
    leaf = RollLeaf.objects.filter(elector=elector).first()
    if leaf is None:
        raise RollNotReady(_("This person is not in the committed roll."), elector.list_number)
    return {
        "index": leaf.index,
        "leaf": encode_bytes(bytes(leaf.leaf)),
        "path": [encode_bytes(node) for node in tree.inclusion_path(leaf.index, tree.size)],
    }


def commitment_body(election: Election) -> dict[str, Any]:
    """Root and number of rows, as the board's entry states them beside the election. Raises RollNotReady."""
    tree = tree_of(election)
    return {"root": encode_bytes(tree.root()), "rows": tree.size}


def ask_to_commit(election: Election, *, by: Official) -> Proposal:
    """Ask to commit to the roll as its leaves stand. Raises NotPermitted, AlreadyProposed, RollNotReady."""
    body = commitment_body(election)
    if election.office is None:
        raise RollNotReady(_("The election belongs to no office yet."), election.slug)
    return propose(
        Act.COMMIT_ROLL,
        office=election.office,
        target=election,
        summary=_("Commit to %(rows)s rows, root %(root)s") % body,
        payload=body,
        by=by,
    )


@carries_out(Act.COMMIT_ROLL)
def _commit(proposal: Proposal, by: Official) -> None:
    election = Election.objects.get(pk=key_of_target(proposal))
    if commitment_body(election) != proposal.payload:
        raise RollNotReady(_("The commitment is not the one that was asked for."), election.slug)


def approved_commitment(election: Election) -> dict[str, Any]:
    """The body that two officials agreed on, for the board. Raises RollNotReady."""
    agreed, body = approved(Act.COMMIT_ROLL, election), commitment_body(election)
    if agreed is None or agreed.payload != body:
        raise RollNotReady(_("Two officials have not yet agreed on the commitment."), election.slug)
    return body
