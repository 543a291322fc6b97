"""Evidence at rest: unreadable without the key, opened on the record, bound to its row, deleted in time."""

from __future__ import annotations

import logging
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from tests.voting import kakuu
from tests.voting.kakuu import PNG, World
from tests.voting.offices import Town
from voting.access.models import AccessEntry
from voting.applications import evidence as files
from voting.applications import review
from voting.applications.errors import EvidenceMissing
from voting.applications.evidence import MOST_FILES, check_files, delete_expired, forget_statements, open_file
from voting.applications.files import Scan
from voting.applications.models import Application, Evidence
from voting.errors import EvidenceUnreadable, FileRefused, KeyUnusable, NotPermitted
from voting.officials.models import Official

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def key(settings: Any, tmp_path: Path) -> Path:
    settings.EVIDENCE_KEY_FILE = tmp_path / "evidence.key"
    return Path(settings.EVIDENCE_KEY_FILE)


@pytest.fixture
def world(town: Town) -> World:
    return kakuu.world(town)


@pytest.fixture
def file(world: World) -> Evidence:
    return kakuu.submit(world, "COVID_HOME").files.get()


def raw_row(pk: int) -> bytes:
    """Everything that the database holds about a file, byte for byte."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM applications_evidence WHERE id = %s", [pk])
        return b"\n".join(value if isinstance(value, bytes) else str(value).encode() for value in cursor.fetchone())


def looks() -> int:
    return AccessEntry.objects.filter(act="view-evidence").count()


# At rest


def test_the_database_holds_no_plaintext(file: Evidence, key: Path) -> None:
    """No run of eight bytes of the picture, nor the key."""
    stored = raw_row(file.pk)
    assert not [at for at in range(len(PNG) - 8) if PNG[at : at + 8] in stored]
    assert kakuu.base64.b64decode(key.read_bytes()) not in stored
    assert (file.kind, file.media_type, file.size, file.scan) == (
        "ISOLATION_ORDER",
        "image/png",
        len(PNG),
        Scan.NOT_SCANNED,
    )


def test_the_same_file_twice_is_two_secrets(world: World) -> None:
    """Who reads the database does not learn that two people sent the same."""
    twice = kakuu.submit(world, "COVID_HOME", files=[("ISOLATION_ORDER", PNG)] * 2)
    first, second = twice.files.all()
    assert bytes(first.ciphertext or b"") != bytes(second.ciphertext or b"")
    assert bytes(first.key_sealed or b"") != bytes(second.key_sealed or b"")


def test_files_are_kept_beyond_election_day(world: World, file: Evidence, settings: Any) -> None:
    assert file.delete_after == kakuu.ELECTION_DAY + timedelta(days=30)
    settings.EVIDENCE_RETENTION_DAYS = 14
    later = kakuu.submit(world, "COVID_HOTEL", "hanako").files.get()
    assert later.delete_after == kakuu.ELECTION_DAY + timedelta(days=14)


def test_a_few_files_each_checked() -> None:
    good = [("ISOLATION_ORDER", PNG)] * MOST_FILES
    assert [one.media_type for one in check_files(good)] == ["image/png"] * MOST_FILES
    with pytest.raises(EvidenceMissing):
        check_files([*good, good[0]])
    with pytest.raises(FileRefused):
        check_files([*good[:2], ("ISOLATION_ORDER", b"<script>")])


# Opened (requirement 15)


def test_who_decides_opens_it_on_the_record(world: World, file: Evidence) -> None:
    town = world.town
    for number, somebody in enumerate((town.clerk, town.second_clerk, town.chair), 1):
        assert open_file(Evidence.objects.get(pk=file.pk), by=somebody) == PNG
        assert looks() == number
    entry = AccessEntry.objects.order_by("-index")[0]
    assert (entry.official, entry.office, entry.subjects) == (
        "chair",
        town.board.name,
        [world.electors["taro"].pk],
    )
    assert file.application.reference in entry.purpose


def test_nobody_else_opens_it(world: World, file: Evidence) -> None:
    """Not the health officer, heads, poll staff, auditors or administrators, nor another municipality."""
    town = world.town
    everybody = [one for one in vars(town).values() if isinstance(one, Official)]
    for somebody in [*everybody, *kakuu.neighbour()[1:]]:
        if somebody not in (town.clerk, town.second_clerk, town.chair, town.second_chair):
            with pytest.raises(NotPermitted):
                open_file(file, by=somebody)
    town.clerk.is_active = False
    town.clerk.save()
    with pytest.raises(NotPermitted):
        open_file(file, by=town.clerk)
    assert looks() == 0


def test_a_look_that_fails_is_on_the_record_too(world: World, file: Evidence) -> None:
    """Who tried is known even when the file turns out to be damaged."""
    Evidence.objects.filter(pk=file.pk).update(ciphertext=b"x" * 100)
    with pytest.raises(EvidenceUnreadable) as refusal:
        open_file(Evidence.objects.get(pk=file.pk), by=world.town.clerk)
    assert refusal.value.code == "evidence-unreadable"
    assert looks() == 1


def test_a_look_that_cannot_be_logged_does_not_happen(
    world: World, file: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise IntegrityError

    opened: list[object] = []
    monkeypatch.setattr(files, "log", fail)
    monkeypatch.setattr(files, "unseal", lambda *given: opened.append(given))
    with pytest.raises(IntegrityError):
        open_file(file, by=world.town.clerk)
    assert opened == []


@pytest.mark.parametrize("columns", [["ciphertext"], ["key_sealed"], ["ciphertext", "key_sealed"]])
def test_swapped_rows_do_not_open(world: World, file: Evidence, columns: list[str]) -> None:
    """Somebody with the database's password puts one voter's file under another's application, in part or whole."""
    other = kakuu.submit(world, "COVID_HOTEL", "hanako").files.get()
    swapped = {name: bytes(getattr(other, name)) for name in columns}
    Evidence.objects.filter(pk=file.pk).update(**swapped)
    with pytest.raises(EvidenceUnreadable):
        open_file(Evidence.objects.get(pk=file.pk), by=world.town.clerk)
    assert open_file(Evidence.objects.get(pk=other.pk), by=world.town.clerk) == PNG


def test_a_row_that_is_moved_does_not_open(world: World, file: Evidence) -> None:
    other = kakuu.submit(world, "COVID_HOTEL", "hanako")
    Evidence.objects.filter(pk=file.pk).update(application=other)
    with pytest.raises(EvidenceUnreadable):
        open_file(Evidence.objects.get(pk=file.pk), by=world.town.clerk)


def test_another_key_opens_nothing(world: World, file: Evidence, key: Path) -> None:
    """Nor does no key: none is made where one is needed to read."""
    kept = key.read_bytes()
    key.unlink()
    with pytest.raises(KeyUnusable):
        open_file(file, by=world.town.clerk)
    assert not key.exists()
    key.write_bytes(kakuu.base64.b64encode(bytes(32)) + b"\n")
    key.chmod(0o600)
    with pytest.raises(EvidenceUnreadable):
        open_file(file, by=world.town.clerk)
    key.write_bytes(kept)
    assert open_file(file, by=world.town.clerk) == PNG


def test_no_key_and_no_content_is_logged(world: World, key: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither by the log of the program nor in what an error says."""
    caplog.set_level(logging.DEBUG)
    file = kakuu.submit(world, "COVID_HOME").files.get()
    master = kakuu.base64.b64decode(key.read_bytes())
    open_file(file, by=world.town.clerk)
    Evidence.objects.filter(pk=file.pk).update(key_sealed=b"y" * 72)
    with pytest.raises(EvidenceUnreadable) as refusal:
        open_file(Evidence.objects.get(pk=file.pk), by=world.town.clerk)
    said = [str(refusal.value), repr(refusal.value), caplog.text]
    said += [entry.purpose for entry in AccessEntry.objects.all()]
    for secret in (master, PNG, bytes(file.key_sealed or b"")):
        for form in (secret.hex(), repr(secret), kakuu.base64.b64encode(secret).decode(), secret.decode("latin-1")):
            assert not [text for text in said if form in text]
    assert "PNG" not in repr(kakuu.request(world, "COVID_HOME"))


# Deleted


def test_files_are_deleted_after_their_last_day(file: Evidence) -> None:
    """The last day counts. What is deleted is gone from the row: key and ciphertext."""
    last = file.delete_after
    key_sealed, ciphertext = bytes(file.key_sealed or b""), bytes(file.ciphertext or b"")
    assert delete_expired(last) == 0
    assert key_sealed in raw_row(file.pk)
    start = timezone.now()
    assert delete_expired(last + timedelta(days=1)) == 1
    assert delete_expired(last + timedelta(days=1)) == 0
    stored = raw_row(file.pk)
    assert key_sealed not in stored and ciphertext not in stored
    file.refresh_from_db()
    assert file.deleted_at is not None and file.deleted_at >= start


def test_a_deleted_file_does_not_open(world: World, file: Evidence) -> None:
    delete_expired(date(2031, 1, 1))
    with pytest.raises(EvidenceUnreadable, match="deleted"):
        open_file(Evidence.objects.get(pk=file.pk), by=world.town.clerk)


def test_the_command_deletes_what_is_due(world: World, file: Evidence) -> None:
    due = kakuu.submit(world, "COVID_HOTEL", "hanako").files.get()
    Evidence.objects.filter(pk=due.pk).update(delete_after=timezone.localdate() - timedelta(days=1))
    Evidence.objects.filter(pk=file.pk).update(delete_after=timezone.localdate())
    out = StringIO()
    call_command("delete_evidence", stdout=out)
    assert out.getvalue() == "1 files deleted, statements of 0 applications forgotten\n"
    assert Evidence.objects.get(deleted_at=None) == file


def test_nothing_is_deleted_by_half(file: Evidence) -> None:
    for half in ({"key_sealed": None}, {"ciphertext": None}, {"deleted_at": timezone.now()}):
        with pytest.raises(IntegrityError, match="evidence_deleted_whole"), transaction.atomic():
            Evidence.objects.filter(pk=file.pk).update(**half)


def test_after_a_deletion_a_correction_brings_the_file_again(world: World) -> None:
    """What was deleted is no evidence any more."""
    from voting.applications import review
    from voting.applications.requests import correct

    application = kakuu.under_review(world, "COVID_HOME")
    returned = review.send_back(application, by=world.town.clerk, reason="x")
    made = kakuu.replace(kakuu.request(world, "COVID_HOME"), files=[])
    delete_expired(date(2031, 1, 1))
    with pytest.raises(EvidenceMissing):
        correct(returned, made, at=world.n(4))
    correct(Application.objects.get(pk=returned.pk), kakuu.request(world, "COVID_HOME"), at=world.n(4))
    assert Evidence.objects.filter(deleted_at=None).count() == 1


def test_what_was_stated_about_illness_is_forgotten(world: World) -> None:
    """When the time for objections is over: reasons, periods, places; numbers of certificates stay for the records."""
    first, waiting = [
        kakuu.submit(world, "COVID_HOME", kinds=(kind,), who=who)
        for kind, who in (("ISOLATION_ORDER", "taro"), ("OMITTED_WITH_REASON", "hanako"))
    ]
    review.confirm(
        waiting, by=world.town.health_officer, confirmed=True, starts=world.n(0).date(), ends=world.e(0).date()
    )
    last = world.e(0).date() + timedelta(days=django_settings.EVIDENCE_RETENTION_DAYS)
    assert forget_statements(last) == 0
    assert forget_statements(last + timedelta(days=1)) == 2
    first.refresh_from_db()
    waiting.refresh_from_db()
    assert waiting.claims == {"OMITTED_WITH_REASON": {}} and set(first.claims["ISOLATION_ORDER"]) <= {"number"}
    confirmation = waiting.confirmation
    assert (confirmation.confirmed, confirmation.starts, confirmation.ends) == (True, None, None)
    assert forget_statements(last + timedelta(days=1)) == 0
