"""The count and the result, for everybody."""

from __future__ import annotations

from django.urls import path

from voting.results import views

app_name = "results"
urlpatterns = [
    path("<slug:slug>/", views.page, name="page"),
    path("<slug:slug>/progress", views.progress, name="progress"),
    path("<slug:slug>/result.json", views.result_json, name="json"),
    path("<slug:slug>/result.csv", views.result_csv, name="csv"),
    path("<slug:slug>/archive.zip", views.archive, name="archive"),
    path("<slug:slug>/verification/", views.verification, name="verification"),
    path("<slug:slug>/verification.json", views.verification_json, name="verification-json"),
]
