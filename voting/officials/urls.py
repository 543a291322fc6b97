"""Around the login: where a new official chooses a password, and the second factor."""

from __future__ import annotations

from django.urls import path

from voting.officials.views import FirstPassword, second_factor, second_factor_qr

app_name = "officials"
urlpatterns = [
    path("first-password/<uidb64>/<token>/", FirstPassword.as_view(), name="first-password"),
    path("second-factor/", second_factor, name="second-factor"),
    path("second-factor/qr.svg", second_factor_qr, name="second-factor-qr"),
]
