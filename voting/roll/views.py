"""Looking somebody up on the roll, marks for polling places, votes on paper, and roll files.

Names are sent by POST: an address with a name in it would stay in the browser and in the logs of servers.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path, PurePath
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from voting.access.models import AccessEntry
from voting.access.services import log
from voting.applications.accesses import accesses_to
from voting.applications.display import partial_day_text
from voting.elections.models import Contest, District, Election
from voting.errors import VotingError
from voting.officials.models import Office, Official, Proposal
from voting.officials.roles import Act
from voting.officials.services import may, target_of
from voting.officials.site import attempt, offices_or_deny, official_of, page, refused
from voting.roll.eligibility import contests_in, style_for
from voting.roll.errors import TableRefused
from voting.roll.imports import ask_to_take_over, begin_import, check_import, discard
from voting.roll.matching import search
from voting.roll.models import Elector, Mark, PaperWay, Roll, RollImport, Vote
from voting.roll.services import ask_to_tell_apart, ask_to_undo_paper, lookalikes, record_paper_vote
from voting.roll.tables import open_table

MOST_FOUND = 50
PER_PAGE = 100
SHOWN_ENTRIES = 50
SHOWN_FAULTS = 200
MOST_BYTES = 20 << 20
MOST_ROWS = 50_000
SUFFIXES = (".csv", ".xlsx")
PURPOSES = {
    "application": gettext_lazy("An application is being worked on"),
    "question": gettext_lazy("The voter asks"),
    "polling": gettext_lazy("Somebody votes on paper"),
    "correction": gettext_lazy("The roll is being corrected"),
    "check": gettext_lazy("The roll is being checked before the election"),
}
"""Why somebody is looked up: chosen each time, and put on the access log."""
PURPOSE = "roll purpose"
"""Where the session keeps what was chosen, for the pages that a search leads to."""


def _office(election: Election) -> Office:
    if election.office is None:
        raise Http404
    return election.office


def _elections(offices: QuerySet[Office]) -> QuerySet[Election]:
    return Election.objects.filter(office__in=offices).order_by("-closes")


# Looking somebody up


class SearchForm(forms.Form):
    """Whom, where, and what for."""

    election = forms.ModelChoiceField(Election.objects.none(), label=gettext_lazy("Election"), empty_label=None)
    purpose = forms.ChoiceField(
        label=gettext_lazy("What for"), choices=[("", gettext_lazy("Choose")), *PURPOSES.items()]
    )
    text = forms.CharField(
        label=gettext_lazy("Name, reading, or number on the roll"),
        max_length=100,
        help_text=gettext_lazy("The beginning of a name is enough. Variants of characters are found too."),
    )

    def __init__(self, *args: Any, offices: QuerySet[Office], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["election"].queryset = _elections(offices)  # type: ignore[attr-defined]


@require_http_methods(["GET", "POST"])
def search_page(request: HttpRequest) -> HttpResponse:
    """Look somebody up. Who is listed is put on the access log."""
    offices = offices_or_deny(request, Act.VIEW_ROLL)
    form = SearchForm(request.POST or None, offices=offices, initial={"purpose": request.session.get(PURPOSE)})
    found: list[Elector] | None = None
    if form.is_valid():
        request.session[PURPOSE] = form.cleaned_data["purpose"]
        found = _find(official_of(request), **form.cleaned_data)
    return page(
        request,
        "roll/search.html",
        _("Look somebody up on the roll"),
        form=form,
        found=[(row, partial_day_text(row.birth)) for row in found[:MOST_FOUND]] if found is not None else None,
        more=found is not None and len(found) > MOST_FOUND,
        most=MOST_FOUND,
    )


@transaction.atomic
def _find(official: Official, election: Election, purpose: str, text: str) -> list[Elector]:
    found = list(search(election, text)[: MOST_FOUND + 1])
    what = _("%(election)s: search (%(purpose)s)") % {"election": election.slug, "purpose": PURPOSES[purpose]}
    log(official, _office(election), Act.VIEW_ROLL, what, [row.pk for row in found[:MOST_FOUND]])
    return found


@require_GET
def elector_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything that the roll says about somebody, and who has looked."""
    elector = _elector(request, pk, Act.VIEW_ROLL)
    official, election, office = official_of(request), elector.election, _office(elector.election)
    purpose = request.session.get(PURPOSE)
    if purpose not in PURPOSES:
        messages.warning(request, _("Say first what you look somebody up for."))
        return redirect("roll:search")
    with transaction.atomic():
        alike = list(lookalikes(elector).select_related("district"))
        people = [elector.pk, *(other.pk for other in alike)]
        what = _("%(election)s: roll row (%(purpose)s)") % {"election": election.slug, "purpose": PURPOSES[purpose]}
        log(official, office, Act.VIEW_ROLL, what, people)
    style, reason = _ballot(elector)
    entries: list[AccessEntry] = list(accesses_to(elector)[:SHOWN_ENTRIES])
    return page(
        request,
        "roll/elector.html",
        elector.name,
        elector=elector,
        born=partial_day_text(elector.birth),
        purpose=PURPOSES[purpose],
        alike=alike,
        contests=style,
        reason=reason,
        entries=entries,
        applications=elector.applications.select_related("offer__category"),
        marks_paper=may(official, Act.MARK_PAPER, office),
        tells_apart=may(official, Act.TELL_APART, office),
    )


def _elector(request: HttpRequest, pk: int, act: Act) -> Elector:
    rows = Elector.objects.select_related("election", "district__unit")
    return get_object_or_404(rows, pk=pk, election__office__in=offices_or_deny(request, act))


def _ballot(elector: Elector) -> tuple[list[tuple[Contest, bool]], str]:
    """Each contest of the counting unit and whether this person may vote on it; and why not, where nobody may."""
    contests = list(contests_in(elector.district.unit))
    try:
        held = {place.contest_id for place in style_for(elector).places.all()}
    except VotingError as error:
        return [(contest, False) for contest in contests], error.reason
    return [(contest, contest.pk in held) for contest in contests], ""


@require_POST
def tell_apart(request: HttpRequest, pk: int, other: int) -> HttpResponse:
    """Ask to declare two rows two people."""
    first, second = _elector(request, pk, Act.TELL_APART), _elector(request, other, Act.TELL_APART)
    if not lookalikes(first).filter(pk=second.pk).exists():
        messages.error(request, _("These two rows do not look like one person."))
        return redirect("roll:elector", pk)
    reason = request.POST.get("reason", "").strip()
    if not reason:
        messages.error(request, _("Give a reason."))
        return redirect("roll:elector", pk)
    by = official_of(request)
    attempt(
        request,
        lambda: ask_to_tell_apart(first, second, reason=reason, by=by),
        _("Asked for. A second official decides."),
    )
    return redirect("roll:elector", pk)


# Votes on paper


class PaperForm(forms.Form):
    """Where somebody votes on paper."""

    way = forms.ChoiceField(label=gettext_lazy("Where"), choices=PaperWay.choices, widget=forms.RadioSelect)


@require_http_methods(["GET", "POST"])
def paper(request: HttpRequest, pk: int) -> HttpResponse:
    """Record that somebody votes on paper: no more is shown than a polling place needs."""
    elector = _elector(request, pk, Act.MARK_PAPER)
    official, office = official_of(request), _office(elector.election)
    form = PaperForm(request.POST or None)
    if form.is_valid():
        way = PaperWay(form.cleaned_data["way"])
        attempt(request, lambda: record_paper_vote(elector, way=way, by=official), _("Recorded: voted on paper."))
        return redirect("roll:paper", pk)
    log(
        official,
        office,
        Act.MARK_PAPER,
        _("%(election)s: look before a vote on paper") % {"election": elector.election.slug},
        [pk],
    )
    return page(request, "roll/paper.html", _("Record a vote on paper"), elector=elector, form=form)


@require_POST
def undo_paper(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask to take back a vote on paper that was recorded by mistake."""
    elector, reason = _elector(request, pk, Act.UNDO_PAPER), request.POST.get("reason", "").strip()
    if not reason:
        messages.error(request, _("Give a reason."))
        return redirect("roll:paper", pk)
    attempt(
        request,
        lambda: ask_to_undo_paper(elector, reason=reason, by=official_of(request)),
        _("Asked for. A second official decides."),
    )
    return redirect("roll:paper", pk)


# Marks for polling places


class MarksForm(forms.Form):
    """Which district, and one number or everybody with a mark."""

    district = forms.ModelChoiceField(District.objects.none(), label=gettext_lazy("Voting district"))
    number = forms.CharField(
        label=gettext_lazy("Roll number"),
        max_length=30,
        required=False,
        help_text=gettext_lazy("Empty: everybody who holds an online ballot or has voted."),
    )

    def __init__(self, *args: Any, offices: QuerySet[Office], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        districts = District.objects.filter(election__office__in=offices).select_related("election")
        field = self.fields["district"]
        field.queryset = districts.order_by("-election__closes", "code")  # type: ignore[attr-defined]
        field.label_from_instance = lambda row: f"{row.election}: {row.code} {row.name}"  # type: ignore[attr-defined]


@require_GET
def marks(request: HttpRequest) -> HttpResponse:
    """Who of a district holds an online ballot or has voted."""
    offices = offices_or_deny(request, Act.VIEW_MARKS)
    asked = "district" in request.GET
    form = MarksForm(request.GET if asked else None, offices=offices)
    rows, district = None, None
    if form.is_valid():
        district = form.cleaned_data["district"]
        rows = Paginator(_marked(district, form.cleaned_data["number"].strip()), PER_PAGE).get_page(
            request.GET.get("page")
        )
        what = _("%(election)s, %(district)s: list of marks") % {
            "election": district.election.slug,
            "district": district.code,
        }
        log(official_of(request), _office(district.election), Act.VIEW_MARKS, what, [row.pk for row in rows])
    return page(
        request,
        "roll/marks.html",
        _("Who holds an online ballot or has voted"),
        form=form,
        rows=rows,
        district=district,
        marks_paper=district is not None and may(official_of(request), Act.MARK_PAPER, _office(district.election)),
        prints=district is not None and may(official_of(request), Act.VIEW_RECORDS, _office(district.election)),
    )


def _marked(district: District, number: str) -> QuerySet[Elector]:
    rows = Elector.objects.filter(district=district).order_by("list_number")
    return rows.filter(list_number=number) if number else rows.exclude(vote=Vote.NONE)


# Roll files


@require_GET
def files(request: HttpRequest) -> HttpResponse:
    """Every roll file of my offices, and how to bring another."""
    offices = offices_or_deny(request, Act.PREPARE_IMPORT)
    return _files_page(request, offices, UploadForm(offices=offices))


def _files_page(request: HttpRequest, offices: QuerySet[Office], form: UploadForm) -> HttpResponse:
    rows = RollImport.objects.filter(election__office__in=offices).select_related("election", "uploaded_by")
    return page(
        request,
        "roll/files.html",
        _("Roll files"),
        files=Paginator(rows, PER_PAGE).get_page(request.GET.get("page")),
        form=form,
        megabytes=MOST_BYTES >> 20,
        most_rows=MOST_ROWS,
    )


class UploadForm(forms.Form):
    """A roll file that is small enough to be checked while the browser waits."""

    election = forms.ModelChoiceField(Election.objects.none(), label=gettext_lazy("Election"), empty_label=None)
    kind = forms.ChoiceField(
        label=gettext_lazy("What it has"), choices=RollImport.Kind.choices, widget=forms.RadioSelect, initial="full"
    )
    file = forms.FileField(
        label=gettext_lazy("File (CSV or XLSX)"), widget=forms.FileInput(attrs={"accept": ",".join(SUFFIXES)})
    )

    def __init__(self, *args: Any, offices: QuerySet[Office], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["election"].queryset = _elections(offices)  # type: ignore[attr-defined]

    def clean_file(self) -> UploadedFile:
        """Raises ValidationError for another type and for what is too large here."""
        file: UploadedFile = self.cleaned_data["file"]
        if PurePath(file.name or "").suffix.lower() not in SUFFIXES:
            raise forms.ValidationError(_("A file that ends in .csv or .xlsx was expected."))
        if (file.size or 0) > MOST_BYTES:
            raise forms.ValidationError(_("The file is too large for the browser: see below how to bring it."))
        return file


@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    """Take a roll file and check it."""
    offices = offices_or_deny(request, Act.PREPARE_IMPORT)
    form = UploadForm(request.POST, request.FILES, offices=offices)
    if not form.is_valid():
        return _files_page(request, offices, form)
    file = form.cleaned_data["file"]
    with _stored(file) as path:
        if _has_too_many_rows(path):
            form.add_error("file", _("The file has too many rows for the browser: see below how to bring it."))
            return _files_page(request, offices, form)
        try:
            begun = begin_import(
                form.cleaned_data["election"],
                path,
                kind=RollImport.Kind(form.cleaned_data["kind"]),
                file_name=PurePath(file.name.replace("\\", "/")).name,
                by=official_of(request),
            )
            check_import(begun, path)
        except VotingError as error:
            refused(request, error)
            return redirect("roll:files")
    return redirect("roll:file", begun.pk)


@contextmanager
def _stored(file: UploadedFile) -> Iterator[Path]:
    """The upload as a file of a name of our own, which only this server's user reads, as long as it is needed."""
    directory = Path(settings.UPLOAD_DIR)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / f"{secrets.token_hex(16)}{PurePath(file.name or '').suffix.lower()}"
    try:
        path.touch(mode=0o600, exist_ok=False)
        with path.open("wb") as target:
            for chunk in file.chunks():
                target.write(chunk)
        yield path
    finally:
        path.unlink(missing_ok=True)


def _has_too_many_rows(path: Path) -> bool:
    try:
        with open_table(path) as table:
            return next(islice(table, MOST_ROWS, None), None) is not None
    except TableRefused:
        return False  # the check itself says what is wrong, and where


def _file(request: HttpRequest, pk: int) -> RollImport:
    rows = RollImport.objects.select_related("election", "uploaded_by")
    offices = offices_or_deny(request, Act.PREPARE_IMPORT)
    return get_object_or_404(rows, pk=pk, election__office__in=offices)


@require_GET
def file_page(request: HttpRequest, pk: int) -> HttpResponse:
    """What a roll file would change, or what is wrong with it."""
    row = _file(request, pk)
    preview = row.preview
    log(
        official_of(request),
        _office(row.election),
        Act.PREPARE_IMPORT,
        _("%(election)s: roll file %(number)d") % {"election": row.election.slug, "number": row.pk},
    )
    return page(
        request,
        "roll/file.html",
        row.file_name,
        file=row,
        digest=bytes(row.digest).hex(),
        waiting=Proposal.objects.filter(
            act=Act.IMPORT_ROLL, target=target_of(row), decision=Proposal.Decision.PENDING
        ).first(),
        counts=[(label, preview[key]) for key, label in COUNTS.items() if key in preview],
        groups=_groups(preview),
        faults=row.faults.all()[:SHOWN_FAULTS],
        State=RollImport.State,
    )


def _groups(preview: dict[str, Any]) -> list[tuple[str, list[tuple[str, int]]]]:
    """Rows of the file by mark, by roll and by district: a title, and what is counted with its number."""
    marks, rolls = dict(Mark.choices), dict(Roll.choices)
    return [
        (_("By mark"), [(str(marks[Mark(key)]), count) for key, count in preview.get("marks", {}).items()]),
        (_("By roll"), [(str(rolls[Roll(key)]), count) for key, count in preview.get("rolls", {}).items()]),
        (_("By voting district"), list(preview.get("districts", {}).items())),
    ]


COUNTS = {
    "rows": gettext_lazy("rows in the file"),
    "new": gettext_lazy("new on the roll"),
    "changed": gettext_lazy("changed"),
    "unchanged": gettext_lazy("unchanged"),
    "deleted": gettext_lazy("taken off the roll"),
    "struck": gettext_lazy("struck off, because they hold or held a ballot"),
    "renamed": gettext_lazy("hold a ballot or have voted, and get another name, birth or sex"),
    "unmarked": gettext_lazy("marks taken away"),
    "braille": gettext_lazy("wish braille"),
    "proxy": gettext_lazy("wish help with writing"),
    "turning_18": gettext_lazy("turn 18 by election day"),
}
"""The numbers of a preview, as they are called on the page."""


@require_POST
def take_over(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask to take over a checked file."""
    row, by = _file(request, pk), official_of(request)
    attempt(request, lambda: ask_to_take_over(row, by=by), _("Asked for. A second official decides."))
    return redirect("roll:file", pk)


@require_POST
def give_up(request: HttpRequest, pk: int) -> HttpResponse:
    """Discard a roll file."""
    row, by = _file(request, pk), official_of(request)
    attempt(request, lambda: discard(row, by=by), _("The roll file is discarded."))
    return redirect("roll:files")
