"""Officials' login: the code after the password, the lock-out, the reset by two people; and who goes around them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from axes.models import AccessAttempt, AccessFailureLog
from django.core.management import CommandError, call_command
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from tests.voting import offices
from tests.voting.factors import PASSWORD, code, later, phone, verified, with_password
from tests.voting.offices import Town
from tests.voting.postgres import Runner, both, race, says, transactional
from voting.access.models import AccessEntry
from voting.errors import NotPermitted
from voting.officials import lockout, session
from voting.officials import second_factor as factor
from voting.officials.middleware import OPEN
from voting.officials.models import Office, Official, Proposal
from voting.officials.roles import Act, Role
from voting.officials.services import approve, propose

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("second_factor")]

CODE, LOGIN, START = "/office/second-factor/", "/office/login/", "/office/"
UNHURRIED = 60
"""seconds of the first wait, instead of one: a slow machine does not sit it out"""


def is_half_in(client: Client) -> bool:
    """Whether the start page sends somebody to the code."""
    return client.get(START).headers.get("Location", "").startswith(CODE)


def is_in(client: Client) -> bool:
    return client.get(START).status_code == 200


def give(client: Client, typed: str, **data: str) -> HttpResponse:
    return client.post(CODE, {"code": typed, **data})  # type: ignore[return-value]


# Setting up


def started(official: Official) -> tuple[Client, str]:
    """Somebody at their first login, and the secret that the page shows."""
    if not official.has_usable_password():  # another would end the sessions
        official.set_password(PASSWORD)
        official.save()
    client = with_password(official)
    shown = re.search(r'<pre id="secret">([A-Z2-7 ]+)</pre>', client.get(CODE).content.decode())
    assert shown
    secret = client.session[session.SECRET]
    assert factor.app_for(official, secret).config_url.split("secret=")[1].startswith(shown[1].replace(" ", ""))
    return client, secret


def test_the_first_login_sets_up_the_factor(town: Town) -> None:
    """Secret and picture, a first code, ten recovery codes once, a new session key, an entry in the log, and in."""
    client, secret = started(town.clerk)
    assert is_half_in(client)
    picture = client.get("/office/second-factor/qr.svg")
    assert picture.headers["Content-Type"] == "image/svg+xml" and b"<svg" in picture.content
    assert "no-store" in picture.headers["Cache-Control"] and b"style=" not in picture.content
    before = client.session.session_key
    page = give(client, code(secret)).content.decode()
    codes = re.findall(r"<code>([A-Z2-9]{5}-[A-Z2-9]{5})</code>", page)
    assert len(set(codes)) == 10
    assert client.session.session_key != before and is_in(client)
    assert session.SECRET not in client.session and secret not in str(dict(client.session))
    assert codes[0] not in client.get(CODE, follow=True).content.decode()
    assert client.get("/office/second-factor/qr.svg").status_code == 404
    entry = AccessEntry.objects.get(act=Act.RESET_SECOND_FACTOR)
    assert (entry.official, entry.purpose) == ("clerk", "set up a second factor")


def test_somebody_appointed_on_the_server_sets_it_up_too(town: Town) -> None:
    printed = StringIO()
    call_command("appoint", "hanako", "架空 花子", "prefecture-clerk", town.prefecture.code, stdout=printed)
    client = Client()
    password = printed.getvalue().strip().rpartition(" ")[2]
    client.post(LOGIN, {"username": "hanako", "password": password})
    assert is_half_in(client)
    assert "Set up the second factor" in client.get(CODE).content.decode()


@pytest.mark.parametrize("typed", ["", "12345", "abcdef", "１２３", "0" * 40, "-12345", "1234567"])
def test_setting_up_needs_a_code_of_the_app(typed: str, town: Town) -> None:
    client, secret = started(town.clerk)
    assert give(client, typed).status_code == 400
    assert not factor.has_factor(town.clerk) and not StaticDevice.objects.exists() and is_half_in(client)
    assert client.session[session.SECRET] == secret


def test_a_second_session_does_not_set_up_another(town: Town) -> None:
    """Two at the first login: the first one counts, the other is asked for its code."""
    (first, mine), (second, other) = started(town.clerk), started(town.clerk)
    assert mine != other
    give(first, code(mine))
    assert give(second, code(other)).status_code == 400
    with pytest.raises(factor.FactorPresent):
        factor.set_up(town.clerk, other, code(other))
    assert TOTPDevice.objects.get().key == mine and is_half_in(second)
    assert other not in second.get(CODE).content.decode()


def test_who_has_a_factor_is_shown_no_secret(town: Town) -> None:
    """Whoever stole a password does not learn the secret of the phone with it."""
    secret = phone(town.clerk)
    client = with_password(town.clerk)
    page = client.get(CODE).content.decode()
    assert "qr.svg" not in page and factor.app_for(town.clerk, secret).config_url[-60:] not in page
    assert client.get("/office/second-factor/qr.svg").status_code == 404


def test_recovery_codes_are_stored_as_digests(town: Town) -> None:
    secret = factor.new_secret()
    _device, codes = factor.set_up(town.clerk, secret, code(secret))
    stored = set(StaticToken.objects.values_list("token", flat=True))
    assert len(stored) == 10
    assert not any(one in stored or one.replace("-", "") in stored for one in codes)


# Entering


def test_password_and_code_let_in(town: Town) -> None:
    """With a new session key, and the life of any session again."""
    secret = phone(town.clerk)
    client = with_password(town.clerk)
    assert is_half_in(client) and client.session.get_expiry_age() <= 600
    before = client.session.session_key
    answer = give(client, code(secret), next="/office/roll/search/")
    assert answer.headers["Location"] == "/office/roll/search/"
    assert client.session.session_key != before and is_in(client)
    assert client.session.get_expiry_age() > 3600
    old = Client()
    old.cookies["sessionid"] = before or ""
    assert old.get(START).headers["Location"].startswith(LOGIN)


@pytest.mark.parametrize(
    "wanted", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example"]
)
def test_the_way_on_stays_on_this_site(wanted: str, town: Town) -> None:
    secret = phone(town.clerk)
    assert give(with_password(town.clerk), code(secret), next=wanted).headers["Location"] == START


def test_as_a_japanese_keyboard_types_it(town: Town) -> None:
    secret = phone(town.clerk)
    wide = code(secret).translate({ord(str(digit)): ord("０") + digit for digit in range(10)})
    assert give(with_password(town.clerk), f" {wide[:3]}　{wide[3:]} ").status_code == 302


def test_a_code_works_once(town: Town) -> None:
    """Also in another session, and for somebody who looked over the shoulder; also the one that set the factor up."""
    client, secret = started(town.clerk)
    typed = code(secret)
    give(client, typed)
    other = with_password(town.clerk)
    assert give(other, typed).status_code == 400 and is_half_in(other)
    typed = code(phone(town.chair))
    assert give(with_password(town.chair), typed).status_code == 302
    assert give(with_password(town.chair), typed).status_code == 400


def test_another_ones_code_and_an_old_one_do_not_work(town: Town) -> None:
    mine, other = phone(town.clerk), phone(town.chair)
    assert mine != other
    for typed in (code(other), code(mine, -5), code(mine, +5)):
        factor.forgive_wrong_codes(town.clerk)
        client = with_password(town.clerk)
        assert give(client, typed).status_code == 400 and is_half_in(client)


def test_a_recovery_code_works_once(town: Town) -> None:
    secret = factor.new_secret()
    _device, codes = factor.set_up(town.clerk, secret, code(secret))
    town.clerk.set_password(PASSWORD)
    town.clerk.save()
    client = with_password(town.clerk)
    assert give(client, codes[3].lower().replace("-", " ")).status_code == 302 and is_in(client)
    assert factor.recovery_codes_left(town.clerk) == 9
    again = with_password(town.clerk)
    assert give(again, codes[3]).status_code == 400 and is_half_in(again)


def test_a_recovery_code_of_somebody_else_does_not_work(town: Town) -> None:
    secret = factor.new_secret()
    _device, codes = factor.set_up(town.chair, secret, code(secret))
    other = factor.new_secret()
    factor.set_up(town.clerk, other, code(other))
    with pytest.raises(factor.WrongCode):
        factor.enter(town.clerk, codes[0])
    assert factor.recovery_codes_left(town.chair) == factor.recovery_codes_left(town.clerk) == 10


def test_wrong_codes_wait_longer_and_longer(town: Town, settings: Any) -> None:
    """A right one is not looked at meanwhile, and the page says until when."""
    settings.OTP_TOTP_THROTTLE_FACTOR = UNHURRIED
    secret, waits = phone(town.clerk), []
    device = TOTPDevice.objects.get(user=town.clerk)
    for _step in range(6):
        TOTPDevice.objects.update(throttling_failure_timestamp=timezone.now() - timedelta(days=1))
        with pytest.raises(factor.WrongCode):
            factor.enter(town.clerk, wrong(secret))
        device.refresh_from_db()
        waits.append((device.verify_is_allowed()[1] or {})["locked_until"] - device.throttling_failure_timestamp)
    assert [wait.total_seconds() for wait in waits] == [UNHURRIED * factor for factor in (1, 2, 4, 8, 16, 32)]
    client = with_password(town.clerk)
    page = give(client, code(secret))
    assert page.status_code == 400 and "Too many wrong codes. Try again after" in page.content.decode()
    assert is_half_in(client)


def wrong(secret: str) -> str:
    """Six digits that are right at no time near now."""
    near = {code(secret, steps) for steps in range(-3, 4)}
    return next(text for text in (f"{number:06}" for number in range(10)) if text not in near)


def test_a_new_session_does_not_shorten_the_wait(town: Town, settings: Any) -> None:
    """The waits belong to the account's device, not to the session or the address."""
    settings.OTP_TOTP_THROTTLE_FACTOR = UNHURRIED
    secret = phone(town.clerk)
    for _step in range(3):
        TOTPDevice.objects.update(throttling_failure_timestamp=timezone.now() - timedelta(days=1))
        give(with_password(town.clerk), wrong(secret))
    answer = give(with_password(town.clerk, REMOTE_ADDR="203.0.113.9"), code(secret))
    assert answer.status_code == 400 and b"Too many wrong codes" in answer.content


@race
@transactional
@both
def test_of_one_code_entered_twice_at_once_one_counts(run: Runner, town: Town) -> None:
    """Who looked over the shoulder is as quick as the official: one of them is in. Five times."""
    for _step in range(5):
        typed = code(phone(town.clerk))
        enter = says(lambda typed=typed: factor.enter(town.clerk, typed).name)
        assert sorted(run([enter, enter])) == ["app", "wrong-code"]


@race
@transactional
@both
def test_of_two_secrets_set_up_at_once_one_counts(run: Runner, town: Town) -> None:
    for _step in range(5):
        factor.forget(town.clerk)
        secrets = [factor.new_secret(), factor.new_secret()]
        works = [says(lambda one=one: factor.set_up(town.clerk, one, code(one))[0].name) for one in secrets]
        assert sorted(run(works)) == ["app", "factor-present"]
        assert TOTPDevice.objects.filter(user=town.clerk).count() == 1


@race
@transactional
@both
def test_many_guesses_at_once_are_one_guess(run: Runner, town: Town, settings: Any) -> None:
    """The wait after a wrong code holds for those that came with it: a right one among them is not looked at."""
    settings.OTP_TOTP_THROTTLE_FACTOR = UNHURRIED
    secret = phone(town.clerk)
    run([says(lambda: factor.enter(town.clerk, wrong(secret)).name)] * 8)
    assert TOTPDevice.objects.get(user=town.clerk).throttling_failure_count == 1


# What a password alone opens


def office_addresses() -> list[str]:
    """Every address under office/, with something in place of its arguments."""

    def walk(patterns: Any, before: str) -> list[tuple[str, str]]:
        found = []
        for pattern in patterns:
            here = before + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                found += walk(pattern.url_patterns, here)
            elif isinstance(pattern, URLPattern):
                found.append(here)
        return found

    filled = []
    for route in walk(get_resolver().url_patterns, ""):
        path = re.sub(r"\^?\(\?P<app_label>(\w+).*", r"\1/", route).replace("(?P<url>.*)$", "nothing")
        for kind, value in (
            ("uuid", "12345678-1234-5678-1234-567812345678"),
            ("int", "1"),
            ("path", "1"),
            ("slug", "x"),
        ):
            path = re.sub(rf"<{kind}:\w+>", value, path)
        filled.append("/" + re.sub(r"<\w+>", "x", path))
    return [path for path in filled if path.startswith("/office/")]


OPEN_PATHS = ("/office/login/", "/office/logout/", "/office/second-factor/", "/office/first-password/")


@pytest.mark.parametrize("set_up", [True, False])
@pytest.mark.parametrize("who", ["clerk", "chair", "system_admin", "health_officer"])
def test_a_password_alone_opens_no_address(who: str, set_up: bool, town: Town) -> None:
    """All of them, by GET and POST, with the factor and before it is set up; a program gets 403 and JSON."""
    official, walked = getattr(town, who), 0
    phone(official)
    if not set_up:
        factor.forget(official)
    client, entries = with_password(official), AccessEntry.objects.count()
    for path in office_addresses():
        if path.startswith(OPEN_PATHS):
            continue
        walked += 1
        for answer in (client.get(path), client.post(path, {})):
            if path.startswith("/office/api/"):
                assert (answer.status_code, answer.json()["code"]) == (403, "second-factor-missing"), path
            else:
                assert answer.status_code == 302 and answer.headers["Location"].startswith(CODE), path
    assert walked > 100 and AccessEntry.objects.count() == entries


def test_the_open_views_are_these() -> None:
    assert {reverse(name) for name in OPEN - {"officials:first-password"}} == {
        LOGIN, "/office/logout/", CODE, "/office/second-factor/qr.svg",
    }  # fmt: skip
    assert len(OPEN) == 5


def test_half_a_login_ends_after_ten_minutes(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when it is used all the time, and a right code is too late then."""
    secret = phone(town.clerk)
    client = with_password(town.clerk)
    for minutes in (5, 4):
        later(monkeypatch, minutes * 60)
        assert is_half_in(client)
    later(monkeypatch, 61)
    assert give(client, code(secret)).headers["Location"] == START
    assert client.get(START).headers["Location"].startswith(LOGIN)


def test_a_session_without_the_time_of_its_password_is_none(town: Town) -> None:
    """As one from before the second factor was required."""
    client = Client()
    client.force_login(town.clerk)
    stored = client.session
    del stored[session.PASSWORD_AT]
    stored.save()
    assert client.get(START).headers["Location"].startswith(LOGIN)


def test_a_device_of_somebody_else_in_the_session_verifies_nobody(town: Town) -> None:
    phone(town.clerk)
    phone(town.chair)
    client = with_password(town.clerk)
    stored = client.session
    stored["otp_device_id"] = TOTPDevice.objects.get(user=town.chair).persistent_id
    stored.save()
    assert is_half_in(client)


def test_a_new_login_in_a_verified_session_needs_a_new_code(town: Town) -> None:
    client = verified(town.clerk)
    assert is_in(client)
    with_password(town.clerk, client)
    assert is_half_in(client)


def test_who_is_not_logged_in_is_sent_to_the_login() -> None:
    assert Client().get(CODE).headers["Location"] == START
    assert Client().get("/office/second-factor/qr.svg").status_code == 404
    assert Client().post(CODE, {"code": "123456"}).headers["Location"] == START


def test_logging_out_works_with_the_password_alone(town: Town) -> None:
    phone(town.clerk)
    client = with_password(town.clerk)
    client.post("/office/logout/")
    assert client.get(START).headers["Location"].startswith(LOGIN)


# Guessing passwords


def guess(username: str, times: int = 1, address: str = "203.0.113.1", **how: Any) -> HttpResponse:
    for _step in range(times):
        answer = Client().post(LOGIN, {"username": username, "password": "wrong"}, REMOTE_ADDR=address, **how)
    return answer  # type: ignore[return-value]


def right(official: Official, address: str = "203.0.113.1", **how: Any) -> HttpResponse:
    data = {"username": official.username, "password": PASSWORD}
    return Client().post(LOGIN, data, REMOTE_ADDR=address, **how)  # type: ignore[return-value]


def test_five_wrong_passwords_lock_out_and_the_page_says_so(town: Town) -> None:
    """Also for the right password; elsewhere the official logs in as ever."""
    phone(town.clerk)
    assert guess("clerk", 4).status_code == 200
    page = guess("clerk")
    assert page.status_code == 429
    assert "Too many failed logins with this user name from here. Try again after" in page.content.decode()
    locked = right(town.clerk)
    assert locked.status_code == 429 and "sessionid" not in locked.cookies
    assert right(town.clerk, "203.0.113.2").status_code == 302
    assert right(town.clerk).status_code == 429


def test_a_right_password_before_the_fifth_clears_the_count(town: Town) -> None:
    phone(town.clerk)
    for _round in range(3):
        guess("clerk", 4)
        assert right(town.clerk).status_code == 302


def test_no_name_is_told_from_another_by_the_lock_out(town: Town) -> None:
    """A name that nobody has is locked just the same."""
    pages = [guess(name, 5).content.decode() for name in ("clerk", "nobody-has-this")]
    times = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|csrfmiddlewaretoken\" value=\"\w+"
    assert re.sub(times, "", pages[0]) == re.sub(times, "", pages[1])


def pass_time(span: timedelta) -> None:
    """The past is longer ago."""
    for row in [*AccessAttempt.objects.all(), *AccessFailureLog.objects.all()]:
        type(row).objects.filter(pk=row.pk).update(attempt_time=row.attempt_time - span)


def test_the_waits_grow(town: Town) -> None:
    """Round by round: five more guesses, four times the wait; never more than four hours."""
    phone(town.clerk)
    for minutes in (1, 4, 16, 64, 240, 240):
        guess("clerk", 5)
        pass_time(timedelta(minutes=minutes) - timedelta(seconds=20))
        assert right(town.clerk).status_code == 429, minutes
        pass_time(timedelta(seconds=40))
        assert guess("clerk").status_code != 429, minutes
        AccessAttempt.objects.all().delete()
        AccessFailureLog.objects.latest("pk").delete()  # the one that only looked
    assert right(town.clerk).status_code == 302


def test_pausing_before_the_fifth_guess_does_not_help(town: Town) -> None:
    """Four guesses and a pause, again and again: within a day they are locked out all the same."""
    phone(town.clerk)
    guess("clerk", 4)
    pass_time(timedelta(hours=5))
    assert guess("clerk").status_code == 429


def test_neither_browsers_nor_spellings_nor_headers_are_new_people(town: Town) -> None:
    phone(town.clerk)
    guess("clerk", 2, headers={"user-agent": "one"})
    guess("ｃｌｅｒｋ", 2, headers={"user-agent": "two"})
    assert guess(" clerk", headers={"x-forwarded-for": "198.51.100.7"}).status_code == 429
    assert right(town.clerk, headers={"x-forwarded-for": "198.51.100.8", "user-agent": "x"}).status_code == 429


def test_the_wait_is_the_same_in_any_spelling(town: Town) -> None:
    phone(town.clerk)
    guess("ｃｌｅｒｋ", 5)
    pass_time(timedelta(seconds=50))
    assert guess(" ｃｌｅｒｋ").status_code == 429
    pass_time(timedelta(seconds=15))
    assert guess(" ｃｌｅｒｋ").status_code == 200


def test_a_lock_out_is_not_made_longer_by_trying(town: Town) -> None:
    """Else somebody at the same office could keep it up for ever."""
    phone(town.clerk)
    guess("clerk", 5)
    pass_time(timedelta(seconds=50))
    guess("clerk", 10)
    pass_time(timedelta(seconds=15))
    assert right(town.clerk).status_code == 302


@pytest.mark.parametrize(
    ("behind", "forwarded", "remote", "address"),
    [
        (False, "198.51.100.7", "203.0.113.1", "203.0.113.1"),
        (True, "198.51.100.7", "127.0.0.1", "198.51.100.7"),
        (True, "10.1.1.1, 198.51.100.7", "127.0.0.1", "198.51.100.7"),
        (True, "198.51.100.7, nonsense", "127.0.0.1", "127.0.0.1"),
        (True, "", "127.0.0.1", "127.0.0.1"),
        (True, "2001:db8:1:2:3:4:5:6", "127.0.0.1", "2001:db8:1:2::"),
        (False, "", "::ffff:203.0.113.1", "203.0.113.1"),
        (False, "", "", "0.0.0.0"),  # noqa: S104
    ],
)
def test_whose_address_it_is(settings: Any, behind: bool, forwarded: str, remote: str, address: str) -> None:
    """What a client writes into the header is not believed; of a proxy only what it added itself."""
    settings.BEHIND_PROXY = behind
    request: HttpRequest = RequestFactory().get("/", headers={"x-forwarded-for": forwarded}, REMOTE_ADDR=remote)
    assert lockout.client_address(request) == address


def test_no_password_is_kept_with_the_failures(town: Town) -> None:
    Client().post(LOGIN, {"username": "clerk", "password": "nearly the right one"})
    row = AccessAttempt.objects.get()
    assert "nearly" not in " ".join(map(str, (row.get_data, row.post_data, row.path_info)))


# Help


def lift(by: Official, of: Official) -> HttpResponse:
    return verified(by).post(reverse("admin:officials_lift", args=[of.pk]))  # type: ignore[return-value]


def test_a_chair_lifts_a_lock_out(town: Town) -> None:
    """Of passwords and of codes, at once, on the record; the button is there only then."""
    secret = phone(town.clerk)
    change = reverse("admin:officials_official_change", args=[town.clerk.pk])
    chair = verified(town.chair)
    assert "Lift the lock-out" not in chair.get(change).content.decode()
    guess("clerk", 5)
    client = with_password(town.clerk)
    give(client, wrong(secret))
    assert "Lift the lock-out" in chair.get(change).content.decode()
    chair.post(reverse("admin:officials_lift", args=[town.clerk.pk]))
    assert right(town.clerk).status_code == 302
    assert give(client, code(secret)).status_code == 302
    entry = AccessEntry.objects.latest("index")
    assert (entry.official, entry.act, entry.purpose) == (
        "chair", "end-role", f"lifted a lock-out: account {town.clerk.pk}",
    )  # fmt: skip


@pytest.mark.parametrize("who", ["second_clerk", "auditor", "poll_manager", "prefecture_clerk", "clerk"])
def test_nobody_else_lifts_it(who: str, town: Town) -> None:
    phone(town.clerk)
    guess("clerk", 5)
    assert lift(getattr(town, who), town.clerk).status_code in (403, 404)
    assert right(town.clerk).status_code == 429


def test_the_chair_of_another_board_lifts_nothing(town: Town) -> None:
    other = offices.official("far", Role.BOARD_CHAIR, offices.board("rin", "隣市選挙管理委員会"))
    phone(town.clerk)
    guess("clerk", 5)
    assert lift(other, town.clerk).status_code in (403, 404)
    assert right(town.clerk).status_code == 429


def reset(of: Official, by: Official, at: Office) -> Proposal:
    return propose(
        Act.RESET_SECOND_FACTOR, office=at, target=of, summary=of.username, by=by, payload={"official": of.pk}
    )


def test_two_people_reset_a_lost_second_factor(town: Town) -> None:
    """Through the pages; who is logged in with the lost phone is out at once, and sets up a new one."""
    thief = verified(town.clerk)
    clerk = verified(town.second_clerk)
    change = reverse("admin:officials_official_change", args=[town.clerk.pk])
    assert "Ask to reset the second factor" in clerk.get(change).content.decode()
    ask = reverse("admin:officials_reset_second_factor", args=[town.clerk.pk])
    clerk.post(ask, {"reason": ""})
    assert not Proposal.objects.exists()
    clerk.post(ask, {"reason": "紛失"})
    asked = Proposal.objects.get()
    assert factor.has_factor(town.clerk) and is_in(thief)
    decide = reverse("admin:officials_proposal_decide", args=[asked.pk])
    verified(town.chair).post(decide, {"decision": "approve"})
    assert not factor.has_factor(town.clerk) and not StaticDevice.objects.filter(user=town.clerk).exists()
    assert not is_in(thief) and thief.get(START).status_code == 302
    entries = AccessEntry.objects.filter(act=Act.RESET_SECOND_FACTOR).order_by("index")
    assert [entry.purpose for entry in entries] == [f"{asked.summary} (asked for)", f"{asked.summary} (approved)"]
    client, secret = started(town.clerk)
    give(client, code(secret))
    assert is_in(client)


def test_one_person_resets_nothing(town: Town) -> None:
    phone(town.clerk)
    asked = reset(town.clerk, town.chair, town.board)
    with pytest.raises(NotPermitted):
        approve(asked, by=town.chair)
    with pytest.raises(NotPermitted):
        approve(asked, by=town.second_clerk)
    assert factor.has_factor(town.clerk)


def test_two_people_of_another_board_reset_nothing(town: Town) -> None:
    """Not of somebody who works there too, nor of the prefecture or the operator."""
    rin = offices.board("rin", "隣市選挙管理委員会")
    chairs = [offices.official(f"rin-{number}", Role.BOARD_CHAIR, rin) for number in (1, 2)]
    both = offices.official("both", Role.COUNT_WITNESS, town.board)
    offices.grant(both, Role.COUNT_WITNESS, rin)
    for somebody in (town.clerk, both, town.prefecture_clerk, town.system_admin, town.attestor):
        phone(somebody)
        asked = reset(somebody, chairs[0], rin)
        with pytest.raises(NotPermitted):
            approve(asked, by=chairs[1])
        assert factor.has_factor(somebody)
        page = verified(chairs[0]).post(
            reverse("admin:officials_reset_second_factor", args=[somebody.pk]), {"reason": "紛失"}
        )
        assert page.status_code in (403, 404)


def test_a_board_resets_for_the_places_whose_accounts_it_made(town: Town) -> None:
    nurse = offices.official("nurse", Role.ATTESTOR, town.hospital, home=town.board)
    phone(nurse)
    approve(reset(nurse, town.clerk, town.board), by=town.chair)
    assert not factor.has_factor(nurse)


def test_on_the_server_only_for_those_whom_no_two_chairs_can_help(town: Town) -> None:
    for somebody in (town.clerk, town.prefecture_clerk, town.chair):
        phone(somebody)
    call_command("reset_second_factor", "prefecture-clerk")
    assert not factor.has_factor(town.prefecture_clerk)
    entry = AccessEntry.objects.get()
    assert (entry.official, entry.purpose) == ("manage.py reset_second_factor", "reset: prefecture-clerk")
    with pytest.raises(CommandError, match="has 2 chairs"):
        call_command("reset_second_factor", "clerk")
    with pytest.raises(CommandError, match="no second factor"):
        call_command("reset_second_factor", "nobody")
    call_command("reset_second_factor", "chair")
    assert factor.has_factor(town.clerk) and not factor.has_factor(town.chair)


def test_nobody_reads_secrets_on_the_site(town: Town) -> None:
    """The libraries' own pages are not there."""
    client = verified(town.system_admin)
    for path in ("otp_totp/totpdevice/", "otp_static/staticdevice/", "axes/accessattempt/"):
        assert client.get(f"/office/{path}").status_code == 404


# The setting


def settings_with(**environment: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "SECRET_KEY": "x" * 50, "ALLOWED_HOSTS": "vote.example", **environment}
    command = [sys.executable, "-c", "import voting.settings as s; print(s.OFFICIALS_SECOND_FACTOR)"]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def test_production_does_without_it_never() -> None:
    assert settings_with(DEBUG="false").stdout.strip() == "True"
    refused = settings_with(DEBUG="false", OFFICIALS_SECOND_FACTOR="false")
    assert refused.returncode and "OFFICIALS_SECOND_FACTOR is false and DEBUG is off" in refused.stderr
    machine = {"DEBUG": "true", "ALLOWED_HOSTS": "localhost"}
    assert settings_with(**machine).stdout.strip() == "True"
    assert settings_with(**machine, OFFICIALS_SECOND_FACTOR="false").stdout.strip() == "False"


def test_without_it_the_password_is_enough(town: Town, settings: Any) -> None:
    """On a developer's machine."""
    settings.OFFICIALS_SECOND_FACTOR = False
    phone(town.clerk)
    client = with_password(town.clerk)
    assert is_in(client) and client.session.get_expiry_age() > 3600
    assert client.get(CODE).headers["Location"] == START
