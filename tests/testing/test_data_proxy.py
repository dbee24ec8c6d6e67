from __future__ import annotations

import threading
from typing import Any

import pytest

from testing.local_http import bearer, execute, send, with_key
from vendo.testing import LocalVendo

PROFILE = {"action_id": "GMAIL_GET_PROFILE", "args": {}}


def balance(server: LocalVendo) -> int:
    remaining = with_key(server, "/api/billing/balance").json["credits_remaining_micros"]
    assert isinstance(remaining, int)
    return remaining


def test_action_returns_data_and_costs_micros(server: LocalVendo) -> None:
    call = {"action_id": "GMAIL_FETCH_EMAILS", "args": {"max_results": 2, "query": "review"}}
    response = execute(server, call)
    assert response.status == 200
    subjects = [message["subject"] for message in response.json["data"]["messages"]]
    assert subjects == ["Reminder: weekly review", "Re: weekly review"]
    assert balance(server) == 5_000_000 - 1_000


@pytest.mark.parametrize(
    ("action", "args", "key"),
    [
        ("GMAIL_FETCH_EMAILS", {"max_results": "all"}, "messages"),
        ("GMAIL_GET_PROFILE", {}, "emailAddress"),
        ("GMAIL_SEND_EMAIL", {"recipient_email": "a@example.com"}, "threadId"),
        ("SLACK_SEND_MESSAGE", {"channel": "C1", "text": "hello"}, "message"),
    ],
)
def test_built_in_actions(server: LocalVendo, action: str, args: dict[str, Any], key: str) -> None:
    response = execute(server, {"action_id": action, "args": args})
    assert response.status == 200
    assert key in response.json["data"]


def test_action_can_be_defined(server: LocalVendo) -> None:
    server.action("GMAIL_COUNT", lambda args: sum(args["n"]), micros=5)
    server.action("COUNT", lambda _args: None, slug="slack", micros=0)
    assert execute(server, {"action_id": "GMAIL_COUNT", "args": {"n": [1, 2]}}).json == {"data": 3}
    assert execute(server, {"action_id": "COUNT"}).json == {"data": None}
    assert balance(server) == 5_000_000 - 5
    assert server.count("data", slug="slack") == 1


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"action_id": 5}', b'{"action_id": ""}', b"[" * 100_000,
     b'{"action_id": "GMAIL_GET_PROFILE", "args": []}', b"\xff"],
)  # fmt: skip
def test_malformed_call_is_an_error_in_one_string(server: LocalVendo, body: bytes) -> None:
    response = execute(server, body)
    assert response.status == 400
    assert isinstance(response.json["error"], str)
    assert balance(server) == 5_000_000


@pytest.mark.parametrize("action", ["gmail_get_profile", "Gmail_Get_Profile", "gmail_MINE"])
def test_case_of_an_action_does_not_count(server: LocalVendo, action: str) -> None:
    server.action("gmail_Mine", lambda _args: {})
    assert execute(server, {"action_id": action}).status == 200
    assert server.count("data", slug="gmail") == 1


@pytest.mark.parametrize("action", ["STRIPE_NOTHING", "stripe_nothing", "NOSUCHTOOL_RUN"])
def test_binding_is_looked_at_before_the_action(server: LocalVendo, action: str) -> None:
    response = execute(server, {"action_id": action, "args": {}})
    toolkit = action.partition("_")[0].lower()
    assert (response.status, response.code) == (403, None)
    assert response.json == {"error": "binding_missing", "toolkit": toolkit}


@pytest.mark.parametrize("slug", ["notion", "openai", "telegram", "in-house"])
def test_data_proxy_needs_a_connection_that_composio_manages(slug: str) -> None:
    with LocalVendo([slug]) as server:
        server.action("MY_ACTION", lambda _args: 1, slug=slug)
        response = execute(server, {"action_id": "MY_ACTION"})
        assert response.status == 403
        assert response.json == {"error": "binding_missing", "toolkit": slug}
        server.set_status(slug, "needs_reauth")
        assert execute(server, {"action_id": "MY_ACTION"}).status == 403
        server.connect(slug, profile="composio_managed")
        assert execute(server, {"action_id": "MY_ACTION"}).json == {"data": 1}


def test_unknown_action_is_not_found(server: LocalVendo) -> None:
    response = execute(server, {"action_id": "GMAIL_NOTHING", "args": {}})
    assert response.status == 404
    assert "GMAIL_NOTHING" in response.json["error"]


@pytest.mark.parametrize("state", [None, "revoked", "available"])
def test_error_of_action_without_connection_has_the_toolkit(
    server: LocalVendo, state: str | None
) -> None:
    if state is None:
        server.disconnect("gmail")
    else:
        server.set_status("gmail", state)
    response = execute(server, PROFILE)
    assert (response.status, response.code) == (403, None)
    assert response.json == {"error": "binding_missing", "toolkit": "gmail"}


def test_action_of_connection_that_needs_reauth_is_an_error(server: LocalVendo) -> None:
    server.set_status("gmail", "needs_reauth")
    response = execute(server, PROFILE)
    assert (response.status, response.code) == (401, "connection_needs_reauth")
    assert response.json["error"]["slug"] == "gmail"


def test_connection_key_runs_only_actions_of_its_slug(server: LocalVendo) -> None:
    url = f"{server.data_proxy_url}/v1/execute"
    key = bearer(server.connection_key("slack"))
    call = b'{"action_id": "GMAIL_GET_PROFILE", "args": {}}'
    assert send(url, "POST", key, call).json == {"error": "binding_missing", "toolkit": "gmail"}
    assert send(url, "POST", key, b'{"action_id": "SLACK_SEND_MESSAGE"}').status == 200
    rejected = send(url, "POST", {}, call)
    assert (rejected.status, rejected.code) == (401, "app_unknown")


def test_empty_wallet_stops_actions(server: LocalVendo) -> None:
    server.set_balance(999)
    response = execute(server, PROFILE)
    assert (response.status, response.code) == (402, "balance_exhausted")
    assert response.json["error"]["code"] == "balance_exhausted"
    server.set_balance(1_000)
    assert execute(server, PROFILE).status == 200
    assert balance(server) == 0


@pytest.mark.parametrize(("window", "longest"), [("daily", 86_400), ("monthly", 31 * 86_400)])
def test_reached_cap_stops_actions_until_its_window_ends(window: str, longest: int) -> None:
    caps: dict[str, Any] = {f"{window}_cap": 1_000}
    with LocalVendo(["gmail"], **caps) as server:
        assert execute(server, PROFILE).status == 200
        response = execute(server, PROFILE)
        assert (response.status, response.code) == (429, f"spend_cap_{window}")
        wait = int(response.headers["Retry-After"])
        assert 1 <= wait <= longest
        assert response.json["error"]["retry_after"] == wait
        server.set_clock_offset(wait + 1)
        assert execute(server, PROFILE).status == 200


def test_failed_action_costs_nothing(server: LocalVendo) -> None:
    def fail(_args: dict[str, Any]) -> None:
        raise RuntimeError("sk-secret-in-the-text")

    server.action("GMAIL_FAIL", fail)
    server.action("GMAIL_ODD", lambda _args: object())
    for action in ("GMAIL_FAIL", "GMAIL_ODD"):
        response = execute(server, {"action_id": action})
        assert response.status == 502
        assert action in response.json["error"]
        assert "secret" not in response.text
    assert balance(server) == 5_000_000


def test_repeated_write_runs_once(server: LocalVendo) -> None:
    first = execute(server, PROFILE, Idempotency_Key="k1")
    again = execute(server, PROFILE, Idempotency_Key="k1")
    assert again.body == first.body
    assert (first.headers["Idempotency-Replayed"], again.headers["Idempotency-Replayed"]) == (
        None,
        "true",
    )
    assert balance(server) == 5_000_000 - 1_000
    execute(server, PROFILE, Idempotency_Key="k2")
    assert balance(server) == 5_000_000 - 2_000


def test_idempotency_key_is_for_one_request(server: LocalVendo) -> None:
    execute(server, PROFILE, Idempotency_Key="k")
    conflict = execute(server, {"action_id": "GMAIL_SEND_EMAIL"}, Idempotency_Key="k")
    assert (conflict.status, conflict.code) == (409, "idempotency_conflict")
    other_user = execute(server, PROFILE, Idempotency_Key="k", X_Vendo_User_JWT="someone")
    assert other_user.status == 409


def test_failed_write_can_be_repeated_with_its_key(server: LocalVendo) -> None:
    server.set_balance(0)
    assert execute(server, PROFILE, Idempotency_Key="k").status == 402
    server.set_balance(1_000)
    assert execute(server, PROFILE, Idempotency_Key="k").status == 200


def test_write_with_lost_response_does_not_run_again(server: LocalVendo) -> None:
    server.fail("data", reset_after=0)
    with pytest.raises(OSError):  # a reset or an early close, depending on the system
        execute(server, PROFILE, Idempotency_Key="k")
    assert execute(server, PROFILE, Idempotency_Key="k").status == 200
    assert balance(server) == 5_000_000 - 1_000


def test_concurrent_writes_with_one_key_run_once(server: LocalVendo) -> None:
    entered, go_on = threading.Event(), threading.Event()
    runs: list[int] = []

    def slow(_args: dict[str, Any]) -> int:
        runs.append(1)
        entered.set()
        go_on.wait(10)
        return len(runs)

    server.action("GMAIL_SLOW", slow)
    responses: list[Any] = []

    def call() -> None:
        responses.append(execute(server, {"action_id": "GMAIL_SLOW"}, Idempotency_Key="k").json)

    threads = [threading.Thread(target=call) for _ in range(2)]
    for thread in threads:
        thread.start()
    entered.wait(10)
    server.wait_for_requests(2, "data")
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert responses == [{"data": 1}, {"data": 1}]


def test_data_proxy_has_one_path(server: LocalVendo) -> None:
    assert send(f"{server.data_proxy_url}/v1/nothing", "POST", bearer(server.api_key)).status == 404
    response = send(f"{server.data_proxy_url}/v1/execute", "GET", bearer(server.api_key))
    assert (response.status, response.headers["Allow"]) == (405, "POST")
