"""The server's own run of the verifier: once for each state of the board, shown as what it is."""

from __future__ import annotations

import subprocess
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from tests.voting import boards
from tests.voting.boards import tampering
from tests.voting.results import test_pages
from tests.voting.results.conftest import Count
from verifier.checks import CHECKS
from verifier.crypto.merkle import leaf_hash
from verifier.errors import Unreadable
from verifier.record.entries import Type
from voting.board.models import BoardEntry
from voting.board.replica import forget_all
from voting.board.services import add_cosignature, publish_checkpoint
from voting.counting import progress
from voting.results import report
from voting.results.models import Verification

pytestmark = pytest.mark.django_db(transaction=True)
PAGE, JSON = "/results/kakuu/verification/", "/results/kakuu/verification.json"


@pytest.fixture
def witnessed(count: Count) -> Count:
    """The result is published, and the witness has cosigned."""
    count.published()
    add_cosignature(count.row, boards.cosignature(publish_checkpoint(count.row).text))
    return count


def test_the_report_is_made_once_and_shown(witnessed: Count, client: Client) -> None:
    """Every check with its number, the size, the checkpoint and the program; and that it is our own run."""
    before = test_pages.words(client, PAGE)
    assert "The check has not been run yet." in before and client.get(JSON).status_code == 404
    made = report.make_report(witnessed.row)
    assert made.valid and made.size == len(witnessed.memory.entries)
    assert report.make_report(witnessed.row) == made and Verification.objects.count() == 1
    assert list(Path(settings.VAR_DIR).glob(".verify-*")) == []
    assert progress.going_on(witnessed.row.pk) == []
    said = test_pages.words(client, PAGE)
    assert "Every check ran and passed." in said and "It is our own run" in said
    assert made.root in said and report.program() in said
    for check in CHECKS.values():
        assert f"{check.name} passed" in said, check.name
    assert "python -m verifier verify kakuu.zip" in said
    assert client.get(JSON).json()["verdict"] == "valid"
    assert "VALID: every check ran and passed." in made.text


def test_while_witnesses_are_missing_that_is_what_is_said(count: Count, client: Client) -> None:
    """The manifest asks for one; the command fails as well. Once it has signed, the next report is another."""
    count.published()
    out = StringIO()
    with pytest.raises(CommandError, match="the archive is not valid"):
        call_command("verify_election", "kakuu", stdout=out)
    assert "V2.3 HeadWitnessed" in out.getvalue()
    said = test_pages.words(client, PAGE)
    assert "too few independent witnesses have signed" in said and "V2.3 HeadWitnessed" in said
    assert "Every check ran and passed." not in said
    add_cosignature(count.row, boards.cosignature(publish_checkpoint(count.row).text))
    call_command("verify_election", "kakuu", stdout=out)
    assert "Every check ran and passed." in test_pages.words(client, PAGE)


def test_a_result_that_was_changed_is_not_proved(count: Count, client: Client) -> None:
    """The attacker's side: somebody with the database's password changes the entry before the board has signed over
    it. The page shows what the openings say, and the report says which check failed, and where."""
    count.go(Type.OPENING)
    raw = count.memory.entries[-1]
    forged = raw.replace(b'{"answer":"a","count":4}', b'{"answer":"a","count":5}')
    assert forged != raw
    count.published()
    with tampering():
        last = BoardEntry.objects.get(election=count.row, type=Type.RESULT)
        BoardEntry.objects.filter(pk=last.pk).update(raw=forged, leaf_hash=leaf_hash(forged))
    forget_all()
    assert not report.make_report(count.row).valid
    said = test_pages.words(client, PAGE)
    assert "Not every check passed. The result is not proved." in said
    assert "too few independent witnesses" not in said
    assert "V5.18 ResultEqual entry 45, result, contest mayor" in said
    assert test_pages.table(client, "mayor")[0] == "架空 一郎 elected 4 66.7"


def test_entries_that_came_later_are_not_covered(witnessed: Count, client: Client) -> None:
    report.make_report(witnessed.row)
    assert "Entries were added to the board after this check." not in test_pages.words(client, PAGE)
    witnessed.corrected("訂正")
    assert "Entries were added to the board after this check." in test_pages.words(client, PAGE)


def test_a_run_that_breaks_off_leaves_no_report(count: Count, monkeypatch: pytest.MonkeyPatch) -> None:
    count.published()

    def broken(*_: object, **__: object) -> None:
        raise Unreadable("a worker process died")

    monkeypatch.setattr(report, "verify", broken)
    with pytest.raises(CommandError, match="a worker process died"):
        call_command("verify_election", "kakuu")
    assert not Verification.objects.exists() and list(Path(settings.VAR_DIR).glob(".verify-*")) == []


def test_which_program_it_was_anybody_can_compute() -> None:
    """The line in the docstring gives the same number."""
    line = "find . -name '*.py' | LC_ALL=C sort | xargs sha256sum | sha256sum"
    said = subprocess.run(["bash", "-c", line], cwd="verifier", capture_output=True, text=True, check=True).stdout
    assert said.split()[0] == report.program() and line in (report.program.__doc__ or "")
