"""Telephone numbers that a telephone can dial."""

from __future__ import annotations

import re
import unicodedata

from django import template

register = template.Library()

NUMBER = re.compile(r"[-0-9() ]{9,20}")


@register.filter
def dialled(contact: str) -> str:
    """The number as "tel:0312345678"; empty when the contact is not just a telephone number of Japan."""
    # Offices write full-width digits and several kinds of dash.
    text = re.sub(r"[‐-―−ー]", "-", unicodedata.normalize("NFKC", contact).strip())
    digits = re.sub(r"[-() ]", "", text)
    return f"tel:{digits}" if NUMBER.fullmatch(text) and re.fullmatch(r"0[0-9]{8,10}", digits) else ""
