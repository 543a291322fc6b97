"""Votes for a shared name, divided on a page: published online votes, exact fractions, nothing stored."""

from __future__ import annotations

import html
import re
from fractions import Fraction

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.voting.polling import Counter, electors
from voting.counting.sharing import contests, mixed, namesakes
from voting.elections.models import Candidate
from voting.officials.models import Official

pytestmark = pytest.mark.django_db
PAGE = "/office/counting/kakuu/proration/"
BOTH = {"contest": "mayor", "candidate": ["a", "b"]}


def desk(official: Official) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(official)
    return client


def cells(page: str) -> list[list[str]]:
    """The tables of the page, row by row."""
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.S)
    return [
        [html.unescape(re.sub(r"<.*?>", "", cell)) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)] for row in rows
    ]


@pytest.fixture
def published(polls: Counter) -> Counter:
    """Three people have voted online for the first of two candidates who are called 架空."""
    for elector in electors(polls.row)[:3]:
        polls.voter(elector)
    polls.close()
    polls.accept_rest()
    polls.freeze()
    polls.open_tally()
    return polls


def test_the_example_of_the_law(published: Counter) -> None:
    """150 votes for 田中 alone, 3000 and 1000 other votes: 112.500 and 37.500 (requirement 36). Three of the 3000 were
    cast online, and the page has taken them from the published result.
    """
    manager = desk(published.town.count_manager)
    early = manager.get(PAGE, BOTH).content.decode()
    assert "once the result is on the board" in early and 'name="a0"' not in early
    published.declare()
    page = manager.get(PAGE, BOTH).content.decode()
    assert "北, 南" in page and "counted together" in page
    with CaptureQueriesContext(connection) as asked:
        answer = manager.post(PAGE, {**BOTH, "p0-a": "2997", "p0-b": "1000", "a0": "150"})
    assert answer.status_code == 200
    assert cells(answer.content.decode())[1:] == [
        ["架空 一郎", "3", "2997", "112 1/2", "112.500", "3112.500"],
        ["架空 花子", "0", "1000", "37 1/2", "37.500", "1037.500"],
    ]
    assert "given to nobody: 0" in answer.content.decode()
    written = [one["sql"] for one in asked if one["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert [sql for sql in written if "django_session" not in sql] == []

    thirds = manager.post(PAGE, {**BOTH, "p0-a": "0", "p0-b": "6", "a0": "100"}).content.decode()
    assert cells(thirds)[1:] == [
        ["架空 一郎", "3", "0", "33 1/3", "33.333", "36.333"],
        ["架空 花子", "0", "6", "66 2/3", "66.666", "72.666"],
    ]
    assert "given to nobody: 1/1000" in thirds

    for value in ("-1", "1.5", "many", "200000001", "1x"):
        refused = manager.post(PAGE, {**BOTH, "p0-a": "1", "p0-b": "1", "a0": value})
        page = refused.content.decode()
        assert refused.status_code == 400 and "errorlist" in page and cells(page) == []

    nothing = manager.post(PAGE, {**BOTH, "p0-a": "", "p0-b": "", "a0": ""})
    assert [row[3:5] for row in cells(nothing.content.decode())[1:]] == [["0", "0.000"], ["0", "0.000"]]


def test_what_is_not_there_is_not_divided(polls: Counter) -> None:
    """Before the result, of other contests, of one candidate: a page without numbers."""
    clerk = desk(polls.town.clerk)
    assert clerk.get(PAGE).status_code == 200
    assert [one.identifier for one in contests(polls.row)] == ["mayor"]
    for sent in ({"contest": "judges"}, {"contest": "nothing", "candidate": ["a", "b"]}):
        page = clerk.get(PAGE, sent).content.decode()
        assert 'name="candidate"' not in page
    assert clerk.post(PAGE, {"contest": "mayor", "candidate": ["a"]}).status_code == 400
    assert clerk.get(PAGE, {"contest": "mayor", "candidate": ["a", "nobody"]}).status_code == 400


def test_a_withheld_contest_has_no_online_votes(polls: Counter) -> None:
    """Its ballots are sealed: they are in no proportion, and the page says so."""
    polls.voter(electors(polls.row)[0])
    polls.close()
    polls.accept_rest()
    polls.freeze()
    polls.open_tally()
    polls.declare()
    manager = desk(polls.town.count_manager)
    assert "is withheld" in manager.get(PAGE, BOTH).content.decode()
    page = manager.post(PAGE, {**BOTH, "p0-a": "0", "p0-b": "0", "a0": "7"})
    assert page.status_code == 200 and "the law names no proportion" in page.content.decode()


def test_who_bears_the_same_name(polls: Counter) -> None:
    """The whole name or a part of it, whatever the form of its letters."""
    names = ["髙橋 花子", "高橋 一郎", "田中 花子", "田中 次郎", "佐藤"]
    people = [Candidate(pk=number, name=name) for number, name in enumerate(names, 1)]
    found = {part: [one.name for one in bearers] for part, bearers in namesakes(people)}
    assert found == {"髙橋": names[:2], "花子": [names[0], names[2]], "田中": names[2:4]}


def test_fractions_as_people_write_them() -> None:
    values = [Fraction(225, 2), Fraction(1, 3), Fraction(4), Fraction(0)]
    assert [mixed(value) for value in values] == ["112 1/2", "1/3", "4", "0"]
