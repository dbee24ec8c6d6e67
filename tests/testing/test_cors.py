from __future__ import annotations

import pytest

from testing.local_http import Response, bearer, send
from vendo.testing import LocalVendo

BALANCE = "/api/billing/balance"
OPEN = [BALANCE, "/providers/gmail/echo", "/providers/openai/v1/chat/completions"]
CLOSED = [
    "/api/deployments/me/connections", "/api/deployments/me/events", "/api/integrations",
    "/api/billing/spend-caps", "/api/billing/usage", "/credentials/gmail", "/credentials/_bulk",
    "/data-proxy/v1/execute", "/", "/connections/connect/gmail", "/api/nothing",
]  # fmt: skip

PLATFORM = ["https://vendo.run", "https://acme-bot.vendo.run", "http://a.b.vendo.run:8443"]
OTHERS = [
    "https://app.example.com", "http://localhost:3000", "null", "https://vendo.run.example.com",
    "https://notvendo.run", "https://vendo.run@example.com", "http://[::1",
]  # fmt: skip


def asked(server: LocalVendo, path: str, origin: str) -> Response:
    """Send the request that a browser sends before another one."""
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
    }
    return send(server.url + path, "OPTIONS", headers)


def allowed(response: Response) -> tuple[str | None, str | None]:
    return response.headers["Access-Control-Allow-Origin"], response.headers["Vary"]


def cors_headers(response: Response) -> list[str]:
    return [name for name in response.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize("path", OPEN)
def test_preflight_needs_no_key(server: LocalVendo, path: str) -> None:
    server.revoke_key()
    response = asked(server, path, "https://app.example.com")
    assert (response.status, response.body) == (204, b"")
    assert response.headers["Access-Control-Allow-Methods"] == "GET, OPTIONS"
    assert response.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type"
    assert allowed(response) == ("*", None)


@pytest.mark.parametrize("path", OPEN)
@pytest.mark.parametrize("origin", PLATFORM)
def test_origin_of_the_platform_is_reflected(server: LocalVendo, path: str, origin: str) -> None:
    headers = {**bearer(server.api_key), "Origin": origin}
    for response in (asked(server, path, origin), send(server.url + path, headers=headers)):
        assert allowed(response) == (origin, "Origin")


@pytest.mark.parametrize("origin", OTHERS)
def test_other_origins_may_read_too(server: LocalVendo, origin: str) -> None:
    headers = {**bearer(server.api_key), "Origin": origin}
    for response in (asked(server, BALANCE, origin), send(server.url + BALANCE, headers=headers)):
        assert allowed(response) == ("*", None)


@pytest.mark.parametrize("path", OPEN)
def test_errors_can_be_read_too(server: LocalVendo, path: str) -> None:
    rejected = send(server.url + path, headers={"Origin": "https://app.example.com"})
    assert (rejected.status, allowed(rejected)) == (401, ("*", None))
    server.fail("any", status=503)
    broken = send(server.url + path, headers={"Origin": "https://a.vendo.run"})
    assert (broken.status, allowed(broken)) == (503, ("https://a.vendo.run", "Origin"))


def test_fault_is_for_the_request_after_the_preflight(server: LocalVendo) -> None:
    server.fail("api", status=503)
    assert asked(server, BALANCE, "https://app.example.com").status == 204
    assert send(server.url + BALANCE, headers=bearer(server.api_key)).status == 503


@pytest.mark.parametrize("path", CLOSED)
def test_nothing_else_allows_other_origins(server: LocalVendo, path: str) -> None:
    origin = "https://vendo.run"
    preflight = asked(server, path, origin)
    assert preflight.status >= 400
    assert cors_headers(preflight) == []
    method = "HEAD"  # GET would open an event stream
    response = send(server.url + path, method, {**bearer(server.api_key), "Origin": origin})
    assert cors_headers(response) == []
