"""The URLs of a project without the ready-made views."""

from __future__ import annotations

from django.urls import path

from django_adapter.project_urls import page, unconnected

urlpatterns = [path("unconnected/", unconnected), path("page/", page)]
