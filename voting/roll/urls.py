"""The pages of the roll, and the marks for the programs of polling stations."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

from voting.roll import views
from voting.roll.api import MarksAPI

app_name = "roll"
_page = admin.site.admin_view
urlpatterns = [
    path("roll/search/", _page(views.search_page), name="search"),
    path("roll/electors/<int:pk>/", _page(views.elector_page), name="elector"),
    path("roll/electors/<int:pk>/paper/", _page(views.paper), name="paper"),
    path("roll/electors/<int:pk>/paper/undo/", _page(views.undo_paper), name="undo-paper"),
    path("roll/electors/<int:pk>/apart/<int:other>/", _page(views.tell_apart), name="apart"),
    path("roll/marks/", _page(views.marks), name="marks"),
    path("roll/files/", _page(views.files), name="files"),
    path("roll/files/upload/", _page(views.upload), name="upload"),
    path("roll/files/<int:pk>/", _page(views.file_page), name="file"),
    path("roll/files/<int:pk>/take-over/", _page(views.take_over), name="take-over"),
    path("roll/files/<int:pk>/discard/", _page(views.give_up), name="discard"),
    path("api/marks/", MarksAPI.as_view(), name="api-marks"),
]
