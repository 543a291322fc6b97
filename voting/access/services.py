"""Adding to the access log, checking it, and what a citizen sees of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Protocol

from django.db import transaction
from django.db.models import Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from verifier.crypto.transcript import digest
from verifier.errors import NotCanonical
from verifier.record.canonical import serialise
from voting.access.models import AccessEntry, AccessHead, AccessSubject
from voting.errors import AccessLogBroken

START = bytes(32)
"""What stands before the first entry."""
MOST_SUBJECTS = 10_000
"""people in one entry; more than that is everyone"""


class Person(Protocol):
    """Who acts: an official."""

    username: str
    name: str


@transaction.atomic
def log(
    official: Person | str,
    office: object,
    act: str,
    purpose: str,
    subjects: Iterable[int] = (),
    everyone: str = "",
) -> AccessEntry:
    """Add an entry, in the caller's transaction: what is undone was never done, what is done is logged.

    `official`: who acted, or the name of a program. `subjects`: keys of the roll rows concerned, or `everyone`: the
    slug of the election whose whole roll was concerned. Raises ValueError for more than MOST_SUBJECTS people.
    """
    people = sorted(set(subjects))
    if len(people) > MOST_SUBJECTS:
        raise ValueError(f"more than {MOST_SUBJECTS} people are everyone")
    AccessHead.objects.get_or_create(pk=1, defaults={"size": 0, "hash": START})
    head = AccessHead.objects.select_for_update().get(pk=1)
    entry = AccessEntry(
        index=head.size,
        at=timezone.now(),
        official=official if isinstance(official, str) else official.username,
        name="" if isinstance(official, str) else official.name,
        office=str(office or ""),
        act=str(getattr(act, "value", act)),
        purpose=purpose[:600],
        subjects=people,
        everyone=everyone,
        previous=bytes(head.hash),
    )
    entry.hash = entry_hash(entry)
    entry.save(force_insert=True)
    AccessSubject.objects.bulk_create(AccessSubject(entry=entry, subject=subject) for subject in people)
    AccessHead.objects.filter(pk=1).update(size=entry.index + 1, hash=entry.hash)
    return entry


def entry_hash(entry: AccessEntry) -> bytes:
    """H(tag, previous, canonical JSON of everything else): 32 bytes."""
    record = {
        "index": entry.index,
        "at": _instant(entry.at),
        "official": entry.official,
        "name": entry.name,
        "office": entry.office,
        "act": entry.act,
        "purpose": entry.purpose,
        "subjects": entry.subjects,
        "everyone": entry.everyone,
    }
    return digest("access log", bytes(entry.previous), serialise(record))


def check_log() -> tuple[int, bytes]:
    """Go through the whole log: (number of entries, last hash). Raises AccessLogBroken naming the first bad entry."""
    begun = AccessEntry.objects.exists()
    head = _head()
    if head is None:
        if begun:
            raise AccessLogBroken("entries at the end are missing", "entry 0")
        return 0, START
    size, last = 0, START
    for entry, people in _with_people(head[0]):
        where = f"entry {size}"
        if entry.index != size:
            raise AccessLogBroken(f"entry {size} is missing", where)
        if bytes(entry.previous) != last:
            raise AccessLogBroken("it does not follow the entry before it", where)
        if _hash_or_none(entry) != bytes(entry.hash):
            raise AccessLogBroken("it was changed", where)
        if people != entry.subjects:
            raise AccessLogBroken("the people whom it concerns were changed", where)
        size, last = size + 1, bytes(entry.hash)
    if head != (size, last, size):
        raise AccessLogBroken("entries at the end are missing, or more than the head knows", f"entry {size}")
    return size, last


def _head() -> tuple[int, bytes, int] | None:
    """Size and hash of the head, and the index after the last entry, of one instant: what comes later is no fault."""
    newest = AccessEntry.objects.order_by("-index").values("index")[:1]
    heads = AccessHead.objects.annotate(next_index=Coalesce(Subquery(newest) + 1, 0))
    found = heads.values_list("size", "hash", "next_index").first()
    return (found[0], bytes(found[1]), found[2]) if found else None


def _hash_or_none(entry: AccessEntry) -> bytes | None:
    try:
        return entry_hash(entry)
    except NotCanonical:
        return None  # nobody hashed this


def _with_people(stop: int) -> Iterator[tuple[AccessEntry, list[int]]]:
    """The entries before `stop` with the people in the table beside them, a thousand entries at a time."""
    start = 0
    while chunk := list(AccessEntry.objects.filter(index__gte=start, index__lt=stop).order_by("index")[:1000]):
        people: dict[int, list[int]] = {entry.pk: [] for entry in chunk}
        listed = AccessSubject.objects.filter(entry__in=chunk).order_by("subject")
        for entry_id, subject in listed.values_list("entry_id", "subject"):
            people[entry_id].append(subject)
        for entry in chunk:
            yield entry, people[entry.pk]
        start = chunk[-1].index + 1


def entries_about(subject: int, election: str, references: Iterable[str] = ()) -> QuerySet[AccessEntry]:
    """What a citizen sees: every entry about roll row `subject` of an election, the latest first.

    `election`: its slug. `references`: what else entries can name them by, at the beginning of the purpose.
    Raises ValueError without an election: most entries concern everyone of no election.
    """
    if not election:
        raise ValueError("of which election?")
    about = Q(people__subject=subject) | Q(everyone=election)
    for reference in references:
        about |= Q(purpose__startswith=f"{reference}: ")
    return AccessEntry.objects.filter(about).distinct().order_by("-index")


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
