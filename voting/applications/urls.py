"""Addresses for programs, under office/api/."""

from __future__ import annotations

from django.urls import path

from voting.applications.views import Confirmations

urlpatterns = [
    path("confirmations/", Confirmations.as_view(), name="api-confirmations"),
]
