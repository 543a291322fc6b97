"""The control room of a count, the decisions about written names, and dividing votes for a shared name."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

from voting.counting import views

app_name = "counting"
_page = admin.site.admin_view
urlpatterns = [
    path("<slug:slug>/", _page(views.room), name="room"),
    path("<slug:slug>/live/", _page(views.live), name="live"),
    path("<slug:slug>/go-on/", _page(views.go_on), name="go-on"),
    path("<slug:slug>/proration/", _page(views.proration), name="proration"),
    path("<slug:slug>/write-ins/<slug:contest>/", _page(views.write_ins), name="write-ins"),
    path("<slug:slug>/write-ins/<slug:contest>/ask/", _page(views.ask_about_names), name="ask-about-names"),
]
