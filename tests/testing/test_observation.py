from __future__ import annotations

import http.client
import threading

import pytest

from testing.local_http import KeptConnection, bearer, in_thread, send, with_key
from vendo.testing import LocalVendo, SeenRequest

TOKEN = "/credentials/gmail"


def test_request_is_recorded_as_sent(server: LocalVendo) -> None:
    url = f"{server.provider_url('gmail')}/a%20b?x=1&y=a+b&x=%C3%BC&z"
    send(url, "POST", {**bearer("nonsense"), "X-Two": "b"}, b"\x00\xff")
    (recorded,) = server.requests
    assert isinstance(recorded, SeenRequest)
    assert (recorded.method, recorded.surface, recorded.slug) == ("POST", "provider", "gmail")
    assert recorded.path == "/providers/gmail/a%20b"
    assert (recorded.query, recorded.raw_query) == (
        {"x": "ü", "y": "a b", "z": ""},
        "x=1&y=a+b&x=%C3%BC&z",
    )
    assert recorded.body == b"\x00\xff"
    assert recorded.headers["AUTHORIZATION"] == "Bearer nonsense"
    assert recorded.headers.get("x-two") == "b"
    assert "x-three" not in recorded.headers
    assert "X-Two" in list(recorded.headers)


def test_repr_of_recorded_request_has_no_secret(server: LocalVendo) -> None:
    token = server.token("telegram")
    send(
        f"{server.provider_url('telegram')}/bot{token}/getMe", "POST", bearer("abc"), b"body-secret"
    )
    send(f"{server.url}/connections/connect/gmail?app_key={server.api_key}")
    shown = repr(server.requests) + repr([recorded.headers for recorded in server.requests])
    for secret in (token, "abc", "body-secret", server.api_key):
        assert secret not in shown
    assert "/providers/telegram/***" in shown
    assert "Authorization" in shown


def test_count_filters_by_surface_slug_and_method(server: LocalVendo) -> None:
    with_key(server, TOKEN)
    with_key(server, "/credentials/openai")
    with_key(server, "/credentials/_bulk?slugs=gmail")
    with_key(server, "/api/integrations/gmail")
    send(f"{server.url}/connections/connect/gmail", "POST")
    assert server.count() == 5
    assert server.count("credentials") == 3
    assert server.count("credentials", slug="gmail") == 1
    assert server.count(slug="gmail") == 3
    assert server.count(method="POST") == 1
    server.clear_requests()
    assert (server.count(), server.requests) == (0, [])


def test_tcp_connections_are_counted(server: LocalVendo) -> None:
    with KeptConnection(server.url) as kept:
        for _ in range(3):
            kept.send(server.url + TOKEN)
    with_key(server, TOKEN)
    assert server.connections_opened == 2


def test_requests_returns_a_copy(server: LocalVendo) -> None:
    with_key(server, TOKEN)
    server.requests.clear()
    assert server.count() == 1


def test_wait_for_requests(server: LocalVendo) -> None:
    with in_thread(lambda: server.wait_for_requests(2, "credentials")) as outcome:
        with_key(server, TOKEN)
        with_key(server, "/api/integrations")
        with_key(server, TOKEN)
    assert outcome == [None]
    with pytest.raises(TimeoutError, match="Received 2 of 3 requests"):
        server.wait_for_requests(3, "credentials", timeout=0.01)


def test_gate_holds_matching_requests_until_release(server: LocalVendo) -> None:
    gate = server.hold("credentials", slug="gmail")
    assert with_key(server, "/credentials/openai").status == 200
    with in_thread(lambda: with_key(server, TOKEN).status) as outcome:
        gate.wait_for(1)
        assert (gate.waiting, outcome) == (1, [])
        gate.release()
    assert outcome == [200]
    assert with_key(server, TOKEN).status == 200
    assert gate.waiting == 0


def test_held_request_gets_the_state_at_its_release(server: LocalVendo) -> None:
    gate = server.hold("credentials")
    with in_thread(lambda: with_key(server, TOKEN).json["access_token"]) as outcome, gate:
        gate.wait_for()
        after = server.rotate("gmail")
    assert outcome == [after]


def test_gate_holds_many_requests(server: LocalVendo) -> None:
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(with_key(server, TOKEN).status))
        for _ in range(50)
    ]
    with server.hold("any") as gate:
        for thread in threads:
            thread.start()
        gate.wait_for(50)
        assert statuses == []
    for thread in threads:
        thread.join(10)
    assert statuses == [200] * 50


def test_gates_hold_one_after_the_other(server: LocalVendo) -> None:
    outer, inner = server.hold("any"), server.hold("credentials")
    with in_thread(lambda: with_key(server, TOKEN).status) as outcome:
        inner.wait_for(1)
        inner.release()
        outer.wait_for(1)
        assert outcome == []
        outer.release()
    assert outcome == [200]


def test_gate_wait_times_out(server: LocalVendo) -> None:
    gate = server.hold("credentials")
    with pytest.raises(TimeoutError, match="0 of 1 requests"):
        gate.wait_for(1, timeout=0.01)
    assert repr(gate) == "<Gate credentials, 0 waiting>"


def test_reset_ends_held_requests(server: LocalVendo) -> None:
    gate = server.hold("credentials")
    with in_thread(lambda: with_key(server, TOKEN)) as outcome:
        gate.wait_for(1)
        server.reset()
    assert isinstance(outcome[0], http.client.RemoteDisconnected | ConnectionError)
    assert server.count() == 0
