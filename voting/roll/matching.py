"""Who on the roll is the applicant? The four attributes of the card decide, or officials do (domain, section 4.3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from hashlib import blake2b

from django.db.models import Q, QuerySet

from voting.elections.models import Election
from voting.eras import PartialDate
from voting.roll.characters import fold_address, fold_kana, fold_name
from voting.roll.models import Elector, Roll


@dataclass(frozen=True)
class Person:
    """The four attributes: name, date of birth, sex ("M", "F" or unknown), address as registered."""

    name: str
    birth: date
    sex: str
    address: str


def person_key(name: str, birth: PartialDate, sex: str) -> bytes:
    """16 bytes that are equal for rows of the same name, as compared, date of birth and sex."""
    text = "\0".join((fold_name(name), f"{birth.year}-{birth.month}-{birth.day}", sex))
    return blake2b(text.encode(), digest_size=16).digest()


def match(election: Election, person: Person, roll: str = Roll.RESIDENT) -> Elector | None:
    """The one elector with whom all four attributes agree, variants of characters apart; None otherwise."""
    key = person_key(person.name, PartialDate(person.birth.year, person.birth.month, person.birth.day), person.sex)
    same = Elector.objects.filter(election=election, roll=roll, person=key)
    address = fold_address(person.address)
    found = [elector for elector in same if address in (fold_address(elector.address), _with_building(elector))]
    return found[0] if len(found) == 1 else None


def _with_building(elector: Elector) -> str:
    return fold_address(elector.address + elector.building)


def candidates(election: Election, person: Person, roll: str = Roll.RESIDENT) -> QuerySet[Elector]:
    """Electors among whom an official may find the applicant: the same name or former name, or the same birthday and
    family name's first character. For officials' eyes only.
    """
    folded = fold_name(person.name)
    born = Q(birth_year=person.birth.year, birth_month=person.birth.month, birth_day=person.birth.day)
    alike = Q(folded_name=folded) | Q(other_name=person.name) | born & Q(folded_name__startswith=folded[:1])
    return Elector.objects.filter(alike, election=election, roll=roll).select_related("district")[:20]


def search(election: Election, text: str) -> QuerySet[Elector]:
    """Electors by name, reading, roll number or addressee number; 髙橋 is found by 高橋."""
    text = text.strip()
    if not text:
        return Elector.objects.none()
    name, kana = fold_name(text), fold_kana(text)
    if not name:
        return Elector.objects.none()
    wanted = Q(folded_name__startswith=name) | Q(list_number=text) | Q(number=text)
    if kana:
        wanted |= Q(folded_kana__startswith=kana)
    return Elector.objects.filter(wanted, election=election).select_related("district")
