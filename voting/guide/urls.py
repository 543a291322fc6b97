"""The start page, what voters can do, help and the way on paper, and how pages are shown."""

from __future__ import annotations

from django.urls import path

from voting.guide import views

app_name = "guide"
urlpatterns = [
    path("", views.start, name="start"),
    path("elections/<slug:slug>/", views.election, name="election"),
    path("elections/<slug:slug>/paper/", views.paper, name="paper"),
    path("help/", views.help_page, name="help"),
    path("help/<slug:slug>/", views.help_page, name="help"),
    path("display/", views.display, name="display"),
]
