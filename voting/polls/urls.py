"""The pages of one election: what is to do, and acceptance after the close."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

from voting.polls import views

app_name = "polls"
_page = admin.site.admin_view
urlpatterns = [
    path("<slug:slug>/", _page(views.overview), name="overview"),
    path("<slug:slug>/ask/<slug:act>/", _page(views.ask_for), name="ask"),
    path("<slug:slug>/entry/<slug:kind>/", _page(views.entry), name="entry"),
    path("<slug:slug>/replacement/<slug:reference>/", _page(views.replacement), name="replacement"),
    path("<slug:slug>/submit/", _page(views.submit), name="submit"),
    path("<slug:slug>/acceptance/", _page(views.acceptance), name="acceptance"),
    path("<slug:slug>/acceptance/follow/", _page(views.follow), name="follow"),
    path("<slug:slug>/acceptance/refuse/", _page(views.refuse), name="refuse"),
    path("<slug:slug>/acceptance/accept/", _page(views.accept), name="accept"),
]
