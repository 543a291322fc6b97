"""The question for a date of birth, as people write theirs: by the common calendar or by era, in three short fields.

Shown by templates/login/birth.html, where `form` is a BirthForm. Digits may be of either width.
"""

from __future__ import annotations

import unicodedata
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from voting.eras import ERAS, parse_date

LONGEST = 10
"""Characters in one of the fields."""
COMMON_YEAR = 4
"""digits"""
PARTS = 3
_ERA_NAMES = {era.letter: era.name for era in ERAS}
CALENDARS = [
    ("", gettext_lazy("Western calendar")),
    # The last day of 明治 is in 1912: nobody born in it votes.
    *[(era.letter, f"{era.name} ({era.letter})") for era in ERAS if era.letter != "M"],
]


class BirthForm(forms.Form):
    """Cleaned: `birth`, a date. What is wrong with any of the fields is said at `year`, once."""

    calendar = forms.ChoiceField(choices=CALENDARS, required=False)
    year = forms.CharField(required=False)
    month = forms.CharField(required=False)
    day = forms.CharField(required=False)

    def clean(self) -> dict[str, Any]:
        """The four fields together."""
        cleaned = super().clean() or {}
        if any(map(self.has_error, ("calendar", "year", "month", "day"))):  # none of the calendars, or NUL in a number
            if not self.has_error("year"):
                self.add_error("year", _("Enter your date of birth: year, month and day."))
            return cleaned
        try:
            cleaned["birth"] = read_birth(cleaned["calendar"], cleaned["year"], cleaned["month"], cleaned["day"])
        except ValueError as error:
            self.add_error("year", ValidationError(str(error)))
        return cleaned


def read_birth(calendar: str, year: str, month: str, day: str) -> date:
    """The day that the fields write. `calendar`: the letter of an era, or "". ValueError with a sentence."""
    year, month, day = (unicodedata.normalize("NFKC", text[: LONGEST + 1]).strip() for text in (year, month, day))
    if not (year and month and day):
        raise ValueError(_("Enter your date of birth: year, month and day."))
    if max(map(len, (year, month, day))) > LONGEST:
        raise ValueError(_("Enter a short number for each of year, month and day."))
    if not month.isdecimal() or not 1 <= int(month) <= 12:
        raise ValueError(_("The month is a number from 1 to 12."))
    if not day.isdecimal() or not 1 <= int(day) <= 31:
        raise ValueError(_("The day is a number from 1 to 31."))
    if len(year) > 2:
        calendar = ""  # it says its own: 1950, or the name of an era
    if not calendar and year.isdecimal() and len(year) != COMMON_YEAR:
        raise ValueError(_("Write the year with four digits, or choose the era."))
    typed = f"{_ERA_NAMES.get(calendar, '')}{year}-{int(month)}-{int(day)}"
    try:
        birth = parse_date(typed)
    except ValueError as error:
        raise ValueError(f"{capfirst(str(error))}: {typed}") from None
    if birth > timezone.localdate():
        raise ValueError(_("This day is still to come: %(day)s") % {"day": typed})
    return birth


def read_birth_text(text: str) -> date:
    """The same fields in one text, such as "1950-4-1" or "S25-4-1". ValueError with a sentence."""
    calendar = text[:1] if text[:1] in dict(CALENDARS) else ""
    parts = text.removeprefix(calendar).split("-")
    if len(parts) != PARTS:
        raise ValueError(_("Enter your date of birth: year, month and day."))
    return read_birth(calendar, *parts)
