"""Read one header from the headers of any framework."""

from __future__ import annotations

import http.client
import io
import threading
import wsgiref.headers
import wsgiref.simple_server
import wsgiref.util
from collections import ChainMap, UserDict
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vendo import ValidationError
from vendo._protocol.headers import ContradictoryHeaders, RequestHeaders

NAME = "X-Vendo-User-Id"


def message(*pairs: tuple[str, str]) -> http.client.HTTPMessage:
    made = http.client.HTTPMessage()
    for name, value in pairs:
        made[name] = value
    return made


def environ(**more: object) -> dict[str, Any]:
    made: dict[str, Any] = {}
    wsgiref.util.setup_testing_defaults(made)
    return {**made, **more}


class TestForms:
    @pytest.mark.parametrize(
        "headers",
        [
            {NAME: "u"},
            {"Host": "h", "X-VENDO-USER-ID": "u"},
            {"x-vendo-user-id": "u", 5: "x", None: "x"},
            {NAME: ["u"]},
            {NAME: ("u", "u")},
            {NAME: b"u"},
            {NAME.encode(): b"u"},
            {b"x-vendo-user-id": [b"u"]},
            UserDict({NAME: "u"}),
            MappingProxyType({NAME: "u"}),
            ChainMap({}, {NAME: "u"}),
            [(NAME, "u")],
            ((NAME, "u"),),
            [[NAME.lower().encode(), b"u"]],
            [("Host", "h"), (NAME.upper(), "u"), (NAME, "u")],
            message(("Host", "h"), (NAME, "u")),
            wsgiref.headers.Headers([(NAME, "u")]),
            environ(HTTP_X_VENDO_USER_ID="u"),
            {"HTTP_X_VENDO_USER_ID": "u"},
            {"REQUEST_METHOD": "GET", "HTTP_HOST": "h", "HTTP_X_VENDO_USER_ID": "u"},
        ],
        ids=lambda headers: f"{type(headers).__name__} {str(headers)[:40]}",
    )
    def test_look_up_ignores_case(self, headers: object) -> None:
        assert RequestHeaders(headers).get(NAME) == "u"
        assert RequestHeaders(headers).get(NAME.lower()) == "u"
        assert RequestHeaders(headers).get("X-Vendo-Role") is None

    @pytest.mark.parametrize("headers", [{}, [], (), message(), environ(), {NAME: []}])
    def test_missing_header_is_none(self, headers: object) -> None:
        assert RequestHeaders(headers).get(NAME) is None

    def test_value_is_returned_unchanged(self) -> None:
        assert RequestHeaders({NAME: "  a b "}).get(NAME) == "  a b "
        assert RequestHeaders({NAME: ""}).get(NAME) == ""

    def test_bytes_are_latin1_as_on_the_wire(self) -> None:
        assert (
            RequestHeaders([(b"X-Vendo-User-Name", b"Jos\xe9")]).get("X-Vendo-User-Name")
            == "Jos\xe9"
        )

    def test_a_request_that_came_over_a_socket(self) -> None:
        seen = []

        def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
            seen.append(RequestHeaders(environ).get(NAME))
            start_response("200 OK", [("Content-Length", "0")])
            return [b""]

        class Quiet(wsgiref.simple_server.WSGIRequestHandler):
            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
                return

        with wsgiref.simple_server.make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
            thread = threading.Thread(target=server.handle_request)
            thread.start()
            connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
            connection.request("GET", "/", headers={"x-vendo-user-id": "u"})
            assert connection.getresponse().status == 200
            connection.close()
            thread.join(10)

        assert seen == ["u"]


class TestForgeries:
    """A client chooses header names: none makes headers look like an environ."""

    @pytest.mark.parametrize(
        "others",
        [
            {"Host": "h"},
            {"host": "h"},
            {"HOST": "h"},
            {"Host": "h", "REQUEST_METHOD": "GET"},
            {"Host": "h", "wsgi.version": "(1, 0)", "wsgi.multithread": "True"},
            {"Host": "h", "wsgi.input": "x"},
            {"Host": ["h"], "wsgi.multithread": ["True"], "wsgi.input": ["x"]},
            {"Host": ("h",), "wsgi.multithread": ("True",)},
        ],
    )
    def test_a_header_named_like_an_environs_key_is_not_read(
        self, others: dict[str, object]
    ) -> None:
        assert RequestHeaders({**others, "HTTP_X_VENDO_USER_ID": "forged"}).get(NAME) is None

    def test_a_header_named_like_an_environs_key_is_not_read_from_pairs(self) -> None:
        assert RequestHeaders([("HTTP_X_VENDO_USER_ID", "forged")]).get(NAME) is None

    def test_only_http_keys_of_an_environ_are_read(self) -> None:
        assert RequestHeaders(environ(**{NAME: "forged"})).get(NAME) is None

    @pytest.mark.parametrize("key", ["wsgi.input", "wsgi.multithread"])
    def test_partial_environ_is_read(self, key: str) -> None:
        mark: object = io.BytesIO() if key == "wsgi.input" else False
        headers = {key: mark, "framework.own": 1, "HTTP_X_VENDO_USER_ID": "u"}

        assert RequestHeaders(headers).get(NAME) == "u"


class TestContradictions:
    @pytest.mark.parametrize(
        "headers",
        [
            [(NAME, "a"), (NAME, "b")],
            [(NAME, "a"), (NAME.lower().encode(), b"b")],
            {NAME: "a", NAME.lower(): "b"},
            {NAME: ["a", "b"]},
            {NAME: ["a", ""]},
            message((NAME, "a"), ("x-vendo-user-id", "b")),
            environ(HTTP_X_VENDO_USER_ID=["a", "b"]),
        ],
        ids=["pairs", "bytes", "mapping", "list", "list-blank", "message", "environ"],
    )
    def test_two_values_are_an_error_that_names_the_header_and_neither_value(
        self, headers: object
    ) -> None:
        with pytest.raises(ContradictoryHeaders, match=f"several {NAME} headers") as caught:
            RequestHeaders(headers).get(NAME)
        assert isinstance(caught.value, ValidationError)

    def test_values_are_not_in_the_error(self) -> None:
        with pytest.raises(ContradictoryHeaders) as caught:
            RequestHeaders({NAME: ["canary-1", "canary-2"]}).get(NAME)
        assert "canary" not in f"{caught.value} {caught.value!r}"


class TestMistakes:
    @pytest.mark.parametrize(
        "headers",
        [None, 5, "X-Vendo-User-Id: u", b"x", object(), dict, [5], [("a",)], [("a", "b", "c")]],
    )
    def test_object_without_headers_is_an_error(self, headers: object) -> None:
        with pytest.raises(ValidationError, match=r"not a collection of headers.*request\.headers"):
            RequestHeaders(headers).get(NAME)

    @pytest.mark.parametrize("value", [None, 5, 1.5, {"a": "b"}, [None], [["u"]], object()])
    def test_value_that_is_not_a_string_is_an_error(self, value: object) -> None:
        with pytest.raises(ValidationError, match=f"{NAME} must be a str"):
            RequestHeaders({NAME: value}).get(NAME)
        with pytest.raises(ValidationError):
            RequestHeaders(environ(HTTP_X_VENDO_USER_ID=value)).get(NAME)

    def test_other_headers_are_not_checked(self) -> None:
        assert RequestHeaders({"Other": object(), NAME: "u"}).get(NAME) == "u"


@given(
    st.dictionaries(
        st.text() | st.binary() | st.integers() | st.sampled_from([NAME, "HTTP_X_VENDO_USER_ID"]),
        st.none() | st.text() | st.binary() | st.lists(st.text()) | st.integers(),
    )
    | st.lists(st.tuples(st.text(), st.text()) | st.text() | st.none())
    | st.none()
    | st.text()
)
def test_any_headers_give_a_value_none_or_one_validation_error(headers: object) -> None:
    try:
        value = RequestHeaders(headers).get(NAME)
    except ValidationError:
        return
    assert value is None or isinstance(value, str)
