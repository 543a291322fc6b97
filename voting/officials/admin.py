"""Two-person acts, officials and what they are appointed to, offices, designations."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import models, transaction
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from voting.access.services import log
from voting.elections.models import Contest, Election
from voting.officials import lockout
from voting.officials.models import Appointment, Designation, Office, Official, Proposal, not_over
from voting.officials.roles import APPOINTS, FOUR_EYES, Act, OfficeKind, Role
from voting.officials.second_factor import has_factor, resets_for
from voting.officials.services import (
    approve,
    decline,
    end_appointment,
    may,
    may_approve,
    offices_appointed_by,
    offices_to_approve,
    offices_where,
    pending,
    propose,
    take_back,
    takes_part,
)
from voting.officials.site import OfficeScopedAdmin, attempt, official_of, page
from voting.officials.views import first_password_path

PER_PAGE = 50
LONGEST_TEXT = 1000
"""characters of a reason and of a remark, as the columns of a proposal have it"""

# Django's groups give nothing here: nobody could open their pages. Nor does anybody read another's secrets.
for model in (Group, StaticDevice, TOTPDevice):
    admin.site.unregister(model)


# Two-person acts


def seen_by(official: Official) -> QuerySet[Proposal]:
    """What somebody asked for, and what they may ask for or approve where they are appointed."""
    seen = Q(requested_by=official)
    for act in FOUR_EYES:
        seen |= Q(act=act, office__in=offices_where(official, act) | offices_to_approve(official, act))
    return Proposal.objects.filter(seen).select_related("office", "requested_by", "decided_by")


def target_address(proposal: Proposal) -> str:
    """The page of what a proposal is about; "" where there is none."""
    model, _colon, key = proposal.target.rpartition(":")
    if proposal.act == Act.ADJUDICATE:
        contest = Contest.objects.select_related("election").get(pk=key)
        return reverse("counting:write-ins", args=[contest.election.slug, contest.identifier])
    routes = {
        "elections.election": ("polls:overview", Election.objects.filter(pk=key).values_list("slug", flat=True).first),
        "roll.rollimport": ("roll:file", lambda: key),
        "roll.elector": ("roll:elector", lambda: key),
    }
    name, argument = routes.get(model, (f"admin:{model.replace('.', '_')}_change", lambda: key))
    try:
        return reverse(name, args=[argument()])
    except NoReverseMatch:
        return ""


class RemarkForm(forms.Form):
    """What the second person says."""

    remark = forms.CharField(
        label=gettext_lazy("Remark (needed to decline)"),
        max_length=LONGEST_TEXT,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


@admin.register(Proposal)
class ProposalAdmin(OfficeScopedAdmin):
    """Acts that need two people: read, approved, declined or taken back; never edited."""

    office_path = "office"

    def has_module_permission(self, request: HttpRequest) -> bool:
        return isinstance(request.user, Official) and takes_part(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is None:
            return self.has_module_permission(request)
        return self.get_queryset(request).filter(pk=obj.pk).exists()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Proposal]:
        return seen_by(official_of(request))

    def get_urls(self) -> list[URLPattern]:
        wrap, name = self.admin_site.admin_view, "officials_proposal"
        return [
            path("", wrap(require_GET(self.list_view)), name=f"{name}_changelist"),
            path("<int:pk>/", wrap(require_GET(self.page_view)), name=f"{name}_change"),
            path("<int:pk>/decide/", wrap(require_POST(self.decide_view)), name=f"{name}_decide"),
        ]

    def list_view(self, request: HttpRequest) -> HttpResponse:
        """What waits for me, what I asked for, what is decided."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        official, seen = official_of(request), self.get_queryset(request)
        waits = pending(official).values("pk")
        undecided = Proposal.Decision.PENDING
        decided = Paginator(seen.exclude(decision=undecided), PER_PAGE).get_page(request.GET.get("page"))
        return page(
            request,
            "admin/officials/proposal/list.html",
            _("Two-person acts"),
            groups=[
                (_("Waits for you"), seen.filter(pk__in=waits)),
                (_("You asked; a second person decides"), seen.filter(requested_by=official, decision=undecided)),
                (
                    _("Waits for somebody else"),
                    seen.filter(decision=undecided).exclude(pk__in=waits).exclude(requested_by=official),
                ),
            ],
            decided=decided,
        )

    def page_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """One act: who asked, when, why, and what exactly; and the buttons of whoever may decide."""
        proposal = self._get(request, pk)
        official, open_ = official_of(request), proposal.decision == Proposal.Decision.PENDING
        own = proposal.requested_by_id == official.pk
        return page(
            request,
            "admin/officials/proposal/page.html",
            proposal.get_act_display(),
            proposal=proposal,
            particulars=sorted(proposal.payload.items()),
            address=target_address(proposal),
            decides=open_ and not own and may_approve(official, Act(proposal.act), proposal.office),
            takes_back=open_ and own and may(official, Act(proposal.act), proposal.office),
            form=RemarkForm(),
        )

    def decide_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Approve, decline or take back. In no transaction of its own: each act makes its own."""
        proposal, by = self._get(request, pk), official_of(request)
        form = RemarkForm(request.POST)
        if not form.is_valid():
            messages.error(request, " ".join(map(str, form.errors["remark"])))
            return redirect("admin:officials_proposal_change", pk)
        remark = form.cleaned_data["remark"]
        decisions: dict[str, tuple[Callable[[], Proposal], str]] = {
            "approve": (partial(approve, proposal, by=by, remark=remark), _("Approved and done.")),
            "decline": (partial(decline, proposal, by=by, remark=remark), _("Declined.")),
            "take-back": (partial(take_back, proposal, by=by), _("Taken back.")),
        }
        wanted = request.POST.get("decision", "")
        if wanted not in decisions:
            raise Http404
        if wanted == "decline" and not remark:
            messages.error(request, _("Say why you decline."))
        else:
            attempt(request, *decisions[wanted])
        return redirect("admin:officials_proposal_change", pk)

    def _get(self, request: HttpRequest, pk: int) -> Proposal:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return get_object_or_404(self.get_queryset(request), pk=pk)


# Officials


class AppointmentForm(forms.Form):
    """What somebody is to be appointed to."""

    board = forms.ModelChoiceField(Office.objects.none(), label=gettext_lazy("Board that decides"), empty_label=None)
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=Role.choices)
    office = forms.ModelChoiceField(Office.objects.none(), label=gettext_lazy("Office"))
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=LONGEST_TEXT)

    def __init__(self, *args: Any, boards: QuerySet[Office], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["board"].queryset = boards  # type: ignore[attr-defined]
        self.fields["office"].queryset = offices_appointed_by(boards)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Raises ValidationError for a role to which the office appoints nobody."""
        data = super().clean() or {}
        office = data.get("office")
        if office is not None and data.get("role") not in APPOINTS[OfficeKind(office.kind)]:
            self.add_error("role", _("This office appoints nobody to this role."))
        return data


class ReasonForm(forms.Form):
    """Why somebody's second factor is to be reset."""

    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=LONGEST_TEXT)


def _resetting_office(by: Official, official: Official) -> Office | None:
    """Where somebody may ask to reset the second factor of an account."""
    offices = offices_where(by, Act.RESET_SECOND_FACTOR)
    return next((office for office in offices if resets_for(office, official)), None)


@admin.register(Official)
class OfficialAdmin(OfficeScopedAdmin):
    """Accounts. What an account may do is decided by two people: an account alone opens nothing.

    Who may ask for an appointment sees them; who may end one makes and changes them.
    """

    view_act = Act.GRANT_ROLE
    change_act = Act.END_ROLE
    list_display = ("username", "name", "is_active", "last_login")
    search_fields = ("username", "name")
    fields = ("username", "name", "email", "is_active")
    change_form_template = "admin/officials/official/change_form.html"

    def office(self, row: models.Model) -> Office | None:
        """Accounts belong to no office."""
        return None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Official]:
        by = official_of(request)
        offices = offices_where(by, Act.END_ROLE) | offices_where(by, Act.GRANT_ROLE)
        if offices.filter(kind=OfficeKind.PLATFORM).exists():
            return Official.objects.all()
        here = Appointment.objects.filter(office__in=offices).values("official")
        return Official.objects.filter(Q(home__in=offices) | Q(pk__in=here))

    def _may(self, request: HttpRequest, act: Act | None, row: models.Model | None) -> bool:
        sees = act == self.view_act and super()._may(request, self.change_act, None)
        if not sees and not super()._may(request, act, None):
            return False
        return row is None or self.get_queryset(request).filter(pk=row.pk).exists()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only of people who work nowhere else: nobody gives out the first password of another board's people."""
        if not super().has_change_permission(request, obj):
            return False
        if obj is None:
            return True
        offices = offices_where(official_of(request), Act.END_ROLE)
        if offices.filter(kind=OfficeKind.PLATFORM).exists():
            return True
        reach = offices_appointed_by(offices) if offices.filter(pk=obj.home_id).exists() else offices
        return not Appointment.objects.filter(not_over(timezone.now()), official=obj).exclude(office__in=reach).exists()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("username",) if obj else ("is_active",)

    def save_model(self, request: HttpRequest, obj: Official, form: Any, change: bool) -> None:
        if not change:
            obj.home = offices_where(official_of(request), Act.END_ROLE).first()
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)

    def _changed(self, request: HttpRequest, row: models.Model, what: str) -> None:
        by = official_of(request)
        log(by, offices_where(by, Act.END_ROLE).first(), Act.END_ROLE, f"{what}: account {row.pk}")

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/first-password/", wrap(require_POST(self.first_password)), name="officials_first_password"),
            path("<int:pk>/appoint/", wrap(require_POST(self.appoint)), name="officials_appoint"),
            path("<int:pk>/end/<int:appointment>/", wrap(require_POST(self.end)), name="officials_end"),
            path("<int:pk>/lift/", wrap(require_POST(self.lift)), name="officials_lift"),
            path(
                "<int:pk>/reset-second-factor/",
                wrap(require_POST(self.reset_second_factor)),
                name="officials_reset_second_factor",
            ),
        ]
        return [*own, *super().get_urls()]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = dict(extra_context or {})
        official = self.get_object(request, object_id) if object_id else None
        if isinstance(official, Official):
            context |= self._about(request, official)
        return super().changeform_view(request, object_id, form_url, context)

    def _about(self, request: HttpRequest, official: Official) -> dict[str, Any]:
        by = official_of(request)
        boards, ends = offices_where(by, Act.GRANT_ROLE), offices_where(by, Act.END_ROLE)
        everywhere = ends.filter(kind=OfficeKind.PLATFORM).exists()
        held = Appointment.objects.filter(official=official).select_related("office").order_by("until", "since")
        lasting = set(held.filter(not_over(timezone.now())))
        return {
            "held": [(row, row in lasting and (everywhere or row.office in ends)) for row in held],
            "appoint_form": AppointmentForm(boards=boards) if boards.exists() else None,
            "needs_password": not official.has_usable_password() and self.has_change_permission(request, official),
            "reset_form": ReasonForm(auto_id="id_reset_%s") if _resetting_office(by, official) else None,
            "has_factor": has_factor(official),
            "lifts": self.has_change_permission(request, official) and lockout.is_remembered(official),
        }

    def _official(self, request: HttpRequest, pk: int) -> Official:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return get_object_or_404(self.get_queryset(request), pk=pk)

    def first_password(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A link, shown once, by which a new official chooses a password."""
        official, by = self._official(request, pk), official_of(request)
        if official.has_usable_password() or not self.has_change_permission(request, official):
            raise PermissionDenied
        log(by, offices_where(by, Act.END_ROLE).first(), Act.END_ROLE, f"link for a first password: {official.pk}")
        link = request.build_absolute_uri(first_password_path(official))
        title = _("Link for %(name)s") % {"name": official.name}
        return page(request, "admin/officials/official/link.html", title, official=official, link=link)

    def appoint(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask to appoint somebody."""
        official, by = self._official(request, pk), official_of(request)
        boards = offices_where(by, Act.GRANT_ROLE)
        if not boards.exists():
            raise PermissionDenied
        form = AppointmentForm(request.POST, boards=boards)
        if not form.is_valid():
            for errors in form.errors.values():
                messages.error(request, " ".join(map(str, errors)))
            return redirect("admin:officials_official_change", pk)
        data = form.cleaned_data
        role = Role(data["role"])
        attempt(
            request,
            lambda: propose(
                Act.GRANT_ROLE,
                office=data["board"],
                target=official,
                summary=f"{official.name} ({official.username}): {role.label}, {data['office']}",
                reason=data["reason"],
                payload={"official": official.pk, "role": role.value, "office": data["office"].pk},
                by=by,
            ),
            _("Asked for. A second official decides."),
        )
        return redirect("admin:officials_official_change", pk)

    def end(self, request: HttpRequest, pk: int, appointment: int) -> HttpResponse:
        """End an appointment at once: that takes one person."""
        official, by = self._official(request, pk), official_of(request)
        row = get_object_or_404(Appointment.objects.select_related("office"), pk=appointment, official=official)
        offices = offices_where(by, Act.END_ROLE)
        office = offices.filter(pk=row.office_id).first() or offices.filter(kind=OfficeKind.PLATFORM).first()
        if office is None:
            raise PermissionDenied
        attempt(request, lambda: end_appointment(row, by=by, office=office), _("The appointment is ended."))
        return redirect("admin:officials_official_change", pk)

    def reset_second_factor(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask to reset the second factor of somebody whose phone is lost."""
        official, by = self._official(request, pk), official_of(request)
        office, form = _resetting_office(by, official), ReasonForm(request.POST)
        if office is None:
            raise PermissionDenied
        if not form.is_valid():
            messages.error(request, _("Say why."))
        elif not has_factor(official):
            messages.error(request, _("This account has no second factor."))
        else:
            attempt(
                request,
                lambda: propose(
                    Act.RESET_SECOND_FACTOR,
                    office=office,
                    target=official,
                    summary=f"{official.name} ({official.username})",
                    reason=form.cleaned_data["reason"],
                    payload={"official": official.pk},
                    by=by,
                ),
                _("Asked for. A second official decides."),
            )
        return redirect("admin:officials_official_change", pk)

    @transaction.atomic
    def lift(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Let somebody try again at once: that takes one person."""
        official, by = self._official(request, pk), official_of(request)
        if not self.has_change_permission(request, official):
            raise PermissionDenied
        lockout.lift(official, by=by, office=offices_where(by, Act.END_ROLE).first())
        messages.success(request, _("The lock-out is lifted."))
        return redirect("admin:officials_official_change", pk)


# Offices


class _OfOffices(OfficeScopedAdmin):
    """Rows that the prefecture keeps."""

    change_act = Act.DESIGNATE


DESIGNATED = (OfficeKind.FACILITY, OfficeKind.INSTITUTION, OfficeKind.SHIP)
"""Kinds of office that a prefecture designates."""


@admin.register(Office)
class OfficeAdmin(_OfOffices):
    """Offices: one's own and those below, which a prefecture adds as it designates them."""

    office_path = ""
    list_display = ("name", "kind", "code", "above", "contact")
    fields = ("kind", "code", "name", "address", "contact", "above")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Office]:
        own = offices_where(official_of(request), self.view_act)
        return Office.objects.filter(Q(pk__in=own) | Q(above__in=own)).select_related("above")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is None:
            return super().has_view_permission(request)
        return self.get_queryset(request).filter(pk=obj.pk).exists()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is None:
            return super().has_change_permission(request)
        # Nobody designated an office without a superior; asked without a row, `_may` would mean: may anywhere.
        designated = obj.kind in DESIGNATED and obj.above is not None
        return designated and self._may(request, self.change_act, obj.above)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("kind", "code", "above") if obj else ()

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "kind":
            kwargs["choices"] = [(kind.value, kind.label) for kind in DESIGNATED]
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "above":
            kwargs |= {"queryset": offices_where(official_of(request), Act.DESIGNATE), "required": True}
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(Designation)
class DesignationAdmin(_OfOffices):
    """The periods in which a place is designated."""

    view_act = Act.DESIGNATE
    office_path = "office__above"
    list_display = ("office", "starts", "ends")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "office":
            own = offices_where(official_of(request), Act.DESIGNATE)
            kwargs["queryset"] = Office.objects.filter(above__in=own, kind__in=DESIGNATED)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("office",) if obj else ()
