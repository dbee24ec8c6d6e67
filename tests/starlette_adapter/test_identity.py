"""Who is signed in: from the platform's proxy, and from nobody else."""

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
    return TestClient(project.make_app(told=request.param))


def test_the_person_is_named(browser: TestClient, proxy: dict[str, str]) -> None:
    for path in ("/person", "/anybody"):
        assert browser.get(path, headers=proxy).json() == "ada@example.com"


def test_nobody_is_401_where_somebody_is_needed_and_none_where_not(
    browser: TestClient, proxy: dict[str, str]
) -> None:
    refused = browser.get("/person")

    assert refused.status_code == 401
    assert "Not signed in" in refused.text
    assert browser.get("/anybody").json() is None


def test_headers_alone_are_nobody(
    browser: TestClient, proxy: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VENDO_AUTH")
    refused = browser.get("/person", headers=proxy)

    assert refused.status_code == 401
    assert "VENDO_AUTH is not 1" in refused.text
    assert "ada" not in refused.text.lower()
    assert browser.get("/anybody", headers=proxy).json() is None


def test_two_people_in_one_request_are_nobody(browser: TestClient, proxy: dict[str, str]) -> None:
    headers: Any = [*proxy.items(), ("X-Vendo-User-Id", "another")]
    assert browser.get("/person", headers=headers).status_code == 401


async def _talk(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("welcome")
    await websocket.close()


@pytest.mark.parametrize("told", [False, True])
def test_a_websocket_for_people_is_not_opened_for_nobody(told: bool, proxy: dict[str, str]) -> None:
    app = FastAPI()
    if told:
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
