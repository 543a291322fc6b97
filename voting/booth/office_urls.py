"""For officials who stand by at votes."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

from voting.booth import office

app_name = "stand-by"
_page = admin.site.admin_view
urlpatterns = [
    path("", _page(office.stand_by), name="list"),
    path("<int:ballot>/<slug:part>/", _page(office.take_part), name="confirm"),
]
