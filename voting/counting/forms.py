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


COUNTS = "name"
"""The decision that a text counts for the name in its line."""


class RulingForm(forms.Form):
    """What is decided about a text. Nothing is decided by itself: each line is left out until somebody chooses."""

    decision = forms.ChoiceField(
        label=_("Decision"),
        choices=[
            ("", _("not now")),
            (COUNTS, _("counts for this name")),
            *((ground.value, _("invalid: %(ground)s") % {"ground": ground.label}) for ground in Ground),
        ],
        required=False,
    )
    name = forms.CharField(label=_("Name"), max_length=LONGEST_NAME, required=False)

    def __init__(
        self, text: str, votes: int, data: Mapping[str, Any] | None, decided: WriteInDecision | None, likely: str
    ) -> None:
        self.text, self.votes, self.decided = text, votes, decided
        # The place of a line may have changed since the page was made; the text has not.
        digest = hashlib.sha256(text.encode()).hexdigest()[:32]
        name = decided.name if decided and decided.name else likely
        super().__init__(data, prefix=f"t{digest}", initial={"name": name})

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("decision") == COUNTS and not self.cleaned_data.get("name"):
            self.add_error("name", _("Whose name is it?"))
        return self.cleaned_data

    def ruling(self) -> Ruling | None:
        """What somebody chose, of a form that is valid."""
        decision = self.cleaned_data["decision"]
        if not decision:
            return None
        if decision != COUNTS:
            return Ruling(self.text, ground=decision)
        return Ruling(self.text, name=unicodedata.normalize("NFC", self.cleaned_data["name"]))


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(label=_("Reason, if there is something to say"), max_length=LONGEST_REASON, required=False)


def lines(
    texts: Mapping[str, int], decided: Mapping[str, WriteInDecision], data: Mapping[str, Any] | None = None
) -> list[RulingForm]:
    """A form for each text; variants of one name together, the most frequent groups and texts first."""
    groups = [sorted(group, key=lambda text: (-texts[text], text)) for group in variants(list(texts))]
    groups.sort(key=lambda group: (-sum(texts[text] for text in group), group[0]))
    return [
        RulingForm(text, texts[text], data, decided.get(text), _likely(group)) for group in groups for text in group
    ]


def _likely(group: list[str]) -> str:
    """The most frequent variant, without what a name cannot have."""
    kept = "".join(letter for letter in group[0] if unicodedata.category(letter) not in ("Cf", "Zl", "Zp"))
    return kept.strip()[:LONGEST_NAME]
