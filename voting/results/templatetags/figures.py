"""How numbers are written: 12,345, in every language of the site."""

from __future__ import annotations

from django import template

register = template.Library()


@register.filter
def grouped(number: int) -> str:
    """12,345."""
    return f"{number:,}"


@register.filter
def add_up(first: int, second: int) -> int:
    """The sum of two whole numbers, for places in a drawing."""
    return first + second
