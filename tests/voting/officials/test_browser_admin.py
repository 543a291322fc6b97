"""The officials' site in a real browser: two people open the polls, by keyboard as well, on any width, without scripts
that the policy forbids, and with no serious finding of axe.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.voting.browser import Visitor
from tests.voting.offices import Town
from tests.voting.polling import Counter, counter, ready  # noqa: F401 (fixtures)
from voting.officials.models import Proposal
from voting.officials.roles import Act
from voting.roll.imports import begin_import, check_import
from voting.roll.models import RollImport

pytestmark = pytest.mark.django_db(transaction=True)

ROLL = """宛名番号,名簿番号,氏名,カナ,生年月日,性別,住所,投票区
1,1-1,髙橋　一郎,タカハシ　イチロウ,1980-01-02,男,架空市中央1番地,north
"""


def test_two_people_open_the_polls(ready: Counter, visitor: Callable[[], Visitor]) -> None:  # noqa: F811
    town = ready.town
    clerk: Visitor = visitor()
    clerk.go("/office/login/")
    clerk.examine("login")
    clerk.log_in(town.clerk)
    clerk.examine("start")
    clerk.follow(clerk.page.get_by_role("link", name=ready.row.title).first)
    clerk.examine("overview")
    assert clerk.low_targets() == []
    clerk.follow(clerk.page.locator(f"form[action$='/ask/{Act.OPEN_POLLS}/'] button"))
    proposal = Proposal.objects.get(act=Act.OPEN_POLLS)
    assert (proposal.requested_by, proposal.decision) == (town.clerk, "pending")
    clerk.go(f"/office/officials/proposal/{proposal.pk}/")
    assert clerk.page.locator("button[value=approve]").count() == 0

    chair: Visitor = visitor()
    chair.log_in(town.chair)
    chair.go("/office/officials/proposal/")
    chair.examine("proposals")
    chair.follow(chair.page.get_by_role("link", name=ready.row.title).first)
    chair.examine("proposal")
    chair.page.locator("button[value=approve]").focus()
    with chair.page.expect_navigation():
        chair.page.keyboard.press("Enter")
    assert chair.page.locator(".messagelist .error").all_inner_texts() == []
    proposal.refresh_from_db()
    assert (proposal.decided_by, proposal.decision) == (town.chair, "approved")

    clerk.go(f"/office/polls/{ready.row.slug}/")
    with clerk.page.expect_download() as download:
        clerk.page.locator("a[href$='/entry/polls-opened/']").click()
    assert download.value.suggested_filename == "kakuu-polls-opened.json"
    assert clerk.console == chair.console == []


def test_the_roll_and_the_access_log(counter: Counter, visitor: Callable[[], Visitor], tmp_path: Path) -> None:  # noqa: F811
    town: Town = counter.town
    counter.enrol()
    path = tmp_path / "roll.csv"
    path.write_text(ROLL)
    good = begin_import(counter.row, path, kind=RollImport.Kind.FULL, file_name="名簿.csv", by=town.clerk)

    clerk: Visitor = visitor()
    clerk.log_in(town.clerk)
    clerk.go("/office/roll/search/")
    clerk.page.locator("#id_purpose").select_option("question")
    clerk.page.locator("#id_text").fill("架空")
    clerk.page.keyboard.press("Enter")
    clerk.page.locator("#found").wait_for()
    assert "架空" not in clerk.page.url
    clerk.examine("roll-search")
    assert clerk.low_targets() == []
    clerk.follow(clerk.page.locator("table a").first)
    clerk.examine("elector")
    clerk.go(f"/office/roll/marks/?district={counter.row.districts.first().pk}")
    clerk.examine("marks")
    clerk.go("/office/roll/files/")
    clerk.examine("roll-files")
    check_import(good, path)
    clerk.go(f"/office/roll/files/{good.pk}/")
    clerk.examine("roll-file")
    for name in ("election", "contest", "party"):
        clerk.go(f"/office/elections/{name}/")
        clerk.examine(f"{name}-list")
    clerk.go(f"/office/elections/contest/{counter.row.contests.first().pk}/change/")
    clerk.examine("contest")

    auditor: Visitor = visitor()
    auditor.log_in(town.auditor)
    auditor.go("/office/access/accessentry/")
    auditor.examine("access-log")
    auditor.follow(auditor.page.get_by_role("main").locator("form.plain button"))
    auditor.examine("access-check")
