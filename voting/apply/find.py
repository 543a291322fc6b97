"""Finding an application again, by its reference and the date of birth in it."""

from __future__ import annotations

import unicodedata
from datetime import date

from django import forms
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from voting.applications.models import Application
from voting.apply.fields import LineField
from voting.login.attempts import Way, require_birth
from voting.login.birth import BirthForm
from voting.login.errors import BirthRefused, LockedOut
from voting.login.models import Attempts


class FindForm(BirthForm):
    """What somebody has to know."""

    use_required_attribute = False

    reference = LineField(
        label=_("Reference"),
        max_length=20,
        help_text=_("Eight letters and digits, such as K7MN-2R4Q. You got it when you applied."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )
    field_order = ("reference",)

    def clean_reference(self) -> str:
        """As references are written, however it was typed: wide or narrow, with or without the hyphen."""
        typed = unicodedata.normalize("NFKC", self.cleaned_data["reference"]).upper()
        plain = "".join(filter(str.isalnum, typed))
        return f"{plain[:4]}-{plain[4:]}"


def look_up(reference: str, birth: date) -> Application | None:
    """The application. None, whatever the reason: no such one, another birthday, too many wrong ones before."""
    application = Application.objects.filter(reference=reference).first()
    if application is None:
        _try_nobody()
        return None
    try:
        require_birth(application, birth, Way.STATUS)
    except (BirthRefused, LockedOut):
        return None
    return application


@transaction.atomic
def _try_nobody() -> None:
    """The work of a wrong date of birth, so that the time of the answer does not tell whether there is a reference."""
    nobodys = Attempts.objects.select_for_update().filter(application=0, way=Way.STATUS)
    nobodys.first()
    nobodys.update(failures=F("failures") + 1)
