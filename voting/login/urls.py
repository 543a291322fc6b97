"""The login of voters."""

from __future__ import annotations

from django.urls import path

from voting.login import api, views

app_name = "login"
urlpatterns = [
    path("card/", views.card, name="card"),
    path("card/return/", views.card_return, name="return"),
    path("letter/", views.letter, name="letter"),
    path("device/challenge/", api.challenge, name="challenge"),
    path("device/", api.log_in, name="device"),
    path("out/", views.out, name="out"),
    path("accesses/", views.own_accesses, name="accesses"),
]
