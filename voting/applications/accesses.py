"""What was done with somebody's data, as they see it."""

from __future__ import annotations

from django.db.models import QuerySet

from voting.access.models import AccessEntry
from voting.access.services import entries_about
from voting.applications.models import Application
from voting.roll.models import Elector


def accesses_to(elector: Elector) -> QuerySet[AccessEntry]:
    """Every access to an elector's data, the latest first; to their applications also before they were matched."""
    references = Application.objects.filter(elector=elector).values_list("reference", flat=True)
    return entries_about(elector.pk, elector.election.slug, list(references))
