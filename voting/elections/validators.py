"""Form-level checks of single values, by the shapes that the record uses."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from verifier.crypto.checkpoint import is_name
from verifier.errors import NotCanonical
from verifier.record import schema
from verifier.record.manifest import ACTS


def validate_text(value: str) -> None:
    """NFC text without control or direction-changing characters."""
    _validate(schema.text(10_000), value)


def validate_identifier(value: str) -> None:
    """1 to 63 of a–z, 0–9 and the hyphen."""
    _validate(schema.identifier, value)


def validate_origin(value: str) -> None:
    """A board's name, without spaces and plus signs."""
    if not is_name(value):
        raise ValidationError(_("A name without spaces and plus signs was expected."), code="origin")


def validate_minute(value: datetime) -> None:
    """A time without seconds: that is all that the record can say."""
    if value.second or value.microsecond:
        raise ValidationError(_("A time in whole minutes was expected."), code="minute")


def validate_acts(value: Any) -> None:
    """How many officials sign each act, at least two."""
    _validate(schema.shape(**{act: schema.whole(2, 100) for act in ACTS}), value)


def _validate(shape: schema.Shape, value: Any) -> None:
    try:
        shape(value, "value")
    except NotCanonical as error:
        raise ValidationError(str(error), code="shape") from None
