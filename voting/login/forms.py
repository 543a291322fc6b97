"""What somebody types who logs in by a letter."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from voting.credentials.codes import ALPHABET, GROUP, LENGTH, normalise
from voting.errors import CodeMistyped
from voting.login.birth import BirthForm


class LetterForm(BirthForm):
    """The code and the date of birth. Cleaned: `code`, its 20 characters, and `birth`."""

    code = forms.CharField(error_messages={"required": gettext_lazy("Enter the code of your letter.")})
    field_order = ("code",)

    def clean_code(self) -> str:
        """The code, by its form alone. Raises ValidationError, which points at a character that is in no code."""
        try:
            return normalise(self.cleaned_data["code"])
        except CodeMistyped as error:
            raise ValidationError(_pointed_at(error)) from None


def _pointed_at(error: CodeMistyped) -> str:
    if error.position is None:
        if error.kind == "length":
            return _("The code has %(length)d characters. Compare it with the letter.") % {"length": LENGTH}
        return _("One character of the code is wrong, or two are exchanged. Compare it with the letter.")
    group, place = divmod(error.position - 1, GROUP)
    sentence = _(
        "Character %(position)d of the code is wrong: number %(place)d in group %(group)d. "
        "A code has only these characters: %(alphabet)s"
    )
    return sentence % {
        "position": error.position,
        "place": place + 1,
        "group": group + 1,
        "alphabet": " ".join(ALPHABET),
    }
