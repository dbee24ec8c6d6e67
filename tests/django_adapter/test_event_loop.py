"""A requests session in an async view blocks every request of the process: it warns once."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.http import HttpResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import path

from vendo import Vendo
from vendo_django import client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vendo.testing import LocalVendo
    from vendo_django import VendoHttpRequest

JWT = {"X-Vendo-User-JWT": "user.one.jwt"}
WAYS: dict[str, Callable[[VendoHttpRequest], Vendo]] = {
    "request": lambda request: request.vendo,
    "process": lambda request: client(),
    "function": client,
    "user": lambda request: client().for_user("user.one.jwt"),
}


def profile(way: str, request: VendoHttpRequest) -> HttpResponse:
    with WAYS[way](request).session("gmail") as gmail:
        return HttpResponse(gmail.get("gmail/v1/users/me/profile"))


async def blocking(request: VendoHttpRequest, way: str) -> HttpResponse:
    profile(way, request)
    return profile(way, request)


async def in_thread(request: VendoHttpRequest, way: str) -> HttpResponse:
    return await sync_to_async(profile)(way, request)


def plain(request: VendoHttpRequest, way: str) -> HttpResponse:
    return profile(way, request)


urlpatterns = [
    path("blocking/<way>/", blocking),
    path("in-thread/<way>/", in_thread),
    path("plain/<way>/", plain),
]


@pytest.fixture(autouse=True)
def new_client(vendo_mode: LocalVendo) -> Iterator[None]:
    """A client of this test, which has not warned."""
    with override_settings(VENDO={"TIMEOUT": 12.5}, ROOT_URLCONF=__name__):
        yield


def status(kind: type[Client | AsyncClient], address: str) -> int:
    get = kind().get if kind is Client else async_to_sync(AsyncClient().get)
    return int(get(address, headers=JWT).status_code)


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize("way", WAYS)
def test_a_requests_session_in_an_async_view_warns_once(
    way: str, kind: type[Client | AsyncClient]
) -> None:
    with pytest.warns(RuntimeWarning, match="event loop") as caught:
        assert [status(kind, f"/blocking/{way}/") for _ in range(2)] == [200, 200]

    (warning,) = [each for each in caught if "event loop" in str(each.message)]
    assert "await aclient(request).session('gmail')" in str(warning.message)
    assert Path(warning.filename) == Path(__file__)  # where the session is used


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize("view", ["plain", "in-thread"])
def test_a_requests_session_in_a_thread_does_not_warn(
    view: str, kind: type[Client | AsyncClient]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        assert status(kind, f"/{view}/request/") == 200


def test_a_client_is_pickled_and_shown_as_a_plain_one() -> None:
    assert repr(client()).startswith("<Vendo,")
    assert type(pickle.loads(pickle.dumps(client()))) is Vendo
