"""A counted election with a contest of every form, small enough to work its result out by hand.

Seven voters: v1, v2, v6 in the north, v3, v4, v7 in the south, v5 alone in the west. The minimum group is 2, so that
the west is counted together with the smallest other area, and its own contest, "ward", is withheld.

| contest | votes | so |
|---|---|---|
| mayor | 一郎 4, 花子 2, 次郎 0, blank 1 | 一郎 |
| council | 子 3, 丑 2, 寅 2, 卯 0, for two seats | 子, and a lot between 丑 and 寅 |
| lists | みほん党 5, れいの会 2, for three seats: 5, 5/2, 2 | みほん党 two, れいの会 one |
| names | みほん党 1 + 花子 2 + 太郎 1 = 4, れいの会 0 + 梅 3 = 3, for two seats: 4, 3 | 花子 and 梅 |
| judges | 甲 4 of 7, 乙 1 | 甲 dismissed |
| question | 賛成 4, 反対 3 | 賛成, by more than half |
| chair | 松 3, 竹 2, 梅 1: 梅 leaves, hers goes to 竹; 3 : 3 | a lot |
| name | "=1+1" 3, "<b>花子</b>" 2, 田中 1, blank 1 | "=1+1" |
| ward | one ballot | withheld |
"""

from __future__ import annotations

from functools import cache
from typing import Any

from tests.election import Election, contest, option, small_manifest

VOTES: dict[str, tuple[str, dict[str, Any]]] = {
    "v1": ("north", {"mayor": "a", "council": "a", "lists": "p", "names": "p", "judges": ("a",), "question": "yes",
                     "chair": ("a",), "name": "=1+1"}),
    "v2": ("north", {"mayor": "a", "council": "a", "lists": "p", "names": "p1", "judges": ("a", "b"), "question": "yes",
                     "chair": ("a", "b"), "name": "=1+1"}),
    "v3": ("south", {"mayor": "a", "council": "a", "lists": "p", "names": "p1", "judges": (), "question": "yes",
                     "chair": ("a", "c"), "name": "<b>花子</b>"}),
    "v4": ("south", {"mayor": "b", "council": "b", "lists": "p", "names": "p2", "judges": ("a",), "question": "no",
                     "chair": ("b",), "name": "<b>花子</b>"}),
    "v5": ("west", {"mayor": "a", "council": "b", "lists": "p", "names": "q1", "judges": ("a",), "question": "yes",
                    "chair": ("b", "a"), "name": "=1+1", "ward": "b"}),
    "v6": ("north", {"mayor": "b", "council": "c", "lists": "q", "names": "q1", "judges": (), "question": "no",
                     "chair": ("c", "b"), "name": "田中"}),
    "v7": ("south", {"mayor": "blank", "council": "c", "lists": "q", "names": "q1", "judges": (), "question": "no",
                     "chair": (), "name": ""}),
}  # fmt: skip
WARD = "区長になる人"
"""A name that stands only in the contest that is withheld."""


def manifest() -> dict[str, Any]:
    contests = [
        contest("mayor", "choose-one", ["架空 一郎", "架空 花子", "仮名 次郎"], title="架空市長選挙"),
        contest(
            "council",
            "index",
            ["議員 子", "議員 丑", "議員 寅", "議員 卯"],
            title="架空市議会議員選挙",
            form="SNTV",
            seats=2,
        ),
        {
            **contest("lists", "choose-one", [], title="比例代表（名簿）", form="PR_CLOSED", seats=3),
            "options": [
                option("p", "みほん党", candidates=["見本 一", "見本 二"]),
                option("q", "れいの会", candidates=["例野 一", "例野 二"]),
            ],
        },
        {
            **contest("names", "index", [], title="比例代表（名前）", form="PR_OPEN", seats=2),
            "options": [
                option("p", "みほん党"),
                option("p1", "見本 花子", list="p"),
                option("p2", "見本 太郎", list="p"),
                option("q", "れいの会"),
                option("q1", "例野 梅", list="q"),
            ],
        },
        contest("judges", "choose-several", ["判事 甲", "判事 乙"], title="裁判官の審査", least=0, most=2),
        {
            **contest("question", "choose-one", [], title="市役所の移転", form="REFERENDUM"),
            "options": [option("yes", "賛成"), option("no", "反対")],
        },
        contest("chair", "ranking", ["委員 松", "委員 竹", "委員 梅"], title="委員長の順位", most=3),
        contest("name", "text", [], title="愛称", most=30),
        contest("ward", "choose-one", [WARD, "架空 三郎"], title="西区長"),
    ]
    everybody = [part["id"] for part in contests[:-1]]
    return small_manifest(
        title="架空市の選挙",
        contests=contests,
        styles=[
            {"id": "north", "unit": "north", "contests": everybody},
            {"id": "south", "unit": "south", "contests": everybody},
            {"id": "west", "unit": "west", "contests": [*everybody, "ward"]},
        ],
    )


@cache
def counted() -> Election:
    """From the manifest to the result. Tests only read it."""
    election = Election(manifest()).set_up()
    for index, (slot, (style, _)) in enumerate(VOTES.items()):
        election.register(slot, style, 2 * index)
    election.register("v8", "north", 30)
    election.open_polls()
    for slot, (_, choices) in VOTES.items():
        election.cast(slot, **choices)
    election.cast("v8", **VOTES["v1"][1])
    election.close_polls()
    election.withdraw("v8")
    election.freeze()
    election.mix()
    election.root(1, 3)
    election.open_and_publish()
    return election
