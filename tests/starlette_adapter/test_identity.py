"""The signed-in user comes only from the platform's proxy."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from starlette_adapter import project
from vendo_starlette import install, vendo_identity


@pytest.fixture(params=[False, True], ids=["bare", "installed"])
def browser(request: pytest.FixtureRequest) -> TestClient:
    return TestClient(project.make_app(installed=request.param))


def test_the_signed_in_user_is_named(browser: TestClient, proxy: dict[str, str]) -> None:
    for path in ("/user", "/optional-user"):
        assert browser.get(path, headers=proxy).json() == "ada@example.com"


def test_without_a_user_a_required_identity_is_401_and_an_optional_one_none(
    browser: TestClient, proxy: dict[str, str]
) -> None:
    rejected = browser.get("/user")

    assert rejected.status_code == 401
    assert "Not signed in" in rejected.text
    assert browser.get("/optional-user").json() is None


def test_identity_headers_without_the_proxy_are_ignored(
    browser: TestClient, proxy: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VENDO_AUTH")
    rejected = browser.get("/user", headers=proxy)

    assert rejected.status_code == 401
    assert "Not signed in" in rejected.text
    assert "ada" not in rejected.text.lower()
    assert browser.get("/optional-user", headers=proxy).json() is None


def test_two_identities_in_one_request_are_401(browser: TestClient, proxy: dict[str, str]) -> None:
    headers: Any = [*proxy.items(), ("X-Vendo-User-Id", "another")]
    assert browser.get("/user", headers=headers).status_code == 401


async def _talk(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("welcome")
    await websocket.close()


@pytest.mark.parametrize("installed", [False, True])
def test_a_websocket_that_needs_a_user_is_not_opened_without_one(
    installed: bool, proxy: dict[str, str]
) -> None:
    app = FastAPI()
    if installed:
        install(app)
    router = APIRouter(dependencies=[Depends(vendo_identity())])
    router.add_api_websocket_route("/", _talk)
    app.include_router(router)
    browser = TestClient(app)

    with browser.websocket_connect("/", headers=proxy) as websocket:
        assert websocket.receive_text() == "welcome"
    with pytest.raises(WebSocketDisconnect) as caught, browser.websocket_connect("/"):
        raise AssertionError
    assert caught.value.code == 1008
