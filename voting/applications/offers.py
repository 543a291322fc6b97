"""What an election offers: categories with their dates worked out from notice day and election day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from voting.access.services import log
from voting.applications.catalogue import CategorySeed, load_catalogue
from voting.applications.errors import NotOffered, RuleInvalid
from voting.applications.models import Category, Offer
from voting.applications.rules import Days, in_time, parse_moment
from voting.elections.models import Election
from voting.officials.models import Official, Proposal
from voting.officials.roles import Act
from voting.officials.services import carries_out, key_of_target, propose, require


def load_categories() -> int:
    """Put the shipped catalogue into the table, as far as it is not there; the number of new ones."""
    seeds = load_catalogue()
    known = set(Category.objects.values_list("code", flat=True))
    new = [Category(**_fields(seed)) for seed in seeds if seed.code not in known]
    Category.objects.bulk_create(new)
    return len(new)


def _fields(seed: CategorySeed) -> dict[str, object]:
    moments = ("apply_from", "paper_until", "online_until", "member_notice_until", "vote_from", "vote_until")
    same = ("code", "name_ja", "name_easy", "name_en", "who_ja", "who_easy", "who_en", "law", "status", "dormant_since")
    more = ("attest", "witness", "confirm", "issuer", "roll")
    return {
        **{name: getattr(seed, name) for name in (*same, *more)},
        **{name: str(getattr(seed, name) or "") for name in moments},
        "evidence": [list(alternative) for alternative in seed.evidence],
        "condition": seed.condition.text,
        "elections": list(seed.elections),
    }


def days_of(election: Election) -> Days:
    """N and E. Raises RuleInvalid while they are not set."""
    if election.notice_day is None or election.election_day is None:
        raise RuleInvalid(_("notice day and election day are not set"), election.slug)
    return Days(election.notice_day, election.election_day)


@dataclass(frozen=True)
class Windows:
    """The dates of an offer, in Japan's time; ends are the last second."""

    apply_from: datetime
    paper_until: datetime | None
    online_until: datetime
    member_notice_until: datetime | None
    vote_from: datetime
    vote_until: datetime


def windows(offer: Offer) -> Windows:
    """The dates of an offer. Raises RuleInvalid."""
    days, category = days_of(offer.election), offer.category

    def end(text: str) -> datetime | None:
        return parse_moment(text).as_end(days) if text else None

    return Windows(
        apply_from=parse_moment(offer.apply_from).as_start(days),
        paper_until=end(category.paper_until),
        online_until=parse_moment(offer.online_until).as_end(days),
        member_notice_until=end(category.member_notice_until),
        vote_from=parse_moment(category.vote_from).as_start(days),
        vote_until=parse_moment(category.vote_until).as_end(days),
    )


def hours(offer: Offer) -> tuple[datetime, datetime]:
    """From when until when one can vote, in Japan's time: within the category's dates and the hours of the polls."""
    dates, election = windows(offer), offer.election
    return (
        timezone.localtime(max(dates.vote_from, election.opens)),
        timezone.localtime(min(dates.vote_until, election.closes)),
    )


def is_held_in(category: Category, election: Election) -> bool:
    """Whether the law knows the category for this kind of election (法49⑦⑨, 49の2)."""
    return not category.elections or election.kind in category.elections


def offered(election: Election) -> list[Offer]:
    """What voters of this election are shown, whether or not requests are taken now."""
    offers = Offer.objects.filter(election=election, enabled=True).select_related("category", "election")
    return [offer for offer in offers if is_held_in(offer.category, election)]


def taking_requests(election: Election, at: datetime) -> list[Offer]:
    """The offers for which a request received at this moment is in time."""
    return [offer for offer in offered(election) if takes_requests(offer, at)]


def takes_requests(offer: Offer, at: datetime) -> bool:
    """Whether a request received at this moment is in time; the last second counts whole. Never without dates."""
    try:
        dates = windows(offer)
    except RuleInvalid:
        return False
    return in_time(at, dates.apply_from, dates.online_until)


def offer_category(election: Election, category: Category, *, by: Official) -> Offer | Proposal:
    """Offer a category with the dates of the catalogue: from notice day on, two people decide whether it is offered.

    Raises NotPermitted, NotOffered, RuleInvalid, AlreadyProposed.
    """
    _require_change(election, by)
    if not is_held_in(category, election):
        raise NotOffered(_("The law does not know this category for this kind of election."), category.code)
    with transaction.atomic():
        offer, new = Offer.objects.get_or_create(
            election=election,
            category=category,
            defaults={
                "apply_from": category.apply_from,
                "online_until": category.online_until,
                "enabled": False,
            },
        )
        log(by, election.office, Act.CHANGE_OFFER, _("considers: %(category)s") % {"category": category.code})
    return offer if offer.enabled else change_offer(offer, by=by, enabled=True)


SWITCHED_OFF = {"enabled": False}
"""The change that is always possible: what has no time left to vote must not stay offered."""


def change_offer(offer: Offer, *, by: Official, **changes: object) -> Offer | Proposal:
    """Change `enabled`, `apply_from` or `online_until`: at once before notice day, from then on by two people.

    Raises NotPermitted, RuleInvalid, AlreadyProposed.
    """
    election = offer.election
    unknown = set(changes) - {"enabled", "apply_from", "online_until"}
    if unknown:
        raise ValueError(f"an offer has no {min(unknown)}")
    if changes != SWITCHED_OFF:
        _require_consistent(Offer(**{**_current(offer), **changes}))
    told = ", ".join(f"{name} = {value}" for name, value in sorted(changes.items()))
    summary = f"{offer.category.code}: {told}"
    if is_late(election):
        if election.office is None:
            raise NotOffered(_("The election belongs to no office yet."), election.slug)
        return propose(
            Act.CHANGE_OFFER_LATE,
            office=election.office,
            target=offer,
            summary=summary,
            payload=changes,
            by=by,
        )
    _require_change(election, by)
    with transaction.atomic():
        changed = _change(offer, changes)
        # No second person has seen it: the log alone says who changed what.
        log(by, election.office, Act.CHANGE_OFFER, summary)
    return changed


def is_late(election: Election) -> bool:
    """From notice day on, two people change what is offered."""
    return election.notice_day is not None and timezone.localdate() >= election.notice_day


def _current(offer: Offer) -> dict[str, object]:
    names = ("election", "category", "enabled", "apply_from", "online_until")
    return {name: getattr(offer, name) for name in names}


def _require_change(election: Election, by: Official) -> None:
    if election.office is None:
        raise NotOffered(_("The election belongs to no office yet."), election.slug)
    require(by, Act.CHANGE_OFFER, election.office)


def _change(offer: Offer, changes: dict[str, object]) -> Offer:
    for name, value in changes.items():
        setattr(offer, name, value)
    offer.save(update_fields=list(changes))
    return offer


@carries_out(Act.CHANGE_OFFER_LATE)
def _change_late(proposal: Proposal, by: Official) -> None:
    offer = Offer.objects.get(pk=key_of_target(proposal))
    changed = _change(offer, proposal.payload)
    if proposal.payload != SWITCHED_OFF:
        _require_consistent(changed)


def _require_consistent(offer: Offer) -> None:
    problems = list(offer_problems(offer))
    if problems:
        raise RuleInvalid("; ".join(problems), offer.category.code)


def offer_problems(offer: Offer) -> Iterable[str]:
    """Where the dates of an offer contradict the election or one another, in words."""
    name = offer.category.name_ja
    try:
        dates = windows(offer)
        days = days_of(offer.election)
    except RuleInvalid as error:
        yield f"{name}: {error}"
        return
    if dates.apply_from > dates.online_until:
        yield _("%(name)s: requests would end before they begin") % {"name": name}
    if dates.online_until.date() < days.notice:
        yield _("%(name)s: the deadline for requests is before notice day") % {"name": name}
    if dates.online_until > dates.vote_until:
        yield _("%(name)s: requests would be taken after the end of voting") % {"name": name}
    if dates.vote_from >= offer.election.closes or dates.vote_until <= offer.election.opens:
        yield _("%(name)s: there would be no time to vote within the hours of the polls") % {"name": name}
