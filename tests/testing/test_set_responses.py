"""`server.respond`: the responses of fake providers that a test sets."""

from __future__ import annotations

from typing import Any

import pytest

from testing.local_http import Response, bearer, send
from vendo.testing import LocalVendo


def call(server: LocalVendo, slug: str, path: str, method: str = "GET") -> Response:
    return send(server.provider_url(slug) + path, method, bearer(server.token(slug)))


@pytest.mark.parametrize(
    ("body", "raw", "kind"),
    [
        ({"a": ["é", None]}, b'{"a":["\\u00e9",null]}', "application/json"),
        ([1], b"[1]", "application/json"),
        ({}, b"{}", "application/json"),
        ("é", "é".encode(), "text/plain; charset=utf-8"),
        (b"\0\xff", b"\0\xff", None),
        (None, b"", None),
    ],
)
def test_body_is_sent(server: LocalVendo, body: Any, raw: bytes, kind: str | None) -> None:
    server.respond("openai", "POST", "/v1/embeddings", status=201, body=body)
    response = call(server, "openai", "/v1/embeddings", "POST")
    assert (response.status, response.body) == (201, raw)
    assert response.headers["Content-Type"] == kind


def test_headers_are_sent_and_win(server: LocalVendo) -> None:
    headers = {"content-type": "application/vnd.x+json", "X-Request-Id": "1"}
    server.respond("openai", "GET", "/v1/files", body=[], headers=headers)
    for _ in range(2):
        response = call(server, "openai", "/v1/files")
        assert response.headers.get_all("Content-Type") == ["application/vnd.x+json"]
        assert response.headers["X-Request-Id"] == "1"


@pytest.mark.parametrize("given", ["/models", "/v1/models"])
@pytest.mark.parametrize("asked", ["/models", "/v1/models", "/v1/models?a=b", "/v1/%6Dodels"])
def test_path_is_matched_with_and_without_that_of_the_base_url(
    server: LocalVendo, given: str, asked: str
) -> None:
    server.respond("openai", "get", given, body={"data": []})
    assert call(server, "openai", asked).json == {"data": []}
    assert call(server, "openai", "/v1/models/x").json["provider"] == "openai"
    assert call(server, "openai", "/models", "POST").json["provider"] == "openai"


def test_telegrams_path_is_below_the_token(server: LocalVendo) -> None:
    server.respond("telegram", "POST", "/sendMessage", body={"ok": True, "result": {}})
    url = f"{server.provider_url('telegram')}/bot{server.token('telegram')}/sendMessage"
    assert send(url, "POST").json == {"ok": True, "result": {}}


def test_provider_outside_the_catalog_has_responses(server: LocalVendo) -> None:
    server.connect("in-house")
    server.respond("in-house", "DELETE", "/things/1", status=204)
    assert call(server, "in-house", "/things/1", "DELETE").status == 204


def test_credential_is_still_required(server: LocalVendo) -> None:
    server.respond("openai", "GET", "/v1/models", body=[])
    assert send(f"{server.provider_url('openai')}/v1/models").status == 401
    assert server.count("provider", "openai") == 1


def test_later_call_replaces_and_reset_clears(server: LocalVendo) -> None:
    server.respond("openai", "GET", "/v1/models", body=[1])
    server.respond("openai", "GET", "/models", body=[2])
    assert call(server, "openai", "/v1/models").json == [2]
    server.reset()
    assert call(server, "openai", "/v1/models").json["object"] == "list"


def test_head_has_the_response_of_get_or_its_own(server: LocalVendo) -> None:
    server.respond("openai", "GET", "/x", status=202, body=[1])
    head = call(server, "openai", "/x", "HEAD")
    assert (head.status, head.headers["Content-Length"], head.body) == (202, "3", b"")
    server.respond("openai", "HEAD", "/x", status=404)
    assert call(server, "openai", "/x", "HEAD").status == 404
    assert call(server, "openai", "/x").status == 202


def test_body_is_a_copy(server: LocalVendo) -> None:
    body = {"a": 1}
    server.respond("openai", "GET", "/x", body=body)
    body["a"] = 2
    assert call(server, "openai", "/x").json == {"a": 1}


def test_fault_wins(server: LocalVendo) -> None:
    server.respond("openai", "GET", "/x", body=[1], headers={"X-A": "1"})
    server.fail("provider", headers={"X-A": "2", "X-B": "3"})
    assert call(server, "openai", "/x").headers["X-B"] == "3"
    assert call(server, "openai", "/x").headers["X-A"] == "1"
    server.fail("provider", 503)
    assert call(server, "openai", "/x").status == 503


def test_pages_of_other_sites_may_read_it(server: LocalVendo) -> None:
    server.respond("openai", "GET", "/x", body=[1])
    assert call(server, "openai", "/x").headers["Access-Control-Allow-Origin"] == "*"


LOOP: list[Any] = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("error", "match", "change"),
    [
        (ValueError, "slug must be", {"slug": "../x"}),
        (TypeError, "slug must be a str", {"slug": 1}),
        (ValueError, "method must be one of", {"method": "FETCH"}),
        (ValueError, "method must be one of", {"method": "OPTIONS"}),
        (TypeError, "method must be a str", {"method": None}),
        (ValueError, "path must begin with /", {"path": "v1/models"}),
        (ValueError, "path must begin with /", {"path": ""}),
        (ValueError, "any query matches", {"path": "/x?a=b"}),
        (TypeError, "path must be a str", {"path": b"/x"}),
        (ValueError, "between 200 and 599", {"status": 199}),
        (ValueError, "between 200 and 599", {"status": 600}),
        (TypeError, "status must be an int", {"status": "200"}),
        (TypeError, "status must be an int", {"status": True}),
        (ValueError, "has no body", {"status": 204, "body": {}}),
        (TypeError, "body must be a dict, list, str, bytes or None", {"body": 1}),
        (TypeError, "cannot be written as JSON", {"body": {"a": object()}}),
        (ValueError, "cannot be written as JSON", {"body": [float("nan")]}),
        (ValueError, "cannot be written as JSON", {"body": LOOP}),
        (ValueError, "UTF-8", {"body": "\ud800"}),
        (TypeError, "headers must be a mapping", {"headers": [("a", "b")]}),
        (TypeError, "names and values of type str", {"headers": {"a": 1}}),
        (ValueError, "names of HTTP", {"headers": {"a b": "1"}}),
        (ValueError, "one line", {"headers": {"a": "1\r\nb: 2"}}),
        (ValueError, "the server sets itself", {"headers": {"Content-Length": "1"}}),
    ],
)
def test_bad_argument_is_one_sentence_and_changes_nothing(
    server: LocalVendo, error: type[Exception], match: str, change: dict[str, Any]
) -> None:
    arguments: dict[str, Any] = {"slug": "openai", "method": "GET", "path": "/models"}
    arguments |= {"status": 200, "body": [1], "headers": None} | change
    with pytest.raises(error, match=match) as caught:
        server.respond(
            arguments.pop("slug"), arguments.pop("method"), arguments.pop("path"), **arguments
        )
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)
    assert call(server, "openai", "/models").json["object"] == "list"
