"""The manual's errors page lists how an adapter responds to each error."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from manual.blocks import ROOT
from vendo import errors
from vendo_starlette import install

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.websockets import WebSocket

#: Class, code, HTTP status, `Retry-After` if it is sent, and close code of a WebSocket.
ROWS = re.findall(
    r"^\| `(\w+)` \| `(\w+)`.* \| (\d+)( with `Retry-After`)?, (\d+)[^|]*\|$",
    (ROOT / "docs" / "errors.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)


def test_every_error_has_a_response() -> None:
    assert {name for name, *_ in ROWS} == set(errors.__all__)


@pytest.mark.parametrize(("name", "code", "status", "retry_after", "close_code"), ROWS)
def test_the_response_is_the_listed_one(
    name: str,
    code: str,
    status: str,
    retry_after: str,
    close_code: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("VENDO_API_KEY", raising=False)
    error: errors.VendoError = getattr(errors, name)(code, "Message.", retry_after=2.0)

    async def page(request: Request) -> Response:
        raise error

    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        raise error

    app = Starlette(routes=[Route("/", page), WebSocketRoute("/ws", socket)])
    install(app)
    browser = TestClient(app)
    response = browser.get("/")
    with browser.websocket_connect("/ws") as websocket, pytest.raises(WebSocketDisconnect) as end:
        websocket.receive_text()

    assert response.status_code == int(status)
    assert ("Retry-After" in response.headers) == bool(retry_after)
    assert end.value.code == int(close_code)
