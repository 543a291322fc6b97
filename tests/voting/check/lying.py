"""A server that lies: it answers the browser's questions about a board with something else than is there."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from playwright.sync_api import Page, Route

from tests.election import Election, signed_checkpoint, tree_of
from verifier.record.canonical import encode_bytes
from verifier.record.entries import Type, statement_digest

Change = Callable[[Any], Any]
BALLOTS = (Type.BALLOT_CAST, Type.BALLOT_OPENED)


def tracker_at(entries: Sequence[bytes], index: int) -> str:
    """The tracker of the ballot at this place."""
    entry = json.loads(entries[index])
    return encode_bytes(statement_digest(Type(entry["type"]), entry["body"]))


def ballots(entries: Sequence[bytes], slot: str, kind: Type = Type.BALLOT_CAST) -> list[int]:
    """Where the ballots of a slot are."""
    found = []
    for index, raw in enumerate(entries):
        entry = json.loads(raw)
        if entry["type"] == kind:
            body = entry["body"]["ballot"] if kind is Type.BALLOT_OPENED else entry["body"]
            found += [index] if body["slot"] == slot else []
    return found


def changing(page: Page, question: str, change: Change) -> None:
    """The true answer to this question (`ballot/*`), changed; what the function returns is sent instead, if it does."""

    def answer(route: Route) -> None:
        response = route.fetch()
        said = response.json()
        instead = change(said)
        route.fulfill(response=response, json=said if instead is None else instead)

    page.route(f"**/board/kakuu/{question}", answer)


def saying(page: Page, question: str, answer: Any, status: int = 200) -> None:
    """This, whatever is true."""
    page.route(f"**/board/kakuu/{question}", lambda route: route.fulfill(status=status, json=answer))


def honest(page: Page) -> None:
    """No lies from here on."""
    page.unroute_all()


# Answers about boards that are not the one in the database, all signed by the board's own key


def note(election: Election, entries: Sequence[bytes]) -> str:
    """The board's signature over exactly these entries."""
    return signed_checkpoint(election.manifest, len(entries), tree_of(entries).root()).decode()


def proof(entries: Sequence[bytes], index: int) -> dict[str, Any]:
    path = tree_of(entries).inclusion_path(index, len(entries))
    return {"raw": entries[index].decode(), "index": index, "path": [encode_bytes(node) for node in path]}


def setup(election: Election, entries: Sequence[bytes]) -> dict[str, Any]:
    """As `voting.check.services.setup` would answer about these entries."""
    kinds = (Type.MANIFEST, Type.KEY, Type.ROLL_COMMITMENT)
    where = {kind: at for at, raw in enumerate(entries) if (kind := json.loads(raw)["type"]) in kinds}
    return {**{kind: proof(entries, at) for kind, at in where.items()}, "checkpoint": note(election, entries)}


def ballot(election: Election, entries: Sequence[bytes], index: int, status: str) -> dict[str, Any]:
    """As `voting.check.services.ballot_entry` would."""
    return {**proof(entries, index), "checkpoint": note(election, entries), "status": status}


def consistency(entries: Sequence[bytes], old: int) -> dict[str, Any]:
    """As `voting.check.services.consistency` would."""
    path = tree_of(entries).consistency_path(old, len(entries))
    return {"old": old, "new": len(entries), "path": [encode_bytes(node) for node in path]}
