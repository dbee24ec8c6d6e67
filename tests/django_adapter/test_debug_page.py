"""Django's debug pages and error reports contain no secret."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.http import HttpResponse
from django.test import RequestFactory, override_settings
from django.views.debug import ExceptionReporter, technical_500_response

from vendo_django import client, database, token, tokens
from vendo_django.middleware import VendoMiddleware

if TYPE_CHECKING:
    from collections.abc import Callable

    from vendo.testing import LocalVendo

# Pages show source lines around an error: do not write the canary on such a line.
CANARY = "".join(reversed("yranac"))


def debug_pages(request: Any) -> str:
    """Return the page for a browser, the text for an API client, and the mailed report."""
    kind, error, traceback = sys.exc_info()
    pages = []
    for accept in ("text/html", "text/plain"):
        request.META["HTTP_ACCEPT"] = accept
        for cached in [name for name in request.__dict__ if name.startswith(("headers", "accept"))]:
            del request.__dict__[cached]
        pages.append(technical_500_response(request, kind, error, traceback).content.decode())
    report = ExceptionReporter(request, kind, error, traceback, is_email=True)
    pages += [report.get_traceback_html(), report.get_traceback_text()]
    assert pages[0].startswith("\n<!DOCTYPE html>") or "<html" in pages[0]
    return "".join(pages)


def _fail() -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize("debug", [True, False])
def test_settings_are_masked_under_every_name(debug: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("VENDO_TOKEN_APP_DATABASE", f"postgresql://a:{CANARY}@db.example.com/app")
    shown = {
        "OPENAI": token("openai"),
        "HARMLESS": {"list": [token("openai")], "tuple": (tokens("openai"),)},
        "HEADER": "Bearer " + token("openai"),
        "OTHER_DATABASE": database("app-database"),
    }
    with override_settings(DEBUG=debug, **shown):
        try:
            _fail()
        except ZeroDivisionError:
            pages = debug_pages(RequestFactory().get("/"))
    assert "HARMLESS" in pages
    assert CANARY not in pages


def test_diffsettings_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    with override_settings(OPENAI=token("openai"), HARMLESS={"inner": [token("openai")]}):
        for output in ("hash", "unified"):
            out = io.StringIO()
            call_command("diffsettings", output=output, all=True, stdout=out)
            assert "HARMLESS" in out.getvalue()
            assert CANARY not in out.getvalue()


_MALFORMED = [
    {"API_KEY": f"two {CANARY}"},
    {"API_KEY": CANARY, "BASE_URL": "http://example.com"},
    {"API_KEY": CANARY, "TIMEOUT": -1},
    {"API_KEY": CANARY.encode()},
]


@pytest.mark.parametrize("number", range(len(_MALFORMED)))
def test_a_malformed_key_is_not_shown(number: int) -> None:
    with override_settings(DEBUG=True, VENDO=_MALFORMED[number]):
        try:
            client()
        except ImproperlyConfigured:
            assert CANARY not in debug_pages(RequestFactory().get("/"))
        else:
            raise AssertionError


def _get_token(request: Any) -> object:
    return request.vendo.token("slack")


def _get_tokens(request: Any) -> object:
    return request.vendo.tokens(["slack", "gmail"])


def _list_connections(request: Any) -> object:
    return request.vendo.connections.list()


def _execute(request: Any) -> object:
    return request.vendo.data.execute("SLACK_SEND_MESSAGE")


def _use_session(request: Any) -> object:
    return request.vendo.session("slack").get("https://slack.com/api/api.test")


def _make_link(request: Any) -> object:
    return request.vendo.connect_url("gmail", return_to="nowhere")


def _get_application_token(request: Any) -> object:
    return client().token("slack")


@pytest.mark.parametrize(
    "ask",
    [
        _get_token,
        _get_tokens,
        _list_connections,
        _execute,
        _use_session,
        _make_link,
        _get_application_token,
    ],
)
@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("trouble", ["missing", "rejected", "failing", "reset"])
def test_no_frame_of_an_error_shows_a_key_a_token_or_a_jwt(
    ask: Callable[[Any], object], debug: bool, trouble: str, vendo_mode: LocalVendo
) -> None:
    if trouble == "rejected":
        vendo_mode.revoke_key()
    elif trouble == "failing":
        vendo_mode.fail("any", status=400, times=None)
    elif trouble == "reset":
        vendo_mode.fail("any", reset=True, times=None)
    pages = []

    def view(request: Any) -> HttpResponse:
        try:
            ask(request)
            _fail()  # some calls succeed: show the page of another error
        except Exception:  # noqa: BLE001  # any error, as in Django
            pages.append(debug_pages(request))
        return HttpResponse()

    request = RequestFactory().get("/", headers={"X-Vendo-User-JWT": CANARY})
    with override_settings(DEBUG=debug, VENDO={"TIMEOUT": 0.3}):
        VendoMiddleware(view)(request)  # type: ignore[arg-type]
    assert pages
    for secret in (vendo_mode.api_key, vendo_mode.token("gmail"), vendo_mode.webhook_secret):
        assert secret not in pages[0]
    assert CANARY not in pages[0]
