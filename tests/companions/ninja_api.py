"""An API of django-ninja."""

from __future__ import annotations

from typing import NoReturn

from django.http import HttpRequest
from ninja import NinjaAPI, Schema
from ninja.errors import HttpError
from ninja.security import django_auth

import vendo
from vendo import VendoError
from vendo_django import VendoHttpRequest, aclient

api = NinjaAPI()


class Token(Schema):
    token: str
    user: str


@api.exception_handler(VendoError)
def leave_to_the_middleware(request: HttpRequest, error: VendoError) -> NoReturn:
    """In debug mode ninja responds to every exception itself."""
    raise error


@api.get("/token/{slug}/", response=Token, auth=django_auth)
def token(request: VendoHttpRequest, slug: str) -> dict[str, str]:
    return {"token": request.vendo.token(slug), "user": request.user.get_username()}


@api.get("/atoken/{slug}/", response=Token)
async def atoken(request: HttpRequest, slug: str) -> dict[str, str]:
    token = await aclient(request).token(slug)
    return {"token": token, "user": (await request.auser()).get_username()}


@api.post("/webhook/")
def webhook(request: HttpRequest) -> dict[str, str | None]:
    try:
        event = vendo.webhooks.verify(request.headers, request.body)
    except vendo.ValidationError as error:
        raise HttpError(400, str(error)) from None
    return {"slug": event.slug}
