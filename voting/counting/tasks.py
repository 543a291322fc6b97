"""The count as work in the background: by Celery where there is Redis, otherwise in a thread of this process."""

from __future__ import annotations

import logging
import threading

from django.conf import settings
from django.db import close_old_connections
from django.db.models import Exists, OuterRef, Subquery

from tally.errors import StoreUnreachable
from tally.worker import app, sender
from verifier.record.entries import Type
from voting.board.models import BoardEntry
from voting.counting.conductor import go_on
from voting.counting.hands import hands
from voting.elections.models import Election
from voting.results.models import Verification

QUEUE = "count"
WATCHED = 30
"""seconds between two looks whether a count goes on"""

logger = logging.getLogger(__name__)


def start(election: Election) -> None:
    """Have the count go on with what can be done now; harmless at any time, again too."""
    if not settings.REDIS_URL:
        in_background(election.pk)
        return
    try:
        sender(count, QUEUE)(str(election.pk))
    except StoreUnreachable:
        logger.warning("the broker is away; the count of %s is begun when it is back", election.slug)


def in_background(election: int) -> None:
    """In a thread, so that nobody's browser waits. Where the process ends meanwhile, the next start goes on."""
    threading.Thread(target=_count, args=[election], daemon=True).start()


def _count(election: int) -> None:
    try:
        go_on(Election.objects.get(pk=election), hands())
    finally:
        close_old_connections()


@app.task(name="voting.count")
def count(election: str) -> None:
    """Go on with the count of the election with this primary key."""
    go_on(Election.objects.get(pk=int(election)), hands())


@app.task(name="voting.watch")
def watch() -> None:
    """Begin again what a killed process or a lost message has left."""
    entries = BoardEntry.objects.filter(election=OuterRef("pk"))
    result = Subquery(entries.filter(type=Type.RESULT).values("index")[:1])
    reports = Verification.objects.filter(election=OuterRef("pk"), size__gt=OuterRef("result"))
    frozen = Election.objects.annotate(result=result).filter(Exists(entries.filter(type=Type.TALLY_FROZEN)))
    for election in frozen.filter(~Exists(reports)):
        start(election)


app.conf.beat_schedule = {
    "watch": {"task": "voting.watch", "schedule": WATCHED, "options": {"queue": QUEUE, "expires": WATCHED}}
}
