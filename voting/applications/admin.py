"""The pages on which election clerks work through applications, categories, offers and confirmations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from verifier.errors import NotCanonical
from voting.access.services import log
from voting.applications import evidence, offers, queue, review, views
from voting.applications.catalogue import SHAPES
from voting.applications.desk import BY_NAME, Choice, Given, can_match, can_print, possible
from voting.applications.display import compare, day_text, moment_text, stated
from voting.applications.errors import RequestInvalid, RuleInvalid
from voting.applications.grounds import REJECTIONS
from voting.applications.models import Application, Category, Confirmation, Evidence, Offer
from voting.applications.offers import is_late, offer_problems, windows
from voting.applications.queue import Wanted, key_of, lines, tabs, waiting_acts, with_last_step
from voting.applications.states import OPEN
from voting.credentials.letters import is_used_up
from voting.elections.models import Election
from voting.errors import EvidenceUnreadable, NotPermitted, VotingError
from voting.login.attempts import is_locked
from voting.officials.models import Office, Official, Proposal
from voting.officials.roles import Act
from voting.officials.services import may, offices_where, target_of
from voting.officials.site import OfficeScopedAdmin, official_of
from voting.roll.matching import search
from voting.roll.models import Elector

PER_PAGE = 50
MOST_FOUND = 20
SHOWN_IN_THE_BROWSER = ("image/jpeg", "image/png")
"""Other files are downloaded: a PDF can be more than a picture."""
SUFFIXES = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png", "image/heic": "heic"}


def told(error: VotingError) -> str:
    """A refusal in words for officials."""
    if isinstance(error, RequestInvalid):
        return " ".join(fault.message for fault in error.faults)
    return error.reason


class _Pages(OfficeScopedAdmin):
    """Pages of our own instead of Django's lists and forms; nothing is added, changed or deleted as a row."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def _path(self, route: str, view: Any, name: str) -> URLPattern:
        info = f"{self.opts.app_label}_{self.opts.model_name}"
        return path(route, self.admin_site.admin_view(view), name=f"{info}_{name}")


@admin.register(Application)
class ApplicationAdmin(_Pages):
    """The queue, and one page for each application."""

    view_act = Act.VIEW_APPLICATIONS
    subject_path = "elector_id"

    def get_urls(self) -> list[URLPattern]:
        return [
            self._path("", self.queue_view, "changelist"),
            self._path("<int:pk>/change/", self.page_view, "change"),
            self._path("<int:pk>/match/", self.match_view, "match"),
            self._path("<int:pk>/act/<slug:name>/", self.act_view, "act"),
            self._path("evidence/<uuid:identifier>/", self.evidence_view, "evidence"),
        ]

    # The queue

    def queue_view(self, request: HttpRequest) -> HttpResponse:
        """What is open, the oldest first, unless the query asks for something else."""
        self._require_view(request)
        wanted = Wanted.of(request.GET)
        scoped = self.get_queryset(request)
        found = wanted.narrow(scoped)
        page = Paginator(with_last_step(wanted.in_tab(found)), PER_PAGE).get_page(request.GET.get("page"))
        self._record_list(request, page.object_list)
        offices = offices_where(official_of(request), self.view_act)
        return views.show(
            request,
            "admin/applications/application/queue.html",
            title=_("Applications"),
            wanted=wanted,
            tabs=tabs(found),
            page=page,
            lines=lines(page.object_list),
            query=_query(request, "page"),
            tab_query=_query(request, "page", "state"),
            elections=Election.objects.filter(office__in=offices).order_by("-election_day", "pk"),
            categories=Category.objects.filter(offers__election__office__in=offices).distinct(),
        )

    def _record_list(self, request: HttpRequest, shown: Any) -> None:
        by_office: dict[Office, list[Application]] = {}
        for application in shown:
            by_office.setdefault(review.office_of(application), []).append(application)
        for office, applications in by_office.items():
            self.record(request, "list of applications", applications, office)

    def _require_view(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    def _application(self, request: HttpRequest, pk: int) -> Application:
        """An application of the official's offices; whether there are others is not said."""
        self._require_view(request)
        rows = self.get_queryset(request).select_related(
            "election__office", "offer__category", "offer__election", "elector__district", "office"
        )
        return get_object_or_404(rows, pk=pk)

    # One application

    def page_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Everything that a reviewer needs about one application."""
        return self.page(request, self._application(request, pk))

    def page(
        self,
        request: HttpRequest,
        application: Application,
        *,
        status: int = 200,
        problem: str = "",
        attempted: str = "",
        given: Given | None = None,
    ) -> HttpResponse:
        """The page, on the record; after a refusal with its reason and what was filled in."""
        by = official_of(request)
        review.view(application, by=by, purpose=_("looked at"))
        elector = application.elector
        waiting = waiting_acts([application]).get(application.pk, frozenset())
        return views.show(
            request,
            "admin/applications/application/page.html",
            status,
            title=_("Application %(reference)s") % {"reference": application.reference},
            application=application,
            category=application.offer.category,
            birth=day_text(application.birth),
            received=moment_text(application.received_at),
            dates=_dates(application.offer),
            stated=stated(application.claims),
            confirmation=Confirmation.objects.filter(application=application)
            .select_related("official", "office")
            .first(),
            files=application.files.all(),
            may_open=may(by, Act.VIEW_EVIDENCE, review.office_of(application)),
            elector=elector,
            compared=compare(application, elector) if elector else [],
            obstacles=review.obstacles(application) if application.state in OPEN else [],
            changes=application.changes.select_related("official"),
            notices=application.notices.all(),
            letters=application.letters.select_related("issued_by"),
            proposals=_waiting(application),
            next_step=queue.next_step(application, waiting),
            choices=possible(application, by, waiting),
            grounds=REJECTIONS,
            can_match=can_match(application, by, waiting),
            can_print=can_print(application, by),
            used_up=is_used_up(application),
            can_lift=is_locked(application) and may(by, Act.ISSUE_LETTER, review.office_of(application)),
            longest_reason=review.LONGEST_REASON,
            problem=problem,
            attempted=attempted,
            given=given or Given(),
        )

    def act_view(self, request: HttpRequest, pk: int, name: str) -> HttpResponse:
        """Carry out one of the acts of `desk.CHOICES`."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        application, choice = self._application(request, pk), _choice(name)
        given = Given.of(request.POST)
        try:
            choice.perform(application, official_of(request), given)
        except VotingError as error:
            status, fresh = views.refused_status(error), self._application(request, pk)
            return self.page(request, fresh, status=status, problem=told(error), attempted=name, given=given)
        messages.success(request, str(choice.done))
        return self.back_to(application)

    def back_to(self, application: Application) -> HttpResponse:
        """On to the application's page."""
        return HttpResponseRedirect(reverse("admin:applications_application_change", args=[application.pk]))

    # Matching

    def match_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Rows of the roll among which the applicant may be, for two officials to decide; every look is logged."""
        application = self._application(request, pk)
        if request.method == "POST":
            return self._ask_to_match(request, application)
        return self._candidates(request, application)

    def _ask_to_match(self, request: HttpRequest, application: Application) -> HttpResponse:
        given, chosen = Given.of(request.POST), key_of(request.POST.get("elector", ""))
        elector = Elector.objects.filter(election=application.election_id, pk=chosen or 0).first()
        if elector is None:
            return self._candidates(request, application, problem=_("Choose a row of the roll."), given=given)
        try:
            review.ask_to_match(application, elector, by=official_of(request), reason=given.reason)
        except VotingError as error:
            status = views.refused_status(error)
            return self._candidates(request, application, status, told(error), given, chosen)
        messages.success(request, _("Asked for. A second official decides."))
        return self.back_to(application)

    def _candidates(
        self,
        request: HttpRequest,
        application: Application,
        status: int = 200,
        problem: str = "",
        given: Given | None = None,
        chosen: int | None = None,
    ) -> HttpResponse:
        by, text = official_of(request), request.GET.get("q", "").strip()[:100]
        try:
            found = review.possible_electors(application, by=by)
        except NotPermitted as error:
            raise PermissionDenied from error
        if text:
            rows = search(application.election, text).filter(roll=application.offer.category.roll)
            found = list(rows[:MOST_FOUND])
            purpose = _("%(reference)s: looked for on the roll") % {"reference": application.reference}
            log(by, review.office_of(application), Act.VIEW_ROLL, purpose, [elector.pk for elector in found])
        return views.show(
            request,
            "admin/applications/application/match.html",
            status,
            title=_("Find the applicant of %(reference)s on the roll") % {"reference": application.reference},
            application=application,
            birth=day_text(application.birth),
            candidates=[(elector, compare(application, elector)) for elector in found],
            text=text,
            longest_reason=review.LONGEST_REASON,
            problem=problem,
            given=given or Given(),
            chosen=chosen,
        )

    # Evidence

    def evidence_view(self, request: HttpRequest, identifier: UUID) -> HttpResponse:
        """One evidence file, on the record: pictures are shown, everything else is downloaded."""
        self._require_view(request)
        mine = self.get_queryset(request)
        file = get_object_or_404(
            Evidence.objects.select_related("application__election__office"), identifier=identifier
        )
        application = get_object_or_404(mine, pk=file.application_id)
        try:
            data = evidence.open_file(file, by=official_of(request))
        except NotPermitted as error:
            raise PermissionDenied from error
        except EvidenceUnreadable as error:
            return self.page(request, self._application(request, application.pk), status=409, problem=error.reason)
        shown = file.media_type in SHOWN_IN_THE_BROWSER
        name = f"{application.reference}-{file.pk}.{SUFFIXES[file.media_type]}"
        return HttpResponse(
            data,
            content_type=file.media_type,
            headers={
                "Content-Disposition": f'{"inline" if shown else "attachment"}; filename="{name}"',
                "Content-Security-Policy": "default-src 'none'; sandbox",
                "X-Content-Type-Options": "nosniff",
            },
        )


def _query(request: HttpRequest, *without: str) -> str:
    """The query string, less some of its parts, to add another to."""
    query = request.GET.copy()
    for name in without:
        query.pop(name, None)
    return f"{query.urlencode()}&" if query else ""


def _choice(name: str) -> Choice:
    if name not in BY_NAME:
        raise Http404
    return BY_NAME[name]


def _waiting(application: Application) -> Any:
    asked = Proposal.objects.filter(target=target_of(application), decision=Proposal.Decision.PENDING)
    return asked.select_related("requested_by")


def _dates(offer: Offer) -> dict[str, str]:
    """The dates of an offer in both calendars; empty while the election's days are not set."""
    try:
        dates = windows(offer)
    except RuleInvalid:
        return {}
    return {name: moment_text(at) for name, at in vars(dates).items() if at is not None}


# Categories


class CategoryForm(forms.ModelForm):
    """The texts and rules of a category. `Category.clean` checks the rules, this the lists."""

    class Meta:
        model = Category
        fields = "__all__"  # noqa: DJ007 - every column of a category is a text or rule that a board states

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in ("evidence", "elections"):
            try:
                SHAPES[name](cleaned.get(name) or [], name)
            except NotCanonical as error:
                self.add_error(name, str(error))
        running = _running(self.instance) if self.instance.pk else None
        if running is not None:
            raise forms.ValidationError(
                _("%(election)s offers this category and its notice day has come: its rules stay as they are.")
                % {"election": running.title}
            )
        return cleaned


def _running(category: Category) -> Election | None:
    """An election under way whose dates a change would move, past the two people whom that needs."""
    today = timezone.localdate()
    return Election.objects.filter(
        offers__category=category, offers__enabled=True, notice_day__lte=today, election_day__gte=today
    ).first()


@admin.register(Category)
class CategoryAdmin(OfficeScopedAdmin):
    """Categories belong to no office: every official reads them, who defines elections changes them."""

    change_act = Act.DEFINE_ELECTION
    form = CategoryForm
    list_display = ("name_ja", "code", "law", "status", "paper_until", "online_until")
    list_filter = ("status",)
    search_fields = ("code", "name_ja", "name_easy", "name_en", "law")
    fieldsets = (
        (None, {"fields": ("code", "status", "dormant_since", "law", "issuer")}),
        (gettext_lazy("Names"), {"fields": ("name_ja", "name_easy", "name_en")}),
        (gettext_lazy("Who"), {"fields": ("who_ja", "who_easy", "who_en")}),
        (gettext_lazy("Conditions"), {"fields": ("condition", "evidence", "confirm", "attest", "witness")}),
        (
            gettext_lazy("Dates, counted from notice day N and election day E"),
            {"fields": ("apply_from", "paper_until", "online_until", "member_notice_until", "vote_from", "vote_until")},
        ),
        (gettext_lazy("Where it applies"), {"fields": ("elections", "roll")}),
    )

    def _may(self, request: HttpRequest, act: Act | None, row: Any) -> bool:
        return super()._may(request, act, None)

    def office(self, row: Any) -> Office | None:
        return None

    def get_queryset(self, request: HttpRequest) -> Any:
        return Category.objects.all()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not while another office's election offers the category: its voters rely on these dates."""
        if not super().has_change_permission(request, obj):
            return False
        own = offices_where(official_of(request), Act.DEFINE_ELECTION)
        return obj is None or not obj.offers.filter(enabled=True).exclude(election__office__in=own).exists()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("code",) if obj else ()


# Offers


@admin.register(Offer)
class OfferAdmin(_Pages):
    """What an election offers: every category with its deadlines on paper and online, side by side."""

    def get_urls(self) -> list[URLPattern]:
        return [
            self._path("", self.elections_view, "changelist"),
            self._path("of/<int:pk>/", self.offers_view, "of"),
        ]

    def elections_view(self, request: HttpRequest) -> HttpResponse:
        """The elections to choose from; one alone is chosen."""
        elections = list(self._elections(request))
        if len(elections) == 1:
            return self._to(elections[0])
        template = "admin/applications/offer/elections.html"
        return views.show(request, template, title=_("Offered categories"), elections=elections)

    def _elections(self, request: HttpRequest) -> Any:
        offices = offices_where(official_of(request), self.view_act)
        return Election.objects.filter(office__in=offices).select_related("office").order_by("-election_day", "pk")

    def _to(self, election: Election) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:applications_offer_of", args=[election.pk]))

    def offers_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The offers of one election; with POST, one of them changes, by two people from notice day on."""
        election = get_object_or_404(self._elections(request), pk=pk)
        if request.method != "POST":
            return self._offers(request, election)
        if not _may_change(election, official_of(request)):
            raise PermissionDenied
        category = get_object_or_404(Category, code=request.POST.get("category", "")[:40])
        try:
            outcome = _change(election, category, request.POST, official_of(request))
        except VotingError as error:
            return self._offers(request, election, views.refused_status(error), told(error), category)
        if isinstance(outcome, Proposal):
            messages.success(request, _("Asked for. A second official decides."))
        else:
            messages.success(request, _("%(category)s: changed.") % {"category": category})
        return self._to(election)

    def _offers(
        self,
        request: HttpRequest,
        election: Election,
        status: int = 200,
        problem: str = "",
        attempted: Category | None = None,
    ) -> HttpResponse:
        return views.show(
            request,
            "admin/applications/offer/offers.html",
            status,
            title=_("Offered categories: %(election)s") % {"election": election.title},
            election=election,
            notice=day_text(election.notice_day) if election.notice_day else "",
            poll=day_text(election.election_day) if election.election_day else "",
            late=is_late(election),
            rows=_offer_rows(election),
            may_change=_may_change(election, official_of(request)),
            problem=problem,
            attempted=attempted,
            entered=request.POST,
        )


def _may_change(election: Election, official: Official) -> bool:
    act = Act.CHANGE_OFFER_LATE if is_late(election) else Act.CHANGE_OFFER
    return election.office is not None and may(official, act, election.office)


def _offer_rows(election: Election) -> list[dict[str, Any]]:
    """Every category of the law that this kind of election knows: as it would be, or is, offered."""
    existing = {
        offer.category_id: offer for offer in election.offers.select_related("category", "election").order_by("pk")
    }
    targets = {target_of(offer): offer.pk for offer in existing.values()}
    asked = Proposal.objects.filter(target__in=list(targets), decision=Proposal.Decision.PENDING)
    waiting = {targets[proposal.target]: proposal for proposal in asked}
    rows = []
    for category in Category.objects.all():
        if not offers.is_held_in(category, election):
            continue
        offer = existing.get(category.pk) or Offer(
            election=election,
            category=category,
            enabled=False,
            apply_from=category.apply_from,
            online_until=category.online_until,
        )
        rows.append(
            {
                "offer": offer,
                "category": category,
                "dates": _dates(offer),
                "problems": list(offer_problems(offer)) if offer.enabled else [],
                "waiting": waiting.get(offer.pk),
            }
        )
    return rows


def _change(election: Election, category: Category, form: Mapping[str, str], by: Official) -> Offer | Proposal:
    """What one form of the page asks for. Raises as `offers.offer_category` and `offers.change_offer`."""
    offer = Offer.objects.filter(election=election, category=category).select_related("election", "category").first()
    if offer is None:
        return offers.offer_category(election, category, by=by)
    moments = {name: form[name].strip().upper() for name in ("apply_from", "online_until") if name in form}
    wanted = {"enabled": form.get("enabled") == "on", **moments}
    changes = {name: value for name, value in wanted.items() if getattr(offer, name) != value}
    return offers.change_offer(offer, by=by, **changes) if changes else offer


# Confirmations


@admin.register(Confirmation)
class ConfirmationAdmin(_Pages):
    """Pages of health centres, and of heads of facilities, ships and units: `voting.applications.views`."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return views.confirms_or_files(official_of(request)) if request.user.is_authenticated else False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def get_urls(self) -> list[URLPattern]:
        return [
            self._path("", views.entrance, "changelist"),
            self._path("waiting/", views.to_confirm, "waiting"),
            self._path("waiting.csv", views.waiting_csv, "csv"),
            self._path("upload/", views.upload_answers, "upload"),
            self._path("<int:pk>/answer/", views.answer, "answer"),
            self._path("places/<int:pk>/", views.place, "place"),
            self._path("places/<int:pk>/file/<int:offer_pk>/", views.file_for_others, "file"),
            self._path("places/<int:pk>/file/<int:offer_pk>/sheet.csv", views.empty_sheet, "sheet"),
        ]
