"""S-10: twenty tries in ten minutes from one address; nothing but a keyed digest is kept of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.cache import cache
from django.http import HttpRequest
from django.test import RequestFactory

from voting.login.errors import TooFast
from voting.login.throttle import MOST, WINDOW, excuse, require_pace, too_fast_page

NOON = 1_800_000_000
"""the beginning of a window"""


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """A clock that stands."""
    now = {"now": float(NOON)}
    monkeypatch.setattr("voting.login.throttle.time.time", lambda: now["now"])
    return now


def request_from(address: str = "192.0.2.1", **headers: str) -> HttpRequest:
    return RequestFactory().post("/", REMOTE_ADDR=address, headers=headers)


def spend(request: HttpRequest, scope: str = "letter", tries: int = MOST) -> None:
    for _ in range(tries):
        require_pace(request, scope)


def test_twenty_and_no_more() -> None:
    request = request_from()
    spend(request)
    for _ in range(3):
        with pytest.raises(TooFast):
            require_pace(request, "letter")


def test_after_ten_minutes_again(clock: dict[str, float]) -> None:
    """The refusal says when, and then it is so."""
    request = request_from()
    clock["now"] = NOON + 90.5
    spend(request)
    with pytest.raises(TooFast) as refused:
        require_pace(request, "letter")
    assert refused.value.wait == WINDOW - 90 and refused.value.until.timestamp() == NOON + WINDOW
    assert f"{refused.value.until:%H:%M}" in refused.value.reason
    clock["now"] = NOON + WINDOW - 1
    with pytest.raises(TooFast):
        require_pace(request, "letter")
    clock["now"] = NOON + WINDOW
    spend(request)


def test_others_are_not_slowed_down() -> None:
    """Another address, and another thing to try."""
    spend(request_from())
    spend(request_from("192.0.2.2"))
    spend(request_from(), "status")


def test_one_network_is_one_address() -> None:
    """Who has one address of an IPv6 network has 2^64 of them."""
    spend(request_from("2001:db8::1"))
    with pytest.raises(TooFast):
        require_pace(request_from("2001:db8::ffff:1"), "letter")
    require_pace(request_from("2001:db8:0:1::1"), "letter")


def test_an_address_cannot_be_made_up(settings: Any) -> None:
    """A header counts only behind our own proxy, and then only what that proxy added."""
    spend(request_from())
    with pytest.raises(TooFast):
        require_pace(request_from(**{"X-Forwarded-For": "203.0.113.9"}), "letter")
    settings.BEHIND_PROXY = True
    spend(request_from(**{"X-Forwarded-For": "203.0.113.9"}))
    with pytest.raises(TooFast):
        require_pace(request_from(**{"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}), "letter")


def test_right_tries_do_not_count() -> None:
    """A hospital ward votes in one afternoon, from one address."""
    request = request_from()
    for _ in range(3 * MOST):
        require_pace(request, "letter")
        excuse(request, "letter")
    spend(request)
    with pytest.raises(TooFast):
        require_pace(request, "letter")


def test_nobody_saves_up_tries(clock: dict[str, float]) -> None:
    """An excuse takes back one try and never gives one more, neither now nor in the next ten minutes."""
    request = request_from()
    excuse(request, "letter")
    require_pace(request, "letter")
    clock["now"] += WINDOW
    excuse(request, "letter")
    spend(request)
    with pytest.raises(TooFast):
        require_pace(request, "letter")


def test_hurrying_gains_nothing() -> None:
    """Many at the same instant."""

    def attempt(_number: int) -> bool:
        try:
            require_pace(request_from(), "letter")
        except TooFast:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(attempt, range(200))) == MOST


def test_the_cache_has_no_address(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Only a digest under the server's key; and the log has nothing."""
    keys: list[str] = []
    original = cache.add
    monkeypatch.setattr(cache, "add", lambda key, *rest: keys.append(key) or original(key, *rest))
    caplog.set_level("DEBUG")
    spend(request_from("192.0.2.77"), tries=MOST)
    with pytest.raises(TooFast):
        require_pace(request_from("192.0.2.77"), "letter")
    assert all(len(key) == 64 and "192" not in bytes.fromhex(key).decode(errors="ignore") for key in keys)
    assert "192.0.2.77" not in caplog.text


def test_the_digest_is_keyed(settings: Any) -> None:
    """Without the server's key nobody can try addresses."""
    spend(request_from())
    settings.SECRET_KEY = "another"
    require_pace(request_from(), "letter")


def test_a_full_cache_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A counter that the cache drops in between is no error."""

    def dropped(*_: Any) -> int:
        raise ValueError("no such key")

    monkeypatch.setattr(cache, "incr", dropped)
    monkeypatch.setattr(cache, "decr", dropped)
    require_pace(request_from(), "letter")
    monkeypatch.setattr(cache, "get", lambda *_: 1)
    excuse(request_from(), "letter")


@pytest.mark.django_db
def test_the_page_says_when(clock: dict[str, float]) -> None:
    """429, with the time for people and the seconds for programs."""
    request = request_from()
    request.session = {}  # type: ignore[assignment]
    spend(request)
    with pytest.raises(TooFast) as refused:
        require_pace(request, "letter")
    page = too_fast_page(request, refused.value)
    text = page.content.decode()
    assert (page.status_code, page["Retry-After"]) == (429, str(WINDOW))
    assert f"{refused.value.until:%H:%M}" in text and "on paper" in text and "192.0.2.1" not in text
