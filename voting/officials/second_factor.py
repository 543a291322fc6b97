"""The second factor: six digits from an app (TOTP, RFC 6238), and recovery codes for when the phone is lost.

django-otp checks the codes: each works once, and each wrong one doubles the wait for the next. Of recovery codes only
digests are stored.
"""

from __future__ import annotations

import re
import secrets
import time
import unicodedata
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django_otp import verify_token
from django_otp.models import Device
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from voting.access.services import log
from voting.errors import NotPermitted, VotingError
from voting.officials.models import Appointment, Office, Official, Proposal, not_over
from voting.officials.roles import Act
from voting.officials.services import carries_out, offices_appointed_by

SECRET_BYTES = 20
RECOVERY_CODES = 10
ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""of recovery codes: nothing that looks like something else"""
RECOVERY_LENGTH = 10
DIGITS = re.compile(r"[0-9]{6}", re.ASCII)


class WrongCode(VotingError):
    """A code that is not the one, or was used before."""

    code = "wrong-code"


class CodesLocked(VotingError):
    """Too many wrong codes: no code is looked at before `until`."""

    code = "codes-locked"

    def __init__(self, until: datetime) -> None:
        super().__init__(_("Too many wrong codes. Try again after %(time)s.") % {"time": _clock(until)})
        self.until = until


class FactorPresent(VotingError):
    """There is a second factor already."""

    code = "factor-present"


class FactorMissing(VotingError):
    """There is no second factor."""

    code = "factor-missing"


def has_factor(official: Official) -> bool:
    """Whether somebody has set up a second factor."""
    return TOTPDevice.objects.filter(user=official, confirmed=True).exists()


def new_secret() -> str:
    """A secret that only the app is to know: 20 bytes, hexadecimal."""
    return secrets.token_hex(SECRET_BYTES)


def app_for(official: Official, secret: str) -> TOTPDevice:
    """What the app is to be told; not saved."""
    return TOTPDevice(user=official, name="app", key=secret)


@transaction.atomic
def set_up(official: Official, secret: str, typed: str) -> tuple[Device, list[str]]:
    """Keep the secret, once a first code has proved that the app has it, and make recovery codes; they are shown once.

    Raises WrongCode, FactorPresent.
    """
    device, code = app_for(official, secret), _clean(typed)
    totp = TOTP(device.bin_key, device.step, device.t0, device.digits)
    totp.time = time.time()
    if not DIGITS.fullmatch(code) or not totp.verify(int(code), device.tolerance):
        raise WrongCode(_("This code is wrong. Is the clock of the phone right?"))
    # Of two windows that do this at the same time, one does.
    Official.objects.select_for_update().get(pk=official.pk)
    if has_factor(official):
        raise FactorPresent(_("This account has a second factor already."))
    device.last_t, device.drift = totp.t(), totp.drift  # this first code does not work again either
    device.save()
    codes = _make_recovery_codes(official)
    log(official, official.home or "", Act.RESET_SECOND_FACTOR, _("set up a second factor"))
    return device, codes


def _make_recovery_codes(official: Official) -> list[str]:
    codes = ["".join(secrets.choice(ALPHABET) for _step in range(RECOVERY_LENGTH)) for _code in range(RECOVERY_CODES)]
    StaticDevice.objects.filter(user=official).delete()
    device = StaticDevice.objects.create(user=official, name="recovery")
    StaticToken.objects.bulk_create(StaticToken(device=device, token=_digest(code)) for code in codes)
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def enter(official: Official, typed: str) -> Device:
    """The device whose code it is; the code is used up. Raises WrongCode, CodesLocked, FactorMissing."""
    code = _clean(typed)
    digits = DIGITS.fullmatch(code)
    kind, token = (TOTPDevice, code) if digits else (StaticDevice, _digest(code))
    device = kind.objects.filter(user=official, confirmed=True).first()
    if device is None:
        raise FactorMissing(_("This account has no second factor."))
    if until := _locked_until(device):
        raise CodesLocked(until)
    found = verify_token(official, device.persistent_id, token)
    if found is None:
        device.refresh_from_db()
        sentence = _("This code is wrong, or was used before. You can try again after %(time)s.")
        raise WrongCode(sentence % {"time": _clock(_locked_until(device) or timezone.now())})
    return found


def recovery_codes_left(official: Official) -> int:
    """How many recovery codes somebody has not used."""
    return StaticToken.objects.filter(device__user=official).count()


def wrong_codes(official: Official) -> int:
    """How many wrong codes were entered since the last right one."""
    devices = [*TOTPDevice.objects.filter(user=official), *StaticDevice.objects.filter(user=official)]
    return sum(device.throttling_failure_count for device in devices)


def forgive_wrong_codes(official: Official) -> None:
    """The next code is looked at without a wait."""
    for kind in (TOTPDevice, StaticDevice):
        kind.objects.filter(user=official).update(throttling_failure_count=0, throttling_failure_timestamp=None)


def forget(official: Official) -> None:
    """No second factor any more; who is logged in by it is logged in no longer. The caller logs it."""
    for kind in (TOTPDevice, StaticDevice):
        kind.objects.filter(user=official).delete()


def resets_for(office: Office, official: Official) -> bool:
    """Whether two people of an office may reset somebody's second factor: their account, or all their work, is there.

    As with first passwords: nobody helps themselves to the account of another board's people.
    """
    here = Office.objects.filter(pk=office.pk)
    held = Appointment.objects.filter(not_over(timezone.now()), official=official)
    if official.home_id != office.pk:
        return held.filter(office=office).exists() and not held.exclude(office=office).exists()
    return not held.exclude(office__in=offices_appointed_by(here)).exists()


@carries_out(Act.RESET_SECOND_FACTOR)
def _reset(proposal: Proposal, by: Official) -> None:
    official = Official.objects.select_for_update().get(pk=proposal.payload["official"])
    if not resets_for(proposal.office, official):
        sentence = _("%(office)s may not reset the second factor of: %(official)s")
        raise NotPermitted(sentence % {"office": proposal.office, "official": official}, str(proposal.office))
    forget(official)


def _clean(typed: str) -> str:
    """Also from a Japanese keyboard, and with the separators that people read out."""
    return re.sub(r"[\s\-‐−ー]", "", unicodedata.normalize("NFKC", typed)).upper()


def _digest(code: str) -> str:
    """16 hexadecimal digits (what the column holds) of a code with 49 bits."""
    return salted_hmac("voting.officials.recovery", code, algorithm="sha256").hexdigest()[:16]


def _locked_until(device: Device) -> datetime | None:
    allowed, about = device.verify_is_allowed()
    return None if allowed else about["locked_until"]


def _clock(moment: datetime) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M:%S")
