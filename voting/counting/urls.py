"""The count."""

from __future__ import annotations

from django.urls import URLPattern

app_name = "counting"
urlpatterns: list[URLPattern] = []
