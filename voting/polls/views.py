"""An election's page for officials, and acceptance after the close."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from tally.errors import TallyError
from tally.submission import Submission, parse_submission
from verifier.errors import VerifierError
from verifier.record.entries import Type
from voting.access.services import log
from voting.applications.errors import RuleInvalid
from voting.applications.grounds import REFUSALS
from voting.applications.models import Application
from voting.applications.requests import subjects
from voting.applications.review import application_of
from voting.applications.states import State
from voting.board.models import BoardEntry
from voting.board.services import append
from voting.counting.tasks import start
from voting.credentials.services import waiting_replacements
from voting.elections.models import Election
from voting.errors import RollNotReady, VotingError
from voting.officials.models import Office, Official, Proposal
from voting.officials.roles import Act
from voting.officials.services import may, offices_to_approve, offices_where, require
from voting.officials.site import attempt, offices_or_deny, official_of, page, refused
from voting.polls.acceptance import accept_rest, ask_to_refuse, exceptional, settle
from voting.polls.calendar import Entry, dated_list
from voting.polls.opening import APPROVAL, PREPARED, ask, definition_problems, opening_problems, prepare, require_agreed
from voting.polls.stages import stage, steps
from voting.roll.commitment import ask_to_commit, make_leaves
from voting.roll.models import Elector, RollLeaf

MOST_BYTES = 8 << 20
"""of a signed entry that is uploaded here; the tally's own are larger and come by `manage.py submit`"""
MOST_ROWS = 50_000
"""of a roll that is committed to while a browser waits"""
UPLOADED = frozenset({*PREPARED, Type.KEY, Type.SHARE_CONFIRMED, Type.CREDENTIAL_REPLACED})
"""What officials and trustees sign; voters' entries and the tally's come other ways."""
IN_THE_COUNT = (Type.TALLY_FROZEN, Type.RESULT)
"""What the counting manager asks for, in the control room."""
HANDLES = (Act.DEFINE_ELECTION, *(APPROVAL[kind] for kind in IN_THE_COUNT))
DECIDED = (State.CAST, State.ACCEPTED, State.REFUSED)
"""Where a ballot can be between the close and the freeze."""


def _election(request: HttpRequest, slug: str, *acts: Act) -> Election:
    """An election of an office at which whoever is logged in may perform one of the acts."""
    return get_object_or_404(Election, slug=slug, office__in=offices_or_deny(request, *acts))


def _office(election: Election) -> Office:
    if election.office is None:
        raise Http404
    return election.office


# The election's page


@require_GET
def overview(request: HttpRequest, slug: str) -> HttpResponse:
    """Stage, dates, what is missing, what to do next."""
    election = _election(request, slug, Act.VIEW_ELECTION)
    official = official_of(request)
    fixed = election.manifest_hash is not None
    return page(
        request,
        "admin/polls/overview.html",
        election.title,
        election=election,
        stage=stage(election),
        steps=steps(election),
        dates=_dates(election),
        to_fix=[] if fixed else definition_problems(election),
        to_open=_still_to_open(election),
        works=may(official, Act.DEFINE_ELECTION, _office(election)),
        asks=[act for act in APPROVAL.values() if may(official, act, _office(election))],
        signed=_signed_by_way_of(official, election),
        in_the_count=IN_THE_COUNT,
        replacements=[application.reference for application, _entry in waiting_replacements(election)],
        accepts=_acceptance_offices(official).filter(pk=_office(election).pk).exists(),
        shows_records=may(official, Act.VIEW_RECORDS, _office(election)),
        shows_count=may(official, Act.VIEW_COUNTING, _office(election)),
    )


def _signed_by_way_of(official: Official, election: Election) -> list[Type]:
    """The entries that somebody fetches here and brings back signed."""
    return [kind for kind in PREPARED if _handles(official, election, kind)]


def _handles(official: Official, election: Election, kind: Type) -> bool:
    """Clerks handle every entry; who counts, those of the count."""
    acts = [Act.DEFINE_ELECTION, *([APPROVAL[kind]] if kind in IN_THE_COUNT else [])]
    return any(may(official, act, _office(election)) for act in acts)


def _dates(election: Election) -> list[Entry]:
    try:
        return dated_list(election)
    except RuleInvalid:
        return []  # the problems say that N and E are not set


def _still_to_open(election: Election) -> list[str]:
    if BoardEntry.objects.filter(election=election, type=Type.POLLS_OPENED).exists():
        return []
    fixing = definition_problems(election)
    return [problem for problem in opening_problems(election) if problem not in fixing]


@require_POST
def ask_for(request: HttpRequest, slug: str, act: str) -> HttpResponse:
    """Ask for an act of two people. Ends where it was asked: here or in the control room of the count."""
    if act not in APPROVAL.values():
        raise Http404
    wanted = Act(act)
    election, official = _election(request, slug, wanted), official_of(request)
    reason, opened = request.POST.get("reason", ""), request.POST.getlist("opened")

    def propose() -> Proposal:
        if wanted is Act.COMMIT_ROLL:
            return _ask_to_commit(election, official)
        return ask(wanted, election, by=official, reason=reason, opened=opened)

    attempt(request, propose, _("Asked for. A second official decides."))
    return _back(request, slug)


def _back(request: HttpRequest, slug: str) -> HttpResponse:
    return redirect("counting:room" if "room" in request.POST or "room" in request.GET else "polls:overview", slug)


def _ask_to_commit(election: Election, official: Official) -> Proposal:
    require(official, Act.COMMIT_ROLL, _office(election))
    if not RollLeaf.objects.filter(election=election).exists():
        if Elector.objects.filter(election=election).count() > MOST_ROWS:
            raise RollNotReady(
                _("The roll is too large to be prepared in the browser. Ask whoever runs the server to prepare it."),
                election.slug,
            )
        make_leaves(election)
    return ask_to_commit(election, by=official)


@require_GET
def entry(request: HttpRequest, slug: str, kind: str) -> HttpResponse:
    """The entry of an act that two officials agreed on, as a file for them to sign."""
    if kind not in PREPARED:
        raise Http404
    election = _election(request, slug, *HANDLES)
    if not _handles(official_of(request), election, Type(kind)):
        raise PermissionDenied
    try:
        submission = prepare(election, Type(kind))
    except VotingError as error:
        refused(request, error)
        return _back(request, slug)
    return _file(f"{election.slug}-{kind}.json", submission)


def _file(name: str, submission: Submission) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return HttpResponse(submission.to_bytes(), content_type="application/json", headers=headers)


@require_GET
def replacement(request: HttpRequest, slug: str, reference: str) -> HttpResponse:
    """The entry by which a new device takes the place of a lost one, as a file for two officials to sign."""
    election = _election(request, slug, Act.REPLACE_CREDENTIAL)
    for application, submission in waiting_replacements(election):
        if application.reference == reference:
            what = _("%(reference)s: another device") % {"reference": reference}
            log(official_of(request), _office(election), Act.REPLACE_CREDENTIAL, what, subjects(application))
            return _file(f"{election.slug}-{reference}.json", submission)
    raise Http404


@require_POST
def submit(request: HttpRequest, slug: str) -> HttpResponse:
    """Put a signed entry on the board. In no transaction: the board makes its own."""
    election, official = _election(request, slug, *HANDLES), official_of(request)
    try:
        submission = _uploaded(request.FILES.get("file"))
        if not _handles(official, election, submission.type):
            raise UploadRefused(_("You do not bring entries of this kind: %(kind)s.") % {"kind": submission.type})
        require_agreed(election, submission)
        row = append(
            election,
            entry_type=submission.type,
            body=submission.body,
            signatures=submission.signatures,
            columns=submission.columns,
        )
    except VotingError as error:
        refused(request, error)
    else:
        log(
            official,
            _office(election),
            APPROVAL.get(submission.type, Act.DEFINE_ELECTION),
            _("put on the board: %(entry)s") % {"entry": row},
        )
        messages.success(request, _("On the board: %(entry)s.") % {"entry": row})
        start(election)
    return _back(request, slug)


class UploadRefused(VotingError):
    """A file that is no signed entry for the board, or too large."""

    code = "upload-refused"


def _uploaded(file: UploadedFile | None) -> Submission:
    if file is None:
        raise UploadRefused(_("Choose a file."))
    if (file.size or 0) > MOST_BYTES:
        raise UploadRefused(_("The file is larger than %(megabytes)s MB.") % {"megabytes": MOST_BYTES >> 20})
    try:
        submission = parse_submission(file.read(), "upload")
    except (TallyError, VerifierError) as error:
        raise UploadRefused(str(error)) from None
    if submission.type not in UPLOADED:
        raise UploadRefused(_("Entries of this kind are not uploaded here: %(kind)s.") % {"kind": submission.type})
    return submission


# Acceptance


def _acceptance_offices(official: Official) -> QuerySet[Office]:
    return offices_where(official, Act.REFUSE_BALLOT) | offices_to_approve(official, Act.REFUSE_BALLOT)


def _for_acceptance(request: HttpRequest, slug: str) -> Election:
    offices = _acceptance_offices(official_of(request))
    if not offices.exists():
        raise PermissionDenied
    return get_object_or_404(Election, slug=slug, office__in=offices)


class RefuseForm(forms.Form):
    """A cast ballot to refuse, named by the reference of its application."""

    reference = forms.CharField(label=gettext_lazy("Reference of the application"), max_length=20)
    ground = forms.ChoiceField(label=gettext_lazy("Ground"), choices=list(REFUSALS.items()))
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))


@require_GET
def acceptance(request: HttpRequest, slug: str) -> HttpResponse:
    """Cast ballots that somebody must look at, and what is decided, for poll managers and witnesses."""
    election = _for_acceptance(request, slug)
    return _acceptance_page(request, election, RefuseForm())


def _acceptance_page(request: HttpRequest, election: Election, form: RefuseForm) -> HttpResponse:
    official, office = official_of(request), _office(election)
    cases = exceptional(election)
    people = [key for case in cases for key in subjects(case.application)]
    if people:
        log(
            official,
            office,
            Act.REFUSE_BALLOT,
            _("%(election)s: exceptional ballots") % {"election": election.slug},
            people,
        )
    refusals = Proposal.objects.filter(act=Act.REFUSE_BALLOT, office=office).select_related("requested_by")
    ballots = Application.objects.filter(election=election)
    return page(
        request,
        "admin/polls/acceptance.html",
        _("Acceptance: %(election)s") % {"election": election},
        election=election,
        closed=BoardEntry.objects.filter(election=election, type=Type.POLLS_CLOSED).exists(),
        cases=[(case, REFUSALS[case.ground]) for case in cases],
        refusals=[refusal for refusal in refusals if application_of(refusal).election_id == election.pk],
        counts=[(state.label, ballots.filter(state=state).count()) for state in DECIDED],
        asks=may(official, Act.REFUSE_BALLOT, office),
        form=form,
    )


@require_POST
def follow(request: HttpRequest, slug: str) -> HttpResponse:
    """Take over from the board which ballots were cast."""
    election = _election(request, slug, Act.REFUSE_BALLOT)
    attempt(request, lambda: settle(election), _("Up to date with the board."))
    return redirect("polls:acceptance", slug)


@require_POST
def refuse(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask to refuse a cast ballot."""
    election, official = _election(request, slug, Act.REFUSE_BALLOT), official_of(request)
    form = RefuseForm(request.POST)
    if not form.is_valid():
        return _acceptance_page(request, election, form)
    application = Application.objects.filter(election=election, reference=form.cleaned_data["reference"]).first()
    if application is None:
        form.add_error("reference", _("No application of this election has this reference."))
        return _acceptance_page(request, election, form)
    ground, reason = form.cleaned_data["ground"], form.cleaned_data["reason"]
    attempt(
        request,
        lambda: ask_to_refuse(application, ground=ground, reason=reason, by=official),
        _("Asked. A witness gives the second opinion."),
    )
    return redirect("polls:acceptance", slug)


@require_POST
def accept(request: HttpRequest, slug: str) -> HttpResponse:
    """Accept every ballot that is not refused."""
    election, official = _election(request, slug, Act.REFUSE_BALLOT), official_of(request)
    attempt(request, lambda: accept_rest(election, by=official), _("Every other ballot is accepted."))
    return redirect("polls:acceptance", slug)
