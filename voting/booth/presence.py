"""Who has to stand by when a ballot is handed in (法48条2項, 49条3項・10項, 令56条), and saying so.

The voter's device tells the server the tracker of the sealed ballot. Whoever stands by confirms that tracker on a page
of their own; no page of theirs shows a choice, because no server has one.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from voting.access.services import log
from voting.applications.catalogue import Attest
from voting.applications.claims import EVIDENCE, claimed_spans
from voting.applications.models import Application
from voting.applications.requests import HEADS, needs_designation, subjects
from voting.booth.errors import PeopleMissing
from voting.booth.models import Presence, SealedBallot
from voting.credentials.letters import WITH_BALLOT
from voting.elections.models import Election
from voting.errors import NotPermitted
from voting.officials.models import Office, Official
from voting.officials.roles import Act
from voting.officials.services import designated_on, may, offices_where, require
from voting.roll.characters import fold_name

Part = Presence.Part
HELPERS = (Part.WRITER, Part.WATCHER)
LASTS = timedelta(minutes=30)
"""How long a confirmation is good; after it the voter seals anew."""
SHORT = 8
"""Characters of a tracker that people compare."""


def needed(application: Application, *, assisted: bool) -> tuple[Part, ...]:
    """The parts that somebody has to take before this voter's ballot is handed in."""
    attest = Attest(application.offer.category.attest)
    parts: tuple[Part, ...] = (Part.HEAD,) if attest in HEADS else ()
    if attest is Attest.PROXY_WRITER:
        parts = (*parts, Part.PROXY)
    return (*parts, *HELPERS) if assisted else parts


def missing(application: Application, tracker: bytes) -> list[Part]:
    """The parts that nobody has taken yet for this ballot; those without help when it is not known."""
    sealed = SealedBallot.objects.filter(application=application, tracker=tracker).first()
    since = timezone.now() - LASTS  # whoever confirmed longer ago may have left since
    taken = set(sealed.presences.filter(at__gte=since).values_list("part", flat=True)) if sealed else set()
    return [part for part in needed(application, assisted=bool(sealed and sealed.assisted)) if part not in taken]


def require_present(application: Application, tracker: bytes) -> None:
    """Raises PeopleMissing naming the parts."""
    if parts := missing(application, tracker):
        named = ", ".join(str(part.label) for part in parts)
        raise PeopleMissing(_("Somebody has to confirm first: %(parts)s.") % {"parts": named}, application.reference)


@transaction.atomic
def note_sealed(application: Application, tracker: bytes, *, assisted: bool = False, proxy: str = "") -> list[Part]:
    """Remember a sealed ballot that others must stand by for; the parts that are still missing.

    `assisted`: the voter asks for two helpers. `proxy`: the registered proxy writer's name, who says by it that they
    write what the voter said; the voter consents by sending it. Raises NotPermitted for another name.
    """
    parts = needed(application, assisted=assisted)
    if not parts:
        return []
    sealed, _new = SealedBallot.objects.get_or_create(
        application=application, tracker=tracker, defaults={"assisted": assisted}
    )
    if Part.PROXY in parts and proxy:
        _require_proxy(application, proxy, timezone.localdate())
        Presence.objects.get_or_create(ballot=sealed, part=Part.PROXY, defaults={"name": proxy})
    return missing(application, tracker)


def _require_proxy(application: Application, name: str, day: date) -> None:
    """The proxy writer is the one whom the voter registered beforehand, and still is (法49条3項)."""
    claim = application.claims.get("PROXY_REGISTRATION", {})
    if not claim or fold_name(name) != fold_name(str(claim.get("proxy_name", ""))):
        raise NotPermitted(_("This is not the proxy writer whom the voter has registered."), application.reference)
    span = claimed_spans(EVIDENCE["PROXY_REGISTRATION"], claim).get("proxy")
    if span is None or (span.start and day < span.start) or (span.end and span.end < day):
        raise NotPermitted(_("The registration of the proxy writer does not cover today."), application.reference)


# Those who stand by


def waiting(official: Official, office: Office) -> QuerySet[SealedBallot]:
    """Sealed ballots that wait for somebody at this office, the latest first."""
    heads = [attest.value for attest in HEADS]
    mine = Q()
    if may(official, Act.ATTEST_VOTE, office):
        mine |= Q(application__office=office, application__offer__category__attest__in=heads)
    if may(official, Act.ASSIST_VOTE, office):
        mine |= Q(assisted=True) & (Q(application__office=office) | Q(application__election__office=office))
    if not mine:
        raise NotPermitted(_("You do not stand by at votes here."), str(office))
    found = SealedBallot.objects.filter(mine, tracker__isnull=False, application__state__in=WITH_BALLOT)
    return found.select_related("application__offer__category", "application__election").order_by("-asked_at")


def offices_standing_by(official: Official) -> QuerySet[Office]:
    """Where somebody stands by at votes."""
    return offices_where(official, Act.ATTEST_VOTE) | offices_where(official, Act.ASSIST_VOTE)


def confirm(sealed: SealedBallot, part: Part, *, by: Official, witness: str = "") -> Presence:
    """Say that one stands by, that the voter is there and votes freely. Once, and never two parts of a ballot.

    `witness`: the name of whoever else is present, where the category asks for one. Raises NotPermitted, PeopleMissing.
    """
    application = sealed.application
    office = _require_part(sealed, part, by)
    witness = " ".join(witness.split())
    if part is Part.HEAD and application.offer.category.witness and not witness:
        raise PeopleMissing(_("Enter the name of the witness who is present."), application.reference)
    if len(witness) > Presence._meta.get_field("witness").max_length:  # type: ignore[operator]
        raise PeopleMissing(_("The name of the witness is too long."), application.reference)
    try:
        with transaction.atomic():
            presence = Presence.objects.create(ballot=sealed, part=part, official=by, witness=witness)
            act = Act.ATTEST_VOTE if part is Part.HEAD else Act.ASSIST_VOTE
            what = _("%(reference)s: stands by (%(part)s)") % {
                "reference": application.reference,
                "part": part.label,
            }
            log(by, office, act, what, subjects(application))
    except IntegrityError:
        raise NotPermitted(_("Somebody has confirmed this already."), application.reference) from None
    return presence


def _require_part(sealed: SealedBallot, part: Part, by: Official) -> Office:
    """The office at which somebody takes the part. Raises NotPermitted."""
    application = sealed.application
    if part not in needed(application, assisted=sealed.assisted) or part is Part.PROXY:
        raise NotPermitted(_("Nobody is asked for this part."), application.reference)
    if application.state not in WITH_BALLOT or sealed.tracker is None:
        raise NotPermitted(_("There is no ballot to stand by for."), application.reference)
    if sealed.presences.filter(official=by).exists():
        raise NotPermitted(_("One person takes one part."), application.reference)
    if part is Part.HEAD:
        return _require_head(application, by)
    places = [place for place in (application.office, application.election.office) if place is not None]
    allowed = [place for place in places if may(by, Act.ASSIST_VOTE, place)]
    if not allowed:
        raise NotPermitted(_("You do not stand by at votes here."), application.reference)
    return allowed[0]


def _require_head(application: Application, by: Official) -> Office:
    office = application.office
    if office is None:
        raise NotPermitted(_("The application names no place."), application.reference)
    require(by, Act.ATTEST_VOTE, office)
    if needs_designation(application.offer.category) and designated_on(office, timezone.localdate()) is None:
        raise NotPermitted(_("%(office)s is not designated today.") % {"office": office}, application.reference)
    return office


def open_parts(sealed: SealedBallot, official: Official) -> list[Part]:
    """The parts that this official could take now."""
    found = []
    for part in _parts_left(sealed):
        try:
            _require_part(sealed, part, official)
        except NotPermitted:
            continue
        found.append(part)
    return found


def _parts_left(sealed: SealedBallot) -> Collection[Part]:
    taken = set(sealed.presences.values_list("part", flat=True))
    return [part for part in needed(sealed.application, assisted=sealed.assisted) if part not in taken]


def forget_trackers(election: Election) -> int:
    """Cut what leads from people to entries of the board, once the tally is frozen; how many."""
    return SealedBallot.objects.filter(application__election=election).update(tracker=None)
