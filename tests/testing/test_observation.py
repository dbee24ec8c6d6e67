from __future__ import annotations

import http.client
import threading
from typing import TYPE_CHECKING

import pytest

from testing.local_http import Talk, ask, bearer, in_thread, with_key
from vendo.testing import SeenRequest

if TYPE_CHECKING:
    from vendo.testing import LocalVendo

TOKEN = "/credentials/gmail"


def test_a_request_is_seen_as_it_was_sent(server: LocalVendo) -> None:
    url = f"{server.provider_url('gmail')}/a%20b?x=1&y=a+b&x=%C3%BC&z"
    ask(url, "POST", {**bearer("nonsense"), "X-Two": "b"}, b"\x00\xff")
    (seen,) = server.requests
    assert isinstance(seen, SeenRequest)
    assert (seen.method, seen.surface, seen.slug) == ("POST", "provider", "gmail")
    assert seen.path == "/providers/gmail/a%20b"
    assert (seen.query, seen.raw_query) == (
        {"x": "ü", "y": "a b", "z": ""},
        "x=1&y=a+b&x=%C3%BC&z",
    )
    assert seen.body == b"\x00\xff"
    assert seen.headers["AUTHORIZATION"] == "Bearer nonsense"
    assert seen.headers.get("x-two") == "b"
    assert "x-three" not in seen.headers
    assert "X-Two" in list(seen.headers)


def test_a_seen_request_shows_no_secret(server: LocalVendo) -> None:
    token = server.token("telegram")
    ask(
        f"{server.provider_url('telegram')}/bot{token}/getMe", "POST", bearer("abc"), b"body-secret"
    )
    ask(f"{server.url}/connections/connect/gmail?app_key={server.api_key}")
    shown = repr(server.requests) + repr([seen.headers for seen in server.requests])
    for secret in (token, "abc", "body-secret", server.api_key):
        assert secret not in shown
    assert "/providers/telegram/***" in shown
    assert "Authorization" in shown


def test_requests_are_counted_by_what_they_are(server: LocalVendo) -> None:
    with_key(server, TOKEN)
    with_key(server, "/credentials/openai")
    with_key(server, "/credentials/_bulk?slugs=gmail")
    with_key(server, "/api/integrations/gmail")
    ask(f"{server.url}/connections/connect/gmail", "POST")
    assert server.count() == 5
    assert server.count("credentials") == 3
    assert server.count("credentials", slug="gmail") == 1
    assert server.count(slug="gmail") == 3
    assert server.count(method="POST") == 1
    server.clear_requests()
    assert (server.count(), server.requests) == (0, [])


def test_connections_are_counted(server: LocalVendo) -> None:
    with Talk(server.url) as talk:
        for _ in range(3):
            talk.ask(server.url + TOKEN)
    with_key(server, TOKEN)
    assert server.connections_opened == 2


def test_the_list_of_requests_is_the_callers_own(server: LocalVendo) -> None:
    with_key(server, TOKEN)
    server.requests.clear()
    assert server.count() == 1


def test_waiting_for_requests(server: LocalVendo) -> None:
    with in_thread(lambda: server.wait_for_requests(2, "credentials")) as outcome:
        with_key(server, TOKEN)
        with_key(server, "/api/integrations")
        with_key(server, TOKEN)
    assert outcome == [None]
    with pytest.raises(TimeoutError, match="Received 2 of 3 requests"):
        server.wait_for_requests(3, "credentials", timeout=0.01)


def test_a_gate_holds_what_matches_until_it_is_released(server: LocalVendo) -> None:
    gate = server.hold("credentials", slug="gmail")
    assert with_key(server, "/credentials/openai").status == 200
    with in_thread(lambda: with_key(server, TOKEN).status) as outcome:
        gate.wait_for(1)
        assert (gate.waiting, outcome) == (1, [])
        gate.release()
    assert outcome == [200]
    assert with_key(server, TOKEN).status == 200
    assert gate.waiting == 0


def test_a_held_request_is_answered_as_things_are_when_it_is_released(server: LocalVendo) -> None:
    gate = server.hold("credentials")
    with in_thread(lambda: with_key(server, TOKEN).json["access_token"]) as outcome, gate:
        gate.wait_for()
        after = server.rotate("gmail")
    assert outcome == [after]


def test_many_wait_at_one_gate(server: LocalVendo) -> None:
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


def test_two_gates_hold_one_after_the_other(server: LocalVendo) -> None:
    outer, inner = server.hold("any"), server.hold("credentials")
    with in_thread(lambda: with_key(server, TOKEN).status) as outcome:
        inner.wait_for(1)
        inner.release()
        outer.wait_for(1)
        assert outcome == []
        outer.release()
    assert outcome == [200]


def test_waiting_at_a_gate_ends(server: LocalVendo) -> None:
    gate = server.hold("credentials")
    with pytest.raises(TimeoutError, match="0 of 1 requests"):
        gate.wait_for(1, timeout=0.01)
    assert repr(gate) == "<Gate credentials, 0 waiting>"


def test_a_reset_ends_what_is_held(server: LocalVendo) -> None:
    gate = server.hold("credentials")
    with in_thread(lambda: with_key(server, TOKEN)) as outcome:
        gate.wait_for(1)
        server.reset()
    assert isinstance(outcome[0], http.client.RemoteDisconnected | ConnectionError)
    assert server.count() == 0
