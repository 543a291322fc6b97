"""What a voter asks for: the form, and following, correcting and withdrawing an application."""

from __future__ import annotations

from django.urls import path

from voting.apply import views

app_name = "apply"
urlpatterns = [
    path("apply/sent/", views.sent, name="sent"),
    path("apply/<slug:slug>/<slug:code>/", views.ask, name="form"),
    path("status/", views.find, name="find"),
    path("status/mine/", views.status, name="status"),
    path("status/correct/", views.correct, name="correct"),
    path("status/withdraw/", views.withdraw, name="withdraw"),
]
