"""The data proxy (wire contract, "Data proxy"), without a socket."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from support.flows import BASE, KEY, Script, caller, response
from vendo import NotConnected, RateLimited, UpstreamError, ValidationError, VendoError
from vendo._protocol.data_proxy import execute

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Play: TypeAlias = Callable[..., Script]


def run(script: Script, args: Mapping[str, Any] | None = None, key: str | None = None) -> Any:
    return script.run(execute(caller(), BASE, "GMAIL_FETCH", args, key))


def test_an_action_is_posted_with_its_arguments(play: Play) -> None:
    script = play(response(200, {"data": {"messages": []}}))

    assert run(script, {"max": 1, "text": "ü"}) == {"messages": []}
    request = script.requests[0]
    assert (request.method, request.url) == ("POST", f"{BASE}/v1/execute")
    assert json.loads(request.body or b"") == {
        "action_id": "GMAIL_FETCH",
        "args": {"max": 1, "text": "ü"},
    }


def test_without_arguments_there_is_an_empty_object(play: Play) -> None:
    script = play(response(200, {"data": None}))

    assert run(script) is None
    assert json.loads(script.requests[0].body or b"")["args"] == {}


@pytest.mark.parametrize("body", [{"result": 1}, [1, 2], "text", 7, False])
def test_without_a_data_field_the_whole_body_is_the_result(play: Play, body: object) -> None:
    assert run(play(response(200, body))) == body


def test_the_callers_idempotency_key_is_kept_over_the_tries(play: Play) -> None:
    script = play(response(502, {"error": "upstream"}), response(200, {"data": 1}))
    run(script, key="mine")

    assert [request.headers["Idempotency-Key"] for request in script.requests] == ["mine", "mine"]


@pytest.mark.parametrize("action", ["", "  ", None, 7])
def test_action_without_a_name_is_an_error_before_sending(play: Play, action: Any) -> None:
    with pytest.raises(ValidationError, match="must be a string"):
        play().run(execute(caller(), BASE, action, None, None))


CIRCLE: dict[str, Any] = {}
CIRCLE["self"] = CIRCLE


@pytest.mark.parametrize(
    "args",
    [{"x": object()}, {"x": float("nan")}, {"x": float("inf")}, {"x": b""}, {(1, 2): 3}, "ab", 7,
     [1], CIRCLE],
)  # fmt: skip
def test_arguments_that_are_not_json_are_an_error_before_sending(play: Play, args: Any) -> None:
    with pytest.raises(ValidationError, match="cannot be written as JSON"):
        run(play(), args)


def test_a_missing_connection_names_the_toolkit(play: Play) -> None:
    body = {"error": "binding_missing", "toolkit": "gmail"}
    with pytest.raises(NotConnected, match="gmail is not connected") as caught:
        run(play(response(403, body)))

    assert (caught.value.slug, caught.value.status) == ("gmail", 403)
    assert "connect_url('gmail')" in (caught.value.suggested_fix or "")


@pytest.mark.parametrize("toolkit", [None, 7, "", ["gmail"]])
def test_missing_connection_without_a_toolkit_is_not_connected(play: Play, toolkit: object) -> None:
    with pytest.raises(NotConnected, match="is not connected") as caught:
        run(play(response(403, {"error": "binding_missing", "toolkit": toolkit})))

    assert caught.value.slug is None


def test_toolkit_name_is_sanitized(play: Play) -> None:
    body = {"error": "binding_missing", "toolkit": f"gm\nail {KEY}"}
    with pytest.raises(NotConnected) as caught:
        run(play(response(403, body)))

    assert caught.value.slug == "gm ail ***"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429])
def test_other_error_texts_of_the_proxy_are_a_failed_action(play: Play, status: int) -> None:
    with pytest.raises(UpstreamError, match=r"no such label\.") as caught:
        run(play(response(status, {"error": "no such label."}, Retry_After="3")))

    assert (caught.value.code, caught.value.status) == ("composio_error", status)
    assert caught.value.retry_after == 3


def test_a_failing_proxy_is_tried_three_times(play: Play) -> None:
    script = play(*[response(502, {"error": "tool failed", "detail": "labels"})] * 3)
    with pytest.raises(UpstreamError, match="tool failed: labels") as caught:
        run(script)

    assert caught.value.code == "composio_error"
    assert len(script.requests) == 3


def test_a_code_in_the_header_wins_over_the_proxys_text(play: Play) -> None:
    with pytest.raises(RateLimited):
        run(play(response(429, {"error": "slow"}, Vendo_Error_Code="upstream_rate_limited")))


def test_standard_error_response_is_read(play: Play) -> None:
    with pytest.raises(VendoError) as caught:
        run(play(response(402, {"error": {"code": "balance_exhausted", "message": "Empty."}})))

    assert caught.value.code == "balance_exhausted"
