"""The middleware under WSGI and ASGI: each request has its user's client, even after it ended."""

from __future__ import annotations

import asyncio
import gc
import json
import weakref
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import async_to_sync, iscoroutinefunction
from django.http import HttpResponse
from django.test import AsyncClient, Client, RequestFactory, override_settings

from django_adapter.asgi import AsgiClient
from vendo import AuthError, IdentityNotPresent, Vendo
from vendo_django.middleware import VendoMiddleware

if TYPE_CHECKING:
    from django.http import HttpRequest

    from vendo.testing import LocalVendo

ONE, OTHER = "user.one.jwt", "user.other.jwt"


def test_requests_of_two_users_have_two_tokens(vendo_mode: LocalVendo) -> None:
    responses = [_get("/token/", jwt) for jwt in (ONE, OTHER, None)]

    assert responses == [vendo_mode.token("gmail", user=jwt) for jwt in (ONE, OTHER, None)]
    assert len(set(responses)) == 3


@pytest.mark.parametrize("path", ["/token/", "/atoken/", "/token-in-thread/"])
def test_under_asgi_both_kinds_of_views_have_the_users_client(
    vendo_mode: LocalVendo, path: str
) -> None:
    for jwt in (ONE, OTHER, None):
        response = async_to_sync(AsgiClient().get)(path, headers=_headers(jwt))
        assert response.content.decode() == vendo_mode.token("gmail", user=jwt)


@pytest.mark.parametrize("path", ["/token/", "/atoken/"])
def test_a_jwt_header_with_underscores_is_ignored(vendo_mode: LocalVendo, path: str) -> None:
    response = _get_asgi(path, (b"x_vendo_user_jwt", ONE.encode()))

    assert response.content.decode() == vendo_mode.token("gmail")


def test_two_jwts_in_one_request_are_an_error(vendo_mode: LocalVendo) -> None:
    with pytest.raises(IdentityNotPresent, match="different values"):
        _get_asgi("/token/", *((b"x-vendo-user-jwt", jwt.encode()) for jwt in (ONE, OTHER)))


def test_under_wsgi_an_async_view_has_the_users_client(vendo_mode: LocalVendo) -> None:
    for path in ("/atoken/", "/token-in-thread/"):
        assert _get(path, ONE) == vendo_mode.token("gmail", user=ONE)


@pytest.mark.parametrize("path", ["/optional/", "/aoptional/"])
def test_a_missing_credential_may_have_a_default(vendo_mode: LocalVendo, path: str) -> None:
    for jwt in (ONE, None):
        gmail = vendo_mode.token("gmail", user=jwt)
        assert json.loads(_get(path, jwt)) == [None, "-", gmail]

    vendo_mode.revoke_key()
    with pytest.raises(AuthError):
        _get(path, OTHER)


@pytest.mark.parametrize("path", ["/optional/", "/aoptional/"])
def test_a_missing_variable_may_have_a_default(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GMAIL_ACCESS_TOKEN", "mine")
    assert json.loads(_get(path, None)) == [None, "-", "mine"]


@pytest.mark.parametrize("path", ["/health/", "/ahealth/"])
def test_a_health_page(vendo_mode: LocalVendo, path: str) -> None:
    assert Client().get(path).status_code == 200

    vendo_mode.disconnect("gmail")
    assert Client().get(path).status_code == 503


def test_a_stream_can_use_its_client_after_the_view_returned(vendo_mode: LocalVendo) -> None:
    response = Client().get("/stream/", headers=_headers(ONE))
    assert vendo_mode.count("credentials") == 0
    body = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]

    assert set(body.split()) == {vendo_mode.token("gmail", user=ONE)}


def test_an_async_stream_can_use_its_client(vendo_mode: LocalVendo) -> None:
    async def read() -> str:
        response: Any = await AsgiClient().get("/astream/", headers=_headers(ONE))
        return b"".join([piece async for piece in response.streaming_content]).decode()

    assert set(async_to_sync(read)().split()) == {vendo_mode.token("gmail", user=ONE)}


def test_background_work_can_use_the_client_of_its_request(vendo_mode: LocalVendo) -> None:
    kept: list[Vendo] = []

    def view(request: Any) -> HttpResponse:
        kept.append(request.vendo)
        return HttpResponse()

    VendoMiddleware(view)(RequestFactory().get("/", headers=_headers(ONE)))  # type: ignore[arg-type]

    assert kept[0].token("gmail") == vendo_mode.token("gmail", user=ONE)


def test_concurrent_users_never_get_each_others_tokens(vendo_mode: LocalVendo) -> None:
    users = [f"user.{number}.jwt" for number in range(25)]
    barrier = Barrier(len(users))

    def visit(jwt: str) -> bool:
        barrier.wait()
        return all(_get("/token/", jwt) == vendo_mode.token("gmail", user=jwt) for _ in range(4))

    with ThreadPoolExecutor(len(users)) as pool:
        assert all(pool.map(visit, users))


def test_concurrent_tasks_never_get_each_others_tokens(vendo_mode: LocalVendo) -> None:
    users = [f"user.{number}.jwt" for number in range(25)] * 4

    async def visit(jwt: str) -> bool:
        response = await AsgiClient().get("/atoken/", headers=_headers(jwt))
        return response.content.decode() == vendo_mode.token("gmail", user=jwt)

    async def crowd() -> list[bool]:
        return await asyncio.gather(*map(visit, users))

    assert all(async_to_sync(crowd)())


def test_the_client_is_made_on_first_use_once_a_request(vendo_mode: LocalVendo) -> None:
    with override_settings(VENDO={"API_KEY": "malformed key"}):
        assert Client().get("/identity/").status_code == 200  # the view does not use the client

    seen: list[Any] = []

    def view(request: Any) -> HttpResponse:
        request.vendo.token("gmail")
        seen.extend([request.vendo, request.vendo])
        return HttpResponse()

    VendoMiddleware(view)(RequestFactory().get("/"))  # type: ignore[arg-type]
    assert seen[0] is seen[1]
    assert isinstance(seen[0], Vendo)


def test_a_request_with_its_client_is_freed_without_the_garbage_collector(
    vendo_mode: LocalVendo,
) -> None:
    request: Any = RequestFactory().get("/", headers=_headers(ONE))
    VendoMiddleware(lambda request: HttpResponse())(request)
    assert request.vendo.token("gmail") == vendo_mode.token("gmail", user=ONE)
    kept = request.vendo
    freed = weakref.ref(request)
    gc.disable()
    try:
        del request
        assert freed() is None
    finally:
        gc.enable()
    assert kept.token("gmail") == vendo_mode.token("gmail", user=ONE)


def test_sessions_of_requests_share_their_connections(vendo_mode: LocalVendo) -> None:
    profiles = [json.loads(_get("/profile/", jwt)) for jwt in (ONE, OTHER, None) * 5]
    addresses = {profile["emailAddress"] for profile in profiles}

    assert len(addresses) == 3
    opened = vendo_mode.connections_opened
    _get("/profile/", "user.third.jwt")
    assert vendo_mode.connections_opened == opened


def test_the_middleware_is_sync_or_async_like_its_view() -> None:
    async def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    def blocking(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    assert iscoroutinefunction(VendoMiddleware(view))
    assert not iscoroutinefunction(VendoMiddleware(blocking))
    assert repr(VendoMiddleware(view)) == "<VendoMiddleware>"


def _headers(jwt: str | None) -> dict[str, str]:
    return {} if jwt is None else {"X-Vendo-User-JWT": jwt}


def _get(path: str, jwt: str | None) -> str:
    response = Client().get(path, headers=_headers(jwt))
    assert response.status_code == 200
    return response.content.decode()


def _get_asgi(path: str, *headers: tuple[bytes, bytes]) -> Any:
    scope = {"path": path, "query_string": b"", "headers": list(headers)}
    return async_to_sync(AsyncClient().request)(**scope)
