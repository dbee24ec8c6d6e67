"""The ready-made routes: the identity, and what all have."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.testclient import TestClient

from support.connect_flow import BROWSER
from vendo import AuthError
from vendo_starlette import vendo_routes

if TYPE_CHECKING:
    from vendo.testing import LocalVendo

CONNECT = "/api/vendo/connect/gmail/"
DONE = "/api/vendo/connect/done/"


@pytest.fixture(params=[Starlette, FastAPI])
def app(request: pytest.FixtureRequest) -> Any:
    return request.param(routes=vendo_routes(may_connect=lambda request, slug: True))


def visitor(app: Any, **how: Any) -> TestClient:
    return TestClient(app, follow_redirects=False, **how)


def test_pages_accept_only_get_and_head(app: Any, vendo_mode: LocalVendo) -> None:
    for path in (CONNECT, DONE, "/api/vendo/identity"):
        assert visitor(app).post(path).status_code == 405
    assert visitor(app).head(CONNECT).status_code == 302


def test_the_identity_endpoint_responds_with_the_platforms_fields(
    app: Any, proxy: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    response = visitor(app).get("/api/vendo/identity", headers=proxy)
    assert response.json()["user_id"] == "5f0c1a9e"
    assert response.json()["logout_url"] == "/__vendo/auth/logout"
    assert response.headers["Cache-Control"] == "no-store"

    assert visitor(app).get("/api/vendo/identity").status_code == 401
    monkeypatch.delenv("VENDO_AUTH")
    forged = visitor(app).get("/api/vendo/identity", headers=proxy)
    assert forged.status_code == 401
    assert "ada" not in forged.text


def test_an_internal_failure_is_logged_and_not_in_the_response(
    app: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("VENDO_API_KEY", "canary key")
    with caplog.at_level(logging.ERROR):
        response = visitor(app).get(CONNECT)
        page = visitor(app).get(CONNECT, headers=BROWSER)

    assert (response.status_code, response.json()["error"]["code"]) == (500, "internal_error")
    assert page.status_code == 500
    assert "Something went wrong" in page.text
    record, _ = (record for record in caplog.records if record.name == "vendo_starlette")
    assert record.exc_info
    assert isinstance(record.exc_info[1], AuthError)
    assert "canary" not in caplog.text + page.text


def test_in_debug_mode_starlettes_page_shows_an_internal_failure(
    app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_API_KEY", "canary key")
    app.debug = True
    page = visitor(app, raise_server_exceptions=False).get(CONNECT, headers=BROWSER)

    assert page.status_code == 500
    assert "Traceback" in page.text
    assert "canary" not in page.text
