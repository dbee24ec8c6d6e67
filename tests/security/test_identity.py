"""The claims on the headers that name a user."""

from __future__ import annotations

import http.client
import threading
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from vendo import sso

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADERS = {
    "X-Vendo-User-Id": "usr_other",
    "X-Vendo-User-Email": "other@example.com",
    "X-Vendo-User-Name": "",
    "X-Vendo-Tenant-Id": "ten_1",
    "X-Vendo-Role": "owner",
}


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDO_AUTH", "1")
    monkeypatch.setattr(sso, "_logged", set())


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def merging_server() -> Iterator[int]:
    """A server that reads `X_Vendo_User_Id` as `X-Vendo-User-Id`."""

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        user = sso.identity_from_headers(environ)
        start_response("200 OK", [])
        return [user.user_id.encode() if user else b"nobody"]

    with make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def user_of(port: int) -> str:
    """Return whom the server takes a client for that sends names with underscores."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {name.replace("-", "_"): value for name, value in HEADERS.items()}
    connection.request("GET", "/", headers=headers)
    user = connection.getresponse().read().decode()
    connection.close()
    return user


@pytest.mark.parametrize("value", [None, "", "0", "true", "yes"])
def test_without_vendo_auth_1_the_identity_headers_are_ignored(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    if value is not None:
        monkeypatch.setenv("VENDO_AUTH", value)
    assert sso.identity_from_headers(HEADERS) is None


@pytest.mark.usefixtures("proxied")
def test_the_identity_headers_are_not_signed() -> None:
    user = sso.identity_from_headers({**HEADERS, "X-Vendo-User-Id": "usr_anybody"})

    assert user is not None
    assert user.user_id == "usr_anybody"


@pytest.mark.usefixtures("proxied")
def test_a_wsgi_server_that_may_merge_header_names_signs_no_user_in(merging_server: int) -> None:
    assert user_of(merging_server) == "nobody"


@pytest.mark.usefixtures("proxied")
def test_vendo_trust_wsgi_headers_1_ends_that_check(
    merging_server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_TRUST_WSGI_HEADERS", "1")
    assert user_of(merging_server) == "usr_other"


@pytest.mark.usefixtures("proxied")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Vendo-User-Id", "usr_1,usr_other"),
        ("X-Vendo-User-Id", "usr\x00ceo"),
        ("X-Vendo-User-Email", ""),
        ("X-Vendo-Tenant-Id", " "),
        ("X-Vendo-Role", "admin"),
        ("X-Vendo-Role", "Owner"),
    ],
)
def test_a_malformed_identity_is_ignored(name: str, value: str) -> None:
    assert sso.identity_from_headers({**HEADERS, name: value}) is None
    assert sso.identity_from_headers([*HEADERS.items(), ("x-vendo-role", "member")]) is None
