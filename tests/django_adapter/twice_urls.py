"""The URLs of a project that includes the ready-made views twice."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("api/vendo/", include("vendo_django.urls")),
    path("staff/vendo/", include("vendo_django.urls", namespace="staff")),
]
