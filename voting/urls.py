"""Every address of the site."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include("voting.guide.urls")),
    path("", include("voting.apply.urls")),
    path("vote/<slug:slug>/", include("voting.booth.urls")),
    path("", include("voting.check.urls")),
    path("trustees/", include("voting.trustees.urls")),
    path("results/", include("voting.results.urls")),
    path("login/", include("voting.login.urls")),
    path("office/polls/", include("voting.polls.urls")),
    path("office/counting/", include("voting.counting.urls")),
    path("office/records/", include("voting.records.urls")),
    path("office/stand-by/", include("voting.booth.office_urls")),
    path("office/api/", include("voting.applications.urls")),
    path("office/", include("voting.roll.urls")),
    path("office/", include("voting.officials.urls")),
    path("office/", admin.site.urls),
]
