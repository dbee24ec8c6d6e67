"""The control surface on the wire: what it accepts, and from whom."""

from __future__ import annotations

import json
from typing import Any

import pytest

from testing.local_http import Response, bearer, send
from vendo.testing import LocalVendo

BAD_SLUGS: list[Any] = [5, None, [], {}, True, "", "a b", "gmial"]
BAD_STATUSES: list[Any] = [5, None, [], "", "x"]
BAD_NUMBERS: list[Any] = [None, True, 1.5, -1, "much", [], "9" * 5000, "\u0661"]


def post(server: LocalVendo, command: str, body: Any, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    default = {**bearer(server.api_key), "Content-Type": "application/json"}
    text = body if isinstance(body, str) else json.dumps(body)
    return send(f"{server.url}/_control/{command}", "POST", default | named, text)


def state_of(server: LocalVendo) -> tuple[Any, ...]:
    state = server._service.state
    rows = [(row.slug, row.status, row.id) for row in state.connections.all()]
    events = state.events.next_number
    return rows, server.token("gmail"), state.wallet.balance, state.wallet.caps(), events


def test_a_command_is_done(server: LocalVendo) -> None:
    response = post(server, "connect", {"slug": "notion"})

    assert (response.status, response.json) == (200, {"slug": "notion", "status": "connected"})
    assert server.token("notion")


@pytest.mark.parametrize(
    "origin", ["https://evil.example.com", "null", "http://127.0.0.1:1", "http://localhost:8000"]
)
def test_a_page_of_another_site_is_rejected(server: LocalVendo, origin: str) -> None:
    before = state_of(server)
    response = post(server, "disconnect", {"slug": "gmail"}, Origin=origin)

    assert (response.status, list(response.json)) == (403, ["error"])
    assert "Access-Control-Allow-Origin" not in response.headers
    assert state_of(server) == before


def test_a_preflight_is_not_allowed(server: LocalVendo) -> None:
    headers = {"Origin": "https://evil.example.com", "Access-Control-Request-Method": "POST"}
    response = send(f"{server.url}/_control/reset", "OPTIONS", headers)

    assert response.status == 403
    assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""]
)
def test_only_json_is_accepted(server: LocalVendo, content_type: str) -> None:
    before = state_of(server)
    response = post(server, "disconnect", {"slug": "gmail"}, Content_Type=content_type)

    assert (response.status, list(response.json)) == (415, ["error"])
    assert state_of(server) == before


def test_a_charset_is_accepted(server: LocalVendo) -> None:
    assert post(server, "reset", {}, Content_Type="Application/JSON; charset=utf-8").status == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_only_post_is_accepted(server: LocalVendo, method: str) -> None:
    response = send(f"{server.url}/_control/reset", method, bearer(server.api_key))

    assert (response.status, response.headers["Allow"]) == (405, "POST")


def test_only_the_app_key_is_accepted(server: LocalVendo) -> None:
    before = state_of(server)
    for key in ("", "wrong", server.connection_key("gmail"), server.webhook_secret):
        response = post(server, "disconnect", {"slug": "gmail"}, **bearer(key))
        assert (response.status, list(response.json)) == (401, ["error"])
    assert state_of(server) == before


def test_an_unknown_command_is_not_found(server: LocalVendo) -> None:
    assert post(server, "", {}).status == post(server, "stop", {}).status == 404


@pytest.mark.parametrize(
    ("command", "body"),
    [
        ("reset", ""),
        ("reset", "[]"),
        ("reset", "null"),
        ("reset", "[" * 100_000),
        *(("disconnect", {"slug": slug}) for slug in BAD_SLUGS),
        ("disconnect", {}),
        *(("status", {"slug": "gmail", "status": status}) for status in BAD_STATUSES),
        *(("balance", {"micros": micros}) for micros in BAD_NUMBERS),
        ("balance", '{"micros": 1e400}'),
        ("balance", '{"micros": NaN}'),
        ("balance", '{"micros": %s}' % ("9" * 5000)),
        ("caps", {"daily": 1, "monthly": "x"}),
        ("caps", {"daily": False}),
        ("emit", {"type": 5}),
        ("emit", {"type": "connection.changed", "data": []}),
        ("emit", {"type": "connection.changed", "data": {"slug": "gmail", "kind": "x"}}),
        ("emit", {"type": "connection.changed", "data": {"slug": "gmail", "self": "x"}}),
        ("emit", {"type": "connection.status_changed", "data": {"slug": "gmail"}}),
        ("webhook", {"type": []}),
        ("webhook", {"type": "x", "data": 5}),
        ("fail", {"surface": 5}),
        ("fail", {"surface": "api", "status": 99}),
        ("fail", {"surface": "api", "status": "x"}),
        ("fail", {"surface": "api", "times": 0}),
        ("fail", {"surface": "api", "times": True}),
    ],
)
def test_bad_input_is_one_sentence_and_changes_nothing(
    server: LocalVendo, command: str, body: Any
) -> None:
    before = state_of(server)
    response = post(server, command, body)

    assert response.status == 400
    error = response.json["error"]
    assert error.endswith((".", "?"))
    assert error.isprintable()
    assert not any(word in error for word in ("Controls", "argument", "(", "codec"))
    assert state_of(server) == before
    assert server._service.state.faults.take("api", None) is None


def test_what_is_not_possible_now_is_a_conflict(server: LocalVendo) -> None:
    before = state_of(server)
    for command in ("disconnect", "rotate", "expire"):
        assert post(server, command, {"slug": "notion"}).status == 409
    assert post(server, "status", {"slug": "notion", "status": "error"}).status == 409
    assert state_of(server) == before


def test_gates_faults_and_rejected_keys_do_not_lock_it(server: LocalVendo) -> None:
    server.fail("any", reset=True, times=None)
    server.revoke_key()
    with server.hold("any"):
        assert post(server, "balance", {"micros": 7}).json == {"credits_remaining_micros": 7}
    assert not server.requests
