"""The URLs of the views: `path("api/vendo/", include("vendo_django.urls"))`.

Included like that, `identity` is at `/api/vendo/identity`, the path that the platform's pages use.
"""

from __future__ import annotations

from django.urls import URLPattern, path

from vendo_django import views

app_name = "vendo"

urlpatterns: list[URLPattern] = [
    path("connect/done/", views.connected, name="connected"),
    path("connect/<str:slug>/", views.connect, name="connect"),
    path("webhook/", views.webhook, name="webhook"),
    path("identity", views.identity, name="identity"),
]
