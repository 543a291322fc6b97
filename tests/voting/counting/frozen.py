"""A small frozen election in memory: two groups to mix by three mixers, and a mayor who needs none."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

from tests.election import Election, contest, parties, signing_key, small_manifest
from tests.forge import trusting

MIXERS = [signing_key(f"mixer {number}") for number in (1, 2, 3)]
VOTES = {
    "v1": ("north", {"mayor": "a", "council": "c"}),
    "v2": ("north", {"mayor": "b", "council": "a"}),
    "v3": ("south", {"mayor": "a", "council": "c"}),
    "v4": ("south", {"mayor": "blank", "council": "b"}),
    "v5": ("south", {"mayor": "a", "council": "c"}),
}
PLACES = [("council", group, stage) for stage in (1, 2, 3) for group in (0, 1)]
"""Every stage that is to be mixed."""


def manifest() -> dict[str, Any]:
    contests = [
        contest("mayor", "choose-one", ["架空 一郎", "架空 花子"]),
        contest("council", "index", ["議員 子", "議員 丑", "議員 寅"], form="SNTV", seats=2),
    ]
    everything = [part["id"] for part in contests]
    return small_manifest(
        contests=contests,
        mixers=parties("mixer", 3),
        units=[{"id": "north", "name": "北"}, {"id": "south", "name": "南"}],
        styles=[{"id": unit, "unit": unit, "contests": everything} for unit in ("north", "south")],
    )


@cache
def frozen() -> Election:
    """From the manifest to the freeze. Tests only read it."""
    election = trusting(manifest()).set_up()
    for index, (slot, (style, _)) in enumerate(VOTES.items()):
        election.register(slot, style, 2 * index)
    election.open_polls()
    for slot, (_, choices) in VOTES.items():
        election.cast(slot, **choices)
    election.close_polls()
    election.freeze()
    return election


@cache
def published() -> Election:
    """The same to the result. Tests only read it."""
    election = copy.deepcopy(frozen())
    election.mix()
    election.root(1, 3)
    election.open_and_publish()
    return election
