"""`manage.py check_access_log`: what an auditor sees of a whole log, of a broken one, and of one that was rewritten."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.voting import boards
from voting.access.models import AccessEntry, AccessHead, AccessSubject
from voting.access.services import log

pytestmark = pytest.mark.django_db(transaction=True)


def check(*options: str) -> str:
    """What the command prints."""
    out = io.StringIO()
    call_command("check_access_log", *options, stdout=out)
    return out.getvalue().strip()


def fill(*purposes: str) -> None:
    for purpose in purposes:
        log("clerk", "架空市選管", "view-roll", purpose, [len(purpose)])


def forget() -> None:
    """Everything is deleted, as only someone with the database's password can."""
    AccessSubject.objects.all().delete()
    AccessEntry.objects.all().delete()
    AccessHead.objects.all().delete()


def test_a_whole_log_prints_its_head() -> None:
    assert check() == f"0:{bytes(32).hex()}"
    fill("窓口", "照会")
    assert check() == f"2:{bytes(AccessEntry.objects.get(index=1).hash).hex()}"


def test_a_head_seen_before_is_still_in_the_log() -> None:
    """However much came after it."""
    heads = [check()]
    for purpose in ("一", "二", "三"):
        fill(purpose)
        heads.append(check())
    assert len(set(heads)) == 4
    for head in heads:
        assert check("--expect", head) == heads[-1]


def test_a_changed_log_is_named_with_its_entry() -> None:
    fill("窓口", "照会", "確認")
    with boards.tampering():
        AccessEntry.objects.filter(index=1).update(official="somebody-else")
    with pytest.raises(CommandError, match=r"it was changed \[entry 1\]"):
        check()


@pytest.mark.parametrize("again", [["窓口", "点検", "確認"], ["窓口", "照会"], [], ["窓口", "照会", "確認", "点検"]])
def test_a_log_written_anew_is_found_only_by_who_kept_a_head(again: list[str]) -> None:
    """Someone with the database's password makes a whole chain again: it is a good chain, and another one."""
    fill("窓口", "照会", "確認")
    seen = check()
    with boards.tampering():
        forget()
    fill(*again)
    assert check() != seen
    with pytest.raises(CommandError, match="not the log whose first 3 entries were seen before"):
        check("--expect", seen)


def test_a_broken_log_is_broken_whatever_was_expected() -> None:
    fill("窓口", "照会")
    seen = check()
    fill("確認")
    with boards.tampering():
        AccessHead.objects.update(size=2)
    with pytest.raises(CommandError, match="at the end"):
        check("--expect", seen)


@pytest.mark.parametrize("size", ["0", "1", "2", "3", "999999999999999999"])
def test_another_hash_of_any_size_is_not_this_log(size: str) -> None:
    fill("窓口", "照会")
    with pytest.raises(CommandError, match="not the log"):
        check("--expect", f"{size}:{'ab' * 32}")


@pytest.mark.parametrize(
    "text", ["", "2", ":", f"2:{'AB' * 32}", f"2:{'ab' * 31}", f"-1:{'ab' * 32}", f"2:{'ab' * 32}\n", f"２:{'ab' * 32}"]
)
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(CommandError, match="SIZE:HASH was expected"):
        check(f"--expect={text}")
