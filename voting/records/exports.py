"""Personal data leave the house once for each request that two people agreed on, and within a day."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from voting.access.services import MOST_SUBJECTS, log
from voting.elections.models import District, Election
from voting.errors import NotPermitted
from voting.officials.models import Office, Official, Proposal
from voting.officials.roles import Act
from voting.officials.services import carries_out, key_of_target, propose, require, target_of
from voting.records.documents import PERSONAL, subjects
from voting.records.errors import NotApproved
from voting.records.models import Document, Download

VALID_FOR = timedelta(hours=24)


def office_of(election: Election) -> Office:
    """The office whose records they are. Raises NotPermitted when the election belongs to none."""
    if election.office is None:
        raise NotPermitted(_("The election belongs to no office yet."), election.slug)
    return election.office


def ask_to_export(election: Election, document: Document, *, by: Official, reason: str) -> Proposal:
    """Ask to download a document with names as CSV. Raises NotPermitted, AlreadyProposed, ValueError.

    One request of an election waits at a time.
    """
    if document not in PERSONAL or not reason.strip():
        raise ValueError("a document with names and a reason were expected")
    return propose(
        Act.EXPORT_PERSONAL_DATA,
        office=office_of(election),
        target=election,
        summary=_("Export %(document)s of %(election)s") % {"document": document.label, "election": election.title},
        reason=reason,
        payload={"document": document.value},
        by=by,
    )


@carries_out(Act.EXPORT_PERSONAL_DATA)
def _allow(proposal: Proposal, by: Official) -> None:
    """Nothing leaves yet: the approval waits for its download, and those concerned see it in the log."""
    election = Election.objects.get(pk=key_of_target(proposal))
    note(election, Document(proposal.payload["document"]), by, Act.EXPORT_PERSONAL_DATA, proposal.summary)


def usable(election: Election, by: Official) -> list[Proposal]:
    """Approved requests of this person that are neither used nor too old."""
    return list(_approved(election, by))


def _approved(election: Election, by: Official) -> QuerySet[Proposal]:
    approved = Proposal.objects.filter(
        act=Act.EXPORT_PERSONAL_DATA,
        target=target_of(election),
        download=None,
        decision=Proposal.Decision.APPROVED,
        requested_by=by,
        decided_at__gt=timezone.now() - VALID_FOR,
    )
    return approved.order_by("decided_at", "pk")


@transaction.atomic
def use_approval(election: Election, document: Document, *, by: Official) -> Proposal:
    """Use up an approval for one download. Raises NotPermitted, NotApproved."""
    require(by, Act.EXPORT_PERSONAL_DATA, office_of(election))
    for proposal in _approved(election, by).filter(payload__document=document.value):
        # The unique key makes two downloads at the same instant one download and one refusal.
        _download, mine = Download.objects.get_or_create(proposal=proposal)
        if mine:
            note(
                election, document, by, Act.EXPORT_PERSONAL_DATA, _("downloaded: %(what)s") % {"what": proposal.summary}
            )
            return proposal
    raise NotApproved(_("Two people must have agreed within the last 24 hours, for one download."), document.label)


def note(
    election: Election, document: Document, by: Official, act: Act, purpose: str, district: District | None = None
) -> None:
    """Put it on the access log of everybody whom the document names. Last in a transaction."""
    named = subjects(document, election, district).order_by()
    people = list(named.values_list("pk", flat=True)[: MOST_SUBJECTS + 1])
    many = len(people) > MOST_SUBJECTS
    log(by, office_of(election), act, purpose, () if many else people, election.slug if many else "")
