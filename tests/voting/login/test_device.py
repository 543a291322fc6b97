"""The login by a registered device: only with its key, this session's number and the voter's date of birth.

The board is real, and so are the keys.
"""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from nacl.signing import SigningKey

from tally.signing import public_key
from tests.voting import kakuu
from tests.voting.login.people import ACCESSES, CHALLENGE, DEVICE
from tests.voting.polling import BORN, Counter, electors, key, sign
from verifier import PROTOCOL
from verifier.crypto.transcript import encode
from verifier.record.canonical import decode_bytes, encode_bytes
from verifier.record.entries import Type
from voting.applications import review, steps
from voting.applications.models import Application
from voting.applications.states import Event, State
from voting.credentials.models import Binding
from voting.credentials.services import ask_to_replace, begin_replacement
from voting.elections.models import Election
from voting.errors import EntryRefused, NotOnBoard
from voting.login import device, throttle
from voting.login.attempts import MOST, lift
from voting.login.models import Attempts, Way
from voting.officials import services as officials

pytestmark = pytest.mark.django_db

PHONE, OTHER = key("phone"), key("other")
BIRTH = BORN.isoformat()


@pytest.fixture
def bound(polls: Counter) -> Application:
    """An application whose device is on the board."""
    application = polls.issue(electors(polls.row)[0])
    polls.bind(application, PHONE)
    return polls.fresh(application)


def send(client: Client, path: str, body: Any) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(path, raw, content_type="application/json")


def ask(client: Client, election: Election) -> bytes:
    """The number that the session is given."""
    answer = send(client, CHALLENGE, {"election": election.slug})
    assert answer.status_code == 200 and "no-store" in answer["Cache-Control"]
    return decode_bytes(answer.json()["nonce"], 32)


def claim(election: Election, nonce: bytes, signing: SigningKey = PHONE, **other: Any) -> dict[str, Any]:
    signature = signing.sign(device.message(election, nonce)).signature
    return {
        "election": election.slug,
        "credential": encode_bytes(public_key(signing)),
        "signature": encode_bytes(signature),
        "birth": BIRTH,
        **other,
    }


def enter(client: Client, election: Election, signing: SigningKey = PHONE, **other: Any) -> Any:
    """The whole way; the last answer."""
    return send(client, DEVICE, claim(election, ask(client, election), signing, **other))


def is_in(client: Client) -> bool:
    return "sessionid" in client.cookies and "voter" in client.session


def assert_refused(client: Client, answer: Any, code: str, status: int = 400) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
    assert answer["Content-Type"] == "application/problem+json" and "no-store" in answer["Cache-Control"]
    assert set(answer.json()) == {"code", "detail"} and answer.json()["detail"]
    assert not is_in(client)


# In


def test_a_device_and_a_birthday_log_in(client: Client, polls: Counter, bound: Application) -> None:
    answer = enter(client, polls.row)
    assert (answer.status_code, answer.json()) == (200, {})
    assert client.session["voter"]["application"] == bound.pk
    assert "no-store" in answer["Cache-Control"]


def test_however_the_birthday_is_typed(client: Client, polls: Counter, bound: Application) -> None:
    for birth in ("1980-1-2", "S55-1-2", "S55-01-02", "昭和55-1-2", "１９８０-１-２"):
        assert enter(client, polls.row, birth=birth).status_code == 200, birth


def test_what_is_signed(polls: Counter, bound: Application) -> None:
    """Byte by byte, as the browser has to write it; no entry of the board begins like it."""
    election = polls.row
    nonce = bytes(range(32))
    assert election.manifest_hash is not None

    def item(kind: bytes, data: bytes) -> bytes:
        return kind + len(data).to_bytes(8, "big") + data

    signed = device.message(election, nonce)
    assert signed == b"l" + (4).to_bytes(8, "big") + b"".join(
        (
            item(b"s", PROTOCOL.encode()),
            item(b"s", b"device login"),
            item(b"b", bytes(election.manifest_hash)),
            item(b"b", nonce),
        )
    )
    assert signed == encode([PROTOCOL, "device login", bytes(election.manifest_hash), nonce])
    election.manifest_hash = None
    with pytest.raises(NotOnBoard):
        device.message(election, nonce)


def test_after_a_vote_too(client: Client, polls: Counter, bound: Application) -> None:
    """To vote again, or to look what became of it."""
    review.note_cast(bound)
    assert polls.fresh(bound).state == State.CAST
    assert enter(client, polls.row).status_code == 200


def test_the_session_is_new(client: Client, polls: Counter, bound: Application) -> None:
    """S-02: an id from before the login, with what was planted under it, is worth nothing afterwards."""
    nonce = ask(client, polls.row)
    kept = client.session
    kept["planted"] = "by the attacker"
    kept.save()
    assert send(client, DEVICE, claim(polls.row, nonce)).status_code == 200
    assert client.session.session_key != kept.session_key and "planted" not in client.session
    assert not Session.objects.filter(session_key=kept.session_key).exists()


def test_a_device_shows_who_looked_at_my_data(client: Client, polls: Counter, bound: Application) -> None:
    """Requirement 39; and logging out ends it."""
    enter(client, polls.row)
    assert bound.reference in client.get(ACCESSES).content.decode()
    assert client.post("/login/out/")["Location"] == "/"
    assert client.get(ACCESSES).status_code == 302


# Not in


def test_every_refusal_is_the_same(polls: Counter, bound: Application) -> None:
    """S-09: another key's signature, a key of nobody, another birthday: one answer, byte by byte, but for Expires."""
    strange = encode_bytes(public_key(OTHER))
    answers = []
    for signing, other in (
        (OTHER, {"credential": encode_bytes(public_key(PHONE))}),
        (PHONE, {"signature": encode_bytes(bytes(64))}),
        (OTHER, {"credential": strange}),
        (PHONE, {"birth": "1980-1-3"}),
    ):
        client = Client()
        answer = enter(client, polls.row, signing, **other)
        assert_refused(client, answer, "device-refused")
        headers = {name: value for name, value in answer.headers.items() if name != "Expires"}
        answers.append((answer.content, headers))
    assert all(answer == answers[0] for answer in answers)


def test_the_signature_is_over_this_number(client: Client, polls: Counter, bound: Application) -> None:
    """Not over another session's, an older one of this session, or an entry of the board."""
    election, stolen = polls.row, ask(Client(), polls.row)
    older = ask(client, election)
    for nonce in (stolen, older, bytes(32)):
        ask(client, election)
        assert_refused(client, send(client, DEVICE, claim(election, nonce)), "device-refused")
    ask(client, election)
    entry = encode_bytes(sign(PHONE, Type.CREDENTIAL_REGISTERED, {}))
    assert_refused(client, send(client, DEVICE, claim(election, bytes(32), signature=entry)), "device-refused")


def test_a_number_is_good_once(client: Client, polls: Counter, bound: Application) -> None:
    """Whoever hears the answer cannot send it again, whether it was right or wrong."""
    for birth in (BIRTH, "1980-1-3"):
        said = claim(polls.row, ask(client, polls.row), birth=birth)
        send(client, DEVICE, said)
        client.post("/login/out/")
        assert_refused(client, send(client, DEVICE, said), "challenge-expired")
        assert_refused(Client(), send(Client(), DEVICE, said), "challenge-expired")


def test_a_number_is_used_up_by_what_fails_too(client: Client, polls: Counter, bound: Application) -> None:
    """No second guess for one number in the same session."""
    nonce = ask(client, polls.row)
    assert_refused(client, send(client, DEVICE, claim(polls.row, nonce, birth="1980-1-3")), "device-refused")
    assert_refused(client, send(client, DEVICE, claim(polls.row, nonce)), "challenge-expired")


def test_two_minutes(client: Client, polls: Counter, bound: Application) -> None:
    """The last second is in time; a clock set back makes nothing good."""
    for age, code in ((device.LASTS, "challenge-expired"), (-60, "challenge-expired"), (device.LASTS - 20, "")):
        nonce = ask(client, polls.row)
        kept = client.session
        kept["device challenge"]["at"] -= age
        kept.save()
        answer = send(client, DEVICE, claim(polls.row, nonce))
        if code:
            assert_refused(client, answer, code)
        else:
            assert answer.status_code == 200


def test_without_a_number(client: Client, polls: Counter, bound: Application) -> None:
    assert_refused(client, send(client, DEVICE, claim(polls.row, bytes(32))), "challenge-expired")


def test_another_election(client: Client, polls: Counter, bound: Application) -> None:
    """A number is for one election; its devices are no devices of another."""
    other = kakuu.world(polls.town, slug="other").election
    Election.objects.filter(pk=other.pk).update(manifest_hash=bytes(32))
    other.refresh_from_db()
    nonce = ask(client, polls.row)
    assert_refused(client, send(client, DEVICE, claim(other, nonce)), "challenge-expired")
    assert_refused(client, enter(client, other), "device-refused")


def test_no_such_election(client: Client, polls: Counter, bound: Application) -> None:
    """One that is still being prepared is not told apart from one that is not there."""
    other = kakuu.world(polls.town, slug="other").election
    for slug in ("none", other.slug, "", "\0", "\ud800", "x" * 300):
        assert_refused(client, send(client, CHALLENGE, {"election": slug}), "not-on-board", 404)
        body = {**claim(polls.row, bytes(32)), "election": slug}
        assert_refused(client, send(client, DEVICE, body), "not-on-board", 404)


ENDS = (
    (Event.GIVE_BACK,),
    (Event.LAPSE,),
    (Event.CAST, Event.REFUSE),
    (Event.CAST, Event.ACCEPT, Event.STRIP, Event.TALLY),
)
"""Every way that an issued ballot can go."""


def test_only_with_a_ballot(client: Client, polls: Counter, bound: Application) -> None:
    """Given back, lapsed, refused, accepted …: the device's login is over as well."""
    for number, events in enumerate(ENDS, 1):
        application, phone = polls.issue(electors(polls.row)[number]), key(str(number))
        polls.bind(application, phone)
        assert enter(Client(), polls.row, phone).status_code == 200
        for event in events:
            steps.take(steps.lock(application), event)
            if event is Event.CAST:
                assert enter(Client(), polls.row, phone).status_code == 200
            else:
                assert_refused(client, enter(client, polls.row, phone), "device-refused")


def test_only_once_the_board_has_it(client: Client, polls: Counter, bound: Application) -> None:
    Binding.objects.update(slot=None)
    assert_refused(client, enter(client, polls.row), "device-refused")


def test_a_device_that_was_given_up(client: Client, polls: Counter, bound: Application) -> None:
    """From the moment at which two officials approve another, whoever has the old one stays out, and the new one is
    none before the board has it.
    """
    asked = ask_to_replace(bound, by=polls.town.clerk, reason="紛失")
    assert enter(client, polls.row).status_code == 200
    officials.approve(asked, by=polls.town.second_clerk)
    begin_replacement(bound, public_key(OTHER))
    client.post("/login/out/")
    for signing in (PHONE, OTHER):
        assert_refused(client, enter(client, polls.row, signing), "device-refused")


# Locks


def test_five_wrong_birthdays_lock_the_device(client: Client, polls: Counter, bound: Application) -> None:
    """S-10: told to whoever has the device, and to nobody else; an official lifts it."""
    for day in range(3, 3 + MOST):
        assert_refused(client, enter(client, polls.row, birth=f"1980-1-{day}"), "device-refused")
    for birth in (BIRTH, "1980-1-3"):
        assert_refused(client, enter(client, polls.row, birth=birth), "locked-out")
    other = {"credential": encode_bytes(public_key(PHONE))}
    assert_refused(client, enter(client, polls.row, OTHER, **other), "device-refused")
    lift(bound, by=polls.town.clerk)
    assert enter(client, polls.row).status_code == 200


def test_without_the_device_nothing_is_counted(client: Client, polls: Counter, bound: Application) -> None:
    """S-10: keys are public. Who only knows one cannot lock its voter out."""
    for _ in range(MOST + 1):
        other = {"credential": encode_bytes(public_key(PHONE)), "birth": "1980-1-3"}
        assert_refused(client, enter(client, polls.row, OTHER, **other), "device-refused")
    assert not Attempts.objects.exists()
    assert enter(client, polls.row).status_code == 200


def test_a_locked_device_locks_no_other(client: Client, polls: Counter, bound: Application) -> None:
    """S-10: nor the state of its own application."""
    neighbour = polls.issue(electors(polls.row)[1])
    polls.bind(neighbour, OTHER)
    for day in range(3, 3 + MOST):
        enter(client, polls.row, birth=f"1980-1-{day}")
    assert enter(client, polls.row, OTHER).status_code == 200
    assert list(Attempts.objects.values_list("way", "failures").order_by("pk")) == [(Way.DEVICE, MOST), (Way.DEVICE, 0)]


def test_guesses_are_slow(client: Client, polls: Counter, bound: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    """S-10: for numbers and for answers, from one address; right ones are no guesses."""
    monkeypatch.setattr(throttle, "time", SimpleNamespace(time=lambda: 1_800_000_000.0))  # no new window begins
    for _ in range(throttle.MOST + 5):
        assert enter(Client(), polls.row).status_code == 200
    for _ in range(throttle.MOST):
        assert_refused(client, enter(client, polls.row, OTHER), "device-refused")
    for path, body in ((CHALLENGE, {"election": polls.row.slug}), (DEVICE, claim(polls.row, bytes(32)))):
        answer = send(client, path, body)
        assert_refused(client, answer, "too-fast", 429)
        assert 0 < int(answer["Retry-After"]) <= throttle.WINDOW
    cache.clear()
    assert enter(client, polls.row).status_code == 200


# Wild input


GOOD = {"election": "x", "credential": encode_bytes(bytes(32)), "signature": encode_bytes(bytes(64)), "birth": BIRTH}
BAD: list[tuple[Any, str]] = [
    (b"", "malformed"),
    (b"{", "malformed"),
    (b"[]", "malformed"),
    (b"null", "malformed"),
    (b"\xff", "malformed"),
    (b'{"election": 1.5}', "malformed"),
    (b"[" * 500, "malformed"),
    (b" " * 2000, "malformed"),
    (b'{"election": "x", "election": "y"}', "malformed"),
    ({**GOOD, "more": "x"}, "malformed"),
    ({name: GOOD[name] for name in ("election", "credential", "signature")}, "malformed"),
    ({**GOOD, "birth": 19800102}, "malformed"),
    ({**GOOD, "birth": None}, "malformed"),
    ({**GOOD, "election": ["x"]}, "malformed"),
    ({**GOOD, "credential": encode_bytes(bytes(31))}, "malformed"),
    ({**GOOD, "credential": "=" * 43}, "malformed"),
    ({**GOOD, "credential": "\ud800" * 43}, "malformed"),
    ({**GOOD, "signature": encode_bytes(bytes(65))}, "malformed"),
    ({**GOOD, "birth": "x" * 2000}, "malformed"),
    ({**GOOD, "birth": ""}, "birth-unreadable"),
    ({**GOOD, "birth": "1981-2-29"}, "birth-unreadable"),
    ({**GOOD, "birth": "0000-00-00"}, "birth-unreadable"),
    ({**GOOD, "birth": "9999-12-31"}, "birth-unreadable"),
    ({**GOOD, "birth": "\0"}, "birth-unreadable"),
    ({**GOOD, "birth": "\ud800-1-1"}, "birth-unreadable"),
]


@pytest.mark.parametrize(("body", "code"), BAD)
def test_what_cannot_be_read(client: Client, body: Any, code: str) -> None:
    """S-06: exactly these fields, in exactly these forms; anything else is named and changes nothing."""
    assert_refused(client, send(client, DEVICE, body), code)
    assert "sessionid" not in client.cookies


@pytest.mark.parametrize("body", [b"", b"{}", {"election": 1}, {"election": "x", "more": "x"}, b'{"election": NaN}'])
def test_what_is_no_question(client: Client, db: None, body: Any) -> None:
    assert_refused(client, send(client, CHALLENGE, body), "malformed")
    assert "sessionid" not in client.cookies


def test_an_impossible_day_is_named(client: Client, polls: Counter, bound: Application) -> None:
    """The sentence is for the voter; the number is still good, and nothing was counted."""
    nonce = ask(client, polls.row)
    answer = send(client, DEVICE, claim(polls.row, nonce, birth="1981-2-29"))
    assert "1981-2-29" in answer.json()["detail"]
    assert send(client, DEVICE, claim(polls.row, nonce)).status_code == 200


def test_other_methods_and_other_sites(client: Client) -> None:
    """S-01: only POST, only with the token, which a program sends in the header."""
    strict = Client(enforce_csrf_checks=True)
    for path in (CHALLENGE, DEVICE):
        assert client.get(path).status_code == 405
        assert send(strict, path, {"election": "x"}).status_code == 403
        strict.get("/login/letter/")
        headers = {"X-CSRFToken": strict.cookies["csrftoken"].value}
        allowed = strict.post(path, b"{}", content_type="application/json", headers=headers)
        assert allowed.status_code == 400
        strict.cookies.clear()


def test_nothing_secret_is_logged(
    client: Client, polls: Counter, bound: Application, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither birthday, person, key nor number; and the session keeps a number and a time."""
    caplog.set_level("DEBUG")
    nonce = ask(client, polls.row)
    caplog.clear()
    send(client, DEVICE, claim(polls.row, nonce, birth="1980-1-3"))
    enter(client, polls.row)
    texts = (BIRTH, "1980-1-3", bound.name, bound.reference, encode_bytes(public_key(PHONE)), encode_bytes(nonce))
    for text in texts:
        assert text not in caplog.text + str(dict(client.session.items()))


def test_a_key_is_in_one_election_once(polls: Counter, bound: Application) -> None:
    """The board takes no key twice, so a device is one voter's."""
    neighbour = polls.issue(electors(polls.row)[1])
    with pytest.raises(EntryRefused, match="registered before"):
        polls.bind(neighbour, PHONE)
