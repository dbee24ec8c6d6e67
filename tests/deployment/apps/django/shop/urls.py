"""The URLs."""

from __future__ import annotations

from django.urls import include, path

from . import views

urlpatterns = [
    path("live/", views.live),
    path("healthz/", views.healthz),
    path("page/<slug>/", views.page),
    path("mail/", views.mail),
    path("api/vendo/", include("vendo_django.urls")),
]
