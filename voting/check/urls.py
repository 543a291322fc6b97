"""The public side of the board: anyone looks up and checks entries, receipts and ballots."""

from __future__ import annotations

from django.urls import path

from voting.check import api, views

app_name = "check"
urlpatterns = [
    path("board/<slug:slug>/checkpoint", api.checkpoint, name="checkpoint"),
    path("board/<slug:slug>/setup", api.setup, name="setup"),
    path("board/<slug:slug>/entry/<int:index>", api.entry, name="entry"),
    path("board/<slug:slug>/ballot/<slug:tracker>", api.ballot, name="board-ballot"),
    path("board/<slug:slug>/consistency/<int:old>/<int:new>", api.consistency, name="consistency"),
    path("check/<slug:slug>/", views.start, name="start"),
    path("check/<slug:slug>/ballot/", views.ballot, name="ballot"),
    path("check/<slug:slug>/receipt/", views.receipt, name="receipt"),
]
