"""The URLs and views of the tests' project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asgiref.sync import sync_to_async
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.template import RequestContext, Template
from django.urls import include, path
from django.views.decorators.cache import cache_page

from vendo.errors import NotConnected, RateLimited, UpstreamError
from vendo_django import aclient, client, vary_on_identity

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from django.http import HttpRequest

    from vendo_django import VendoHttpRequest


def token(request: VendoHttpRequest) -> HttpResponse:
    return HttpResponse(request.vendo.token("gmail"))


async def atoken(request: HttpRequest) -> HttpResponse:
    return HttpResponse(await aclient(request).token("gmail"))


async def token_in_thread(request: VendoHttpRequest) -> HttpResponse:
    return HttpResponse(await sync_to_async(request.vendo.token)("gmail"))


def optional(request: VendoHttpRequest) -> JsonResponse:
    tokens = [request.vendo.token("sentry", default=None), client().token("sentry", default="-")]
    return JsonResponse([*tokens, request.vendo.token("gmail", default=None)], safe=False)


async def aoptional(request: HttpRequest) -> JsonResponse:
    tokens = [await aclient(request).token("sentry", default=None)]
    tokens.append(await aclient().token("sentry", default="-"))
    return JsonResponse([*tokens, await aclient(request).token("gmail", default=None)], safe=False)


def health(request: HttpRequest) -> JsonResponse:
    health = client().check(["gmail", "openai"])
    return JsonResponse({"ok": health.ok}, status=200 if health.ok else 503)


async def ahealth(request: HttpRequest) -> JsonResponse:
    health = await aclient().check(["gmail", "openai"])
    return JsonResponse({"ok": health.ok}, status=200 if health.ok else 503)


def identity(request: VendoHttpRequest) -> JsonResponse:
    who = request.vendo_identity
    user = request.user
    return JsonResponse({"identity": who and who.user_id, "user": user.get_username()})


async def aidentity(request: VendoHttpRequest) -> JsonResponse:
    user = await request.auser()
    who = request.vendo_identity
    return JsonResponse({"identity": who and who.user_id, "user": user.get_username()})


def stream(request: VendoHttpRequest) -> StreamingHttpResponse:
    def pieces() -> Iterator[str]:
        for _ in range(3):
            yield request.vendo.token("gmail") + "\n"

    return StreamingHttpResponse(pieces())


async def astream(request: HttpRequest) -> StreamingHttpResponse:
    async def pieces() -> AsyncIterator[str]:
        for _ in range(3):
            yield await aclient(request).token("gmail") + "\n"

    return StreamingHttpResponse(pieces())


def profile(request: VendoHttpRequest) -> HttpResponse:
    return HttpResponse(request.vendo.session("gmail").get("gmail/v1/users/me/profile").text)


def limited(request: HttpRequest) -> HttpResponse:
    raise RateLimited("upstream_rate_limited", "Slow down.", retry_after=3)


def unconnected(request: HttpRequest) -> HttpResponse:
    raise NotConnected("binding_missing", "Not connected.", slug="slack")


async def afailing(request: HttpRequest) -> HttpResponse:
    raise UpstreamError("upstream_error", "The backend failed.")


def broken(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError


def page(request: HttpRequest) -> HttpResponse:
    template = Template("{% load vendo %}{% vendo_connect_button 'gmail' %}")
    return HttpResponse(template.render(RequestContext(request)))


def personal(request: VendoHttpRequest) -> HttpResponse:
    who = request.vendo_identity
    return HttpResponse(who.email if who else "nobody")


async def apersonal(request: VendoHttpRequest) -> HttpResponse:
    who = request.vendo_identity
    return HttpResponse(who.email if who else "nobody")


def public(request: HttpRequest) -> HttpResponse:
    return HttpResponse("public")


urlpatterns = [
    path("api/vendo/", include("vendo_django.urls")),
    path("token/", token),
    path("atoken/", atoken),
    path("token-in-thread/", token_in_thread),
    path("optional/", optional),
    path("aoptional/", aoptional),
    path("health/", health),
    path("ahealth/", ahealth),
    path("identity/", identity),
    path("aidentity/", aidentity),
    path("stream/", stream),
    path("astream/", astream),
    path("profile/", profile),
    path("limited/", limited),
    path("unconnected/", unconnected),
    path("afailing/", afailing),
    path("broken/", broken),
    path("page/", page),
    path("personal/", personal),
    path("apersonal/", apersonal),
    path("public/", public),
    path("cached/", cache_page(60)(vary_on_identity(personal))),
]
