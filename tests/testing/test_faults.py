from __future__ import annotations

import http.client
import json
import zlib
from typing import Any

import pytest

from testing.local_http import KeptConnection, bearer, execute, in_thread, send, with_key
from vendo.testing import LocalVendo

TOKEN = "/credentials/gmail"

#: The path of one request for each surface.
PATHS = {
    "credentials": TOKEN,
    "api": "/api/billing/balance",
    "events": "/api/deployments/me/events",
    "provider": "/providers/gmail/echo",
    "pages": "/",
    "data": "/data-proxy/v1/execute",
}


def test_fault_applies_to_given_number_of_requests(server: LocalVendo) -> None:
    server.fail("credentials", status=503, times=2)
    assert [with_key(server, TOKEN).status for _ in range(3)] == [503, 503, 200]


def test_fault_without_times_lasts_until_heal(server: LocalVendo) -> None:
    server.fail("credentials", times=None)
    server.fail("api", times=None)
    assert [with_key(server, TOKEN).status for _ in range(5)] == [500] * 5
    server.heal("credentials")
    assert with_key(server, TOKEN).status == 200
    assert with_key(server, PATHS["api"]).status == 500
    server.heal()
    assert with_key(server, PATHS["api"]).status == 200


def test_faults_apply_one_after_the_other(server: LocalVendo) -> None:
    server.fail("credentials", status=500)
    server.fail("credentials", status=502)
    assert [with_key(server, TOKEN).status for _ in range(3)] == [500, 502, 200]


@pytest.mark.parametrize("surface", PATHS)
def test_fault_applies_only_to_its_surface(server: LocalVendo, surface: str) -> None:
    server.fail(surface, status=599, times=None)
    for other, path in PATHS.items():
        method = "POST" if other == "data" else "HEAD"  # HEAD opens no stream
        response = send(server.url + path, method, bearer(server.api_key))
        assert (response.status == 599) == (other == surface)
        assert server.requests[-1].surface == other


def test_any_is_every_surface(server: LocalVendo) -> None:
    server.fail("any", status=418, times=None)
    assert {send(server.url + path, "HEAD").status for path in PATHS.values()} == {418}


def test_fault_can_apply_to_one_slug(server: LocalVendo) -> None:
    server.fail("credentials", slug="gmail", times=None)
    assert with_key(server, "/credentials/openai").status == 200
    assert with_key(server, TOKEN).status == 500


@pytest.mark.parametrize(
    ("code", "status"),
    [("app_expired", 401), ("binding_missing", 403), ("upstream_error", 502), ("made_up", 400)],
)
def test_code_sets_its_status(server: LocalVendo, code: str, status: int) -> None:
    server.fail("credentials", code=code)
    server.fail("api", code=code)
    worker, platform = with_key(server, TOKEN), with_key(server, PATHS["api"])
    assert (worker.status, worker.code) == (platform.status, platform.code) == (status, code)
    assert code not in worker.text
    assert set(worker.json) == {"error", "detail"}
    assert platform.json["error"]["code"] == code


@pytest.mark.parametrize("wait", [3, 0.5, "nonsense", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_retry_after(server: LocalVendo, wait: float | str) -> None:
    server.fail("credentials", status=429, retry_after=wait)
    response = with_key(server, TOKEN)
    assert (response.status, response.headers["Retry-After"]) == (429, str(wait))
    assert set(response.json) == {"error", "detail"}


@pytest.mark.parametrize(
    ("wait", "seconds"),
    [(3, 3), (0, 0), (0.5, 1), ("7", 7), ("nonsense", None), (float("inf"), None),
     (float("nan"), None), (-1, None), ("Wed, 21 Oct 2026 07:28:00 GMT", None)],
)  # fmt: skip
def test_retry_after_is_in_the_body_of_errors_that_have_it(
    server: LocalVendo, wait: float | str, seconds: int | None
) -> None:
    server.fail("any", code="upstream_rate_limited", retry_after=wait, times=2)
    for response in (with_key(server, PATHS["api"]), execute(server, {"action_id": "GMAIL_X"})):
        assert (response.status, response.headers["Retry-After"]) == (429, str(wait))
        assert response.json["error"].get("retry_after") == seconds


def test_retry_after_alone_keeps_the_right_response(server: LocalVendo) -> None:
    server.fail("api", retry_after=9)
    response = with_key(server, PATHS["api"])
    assert (response.status, response.headers["Retry-After"]) == (200, "9")
    assert "retry_after" not in response.json


def test_headers_are_added_to_the_right_response(server: LocalVendo) -> None:
    server.fail("credentials", headers={"X-Odd": "a\r\nX-Split: b"})
    response = with_key(server, TOKEN)
    assert (response.status, response.headers["X-Odd"]) == (200, "aX-Split: b")
    assert response.json["access_token"] == server.token("gmail")


@pytest.mark.parametrize(
    ("body", "sent"), [(b"\xff", b"\xff"), ("text", b"text"), ({"a": None}, b'{"a": null}')]
)
def test_body_replaces_the_right_one(server: LocalVendo, body: Any, sent: bytes) -> None:
    server.fail("credentials", body=body)
    response = with_key(server, TOKEN)
    assert (response.status, response.body) == (200, sent)
    server.fail("credentials", status=403, body=body, code="binding_missing")
    response = with_key(server, TOKEN)
    assert (response.status, response.body, response.code) == (403, sent, "binding_missing")


def test_html(server: LocalVendo) -> None:
    server.fail("api", 502, html=True)
    response = with_key(server, PATHS["api"])
    assert (response.status, response.headers["Content-Type"]) == (502, "text/html")
    assert response.body.startswith(b"<!doctype html>")


@pytest.mark.parametrize("kind", ["malformed", "nested"])
def test_malformed_and_nested_json_cannot_be_parsed(server: LocalVendo, kind: str) -> None:
    how: dict[str, Any] = {kind: True}
    server.fail("credentials", **how)
    response = with_key(server, TOKEN)
    assert response.status == 200
    with pytest.raises((ValueError, RecursionError)):
        json.loads(response.body)


def test_oversize_body(server: LocalVendo) -> None:
    server.fail("credentials", oversize=True)
    body = with_key(server, TOKEN).body
    assert len(body) > 11 * 1024 * 1024
    assert json.loads(body).keys() == {"filler"}


def test_gzip_bomb(server: LocalVendo) -> None:
    server.fail("credentials", gzip_bomb=True)
    response = with_key(server, TOKEN)
    assert response.headers["Content-Encoding"] == "gzip"
    assert len(response.body) < 128 * 1024
    assert len(zlib.decompress(response.body, 47)) == 64 * 1024 * 1024 + 1


@pytest.mark.parametrize("status", [None, 307])
def test_redirect(server: LocalVendo, status: int | None) -> None:
    server.fail("credentials", status, redirect="http://127.0.0.2:9/x")
    response = with_key(server, TOKEN)
    assert (response.status, response.headers["Location"]) == (
        status or 302,
        "http://127.0.0.2:9/x",
    )


def test_reset_before_the_response(server: LocalVendo) -> None:
    server.fail("data", reset=True)
    with pytest.raises(ConnectionResetError):
        execute(server, {"action_id": "GMAIL_GET_PROFILE"})
    assert server.count("data") == 1
    remaining = with_key(server, PATHS["api"]).json["credits_remaining_micros"]
    assert remaining == 5_000_000, "it was not carried out"


def test_reset_inside_the_response(server: LocalVendo) -> None:
    server.fail("credentials", reset_after=3)
    with pytest.raises((ConnectionResetError, http.client.IncompleteRead)):
        with_key(server, TOKEN)


@pytest.mark.parametrize("kept", [0, 1, 20])
def test_truncated_response(server: LocalVendo, kept: int) -> None:
    server.fail("credentials", truncate=kept)
    with pytest.raises(http.client.IncompleteRead) as caught:
        with_key(server, TOKEN)
    assert len(caught.value.partial) == kept


def test_response_sent_byte_by_byte(server: LocalVendo) -> None:
    server.fail("credentials", drip=0.0001)
    assert with_key(server, TOKEN).json["access_token"] == server.token("gmail")


def test_slow_response_is_the_right_one(server: LocalVendo) -> None:
    server.fail("credentials", latency=0.001)
    assert with_key(server, TOKEN).status == 200


@pytest.mark.parametrize("how", [{"latency": 60.0}, {"drip": 60.0}])
def test_reset_ends_slow_responses(server: LocalVendo, how: dict[str, Any]) -> None:
    server.fail("credentials", **how)
    with in_thread(lambda: with_key(server, TOKEN)) as outcome:
        server.wait_for_requests(1)
        server.reset()
    assert isinstance(outcome[0], http.client.HTTPException | OSError)
    assert with_key(server, TOKEN).status == 200


def test_close_ends_the_connection_without_a_header(server: LocalVendo) -> None:
    server.fail("credentials", close=True)
    with KeptConnection(server.url) as kept:
        response = kept.send(server.url + TOKEN, headers=bearer(server.api_key))
        assert (response.status, response.headers["Connection"]) == (200, None)
        with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
            kept.send(server.url + TOKEN)


def test_provider_fault_has_the_providers_error_format(server: LocalVendo) -> None:
    server.fail("provider", 503, slug="gmail", code="upstream_error")
    response = send(f"{server.provider_url('gmail')}/echo", headers=bearer(server.token("gmail")))
    assert (response.status, response.code) == (503, None)
    assert response.json["error"]["code"] == 503


@pytest.mark.parametrize(
    ("surface", "how"),
    [("tokens", {}), ("api", {"times": 0}), ("api", {"status": 100}), ("api", {"status": 600})],
)
def test_invalid_fault_raises_immediately(
    server: LocalVendo, surface: str, how: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"surface|times|status"):
        server.fail(surface, **how)


def test_body_that_is_not_json_raises_immediately(server: LocalVendo) -> None:
    with pytest.raises(TypeError, match="JSON"):
        server.fail("api", body=object())


def test_heal_and_hold_accept_only_surfaces(server: LocalVendo) -> None:
    with pytest.raises(ValueError, match="credentials"):
        server.heal("tokens")
    with pytest.raises(ValueError, match="credentials"):
        server.hold("tokens")
