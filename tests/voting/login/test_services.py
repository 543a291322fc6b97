"""Requirements 8 and 9: from an identity to one elector, and never to two."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.http import HttpRequest
from django.test import Client, RequestFactory

from tests.voting import kakuu
from tests.voting.kakuu import World
from tests.voting.login.people import person
from voting.access.models import AccessEntry
from voting.access.services import check_log
from voting.applications import review
from voting.login import services, session
from voting.login.models import Identity
from voting.login.services import CONFLICT, ballot_of, identify, identity_digest
from voting.roll.models import Elector, Roll

pytestmark = pytest.mark.django_db


def alerts() -> list[tuple[str, str, list[int]]]:
    found = AccessEntry.objects.filter(act=CONFLICT).order_by("index")
    return [(entry.office, entry.purpose, entry.subjects) for entry in found]


def test_exactly_one_row_binds(world: World) -> None:
    """Requirement 8: all four attributes agree with one row, however its characters are written."""
    assert identify(world.election, person()) == world.electors["taro"]
    ichiro = person(subject="ppid-2", name="高橋一郎", address="架空市港１－２－３　架空荘１０１")
    assert identify(world.election, ichiro) == world.electors["takahashi"]
    assert Identity.objects.count() == 2 and alerts() == []


@pytest.mark.parametrize(
    "other",
    [{"name": "架空次郎"}, {"birth": date(1980, 4, 2)}, {"sex": "F"}, {"sex": ""}, {"address": "架空市中央１－１－２"}],
)
def test_three_of_four_do_not_bind(world: World, other: dict[str, Any]) -> None:
    """Requirement 8: each of the four attributes counts."""
    assert identify(world.election, person(**other)) is None
    assert not Identity.objects.exists() and alerts() == []


def test_two_rows_do_not_bind(world: World) -> None:
    """Requirement 8: somebody twice on the roll is for an official; the answer is that for somebody not on it."""
    kakuu.elector(world.election, "again", name="架空　太郎")
    assert identify(world.election, person()) is None
    assert not Identity.objects.exists()


def test_an_elector_abroad_is_found_on_the_overseas_roll(world: World) -> None:
    """Requirement 8 holds on both rolls; who is on both is for an official."""
    Elector.objects.filter(pk=world.electors["taro"].pk).update(roll=Roll.OVERSEAS)
    assert identify(world.election, person()) == world.electors["taro"]
    kakuu.elector(world.election, "again", name="架空　太郎")
    assert identify(world.election, person(subject="another")) is None


def test_once_bound(world: World) -> None:
    """Requirement 9: the same identity is the same elector, even after a move that the card knows and the roll not."""
    taro = world.electors["taro"]
    for other in ({}, {}, {"address": "別市１－１"}):
        assert identify(world.election, person(**other)) == taro
    assert Identity.objects.count() == 1 and alerts() == []


def test_another_election_binds_anew(world: World) -> None:
    """Requirement 9: bindings are per election."""
    second = kakuu.world(world.town, slug="kakuu-2")
    assert identify(world.election, person()) == world.electors["taro"]
    assert identify(second.election, person()) == second.electors["taro"]


def test_a_second_identity_for_one_elector(world: World) -> None:
    """Requirement 9: nothing for the second; the board is alerted, once however often it is tried."""
    taro = identify(world.election, person())
    for _ in range(3):
        assert identify(world.election, person(subject="ppid-other")) is None
        assert identify(world.election, person(issuer="https://other.example")) is None
    assert identify(world.election, person()) == taro
    assert alerts() == [(world.town.board.name, "kakuu: another login has the roll row", [taro.pk])]
    assert Identity.objects.count() == 1
    check_log()


def test_one_identity_for_a_second_elector(world: World) -> None:
    """Requirement 9, S-04: an identity does not wander to another row by new attributes."""
    taro, hanako = identify(world.election, person()), world.electors["hanako"]
    for _ in range(2):
        assert identify(world.election, person(name="架空花子", sex="F")) is None
    assert alerts() == [(world.town.board.name, "kakuu: the login has another roll row", sorted([taro.pk, hanako.pk]))]
    assert Identity.objects.get().elector == taro
    assert identify(world.election, person()) == taro


def test_the_database_keeps_it_one_to_one(world: World) -> None:
    """Requirement 9: whatever a program does."""
    taro, hanako = world.electors["taro"], world.electors["hanako"]
    Identity.objects.create(election=world.election, digest=bytes(32), elector=taro)
    for digest, elector in ((bytes(32), hanako), (b"\1" * 32, taro), (b"short", hanako)):
        with pytest.raises(IntegrityError), transaction.atomic():
            Identity.objects.create(election=world.election, digest=digest, elector=elector)


def test_who_loses_a_race(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requirement 9: the row is taken between search and binding; nothing for the loser, an alert for the board."""
    original, taro = services.match, world.electors["taro"]

    def overtaken(*args: Any) -> Elector | None:
        found = original(*args)
        Identity.objects.create(election=world.election, digest=bytes(32), elector=taro)
        return found

    monkeypatch.setattr(services, "_matched", overtaken)
    assert identify(world.election, person()) is None
    assert [subjects for _office, _purpose, subjects in alerts()] == [[taro.pk]]


def test_who_races_with_themselves(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requirement 9: two tabs of one voter end at one binding."""
    original, taro = services.match, world.electors["taro"]

    def twice(*args: Any) -> Elector | None:
        found = original(*args)
        Identity.objects.create(election=world.election, digest=identity_digest(person()), elector=taro)
        return found

    monkeypatch.setattr(services, "_matched", twice)
    assert identify(world.election, person()) == taro
    assert Identity.objects.count() == 1 and alerts() == []


def test_the_subject_is_stored_nowhere(world: World) -> None:
    """No table has it, and its digest is another one under another key."""
    identify(world.election, person())
    identify(world.election, person(subject="ppid-other"))
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            rows = str(cursor.fetchall())
            assert "ppid-" not in rows and b"ppid-".hex() not in rows, table


def test_the_digest_is_keyed(settings: Any, tmp_path: Path) -> None:
    """Who has the table without the key cannot try subjects; issuer and subject do not run into each other."""
    somebody = person(issuer="ab", subject="c")
    here = identity_digest(somebody)
    assert here == identity_digest(somebody) != identity_digest(person(issuer="a", subject="bc"))
    settings.CODE_KEY_FILE = tmp_path / "other.key"
    assert identity_digest(somebody) != here


def test_the_board_sees_the_alert(world: World, client: Client) -> None:
    """Requirement 9: on the start page of the officials who may look at the roll, and of nobody else."""
    identify(world.election, person())
    identify(world.election, person(subject="ppid-other"))
    for official, sees in ((world.town.clerk, True), (world.town.attestor, False), (world.town.auditor, False)):
        client.force_login(official)
        page = client.get("/office/").content.decode()
        assert ("another login has the roll row" in page) is sees, official
        assert "架空　太郎" not in page


# The ballot of whoever is logged in


def request_of_nobody() -> HttpRequest:
    request = RequestFactory().get("/")
    request.session = Client().session
    return request


def test_nobody_has_no_ballot(world: World) -> None:
    kakuu.issued(world)
    assert ballot_of(request_of_nobody(), world.election) is None


def test_the_ballot_of_a_letter_or_a_device(world: World) -> None:
    """The one application that is logged in, in its own election only."""
    taro = kakuu.issued(world)
    kakuu.issued(world, who="hanako")
    request = request_of_nobody()
    session.log_in_with_ballot(request, taro)
    assert ballot_of(request, world.election) == taro
    assert ballot_of(request, kakuu.world(world.town, slug="kakuu-2").election) is None


def test_the_ballot_of_a_card(world: World) -> None:
    """The four attributes lead to the elector, and the elector to the ballot; somebody else's lead nowhere."""
    taro = kakuu.issued(world)
    request = request_of_nobody()
    session.log_in(request, person())
    assert ballot_of(request, world.election) == taro
    session.log_in(request, person(subject="ppid-2", name="架空花子", sex="F"))
    assert ballot_of(request, world.election) is None


@pytest.mark.parametrize("way", ["ballot", "card"])
def test_no_ballot_that_is_not_held(world: World, way: str) -> None:
    """Before it is issued, and from the moment at which it is given back, in the sessions that are open then, too."""
    asked = kakuu.submit(world)
    request = request_of_nobody()
    session.log_in(request, person()) if way == "card" else session.log_in_with_ballot(request, asked)
    assert ballot_of(request, world.election) is None
    issued = review.approve(review.take_up(asked, by=world.town.clerk), by=world.town.chair, at=world.n(4, 12))
    assert ballot_of(request, world.election) == issued
    kakuu.give_back(world, issued)
    assert ballot_of(request, world.election) is None


def test_a_ballot_that_is_cast_stays_its_voters(world: World) -> None:
    """To vote again, or to look what became of it."""
    issued = kakuu.issued(world)
    request = request_of_nobody()
    session.log_in_with_ballot(request, issued)
    review.note_cast(issued)
    assert ballot_of(request, world.election) == issued
