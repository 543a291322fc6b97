"""Messages to voters about each step of their application, in their language, by e-mail.

A message is written in the transaction of the step and sent after it. What cannot be sent is tried again by
`manage.py send_notices`; no decision waits for a mail server, and none is silent.
"""

from __future__ import annotations

import logging
import smtplib
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from voting.applications.models import Application, Notice, StateChange
from voting.applications.offers import hours
from voting.applications.states import Event, State

logger = logging.getLogger(__name__)
MOST_ATTEMPTS = 14
"""each wait is twice as long as the one before, in minutes: nine days in all"""

RECEIVED = "received"
UNDECIDED = "undecided"
LETTER = "letter"
LETTER_USED = "letter-used"
LIFTED = "lifted"
REGISTERED = "registered"
CAST_AGAIN = "cast-again"
OPENED = "opened"
SAYS = {
    RECEIVED: gettext_lazy("We have received your application. We will tell you as soon as it is decided."),
    Event.CONFIRM: gettext_lazy("The authority has confirmed what you stated. The election board now decides."),
    Event.DENY: gettext_lazy("The authority could not confirm what you stated. The election board will look at it."),
    Event.SEND_BACK: gettext_lazy("Something in your application must be corrected before it can be decided."),
    Event.CORRECT: gettext_lazy("We have received your correction."),
    Event.REJECT: gettext_lazy("Your application was rejected."),
    Event.ISSUE: gettext_lazy("Your application was approved. You can now vote online."),
    Event.WITHDRAW: gettext_lazy("You have withdrawn your application."),
    Event.GIVE_BACK: gettext_lazy("Your online ballot was cancelled. You can vote at your polling station."),
    Event.LAPSE: gettext_lazy("Online voting has closed and your online ballot was not used."),
    UNDECIDED: gettext_lazy("Online voting has closed before your application was decided."),
    LETTER: gettext_lazy(
        "A letter with a code for voting was printed for you. If you asked for none, call us at once."
    ),
    LETTER_USED: gettext_lazy(
        "The code of your letter was used to begin voting. If this was not you, call us at once."
    ),
    LIFTED: gettext_lazy("You can try your date of birth again. If you did not ask for this, call us at once."),
    REGISTERED: gettext_lazy("A phone or computer was registered for your vote. If this was not you, call us at once."),
    CAST_AGAIN: gettext_lazy(
        "A new ballot of yours took the place of the one before. If this was not you, call us at once."
    ),
    OPENED: gettext_lazy(
        "A sealed ballot of yours was opened as a test. It does not count. If this was not you, call us at once."
    ),
    Event.CAST: gettext_lazy("Your ballot is in the ballot box. If this was not you, call us at once."),
    Event.REFUSE: gettext_lazy("Your ballot was refused. It will not be opened."),
}
"""Steps that voters are told about, with the sentence that begins the message."""


def tell(application: Application, change: StateChange | None = None) -> None:
    """Write the message about a step, the first one by default, and send it once the transaction is done."""
    if change is None:
        _tell(application, RECEIVED, application.received_at)
    else:
        _tell(application, _step(change), change.at, change)


def tell_of_letter(application: Application, *, used: bool = False) -> None:
    """Say that a code was printed, or used: who knows nothing of it has to hear that."""
    _tell(application, LETTER_USED if used else LETTER, timezone.now())


def tell_of_device(application: Application, slot: str) -> None:
    """Say which slot of the board is the voter's: what a second device shows is compared with it (protocol, 3.5)."""
    _tell(application, REGISTERED, timezone.now(), slot=slot)


def tell_of_ballot(application: Application, *, opened: bool = False) -> None:
    """Say that a further ballot was handed in, or one opened: the first one is a step, and told as such."""
    _tell(application, OPENED if opened else CAST_AGAIN, timezone.now())


def tell_of_lift(application: Application) -> None:
    """Say that dates of birth may be tried again after too many wrong ones."""
    _tell(application, LIFTED, timezone.now())


def _tell(application: Application, step: str, at: datetime, change: StateChange | None = None, slot: str = "") -> None:
    if step not in SAYS or not application.email:
        return
    with translation.override(application.language):
        subject = _("Voting online: %(reference)s") % {"reference": application.reference}
        body = _body(application, at, change, str(SAYS[step]), slot)
    notice = Notice.objects.create(application=application, language=application.language, subject=subject, body=body)
    transaction.on_commit(lambda: send(notice))


def _step(change: StateChange) -> Event | str:
    lapsed = change.event == Event.LAPSE
    return UNDECIDED if lapsed and change.before != State.ISSUED else Event(change.event)


def _body(application: Application, at: datetime, change: StateChange | None, sentence: str, slot: str) -> str:
    election, office = application.election, application.election.office
    lines = [
        sentence,
        "",
        _("Election: %(title)s") % {"title": election.title},
        _("Application: %(reference)s, %(category)s")
        % {"reference": application.reference, "category": application.offer.category.name(application.language)},
        _("Time: %(time)s") % {"time": date_format(timezone.localtime(at), "Y-m-d H:i")},
    ]
    if change and change.office:
        lines.append(_("Office: %(office)s") % {"office": change.office})
    if change and change.ground:
        lines.append(_("Ground: %(ground)s") % {"ground": change.get_ground_display()})
    if change and change.reason:
        lines.append(_("Reason: %(reason)s") % {"reason": change.reason})
    if change and change.event == Event.ISSUE:
        first, last = hours(application.offer)
        lines.append(
            _("You can vote from %(start)s until %(end)s (Japan time).")
            % {"start": f"{first:%Y-%m-%d %H:%M}", "end": f"{last:%Y-%m-%d %H:%M}"}
        )
    if slot:
        lines.append(_("Your number on the bulletin board: %(slot)s") % {"slot": slot})
    if office is not None and office.contact:
        lines += [
            "",
            pgettext("in a message", "Questions: %(office)s, %(contact)s")
            % {"office": office.name, "contact": office.contact},
        ]
    if settings.SITE_URL:
        address = settings.SITE_URL + reverse("apply:find")
        lines += ["", _("Follow your application: %(address)s") % {"address": address}]
    return "\n".join(lines)


def send(notice: Notice) -> bool:
    """Send a message; whether it was sent. A failure is counted and left for the next try."""
    message = EmailMessage(notice.subject, notice.body, to=[notice.application.email])
    try:
        message.send()
    except (smtplib.SMTPException, OSError, ValueError) as error:
        # The class only: a mail server's answer may name the address.
        logger.warning("a notice could not be sent: %s", type(error).__name__)
        Notice.objects.filter(pk=notice.pk).update(attempts=notice.attempts + 1)
        return False
    Notice.objects.filter(pk=notice.pk).update(attempts=notice.attempts + 1, sent_at=timezone.now())
    return True


def send_waiting() -> tuple[int, int]:
    """Try every message that was not sent and whose wait is over, the oldest first: (sent, not sent yet)."""
    now = timezone.now()
    unsent = Notice.objects.filter(sent_at=None, attempts__lt=MOST_ATTEMPTS).select_related("application")
    due = [notice for notice in unsent if notice.created_at + timedelta(minutes=2**notice.attempts - 1) <= now]
    sent = sum(send(notice) for notice in due)
    return sent, Notice.objects.filter(sent_at=None).count()
