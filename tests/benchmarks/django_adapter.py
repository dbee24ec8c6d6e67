"""Figures of the Django adapter: its cost per request."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template import Context, Engine

from benchmarks.harness import Figure, microseconds_more, ratio, running_service
from vendo_django import MaskedStr

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "vendo_sk_" + "k" * 32


def figures() -> Iterator[Figure]:
    """Yield every figure."""
    if not settings.configured:
        settings.configure()
    os.environ.pop("VENDO_AUTH", None)
    with running_service() as address:
        os.environ["VENDO_API_KEY"] = KEY
        os.environ["VENDO_CREDENTIALS_URL"] = address.url
        yield from _requests()
        del os.environ["VENDO_API_KEY"], os.environ["VENDO_CREDENTIALS_URL"]
    yield _printing()


def _requests() -> Iterator[Figure]:
    from vendo_django.middleware import VendoMiddleware

    response = HttpResponse()

    def view(request: HttpRequest) -> HttpResponse:
        return response

    through = VendoMiddleware(view)
    request: Any = HttpRequest()
    request.META = {f"HTTP_X_HEADER_{number}": "value" for number in range(15)}
    yield Figure(
        "Django: a request through `VendoMiddleware` that uses nothing",
        "the view alone",
        microseconds_more(lambda: through(request), lambda: view(request)),
        2.0,
        "µs more",
    )

    through(request)
    request.vendo.token("openai")
    yield Figure(
        "Django: `request.vendo.token()` cached",
        "an attribute of the request",
        microseconds_more(lambda: request.vendo.token("openai"), lambda: request.META),
        5.0,
        "µs more",
    )

    def first_use() -> None:
        through(request)
        request.vendo.token("openai")

    yield Figure(
        "Django: the first `request.vendo.token()` of a request, cached",
        "the view alone",
        microseconds_more(first_use, lambda: view(request)),
        20.0,
        "µs more",
    )
    request.META["HTTP_X_VENDO_USER_JWT"] = "header.payload.signature"
    yield Figure(
        "Django: the first `request.vendo.token()` of a request for its user, cached",
        "the view alone",
        microseconds_more(first_use, lambda: view(request)),
        30.0,
        "µs more",
    )


def _printing() -> Figure:
    template = Engine().from_string("{{ value }}")
    masked = Context({"value": MaskedStr("sk-benchmark")})
    plain = Context({"value": "sk-benchmark"})
    return Figure(
        "Django: a masked value in a template",
        "a plain string in a template",
        ratio(lambda: template.render(masked), lambda: template.render(plain)),
        1.2,
    )
