"""Addresses of the records."""

from __future__ import annotations

from django.urls import path

from voting.records import views

app_name = "records"
urlpatterns = [
    path("<slug:slug>/", views.index, name="index"),
    path("<slug:slug>/seal/", views.ask_to_seal, name="seal"),
    path("<slug:slug>/seal/check/", views.check_seal, name="check"),
    path("<slug:slug>/<slug:document>/", views.document, name="document"),
    path("<slug:slug>/<slug:document>/csv/", views.table, name="csv"),
    path("<slug:slug>/<slug:document>/export/", views.ask_to_export, name="export"),
    path("<slug:slug>/<slug:document>/<int:district>/", views.district_document, name="district"),
]
