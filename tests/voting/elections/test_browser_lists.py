"""Party lists on the officials' page of a contest, in a real browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.election import small_manifest
from tests.vectors.generate import CLOSED_LISTS, contest_of_form
from tests.voting.browser import Visitor
from tests.voting.offices import Town
from voting.elections.models import Candidate
from voting.elections.services import build_manifest, define_election

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_clerk_enters_the_names_of_a_list(town: Town, visitor: Callable[[], Visitor]) -> None:
    """One name on each line; what is said at once when it does not fit; and the manifest has what was typed."""
    record = small_manifest()
    record["contests"][0] = {**contest_of_form("PR_CLOSED"), "id": "mayor"}
    election = define_election(slug="lists", record=record)
    election.office = town.board
    election.save()
    contest = election.contests.get(identifier="mayor")
    clerk = visitor()
    clerk.enter(town.clerk)
    page = clerk.go(f"/office/elections/contest/{contest.pk}/change/")
    clerk.examine("contest-lists", (1280, 320))
    names = page.locator("#id_candidates-0-listed")
    assert names.input_value() == "\n".join(CLOSED_LISTS[0]["candidates"])
    names.fill(" 架空 花子 \n\n架空 一郎\n")
    page.locator("#id_form").select_option("SINGLE")
    clerk.follow(page.locator("input[name=_save]"))
    assert page.locator(".field-seats .errorlist").count() == 1
    page.locator("#id_form").select_option("PR_CLOSED")
    clerk.follow(page.locator("input[name=_save]"))
    assert page.locator(".messagelist .error").count() == 0
    assert Candidate.objects.get(contest=contest, identifier="a").listed == "架空 花子\n架空 一郎"
    option = build_manifest(election)["contests"][0]["options"][0]
    assert option["candidates"] == ["架空 花子", "架空 一郎"]
