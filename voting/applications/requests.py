"""What a voter, or the head of a facility, ship or unit, asks for: taking in, correcting and withdrawing requests."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from voting.access.services import log
from voting.applications import evidence as files
from voting.applications import steps
from voting.applications.catalogue import Attest, Confirm
from voting.applications.claims import EVIDENCE, FileRule, check_claims, clean_line
from voting.applications.errors import (
    AlreadyApplied,
    ClaimFault,
    ClaimInvalid,
    ConditionNotMet,
    EvidenceMissing,
    NotOffered,
    OutOfTime,
    RequestInvalid,
)
from voting.applications.facts import require_condition
from voting.applications.models import Application, Category, Confirmation, Offer
from voting.applications.notices import tell
from voting.applications.offers import is_held_in, takes_requests, taking_requests, windows
from voting.applications.states import LIVE, Event, State
from voting.errors import FileRefused
from voting.officials.models import Office, Official
from voting.officials.roles import Act, OfficeKind
from voting.officials.services import designated_on, require
from voting.roll.matching import Person, match
from voting.roll.models import Elector

REFERENCE_ALPHABET = "23456789ACDEFGHJKMNPQRTUVWXY"
MOST_AT_ONCE = 500
HEADS = {
    Attest.FACILITY_HEAD: (OfficeKind.FACILITY,),
    Attest.INSTITUTION_HEAD: (OfficeKind.INSTITUTION,),
    Attest.CAPTAIN: (OfficeKind.SHIP,),
    Attest.UNIT_HEAD: (OfficeKind.UNIT,),
    Attest.PORT_BOARD: (OfficeKind.PORT,),
}
"""Whose head stands by when the vote is cast, and says who is there."""


@dataclass(frozen=True)
class Applicant:
    """Who asks, and how to reach them."""

    name: str
    birth: date
    address: str
    sex: str = ""
    kana: str = ""
    postcode: str = ""
    staying_at: str = ""
    email: str = ""
    phone: str = ""
    language: str = "ja"


@dataclass(frozen=True)
class Request:
    """A request before it is checked. `claims`: kind of evidence → its particulars, one alternative of the category.

    `files`: (kind of evidence, bytes). `office`: the facility, ship, unit or health centre concerned.
    """

    applicant: Applicant
    claims: Mapping[str, Mapping[str, Any]]
    sworn: bool
    files: Sequence[tuple[str, bytes]] = field(default=(), repr=False)
    office: Office | None = None


def submit(
    offer: Offer,
    request: Request,
    *,
    at: datetime | None = None,
    way: Application.Way = Application.Way.SELF,
    by: Official | None = None,
) -> Application:
    """Take in a request. Whoever one row of the roll matches in all four attributes is known; others an official finds.

    `at`: when it was received, by the server's clock. Nothing that is said depends on who is on the roll.

    Raises NotOffered, OutOfTime with the alternatives, RequestInvalid and ClaimInvalid with every fault,
    EvidenceMissing, FileRefused, ScanFailed, ConditionNotMet, AlreadyApplied; NotPermitted for an official.
    """
    received = at or timezone.now()
    _require_offered(offer, received)
    if way is not Application.Way.SELF:
        _require_office(by, way, offer, request.office, received)
    claims = _check(offer.category, request)
    checked = files.check_files(request.files)
    require_condition(offer, claims, request.applicant.birth, received, request.office)
    application = _application(offer, request, claims, received, way)
    try:
        with transaction.atomic():
            _store(application, checked)
            if way is Application.Way.COUNTER:
                log(
                    by or "",
                    offer.election.office,
                    Act.REVIEW,
                    _("%(reference)s: filed at the counter") % {"reference": application.reference},
                    subjects(application),
                )
    except IntegrityError:
        if by is not None:
            raise AlreadyApplied(_("There is an application of this person already."), offer.category.code) from None
        # Whoever knows somebody's name and birthday could learn from a refusal that they have applied, or be first and
        # keep them out. So it is taken in, and an official sees both.
        application.elector = None
        with transaction.atomic():
            _store(application, checked)
    return application


def _store(application: Application, checked: Sequence[files.CheckedFile]) -> None:
    application.save(force_insert=True)
    files.store(application, checked)
    tell(application)


def submit_for_others(
    offer: Offer, requests: Sequence[Request], *, office: Office, by: Official, at: datetime | None = None
) -> list[Application]:
    """The head of a facility, ship or unit files for residents, crew or members: all of them or nobody.

    Raises NotPermitted, NotOffered (also without a designation today), and RequestInvalid naming each bad row.
    """
    if len(requests) > MOST_AT_ONCE:
        raise RequestInvalid([ClaimFault("rows", _("At most %(most)d people at once.") % {"most": MOST_AT_ONCE})])
    received = at or timezone.now()
    faults, filed = [], []
    with transaction.atomic():
        for row, request in enumerate(requests, 1):
            placed = Request(request.applicant, request.claims, request.sworn, request.files, office)
            try:
                filed.append(submit(offer, placed, at=received, way=Application.Way.ATTESTOR, by=by))
            except (RequestInvalid, ClaimInvalid) as error:
                faults += [ClaimFault(f"{row}: {fault.field}", fault.message) for fault in error.faults]
            except (AlreadyApplied, ConditionNotMet, EvidenceMissing, FileRefused) as error:
                faults.append(ClaimFault(f"{row}", error.reason))
        if faults:
            transaction.set_rollback(True)
        else:
            # Once and last: the log's head stays locked from here on, and nothing may be waited for any more.
            people = [key for application in filed for key in subjects(application)]
            log(
                by,
                office,
                Act.FILE_FOR_OTHERS,
                _("%(count)d requests filed: %(category)s") % {"count": len(filed), "category": offer.category.code},
                people,
            )
    if faults:
        raise RequestInvalid(faults)
    return filed


def _require_offered(offer: Offer, received: datetime) -> None:
    category, election = offer.category, offer.election
    if not offer.enabled or not is_held_in(category, election) or election.office is None:
        raise NotOffered(_("This election does not offer this way to vote."), category.code)
    if takes_requests(offer, received):
        return
    early = received < windows(offer).apply_from
    raise OutOfTime(
        _("Requests are not taken yet.") if early else _("The time for requests is over."),
        category.code,
        taking_requests(election, received),
    )


def _require_office(
    by: Official | None, way: Application.Way, offer: Offer, office: Office | None, received: datetime
) -> None:
    """A head files at the own place and while it is designated; a clerk at the counter of the election's office."""
    if by is None:
        raise ValueError("somebody files for others")
    if way is Application.Way.COUNTER:
        if offer.election.office is not None:
            require(by, Act.REVIEW, offer.election.office)
        return
    kinds = HEADS.get(Attest(offer.category.attest), ())
    if office is None or office.kind not in kinds:
        raise NotOffered(_("This category is not for people at this place."), offer.category.code)
    require(by, Act.FILE_FOR_OTHERS, office)
    if needs_designation(offer.category) and designated_on(office, timezone.localdate(received)) is None:
        raise NotOffered(_("%(office)s is not designated today.") % {"office": office}, offer.category.code)


def needs_designation(category: Category) -> bool:
    """Whether the category depends on the prefecture's designation of the place (令55②)."""
    return any("designation" in EVIDENCE[kind].spans for alternative in category.evidence for kind in alternative)


def _check(category: Category, request: Request, kept: frozenset[str] = frozenset()) -> dict[str, dict[str, Any]]:
    """The claims, cleaned. `kept`: the kinds of files that are here already. Raises RequestInvalid, EvidenceMissing."""
    faults = []
    if not request.sworn:
        faults.append(ClaimFault("sworn", _("The declaration that the request is true is missing.")))
    kinds = list(request.claims)
    if sorted(kinds) not in [sorted(alternative) for alternative in category.evidence]:
        raise EvidenceMissing(_("The evidence is none of those that this category accepts."), category.code)
    cleaned = {}
    for kind in kinds:
        try:
            cleaned[kind] = check_claims(EVIDENCE[kind], request.claims[kind])
        except ClaimInvalid as error:
            faults += error.faults
    if faults:
        raise RequestInvalid(faults, category.code)
    _check_files(kinds, {kind for kind, _data in request.files}, kept)
    _check_place(category, kinds, request.office)
    return cleaned


def _check_files(kinds: Sequence[str], brought: Collection[str], kept: Collection[str]) -> None:
    for kind in kinds:
        if EVIDENCE[kind].file is FileRule.REQUIRED and kind not in brought and kind not in kept:
            raise EvidenceMissing(_("A photo or file is needed: %(kind)s.") % {"kind": EVIDENCE[kind].label}, kind)
    for kind in brought:
        if kind not in kinds or EVIDENCE[kind].file is FileRule.NONE:
            raise EvidenceMissing(_("No file belongs to this."), kind)


def _check_place(category: Category, kinds: Sequence[str], office: Office | None) -> None:
    wanted = HEADS.get(Attest(category.attest), ())
    if waits_for_health(category, kinds):
        wanted = (OfficeKind.HEALTH,)
    if wanted and (office is None or office.kind not in wanted):
        named = ", ".join(str(kind.label) for kind in wanted)
        raise RequestInvalid([ClaimFault("office", _("Choose the place: %(kinds)s.") % {"kinds": named})])
    if office is not None and not wanted:
        raise RequestInvalid([ClaimFault("office", _("No place belongs to this request."))])


def waits_for_health(category: Category, kinds: Sequence[str]) -> bool:
    """Whether a request with this evidence waits until the health authority has confirmed it."""
    return category.confirm == Confirm.HEALTH and any(EVIDENCE[kind].awaits_confirmation for kind in kinds)


def _application(
    offer: Offer, request: Request, claims: dict[str, Any], received: datetime, way: Application.Way
) -> Application:
    category = offer.category
    waits = waits_for_health(category, list(claims))
    # A head who files says with it that the person is there; otherwise the head is asked.
    waits = waits or (way is not Application.Way.ATTESTOR and Attest(category.attest) in HEADS)
    application = Application(
        election=offer.election,
        offer=offer,
        reference=new_reference(),
        state=State.TO_CONFIRM if waits else State.REQUESTED,
        way=way,
        received_at=received.replace(microsecond=0),
        claims=claims,
        sworn=True,
        office=request.office,
        **_cleaned(request.applicant),
    )
    try:
        application.full_clean(validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        faults = [ClaimFault(name, told) for name, all_told in error.message_dict.items() for told in all_told]
        raise RequestInvalid(faults, category.code) from None
    application.elector = match(offer.election, person_of(application), category.roll)
    return application


def _cleaned(applicant: Applicant) -> dict[str, Any]:
    """The applicant's particulars; texts on one line. Raises RequestInvalid."""
    cleaned = vars(applicant).copy()
    faults: list[ClaimFault] = []
    for name, value in cleaned.items():
        if isinstance(value, str):
            try:
                cleaned[name] = clean_line(name, value)
            except ClaimInvalid as error:
                faults += error.faults
    if faults:
        raise RequestInvalid(faults)
    return cleaned


def person_of(application: Application) -> Person:
    """The four attributes that an application states."""
    return Person(application.name, application.birth, application.sex, application.address)


def new_reference() -> str:
    """A number to quote, without look-alike characters: 8 of 28, grouped; it opens nothing."""
    text = "".join(secrets.choice(REFERENCE_ALPHABET) for _ in range(8))
    return f"{text[:4]}-{text[4:]}"


def subjects(application: Application) -> list[int]:
    """The roll row that an access to the application concerns, when it is known."""
    return [application.elector_id] if application.elector_id else []


def correct(application: Application, request: Request, *, at: datetime | None = None) -> Application:
    """The voter sends a returned request again, within its deadline. Raises as `submit`, and WrongState."""
    received = at or timezone.now()
    offer = application.offer
    _require_offered(offer, received)
    if request.office is None:
        request = Request(request.applicant, request.claims, request.sworn, request.files, application.office)
    kept = application.files.filter(deleted_at=None).values_list("kind", flat=True)
    claims = _check(offer.category, request, frozenset(kept))
    checked = files.check_files(request.files)
    # The law asks what holds "when the request is made": that was when it first came (特例法3条2項).
    require_condition(offer, claims, request.applicant.birth, application.received_at, request.office)
    fresh = _application(offer, request, claims, received, Application.Way(application.way))
    changed = {name: getattr(fresh, name) for name in (*vars(request.applicant), "claims")}
    with transaction.atomic():
        locked = steps.lock(application)
        # What was confirmed was confirmed of the request as it stood; and who it is may have changed with the name.
        Confirmation.objects.filter(application=locked).delete()
        locked.office = fresh.office  # of the request; the office of a step is the one that takes it
        locked.save(update_fields=["office"])
        try:
            with transaction.atomic():
                steps.take(locked, Event.CORRECT, **changed, elector=_free(fresh.elector, locked))
        except IntegrityError:  # another application of the same person came at this instant: officials look
            locked = steps.lock(application)
            steps.take(locked, Event.CORRECT, **changed, elector=None)
        files.store(locked, checked)
        if fresh.state == State.TO_CONFIRM:
            steps.take(locked, Event.ASK)
    return locked


def _free(elector: Elector | None, application: Application) -> Elector | None:
    """The matched row, unless another application that is not over has it: then officials look."""
    others = Application.objects.filter(elector=elector, state__in=LIVE).exclude(pk=application.pk)
    return None if elector is None or others.exists() else elector


@transaction.atomic
def withdraw(application: Application) -> Application:
    """The voter no longer wants it, before it is decided. Raises WrongState."""
    locked = steps.lock(application)
    steps.take(locked, Event.WITHDRAW)
    return locked
