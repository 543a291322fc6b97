"""架空市, an invented city: its districts, contests, candidates and voters. Nobody here exists."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from tally.ballot import Choice
from verifier.record.manifest import BLANK, Form
from voting.demo.preflib import RankedBallots
from voting.elections.models import ElectionKind

UNITS = (("chuo", "中央開票区"), ("minato", "港開票区"), ("shima", "島しょ開票区"))
SMALL_UNIT = "shima"
SMALL_UNIT_VOTERS = 3
"""below the minimum group of 10, so that it is counted together with another unit"""

MAYOR = (
    ("架空 一郎", "かくう いちろう", "無所属"),
    ("例示 花子", "れいじ はなこ", "みほん党"),
    ("仮野 次郎", "かりの じろう", "無所属"),
)
FAMILY = "青木 石川 上田 江口 岡本 加藤 木村 工藤 小池 坂本".split()
FAMILY_READING = "あおき いしかわ うえだ えぐち おかもと かとう きむら くどう こいけ さかもと".split()
GIVEN = (("さくら", "みほん党"), ("太陽", "れいの会"), ("あおい", "無所属"))
GIVEN_READING = ("さくら", "たいよう", "あおい")
COUNCIL_SEATS = 20
JUDGES = (
    ("架空 甲子", "かくう こうこ"),
    ("例示 乙彦", "れいじ おとひこ"),
    ("仮野 丙太", "かりの へいた"),
    ("見本 丁香", "みほん ていか"),
    ("試作 戊一", "しさく ぼいち"),
    ("想定 己代", "そうてい みよ"),
)


@dataclass(frozen=True)
class Option:
    """A candidate as the manifest names one."""

    id: str
    name: str
    reading: str = ""
    party: str = ""


@dataclass(frozen=True)
class Question:
    """A contest of the demonstration."""

    id: str
    title: str
    kind: str
    options: tuple[Option, ...]
    blank: bool = True
    least: int = 1
    most: int = 1
    form: Form = Form.SINGLE
    seats: int = 1


@dataclass(frozen=True)
class Voter:
    """A voter and every ballot that the device makes, in order; the last cast one counts."""

    id: str
    unit: str
    ballots: tuple[Mapping[str, Choice], ...]
    challenges: bool = False
    """opens one ballot as a test before casting"""
    votes_on_paper: bool = False
    """so that the poll manager refuses the online ballot"""


@dataclass(frozen=True)
class Scenario:
    """What is asked, and who answers what."""

    title: str
    questions: tuple[Question, ...]
    voters: tuple[Voter, ...]
    kind: ElectionKind = ElectionKind.ASSOCIATION


def _council() -> tuple[Option, ...]:
    names = [
        (f"{family} {given}", f"{reading} {given_reading}", party)
        for (given, party), given_reading in zip(GIVEN, GIVEN_READING, strict=True)
        for family, reading in zip(FAMILY, FAMILY_READING, strict=True)
    ]
    return tuple(Option(f"c{number:02}", *name) for number, name in enumerate(names, 1))


QUESTIONS = (
    Question("mayor", "架空市長選挙", "choose-one", tuple(Option(f"m{n}", *who) for n, who in enumerate(MAYOR, 1))),
    Question("council", "架空市議会議員選挙", "index", _council(), form=Form.SNTV, seats=COUNCIL_SEATS),
    Question(
        "review",
        "裁判官の審査（やめさせたい人に×）",
        "choose-several",
        tuple(Option(f"j{n}", *who) for n, who in enumerate(JUDGES, 1)),
        least=0,
        most=len(JUDGES),
        form=Form.REVIEW,
    ),
)


def city(voters: int, seed: int = 2026) -> Scenario:
    """The city's election with so many voters (at least 40): revotes, blank votes, a challenge, a paper vote.

    The choices are invented from `seed`; nothing secret depends on it.
    """
    dice = random.Random(seed)  # noqa: S311 - invented voters, not cryptography
    people = []
    for number in range(voters):
        small = number >= voters - SMALL_UNIT_VOTERS
        unit = SMALL_UNIT if small else ("chuo", "minato")[number % 2]
        ballots = [_answers(dice) for _ in range(2 if number % 9 == 0 else 1)]
        people.append(
            Voter(f"voter-{number + 1:05}", unit, tuple(ballots), challenges=number == 4, votes_on_paper=number == 7)
        )
    return Scenario("架空市 市長・市議会議員選挙と審査", QUESTIONS, tuple(people), ElectionKind.CITY)


def _answers(dice: random.Random) -> dict[str, Choice]:
    mayor, council, review = QUESTIONS
    marks = tuple(option.id for option in review.options if dice.random() < 0.25)
    return {
        "mayor": dice.choice([*(option.id for option in mayor.options), BLANK]),
        "council": BLANK if dice.random() < 0.1 else dice.choice(council.options).id,
        "review": marks,
    }


def association(ranked: RankedBallots) -> Scenario:
    """A leader's election with ranked ballots: rankings through the mix-net, first preferences added up encrypted."""
    options = tuple(Option(f"a{n}", name) for n, name in enumerate(ranked.alternatives, 1))
    questions = (
        Question("ranking", f"{ranked.title}: 順位", "ranking", options, most=len(options), form=Form.RANKING),
        Question("first", f"{ranked.title}: 第一希望", "choose-one", options),
    )
    voters = []
    for number, order in enumerate(ranked.ballots):
        ids = tuple(options[place].id for place in order)
        unit = UNITS[number % 2][0]
        voters.append(Voter(f"voter-{number + 1:05}", unit, ({"ranking": ids, "first": ids[0]},)))
    return Scenario(ranked.title, questions, tuple(voters))
