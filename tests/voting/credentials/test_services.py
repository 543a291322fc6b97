"""Binding a device to a slot and replacing it: only with an issued ballot, one slot for one person, whatever happens
in between, and nobody but the device and the registrar can sign for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from io import StringIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from nacl.signing import SigningKey

from tally.signing import public_key
from tally.submission import Submission, parse_submission
from tests.election import CLOSES, Election, signing_key
from tests.voting import boards, offices
from tests.voting.polling import POLLING, Counter, electors, key, key_file, manifest, sign
from verifier.crypto.merkle import inclusion_holds
from verifier.record.canonical import decode_bytes, encode_bytes
from verifier.record.entries import Type, parse_entry
from voting import keyfile
from voting.applications import review
from voting.applications.models import Application
from voting.applications.states import State
from voting.board.models import BoardEntry
from voting.board.services import append
from voting.credentials import services
from voting.credentials.codes import ALPHABET
from voting.credentials.errors import AlreadyBound, DeviceSignatureInvalid, NoBallot
from voting.credentials.letters import issue_letter
from voting.credentials.models import Binding, Replacement
from voting.credentials.services import (
    ask_to_replace,
    begin_binding,
    begin_replacement,
    finish_binding,
    forget,
    note_replaced,
    registrar_key,
    sign_replacement,
    waiting_replacements,
)
from voting.elections.models import Slot
from voting.errors import EntryRefused, KeyUnusable, NotEligible, NotOnBoard, NotPermitted, RollNotReady, VoteTaken
from voting.officials import services as officials
from voting.polls.acceptance import follow_board
from voting.roll.models import Elector, Mark

pytestmark = pytest.mark.django_db

PHONE, OTHER = key("phone"), key("other")
REGISTERED, REPLACED = Type.CREDENTIAL_REGISTERED, Type.CREDENTIAL_REPLACED


@pytest.fixture
def issued(polls: Counter) -> Application:
    """An application with a ballot, and no device yet."""
    return polls.issue(electors(polls.row)[0])


def slots(counter: Counter) -> list[Slot]:
    return list(Slot.objects.filter(election=counter.row))


# Who gets a slot


def test_a_device_is_bound_and_the_board_proves_it(polls: Counter, issued: Application) -> None:
    """The registered slot is in replay, its leaf is under the commitment, and the holder is known here."""
    body = begin_binding(issued, public_key(PHONE))
    entry = finish_binding(issued, sign(PHONE, REGISTERED, body), time=POLLING)
    assert entry.type == REGISTERED and issued.style is not None
    state = polls.state
    slot = state.slots[body["slot"]]
    assert (slot.style.id, slot.credential) == (issued.style.identifier, public_key(PHONE))
    path = [decode_bytes(node, 32) for node in body["path"]]
    assert inclusion_holds(decode_bytes(body["leaf"], 32), body["index"], state.rows, path, state.roll_root or b"")
    row = slots(polls)[0]
    assert row.binding.application == issued


def test_the_registered_slot_can_vote(polls: Counter, issued: Application) -> None:
    polls.bind(issued, PHONE)
    polls.cast(issued, PHONE)
    follow_board(polls.row)
    assert polls.fresh(issued).state == State.CAST


@pytest.mark.parametrize("spoil", ["requested", "rejected", "given-back", "lapsed"])
def test_without_an_issued_ballot_nothing_begins(polls: Counter, spoil: str) -> None:
    elector = electors(polls.row)[0]
    application = polls.request(elector)
    if spoil == "rejected":
        review.take_up(application, by=polls.town.clerk)
        review.reject(application, by=polls.town.chair, ground="evidence", reason="証明にならない")
    if spoil in ("given-back", "lapsed"):
        application = review.approve(review.take_up(application, by=polls.town.clerk), by=polls.town.chair, at=POLLING)
    if spoil == "given-back":
        officials.approve(
            review.ask_to_give_back(application, by=polls.town.clerk, reason="紙で投票"), by=polls.town.second_clerk
        )
    if spoil == "lapsed":
        review.lapse(application)
    with pytest.raises(NoBallot):
        begin_binding(application, public_key(PHONE))
    assert not Binding.objects.exists()


def test_a_ballot_cancelled_in_between_is_not_registered(polls: Counter, issued: Application) -> None:
    """The device holds a signed entry, and the office cancels before it comes back."""
    signature = sign(PHONE, REGISTERED, begin_binding(issued, public_key(PHONE)))
    give_back(polls, issued)
    with pytest.raises(NoBallot):
        finish_binding(issued, signature, time=POLLING)
    assert slots(polls) == []


def give_back(counter: Counter, application: Application) -> None:
    """Two clerks cancel the ballot."""
    application.refresh_from_db()
    asked = review.ask_to_give_back(application, by=counter.town.clerk, reason="紙で投票する")
    officials.approve(asked, by=counter.town.second_clerk)


@pytest.mark.parametrize("mark", [Mark.SUSPENDED, Mark.MOVED, Mark.DEAD])
def test_who_lost_the_franchise_since_registers_no_device(polls: Counter, issued: Application, mark: Mark) -> None:
    """Requirement 4: marks take effect at once; who moved votes on less, so the ballot is cancelled and issued anew."""
    Elector.objects.filter(pk=issued.elector_id).update(mark=mark)
    with pytest.raises((NotEligible, NoBallot)):
        begin_binding(issued, public_key(PHONE))
    assert not Binding.objects.exists()


def test_nothing_is_finished_that_was_not_begun(polls: Counter, issued: Application) -> None:
    with pytest.raises(NoBallot):
        finish_binding(issued, bytes(64), time=POLLING)


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_a_key_of_another_size_is_none(polls: Counter, issued: Application, size: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        begin_binding(issued, bytes(size))
    assert not Binding.objects.exists()


def test_who_is_not_in_the_committed_roll_has_no_path(polls: Counter) -> None:
    """Somebody who came onto the roll after the commitment."""
    late = polls.issue(polls.elector(99))
    with pytest.raises(RollNotReady):
        begin_binding(late, public_key(PHONE))


def test_registration_needs_a_manifest_on_the_board(counter: Counter) -> None:
    counter.enrol(2)
    counter.commit_roll()
    application = counter.issue(electors(counter.row)[0])
    with pytest.raises(NotOnBoard):
        begin_binding(application, public_key(PHONE))


def test_after_the_close_the_board_takes_no_device(polls: Counter, issued: Application) -> None:
    signature = sign(PHONE, REGISTERED, begin_binding(issued, public_key(PHONE)))
    polls.close()
    with pytest.raises(EntryRefused):
        finish_binding(issued, signature, time=CLOSES)
    assert slots(polls) == []


# Whose signatures


def altered(**changes: Any) -> Callable[[dict[str, Any]], bytes]:
    return lambda body: sign(PHONE, REGISTERED, {**body, **changes})


@pytest.mark.parametrize(
    "signature",
    [
        altered(slot="v-another"),
        altered(style="south"),
        altered(index=10_000),
        altered(credential=encode_bytes(public_key(OTHER))),
        altered(election=encode_bytes(bytes(32))),
        lambda body: sign(OTHER, REGISTERED, body),
        lambda body: sign(signing_key("registrar"), REGISTERED, body),
        lambda body: sign(PHONE, REPLACED, body),
        lambda body: bytes(64),
        lambda body: b"",
    ],
)
def test_the_device_signs_exactly_the_prepared_entry(
    polls: Counter, issued: Application, signature: Callable[[dict[str, Any]], bytes]
) -> None:
    """Another entry, another device, another type, no signature: refused before the registrar signs anything."""
    body = begin_binding(issued, public_key(PHONE))
    with pytest.raises(DeviceSignatureInvalid):
        finish_binding(issued, signature(body), time=POLLING)
    assert slots(polls) == []


def test_another_registrar_than_the_definitions_signs_nothing(
    polls: Counter, issued: Application, settings: Any, tmp_path: Any
) -> None:
    settings.REGISTRAR_KEY_FILE = key_file(tmp_path / "foreign.key", signing_key("foreign"))
    signature = sign(PHONE, REGISTERED, begin_binding(issued, public_key(PHONE)))
    with pytest.raises(KeyUnusable):
        registrar_key(polls.row)
    with pytest.raises(KeyUnusable):
        finish_binding(issued, signature, time=POLLING)
    assert slots(polls) == []


def test_the_board_refuses_the_entry_without_the_registrar(polls: Counter, issued: Application) -> None:
    """Why the server has to be asked at all."""
    body = begin_binding(issued, public_key(PHONE))
    mine = Submission(REGISTERED, body).signed_by(PHONE)
    with pytest.raises(EntryRefused):
        append(polls.row, entry_type=REGISTERED, body=body, signatures=mine.signatures, time=POLLING)
    whole = mine.signed_by(signing_key("registrar"))
    append(polls.row, entry_type=REGISTERED, body=body, signatures=whole.signatures, time=POLLING)


def test_one_device_serves_one_slot(polls: Counter, issued: Application) -> None:
    """Two people with one phone need two keys: the board would join their ballots otherwise."""
    polls.bind(issued, PHONE)
    second = polls.issue(electors(polls.row)[1])
    with pytest.raises(EntryRefused):
        polls.bind(second, PHONE)
    polls.bind(second, OTHER)
    assert len(slots(polls)) == 2


# Interrupted, and taken up again


def test_begun_twice_is_one_pseudonym(polls: Counter, issued: Application) -> None:
    """The answer of `begin_binding` was lost."""
    assert begin_binding(issued, public_key(PHONE)) == begin_binding(issued, public_key(PHONE))
    polls.bind(issued, PHONE)
    assert len(slots(polls)) == Binding.objects.count() == 1


def test_finished_twice_is_one_entry(polls: Counter, issued: Application) -> None:
    """The answer of `finish_binding` was lost."""
    signature = sign(PHONE, REGISTERED, begin_binding(issued, public_key(PHONE)))
    first = finish_binding(issued, signature, time=POLLING)
    size = polls.state.size
    assert sign(PHONE, REGISTERED, begin_binding(issued, public_key(PHONE))) == signature
    assert finish_binding(issued, signature, time=CLOSES) == first
    assert (polls.state.size, len(slots(polls))) == (size, 1)


def interrupted(counter: Counter, application: Application, device: SigningKey) -> None:
    """The entry is on the board, and the server stops before it notes whose slot it is."""
    counter.bind(application, device)
    Binding.objects.filter(application=application).update(slot=None)


def test_stopped_after_the_board_it_is_taken_up(polls: Counter, issued: Application) -> None:
    interrupted(polls, issued, PHONE)
    size = polls.state.size
    polls.bind(issued, PHONE)
    assert polls.state.size == size
    assert slots(polls)[0].binding.application == issued


def test_stopped_after_the_board_another_device_is_refused(polls: Counter, issued: Application) -> None:
    interrupted(polls, issued, PHONE)
    with pytest.raises(AlreadyBound):
        begin_binding(issued, public_key(OTHER))


def test_until_the_board_another_device_may_begin(polls: Counter, issued: Application) -> None:
    """The first phone broke before it signed. Its late signature is worth nothing."""
    first = begin_binding(issued, public_key(PHONE))
    second = begin_binding(issued, public_key(OTHER))
    assert second == {**first, "credential": encode_bytes(public_key(OTHER))}
    with pytest.raises(DeviceSignatureInvalid):
        finish_binding(issued, sign(PHONE, REGISTERED, first), time=POLLING)
    finish_binding(issued, sign(OTHER, REGISTERED, second), time=POLLING)
    assert polls.state.slots[first["slot"]].credential == public_key(OTHER)


def test_once_on_the_board_a_second_device_is_refused(polls: Counter, issued: Application) -> None:
    polls.bind(issued, PHONE)
    with pytest.raises(AlreadyBound):
        begin_binding(issued, public_key(OTHER))
    assert bytes(Binding.objects.get().credential) == public_key(PHONE)


def test_a_device_between_check_and_board_changes_nothing(
    polls: Counter, issued: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second device begins while the first one's entry is on its way: what is on the board is whose slot it is."""
    real = services.append

    def slow(*args: Any, **kwargs: Any) -> BoardEntry:
        begin_binding(issued, public_key(OTHER))
        return real(*args, **kwargs)

    monkeypatch.setattr(services, "append", slow)
    signature = sign(PHONE, REGISTERED, begin_binding(issued, public_key(PHONE)))
    finish_binding(issued, signature, time=POLLING)
    monkeypatch.undo()
    assert bytes(Binding.objects.get().credential) == public_key(PHONE)
    assert finish_binding(issued, signature, time=POLLING).type == REGISTERED


def test_after_a_registered_device_nothing_is_issued_again(polls: Counter, issued: Application) -> None:
    """The board has one slot for a roll row, for ever: a second ballot could not be used, so there is none."""
    polls.bind(issued, PHONE)
    give_back(polls, issued)
    with pytest.raises(VoteTaken):
        polls.issue(electors(polls.row)[0])


def test_without_a_registered_device_it_is_issued_again(polls: Counter, issued: Application) -> None:
    begin_binding(issued, public_key(PHONE))
    give_back(polls, issued)
    polls.bind(polls.issue(electors(polls.row)[0]), OTHER)
    assert len(slots(polls)) == 1


# What a pseudonym says


def test_pseudonyms_are_random(polls: Counter) -> None:
    """Not the same for the same person in a second try, of one length and alphabet, and 72 bits of chance."""
    applications = [polls.issue(elector) for elector in electors(polls.row)]
    names = [begin_binding(application, public_key(PHONE))["slot"] for application in applications]
    Binding.objects.all().delete()
    again = [begin_binding(application, public_key(PHONE))["slot"] for application in applications]
    assert len({*names, *again}) == 2 * len(applications)
    assert all(name.startswith("v-") and len(name) == 18 and set(name[2:]) <= set(ALPHABET.lower()) for name in names)


def test_the_entry_names_nobody(polls: Counter, issued: Application) -> None:
    """The published bytes hold nothing of the application or the roll row."""
    raw = re.sub(
        r'"[\w-]{43,86}"', "", bytes(polls.bind(issued, PHONE).raw).decode()
    )  # hashes and signatures hold anything
    elector = issued.elector
    assert elector is not None
    for text in (elector.name, elector.kana, elector.address, elector.list_number, issued.reference, "1980"):
        assert text not in raw


# Replacing a lost device


@pytest.fixture
def bound(polls: Counter, issued: Application) -> Application:
    """An application whose phone is registered and has cast a ballot."""
    polls.bind(issued, PHONE)
    polls.cast(issued, PHONE)
    follow_board(polls.row)
    return polls.fresh(issued)


def allow(counter: Counter, application: Application) -> None:
    """Two clerks allow another device."""
    asked = ask_to_replace(application, by=counter.town.clerk, reason="紛失")
    officials.approve(asked, by=counter.town.second_clerk)


def test_a_replaced_device_votes_and_the_old_one_does_not(polls: Counter, bound: Application) -> None:
    """Two officials, the new device, the registrar and two signatures on the board."""
    allow(polls, bound)
    body = begin_replacement(bound, public_key(OTHER))
    sign_replacement(bound, public_key(OTHER), sign(OTHER, REPLACED, body))
    ((application, waiting),) = waiting_replacements(polls.row)
    assert application == bound
    for name in ("official 1", "official 2"):
        waiting = waiting.signed_by(signing_key(name))
    append(polls.row, entry_type=waiting.type, body=waiting.body, signatures=waiting.signatures, time=POLLING)
    assert Replacement.objects.get().done_at is None
    follow_board(polls.row)
    assert Replacement.objects.get().done_at is not None and waiting_replacements(polls.row) == []
    assert bytes(Binding.objects.get().credential) == public_key(OTHER)
    with pytest.raises(EntryRefused):
        polls.cast(bound, PHONE)
    polls.cast(bound, OTHER)
    assert polls.state.superseded == 1


def test_two_officials_fetch_what_they_sign_and_bring_it_back(
    polls: Counter, bound: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the election's page, once a new device has begun; nobody else sees it."""
    allow(polls, bound)
    page, entry = f"/office/polls/{polls.row.slug}/", f"/office/polls/{polls.row.slug}/replacement/{bound.reference}/"
    monkeypatch.setattr("voting.polls.views.append", partial(append, time=POLLING))
    clerk, manager = Client(), Client()
    clerk.force_login(polls.town.clerk)
    manager.force_login(polls.town.poll_manager)
    assert clerk.get(entry).status_code == 404 and entry not in clerk.get(page).content.decode()
    body = begin_replacement(bound, public_key(OTHER))
    sign_replacement(bound, public_key(OTHER), sign(OTHER, REPLACED, body))
    assert entry in clerk.get(page).content.decode()
    assert manager.get(entry).status_code == 403
    answer = clerk.get(entry)
    assert answer["Content-Disposition"].endswith(f'{bound.reference}.json"')
    submission = parse_submission(answer.content, "entry")
    for name in ("official 1", "official 2"):
        submission = submission.signed_by(signing_key(name))
    file = SimpleUploadedFile("signed.json", submission.to_bytes())
    with monkeypatch.context() as small:
        small.setattr("voting.polls.views.MOST_BYTES", 100)
        clerk.post(f"{page}submit/", {"file": file})
        assert polls.state.slots[body["slot"]].credential == public_key(PHONE)
    file.seek(0)
    clerk.post(f"{page}submit/", {"file": file})
    assert polls.state.slots[body["slot"]].credential == public_key(OTHER)


def test_a_voters_entry_is_not_uploaded_by_officials(
    polls: Counter, bound: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The board would take this ballot; it comes from the voter's device or not at all."""
    monkeypatch.setattr("voting.polls.views.append", partial(append, time=POLLING))
    cast = parse_entry(bytes(BoardEntry.objects.filter(type=Type.BALLOT_CAST).latest("index").raw))
    signatures = tuple(
        {"key": encode_bytes(one.key), "signature": encode_bytes(one.signature)} for one in cast.signatures
    )
    before = BoardEntry.objects.count()
    clerk = Client(headers={"accept-language": "en"})
    clerk.force_login(polls.town.clerk)
    for kind in (Type.BALLOT_CAST, Type.PARTIAL_ROOTS):
        file = SimpleUploadedFile("signed.json", Submission(kind, cast.body, signatures).to_bytes())
        page = clerk.post(f"/office/polls/{polls.row.slug}/submit/", {"file": file}, follow=True).content.decode()
        assert "Entries of this kind are not uploaded here" in page
    assert BoardEntry.objects.count() == before


def test_the_servers_public_keys_are_printed(settings: Any) -> None:
    """Those that a manifest names; the same ones each time."""
    said = [StringIO(), StringIO()]
    for out in said:
        call_command("public_keys", stdout=out)
    lines = said[0].getvalue().splitlines()
    registrar = SigningKey(keyfile.load(settings.REGISTRAR_KEY_FILE))
    assert lines[1] == f"registrar: {encode_bytes(public_key(registrar))}" and lines[0].startswith("board: ")
    assert said[0].getvalue() == said[1].getvalue()


@pytest.mark.parametrize("signers", [[], ["official 1"], ["official 1", "official 1"], ["official 1", "trustee 1"]])
def test_the_board_wants_two_officials_under_a_replacement(
    polls: Counter, bound: Application, signers: list[str]
) -> None:
    allow(polls, bound)
    body = begin_replacement(bound, public_key(OTHER))
    signed = sign_replacement(bound, public_key(OTHER), sign(OTHER, REPLACED, body))
    for name in signers:
        signed = signed.signed_by(signing_key(name))
    with pytest.raises(EntryRefused):
        append(polls.row, entry_type=signed.type, body=signed.body, signatures=signed.signatures, time=POLLING)
    assert polls.state.slots[body["slot"]].credential == public_key(PHONE)


def test_without_two_officials_no_other_device(polls: Counter, bound: Application) -> None:
    """Not unasked, not asked for by one, not declined, and not by who asked."""
    with pytest.raises(NoBallot):
        begin_replacement(bound, public_key(OTHER))
    asked = ask_to_replace(bound, by=polls.town.clerk, reason="紛失")
    with pytest.raises(NotPermitted):
        officials.approve(asked, by=polls.town.clerk)
    with pytest.raises(NoBallot):
        begin_replacement(bound, public_key(OTHER))
    officials.decline(asked, by=polls.town.second_clerk, remark="本人ではない")
    with pytest.raises(NoBallot):
        sign_replacement(bound, public_key(OTHER), bytes(64))
    assert not Replacement.objects.exists()


@pytest.mark.parametrize("role", ["poll_manager", "poll_witness", "auditor", "system_admin", "health_officer"])
def test_only_the_election_board_replaces(polls: Counter, bound: Application, role: str) -> None:
    with pytest.raises(NotPermitted):
        ask_to_replace(bound, by=getattr(polls.town, role), reason="紛失")


def test_another_towns_officials_replace_nothing(polls: Counter, bound: Application) -> None:
    elsewhere = offices.board("kakou", "仮構市選挙管理委員会")
    stranger = offices.official("stranger", offices.Role.BOARD_CHAIR, elsewhere)
    with pytest.raises(NotPermitted):
        ask_to_replace(bound, by=stranger, reason="紛失")


def test_a_device_that_was_never_registered_is_not_replaced(polls: Counter, issued: Application) -> None:
    begin_binding(issued, public_key(PHONE))
    with pytest.raises(NoBallot):
        ask_to_replace(issued, by=polls.town.clerk, reason="紛失")


def test_a_replacement_voids_the_letters(polls: Counter, bound: Application) -> None:
    """Whoever has the lost phone may have the letter too."""
    letter, _code = issue_letter(bound, by=polls.town.clerk)
    allow(polls, bound)
    letter.refresh_from_db()
    assert letter.revoked_at is not None


def test_the_new_device_signs_for_itself(polls: Counter, bound: Application) -> None:
    """With its own key, the entry that was prepared for it, and no other device's."""
    allow(polls, bound)
    with pytest.raises(NoBallot):
        sign_replacement(bound, public_key(OTHER), bytes(64))
    body = begin_replacement(bound, public_key(OTHER))
    with pytest.raises(DeviceSignatureInvalid):
        sign_replacement(bound, public_key(OTHER), sign(PHONE, REPLACED, body))
    with pytest.raises(NoBallot):
        sign_replacement(bound, public_key(PHONE), sign(PHONE, REPLACED, body))
    with pytest.raises(ValueError, match="32 bytes"):
        begin_replacement(bound, b"short")
    assert waiting_replacements(polls.row) == []


def test_a_cancelled_ballot_gets_no_other_device(polls: Counter, issued: Application) -> None:
    """Approved, then cancelled before the new device came."""
    polls.bind(issued, PHONE)
    allow(polls, issued)
    give_back(polls, issued)
    with pytest.raises(NoBallot):
        begin_replacement(polls.fresh(issued), public_key(OTHER))


def test_a_replacement_is_approved_only_with_a_ballot(polls: Counter, issued: Application) -> None:
    """Asked for, then cancelled: the approval is refused, and nothing is decided."""
    polls.bind(issued, PHONE)
    asked = ask_to_replace(issued, by=polls.town.clerk, reason="紛失")
    give_back(polls, issued)
    with pytest.raises(NoBallot):
        officials.approve(asked, by=polls.town.second_clerk)
    asked.refresh_from_db()
    assert asked.decision == "pending"


def test_only_what_the_board_shows_is_noted(polls: Counter, bound: Application) -> None:
    """The old key is no replacement; another one is, even when a third device has begun since."""
    allow(polls, bound)
    third = signing_key("third")
    body = begin_replacement(bound, public_key(OTHER))
    signed = sign_replacement(bound, public_key(OTHER), sign(OTHER, REPLACED, body))
    begin_replacement(bound, public_key(third))
    note_replaced(polls.row, {body["slot"]: public_key(PHONE)})
    assert Replacement.objects.get().done_at is None
    for name in ("official 1", "official 2"):
        signed = signed.signed_by(signing_key(name))
    append(polls.row, entry_type=signed.type, body=signed.body, signatures=signed.signatures, time=POLLING)
    follow_board(polls.row)
    assert Replacement.objects.get().done_at is not None
    assert bytes(Binding.objects.get().credential) == public_key(OTHER)
    with pytest.raises(NoBallot):
        sign_replacement(bound, public_key(third), bytes(64))


# Forgetting


def test_nothing_is_forgotten_before_the_freeze(polls: Counter, bound: Application) -> None:
    polls.close()
    with pytest.raises(NotOnBoard):
        forget(polls.row)
    assert Binding.objects.count() == 1


def test_every_entry_stands_before_an_observer(polls: Counter, bound: Application) -> None:
    """Replay of the stored bytes from nothing reaches the same state."""
    observer = Election(manifest())
    for raw in boards.stored(polls.row):
        observer.add(raw)
    assert observer.state.slots == polls.state.slots
