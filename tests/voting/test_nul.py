"""Requests with NUL, which PostgreSQL refuses to store, are answered with 400 before anything looks at them."""

from __future__ import annotations

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("where", ["query", "form"])
def test_nul_is_refused(where: str) -> None:
    client, path = Client(), "/office/login/"
    good, bad = {"next": "/office/"}, {"next": "/office/\0"}
    send = client.get if where == "query" else client.post
    assert send(path, good).status_code == 200 and send(path, bad).status_code == 400
