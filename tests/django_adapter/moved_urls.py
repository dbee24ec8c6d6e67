"""The URLs of a project that has the ready views elsewhere."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("vendo/", include("vendo_django.urls"))]
