"""The form for a request as a browser sends it, made from the good requests of tests/voting/kakuu.py."""

from __future__ import annotations

from collections.abc import Mapping
from html import unescape
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from tests.voting import kakuu
from tests.voting.kakuu import World
from voting.applications.models import Application
from voting.applications.requests import Request


def filled(world: World, code: str, who: str = "", kinds: tuple[str, ...] = (), **changes: Any) -> dict[str, Any]:
    """Every field by its name; `changes`: fields whose names are identifiers."""
    return {**as_sent(world, code, kakuu.request(world, code, who, kinds)), **changes}


def as_sent(world: World, code: str, made: Request) -> dict[str, Any]:
    who = made.applicant
    number = world.offers[code].category.evidence.index(list(made.claims))
    names = ("name", "kana", "sex", "address", "staying_at", "email", "phone")
    fields: dict[str, Any] = {name: getattr(who, name) for name in names}
    fields |= {"calendar": "", "year": who.birth.year, "month": who.birth.month, "day": who.birth.day}
    fields |= {"alternative": number, "sworn": "on"}
    for kind, claims in made.claims.items():
        for name, value in claims.items():
            fields |= _claim(f"{number}-{kind}.{name}", value)
    for kind, data in made.files:
        fields.setdefault(f"{number}-{kind}.file", []).append(photo(data))
    if made.office is not None:
        fields[f"{number}-office"] = made.office.pk
    return fields


def _claim(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return {f"{name}.{edge}": day for edge, day in value.items()}
    return {name: value}


def photo(data: bytes, name: str = "IMG_0001.HEIC") -> SimpleUploadedFile:
    """A file as a browser sends it; what it says about the kind is wrong as often as not."""
    return SimpleUploadedFile(name, data, "application/octet-stream")


def address(world: World, code: str) -> str:
    """Of the form."""
    return reverse("apply:form", args=[world.election.slug, code])


def voter() -> Client:
    """Somebody at a browser, who reads English and sends every form with its token."""
    return Client(headers={"accept-language": "en"})


def send(world: World, code: str, fields: Mapping[str, Any], client: Client | None = None) -> HttpResponse:
    """Post the form."""
    answer: HttpResponse = (client or voter()).post(address(world, code), dict(fields))  # type: ignore[assignment]
    return answer


def sent(world: World, code: str = "OTHER_BOARD", client: Client | None = None, **how: Any) -> Application:
    """A request that went through the form."""
    before = set(Application.objects.values_list("pk", flat=True))
    answer = send(world, code, filled(world, code, **how), client)
    assert (answer.status_code, answer.headers.get("Location")) == (302, reverse("apply:sent")), text(answer)
    return Application.objects.exclude(pk__in=before).get()


def find(client: Client, application: Application) -> HttpResponse:
    """Look an application up as its voter does."""
    birth = application.birth
    fields = {"reference": application.reference, "year": birth.year, "month": birth.month, "day": birth.day}
    answer: HttpResponse = client.post(reverse("apply:find"), fields)  # type: ignore[assignment]
    return answer


def text(answer: Any) -> str:
    """What a page says, with its markup, and entities as characters."""
    return unescape(answer.content.decode())


def errors(answer: Any) -> dict[str, str]:
    """The faults of the form in the answer: the id of the field, or "" → what is wrong."""
    return {fault.target: fault.message for fault in answer.context["faults"]}
