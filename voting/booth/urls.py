"""The voting booth: from a device that is registered to a ballot that is handed in or opened."""

from __future__ import annotations

from django.urls import path

from voting.booth import api, views

app_name = "booth"
urlpatterns = [
    path("", views.home, name="home"),
    path("ballot/", views.ballot, name="ballot"),
    path("slot/", api.slot, name="slot"),
    path("register/", api.register, name="register"),
    path("tracker/", api.tracker, name="tracker"),
    path("cast/", api.cast, name="cast"),
    path("open/", api.open_ballot, name="open"),
    path("outcome/", api.outcome, name="outcome"),
]
