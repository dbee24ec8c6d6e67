"""The URLs."""

from django.urls import include, path

from mailapp import views

urlpatterns = [
    path("", views.home, name="home"),
    path("inbox/", views.inbox, name="inbox"),
    path("api/vendo/", include("vendo_django.urls")),
]
