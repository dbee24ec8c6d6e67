"""An API of Django REST framework."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.urls import path
from rest_framework.decorators import api_view
from rest_framework.exceptions import ParseError
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView, exception_handler

import vendo
from vendo import VendoError
from vendo.web import error_response
from vendo_django import client

if TYPE_CHECKING:
    from collections.abc import Callable


class Token(APIView):
    """The token of a provider, for a signed-in user."""

    permission_classes = [IsAuthenticated]

    def get(self, request: Request, slug: str) -> Response:
        token = request.vendo.token(slug)
        user = request.vendo_identity.user_id
        return Response({"token": token, "user": user, "name": str(request.user)})


class OwnErrors(Token):
    """The same, whose errors are those of the API."""

    def get_exception_handler(self) -> Callable[..., Response | None]:
        return handle


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """Respond to an error in the API's own form."""
    if isinstance(error, VendoError):
        found = error_response(error)
        return Response({"detail": found.body["error"]["code"]}, found.status)
    return exception_handler(error, context)


@api_view()
def own_client(request: Request) -> Response:
    return Response({"token": client(request).token("gmail")})


@api_view(["POST"])
def webhook(request: Request) -> Response:
    try:
        event = vendo.webhooks.verify(request.headers, request.body)
    except vendo.ValidationError as error:
        raise ParseError(str(error)) from None
    return Response({"slug": event.slug, "parsed": request.data["type"]})


urlpatterns = [
    path("token/<slug>/", Token.as_view()),
    path("own/<slug>/", OwnErrors.as_view()),
    path("client/", own_client),
    path("webhook/", webhook),
]
