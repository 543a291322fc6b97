"""The page of the trustees."""

from __future__ import annotations

from django.urls import path

from voting.trustees import views

app_name = "trustees"
urlpatterns = [path("<slug:slug>/", views.page, name="page")]
