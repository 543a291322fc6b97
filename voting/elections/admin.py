"""The definition of an election. What the manifest on the board says is shown, and no longer changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tally.signing import public_key
from verifier.errors import BadInteger
from verifier.record.canonical import decode_bytes, encode_bytes
from voting.board import keys
from voting.elections.models import (
    KEY_BYTES,
    Candidate,
    Contest,
    District,
    Election,
    Party,
    Style,
    StyleContest,
    Unit,
)
from voting.errors import BoardKeyUnusable
from voting.officials.roles import Act
from voting.officials.services import offices_where
from voting.officials.site import OfficeScopedAdmin, official_of
from voting.polls.stages import stage


class KeyField(forms.CharField):
    """A public key as `python -m tally key` prints it."""

    def __init__(self, **kwargs: Any) -> None:
        help_text = gettext_lazy("As the owner's program prints it: 43 characters.")
        super().__init__(**{"max_length": 44, "help_text": help_text, **kwargs})

    def prepare_value(self, value: Any) -> Any:
        return encode_bytes(bytes(value)) if isinstance(value, bytes | memoryview) else value

    def clean(self, value: Any) -> bytes:
        text = super().clean(value)
        try:
            return decode_bytes(text, KEY_BYTES)
        except BadInteger:
            raise ValidationError(_("This is no public key: 43 characters were expected.")) from None


class DefinitionAdmin(OfficeScopedAdmin):
    """Rows that make the manifest: changed by the election board until the manifest is on the board."""

    change_act = Act.DEFINE_ELECTION

    def election(self, row: Any) -> Election:
        """The election to which a row belongs."""
        return row if isinstance(row, Election) else row.election

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        fixed = obj is not None and self.election(obj).manifest_hash is not None
        return not fixed and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if (own := _own(db_field.name, request)) is not None:
            kwargs["queryset"] = own
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except IntegrityError:
            return self._was_fixed(request)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except IntegrityError:
            return self._was_fixed(request)

    def _was_fixed(self, request: HttpRequest) -> HttpResponse:
        """The manifest came onto the board, or a colleague was faster, since the form was opened."""
        messages.error(request, _("Nothing was changed: the definition is fixed, or somebody changed it meanwhile."))
        return HttpResponseRedirect(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"))


def _own(name: str, request: HttpRequest) -> models.QuerySet[Any] | None:
    """What somebody may choose for a field of this name: of their own offices, and not fixed."""
    offices = offices_where(official_of(request), Act.DEFINE_ELECTION)
    elections = Election.objects.filter(office__in=offices, manifest_hash=None)
    choices: dict[str, models.QuerySet[Any]] = {
        "office": offices,
        "election": elections,
        "unit": Unit.objects.filter(election__in=elections).select_related("election"),
        "contest": Contest.objects.filter(election__in=elections).select_related("election"),
    }
    return choices.get(name)


class LabelledRows(forms.BaseInlineFormSet):
    """Rows of a table whose fields say their names, which stand above the columns only."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        for field in form.fields.values():
            label = field.label if index is None else f"{field.label} {index + 1}"
            field.widget.attrs.setdefault("aria-label", str(label))


class DefinitionInline(admin.TabularInline):
    """Rows that are changed with the row they belong to, by whoever may change that one."""

    formset = LabelledRows
    extra = 2
    view_on_site = False

    def _parent(self) -> DefinitionAdmin:
        parent = self.admin_site._registry[self.parent_model]
        if not isinstance(parent, DefinitionAdmin):
            raise TypeError(f"{self.parent_model} has no DefinitionAdmin")
        return parent

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._parent().has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._parent().has_change_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._parent().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._parent().has_change_permission(request, obj)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if (own := _own(db_field.name, request)) is not None:
            kwargs["queryset"] = own
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class SameElection(forms.ModelForm):
    """A form in which a chosen unit belongs to the chosen election."""

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        unit, election = data.get("unit"), data.get("election")
        if unit is not None and election is not None and unit.election_id != election.pk:
            self.add_error("unit", _("This counting unit belongs to another election."))
        return data


class PlaceForm(forms.ModelForm):
    """A place on a ballot style, whose contest belongs to the style's election."""

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        contest, style = data.get("contest"), data.get("style")
        election = getattr(style, "election_id", None)
        if contest is not None and election is not None and contest.election_id != election:
            self.add_error("contest", _("This contest belongs to another election."))
        return data


class CandidateInline(DefinitionInline):
    """Candidates in the order that the board drew."""

    model = Candidate
    fields = ("position", "identifier", "name", "reading", "party", "list", "priority", "listed")
    extra = 3
    formfield_overrides: ClassVar = {models.TextField: {"widget": forms.Textarea(attrs={"rows": 3, "cols": 16})}}


class StyleContestInline(DefinitionInline):
    """What a ballot has, in order."""

    model = StyleContest
    form = PlaceForm
    fields = ("position", "contest")


@admin.register(Election)
class ElectionAdmin(DefinitionAdmin):
    """An election as a whole; the rest of its definition refers to it."""

    office_path = "office"
    list_display = ("title", "slug", "notice_day", "election_day", "where_it_is", "page_link")
    ordering = ("-closes",)
    readonly_fields = ("page_link", "board_key_text")
    fieldsets = (
        (None, {"fields": ("page_link", "office", "title", "slug", "kind", "legal_basis")}),
        (gettext_lazy("Days and hours"), {"fields": ("notice_day", "election_day", "opens", "closes", "revote")}),
        (gettext_lazy("Counting"), {"fields": ("minimum_group", "threshold", "witness_threshold", "acts")}),
        (
            gettext_lazy("Bulletin board"),
            {"fields": ("origin", "generators", "modulus_bits", "board_key_text"), "classes": ("collapse",)},
        ),
    )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Election, form: Any, change: bool) -> None:
        if not change:
            obj.board_key = public_key(keys.load(Path(settings.BOARD_KEY_FILE)))
        super().save_model(request, obj, form, change)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return super().add_view(request, form_url, extra_context)
        except BoardKeyUnusable as error:
            messages.error(request, _("The key of the board cannot be read: %(why)s") % {"why": error.reason})
            return HttpResponseRedirect(reverse("admin:elections_election_changelist"))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        if "office" in form.base_fields:
            form.base_fields["office"].required = True  # one without an office could be seen by nobody
        return form

    @admin.display(description=gettext_lazy("stage"))
    def where_it_is(self, row: Election) -> str:
        return str(stage(row))

    @admin.display(description=gettext_lazy("what is to do"))
    def page_link(self, row: Election) -> SafeString | str:
        if not row.pk:
            return "—"
        label = _("%(election)s: steps and dates") % {"election": row}
        return format_html('<a href="{}">{}</a>', reverse("polls:overview", args=[row.slug]), label)

    @admin.display(description=gettext_lazy("board key"))
    def board_key_text(self, row: Election) -> str:
        return encode_bytes(bytes(row.board_key)) if row.board_key else _("that of this server")


@admin.register(Unit)
class UnitAdmin(DefinitionAdmin):
    list_display = ("name", "identifier", "position", "election")
    list_filter: ClassVar = [("election", admin.RelatedOnlyFieldListFilter)]
    ordering = ("election", "position")


@admin.register(District)
class DistrictAdmin(DefinitionAdmin):
    """Voting districts; the hours of their polling stations may change to the end."""

    form = SameElection
    list_display = ("name", "code", "unit", "polls_open", "polls_close", "election")
    list_filter: ClassVar = [("election", admin.RelatedOnlyFieldListFilter)]
    search_fields = ("code", "name")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return OfficeScopedAdmin.has_change_permission(self, request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return DefinitionAdmin.has_change_permission(self, request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fixed = obj is not None and obj.election.manifest_hash is not None
        return ("election", "code", "name", "unit") if fixed else ()


@admin.register(Contest)
class ContestAdmin(DefinitionAdmin):
    """A contest with its candidates."""

    inlines = (CandidateInline,)
    list_display = ("title", "form", "scope", "position", "election")
    list_filter: ClassVar = [("election", admin.RelatedOnlyFieldListFilter)]
    ordering = ("election", "position")
    fieldsets = (
        (None, {"fields": ("election", "position", "identifier", "title", "form", "scope", "seats")}),
        (gettext_lazy("How it is answered"), {"fields": ("kind", "blank", "least", "most", "width")}),
        (gettext_lazy("Hours of its own"), {"fields": ("opens", "closes"), "classes": ("collapse",)}),
    )


@admin.register(Style)
class StyleAdmin(DefinitionAdmin):
    """A ballot style with its contests."""

    form = SameElection
    inlines = (StyleContestInline,)
    list_display = ("identifier", "unit", "position", "election")
    list_filter: ClassVar = [("election", admin.RelatedOnlyFieldListFilter)]
    ordering = ("election", "position")


class PartyForm(forms.ModelForm):
    """A party with its key as text."""

    # Not named as the column is: Django refuses a column that it cannot edit among an admin's fields.
    key = KeyField(label=gettext_lazy("public key"))

    class Meta:
        model = Party
        fields = ("election", "role", "position", "name")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.public_key:
            self.initial["key"] = bytes(self.instance.public_key)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "key" in data:
            self.instance.public_key = data["key"]
        return data


@admin.register(Party)
class PartyAdmin(DefinitionAdmin):
    """Whose signatures the board accepts."""

    form = PartyForm
    list_display = ("name", "role", "position", "election")
    list_filter: ClassVar = [("election", admin.RelatedOnlyFieldListFilter), "role"]
    fields = ("election", "role", "position", "name", "key")
    ordering = ("election", "role", "position")
