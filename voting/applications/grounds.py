"""Why the law refuses: grounds of rejecting a request, and of refusing a ballot that was cast."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

REJECTIONS = {
    "not-on-roll": _("Not on the roll (Public Offices Election Act, art. 42)"),
    "no-franchise": _("No franchise in this election (arts. 9, 11)"),
    "condition": _("Does not meet the condition of the category (arts. 48-2, 49)"),
    "evidence": _("The evidence does not show what is stated"),
    "late": _("After the deadline"),
    "voted": _("Has voted already, or holds a ballot (art. 36)"),
    "second-request": _("A second application of the same person"),
}
"""Legal grounds of rejecting a request."""
REFUSALS = {
    "paper": _("Voted on paper"),
    "dead": _("Died before election day"),
    "franchise": _("Lost the franchise or moved away before election day"),
    "duplicate": _("A second ballot of the same person"),
    "given-back": _("Ballot cancelled before it was cast"),
    "other": _("Another reason of the law"),
}
"""Grounds of refusing a cast ballot (令63); only their totals are published."""
GROUNDS = {**REJECTIONS, **REFUSALS}
