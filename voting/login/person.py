"""Who has logged in, and how the provider's four attributes are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from voting.eras import parse_date
from voting.login.errors import LoginRefused
from voting.roll.matching import Person

LONGEST = 300
"""Characters in a name, an address or a subject; the roll has fewer."""
_SEXES = {"1": "M", "male": "M", "男": "M", "男性": "M", "2": "F", "female": "F", "女": "F", "女性": "F"}


@dataclass(frozen=True)
class VerifiedPerson:
    """Somebody whom a way of logging in vouches for."""

    issuer: str
    """who vouches: the provider's issuer"""
    subject: str
    """the person's name there: a pseudonym, and no key of the roll"""
    name: str
    birth: date
    sex: str
    """"M", "F" or unknown"""
    address: str

    def attributes(self) -> Person:
        """The four attributes by which the roll is searched."""
        return Person(self.name, self.birth, self.sex, self.address)


def read_person(issuer: str, about: Mapping[str, object]) -> VerifiedPerson:
    """The person of a checked userinfo answer. Raises LoginRefused when an attribute is missing or cannot be read."""
    address = about.get("address")
    if isinstance(address, dict):  # the standard's form; the card's provider sends one line of text
        address = address.get("formatted")
    try:
        birth = parse_date(_text(about.get("birthdate")))
    except ValueError:
        raise LoginRefused("the date of birth cannot be read") from None
    return VerifiedPerson(
        issuer=issuer,
        subject=_text(about.get("sub")),
        name=_text(about.get("name")),
        birth=birth,
        sex=_SEXES.get(str(about.get("gender")).strip().lower(), ""),
        address=_text(address),
    )


def _text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value.strip()) <= LONGEST:
        raise LoginRefused("an attribute is missing or too long")
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        raise LoginRefused("an attribute is not text") from None
    return value
