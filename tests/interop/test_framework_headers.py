"""Header objects of each framework and HTTP library, made by that library."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import flask
import httpx2
import multidict
import pytest
import requests
import starlette.datastructures
import werkzeug.datastructures
from django.http.request import HttpHeaders
from django.utils.datastructures import MultiValueDict
from starlette.requests import HTTPConnection
from werkzeug.test import EnvironBuilder

from support.webhooks import BODY, SECRET, signed
from vendo import ValidationError, WebhooksAPI
from vendo._protocol.headers import RequestHeaders

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "X-Vendo-User-Id"
Pairs = list[tuple[str, str]]


def _environ(pairs: Pairs) -> dict[str, object]:
    return dict(EnvironBuilder(headers=pairs).get_environ())


def _scope(pairs: Pairs) -> dict[str, object]:
    return {
        "type": "http",
        "method": "GET",
        "path": "/",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in pairs],
    }


def _flask(pairs: Pairs) -> object:
    with flask.Flask("app").test_request_context(headers=pairs):
        return werkzeug.datastructures.Headers(list(flask.request.headers.items()))


def _werkzeug_multi(pairs: Pairs) -> object:
    return werkzeug.datastructures.MultiDict(pairs)


def _django_multi(pairs: Pairs) -> object:
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return MultiValueDict(values)


#: Types that keep every header of a name.
KEEPING: dict[str, Callable[[Pairs], object]] = {
    "werkzeug Headers": werkzeug.datastructures.Headers,
    "werkzeug MultiDict": _werkzeug_multi,
    "django MultiValueDict": _django_multi,
    "starlette Headers": lambda pairs: HTTPConnection(_scope(pairs)).headers,
    "starlette MultiDict": starlette.datastructures.MultiDict,
    "asgi scope": lambda pairs: _scope(pairs)["headers"],
    "aiohttp CIMultiDict": multidict.CIMultiDict,
    "httpx2 Headers": httpx2.Headers,
}
#: Types that keep one value per name, joined with commas or the last.
JOINING: dict[str, Callable[[Pairs], object]] = {
    "flask request.headers": _flask,
    "werkzeug environ": _environ,
    "werkzeug EnvironHeaders": lambda pairs: werkzeug.datastructures.EnvironHeaders(
        _environ(pairs)
    ),
    "django request.headers": lambda pairs: HttpHeaders(_environ(pairs)),
    "requests": lambda pairs: requests.structures.CaseInsensitiveDict(dict(pairs)),
}
ALL = pytest.mark.parametrize(
    "make", [*KEEPING.values(), *JOINING.values()], ids=[*KEEPING, *JOINING]
)


@ALL
@pytest.mark.parametrize("sent_as", [NAME, NAME.lower(), NAME.upper()])
def test_look_up_of_a_header_ignores_case(make: Callable[[Pairs], object], sent_as: str) -> None:
    headers = make([("Host", "app.example.com"), (sent_as, "u")])

    assert RequestHeaders(headers).get(NAME) == "u"
    assert RequestHeaders(headers).get("X-Vendo-Role") is None


@pytest.mark.parametrize("make", KEEPING.values(), ids=KEEPING)
def test_two_different_values_are_an_error(make: Callable[[Pairs], object]) -> None:
    with pytest.raises(ValidationError, match="different values"):
        RequestHeaders(make([(NAME, "a"), (NAME, "b")])).get(NAME)


@ALL
def test_a_webhook_is_verified_with_them(make: Callable[[Pairs], object]) -> None:
    headers = make(list(signed(timestamp=str(int(time.time()))).items()))

    assert WebhooksAPI(SECRET).verify(headers, BODY).id == "evt_1"


@ALL
def test_two_different_signatures_verify_nothing(make: Callable[[Pairs], object]) -> None:
    pairs = [*signed(timestamp=str(int(time.time()))).items(), ("Vendo-Signature", "0" * 64)]

    with pytest.raises(ValidationError):
        WebhooksAPI(SECRET).verify(make(pairs), BODY)


def test_wsgi_and_asgi_requests_of_django() -> None:
    # In a separate process: Django's settings can be configured only once.
    program = """
from django.conf import settings
from django.test import RequestFactory, AsyncRequestFactory
from vendo._protocol.headers import RequestHeaders

settings.configure()
for factory in RequestFactory(), AsyncRequestFactory():
    request = factory.get("/", headers={"x-vendo-user-id": "u"})
    for headers in request.META, request.headers:
        assert RequestHeaders(headers).get("X-Vendo-User-Id") == "u", headers
        assert RequestHeaders(headers).get("X-Vendo-Role") is None
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
