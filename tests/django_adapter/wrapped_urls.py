"""The URLs of a project that decorates a ready-made view."""

from __future__ import annotations

from django.urls import path
from django.views.decorators.vary import vary_on_cookie

from vendo_django import views

urlpatterns = [path("api/vendo/identity", vary_on_cookie(views.identity))]
