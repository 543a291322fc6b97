"""How somebody wants pages shown: size of type, contrast, readings. It is in a cookie of theirs and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.db.models import TextChoices
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from voting.errors import VotingError

COOKIE = "display"
LASTS = 365 * 24 * 60 * 60
"""Seconds for which the cookie is kept."""


class DisplayUnknown(VotingError):
    """There is no such switch, or no such position of it."""

    code = "display-unknown"


class Text(TextChoices):
    """The size of type."""

    NORMAL = "normal", gettext_lazy("normal")
    LARGE = "large", gettext_lazy("large")
    VERY_LARGE = "very-large", gettext_lazy("very large")


class Contrast(TextChoices):
    """How strongly type and edges stand out."""

    NORMAL = "normal", gettext_lazy("normal")
    HIGH = "high", gettext_lazy("strong")


class Readings(TextChoices):
    """Whether easy Japanese has readings above its kanji."""

    ON = "on", gettext_lazy("shown")
    OFF = "off", gettext_lazy("not shown")


SWITCHES: Mapping[str, type[TextChoices]] = {"text": Text, "contrast": Contrast, "readings": Readings}


@dataclass(frozen=True)
class Display:
    """The position of every switch; `str` is the cookie's value, such as "very-large.high.off"."""

    text: str = Text.NORMAL.value
    contrast: str = Contrast.NORMAL.value
    readings: str = Readings.ON.value

    def __str__(self) -> str:
        return f"{self.text}.{self.contrast}.{self.readings}"


def display_of(request: HttpRequest) -> Display:
    """As this browser's cookie says; a cookie that no switch of ours has set counts for nothing."""
    values = request.COOKIES.get(COOKIE, "").split(".")
    known = len(values) == len(SWITCHES) and all(
        value in choices.values for value, choices in zip(values, SWITCHES.values(), strict=True)
    )
    return Display(*values) if known else Display()


def switched(shown: Display, sent: Mapping[str, str]) -> Display:
    """With the switches that a form names in their new positions. Raises DisplayUnknown."""
    named = {name: sent[name] for name in SWITCHES if name in sent}
    if not named or any(value not in SWITCHES[name].values for name, value in named.items()):
        raise DisplayUnknown(_("Pages can be shown in other sizes and colours, but not in this way."))
    return replace(shown, **named)


def display(request: HttpRequest) -> dict[str, Display | Mapping[str, type[TextChoices]]]:
    """Context processor: `display` is how the page is shown."""
    return {"display": display_of(request), "switches": SWITCHES}
