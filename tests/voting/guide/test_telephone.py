"""Telephone numbers as offices write them, and what is none."""

from __future__ import annotations

import pytest

from voting.guide.templatetags.telephone import dialled


@pytest.mark.parametrize(
    ("contact", "number"),
    [
        ("03-0000-0000", "tel:0300000000"),
        ("０３（００００）００００", "tel:0300000000"),
        ("0120 000 000", "tel:0120000000"),
        ("03−0000‐0000", "tel:0300000000"),
        ("03-0000-0000（内線12）", ""),
        ("代表 03-0000-0000", ""),
        ("000", ""),
        ("javascript:alert(1)", ""),
        ("", ""),
    ],
)
def test_what_can_be_dialled(contact: str, number: str) -> None:
    """An address is made of digits only: nothing that somebody writes there becomes another link."""
    assert dialled(contact) == number
