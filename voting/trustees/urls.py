"""The page of the trustees."""

from __future__ import annotations

from django.urls import URLPattern

app_name = "trustees"
urlpatterns: list[URLPattern] = []
