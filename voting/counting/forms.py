"""The form on which the counting manager decides about written names: a line for each text."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from voting.counting.adjudication import Ruling, variants
from voting.counting.models import LONGEST_NAME, Ground, WriteInDecision
from voting.officials.models import Proposal

LONGEST_REASON: int = Proposal._meta.get_field("reason").max_length or 0


class RulingForm(forms.Form):
    """For whom a text counts, or why it is invalid; both empty: not decided."""

    name = forms.CharField(label=_("Counts for"), max_length=LONGEST_NAME, required=False)
    ground = forms.ChoiceField(
        label=_("Invalid because"), choices=[("", _("it is valid")), *Ground.choices], required=False
    )

    def __init__(
        self, text: str, votes: int, data: Mapping[str, Any] | None, decided: WriteInDecision | None, likely: str
    ) -> None:
        self.text, self.votes, self.decided, self.likely = text, votes, decided, likely
        initial = {"name": decided.name, "ground": decided.ground} if decided else {"name": likely}
        # The place of a line may have changed since the page was made; the text has not.
        digest = hashlib.sha256(text.encode()).hexdigest()[:32]
        super().__init__(data, prefix=f"t{digest}", initial=initial)

    def ruling(self) -> Ruling | None:
        """What is decided, if it is something new."""
        name = unicodedata.normalize("NFC", self.cleaned_data["name"])
        ruling = Ruling(self.text, name, self.cleaned_data["ground"])
        if not (ruling.name or ruling.ground):
            return None
        if self.decided and (ruling.name, ruling.ground) == (self.decided.name, self.decided.ground):
            return None
        return ruling


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(
        label=_("Reason, if there is something to say"), max_length=LONGEST_REASON, required=False
    )


def lines(
    texts: Mapping[str, int], decided: Mapping[str, WriteInDecision], data: Mapping[str, Any] | None = None
) -> list[RulingForm]:
    """A form for each text; variants of one name together, the most frequent groups and texts first."""
    groups = [sorted(group, key=lambda text: (-texts[text], text)) for group in variants(list(texts))]
    groups.sort(key=lambda group: (-sum(texts[text] for text in group), group[0]))
    return [
        RulingForm(text, texts[text], data, decided.get(text), _likely(group))
        for group in groups
        for text in group
    ]


def _likely(group: list[str]) -> str:
    """The most frequent variant, without what a name cannot have."""
    kept = "".join(letter for letter in group[0] if unicodedata.category(letter) not in ("Cf", "Zl", "Zp"))
    return kept.strip()[:LONGEST_NAME]
