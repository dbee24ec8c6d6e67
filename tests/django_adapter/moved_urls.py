"""The URLs of a project with the ready-made views at another path."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("vendo/", include("vendo_django.urls"))]
