"""Identity out of a WSGI environ: only under servers that drop names with underscores."""

from __future__ import annotations

import io
import logging
from typing import Any

import pytest

from vendo import VendoIdentity, sso

ENVIRON: dict[str, Any] = {
    "wsgi.version": (1, 0),
    "wsgi.input": io.BytesIO(),
    "HTTP_X_VENDO_USER_ID": "usr_other",
    "HTTP_X_VENDO_USER_EMAIL": "other@example.com",
    "HTTP_X_VENDO_USER_NAME": "",
    "HTTP_X_VENDO_TENANT_ID": "ten_1",
    "HTTP_X_VENDO_ROLE": "owner",
}
OTHER = VendoIdentity("usr_other", "other@example.com", "", "ten_1", "owner")


@pytest.fixture(autouse=True)
def proxied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDO_AUTH", "1")
    monkeypatch.delenv("VENDO_TRUST_WSGI_HEADERS", raising=False)
    monkeypatch.setattr(sso, "_logged", set())


class EnvironHeaders(dict[str, str]):
    """What Werkzeug, WebOb and Bottle call headers: they lead back to the environ."""

    def __init__(self, environ: dict[str, Any]) -> None:
        self.environ = environ
        names = {name[5:].replace("_", "-"): environ[name] for name in environ if name[0] == "H"}
        super().__init__(names)


@pytest.mark.parametrize(
    "software",
    [
        "gunicorn/22.0.0",
        "gunicorn/27.0.1",
        "waitress",
        "Werkzeug/3.1.9",
        "gevent/24.11.1 Python/3.11",
    ],
)
def test_identity_is_read_under_a_server_that_drops_such_names(software: str) -> None:
    environ = {**ENVIRON, "SERVER_SOFTWARE": software}

    assert sso.identity_from_headers(environ) == OTHER
    assert sso.identity_from_headers(EnvironHeaders(environ)) == OTHER


@pytest.mark.parametrize(
    "software",
    [
        None,
        "",
        "WSGIServer/0.2 CPython/3.11.9",
        "gunicorn/21.2.0",
        "gunicorn",
        "Werkzeug/2.3.0",
        "Cheroot/10.0",
        "Granian",
        "uWSGI/2.0",
        "xgunicorn/27",
        "CPython gunicorn/27",
        "Apache/2.4 mod_wsgi/5",
    ],
)
def test_identity_is_not_read_under_any_other(software: str | None) -> None:
    environ = ENVIRON if software is None else {**ENVIRON, "SERVER_SOFTWARE": software}

    assert sso.identity_from_headers(environ) is None
    assert sso.identity_from_headers(EnvironHeaders(environ)) is None


def test_no_header_makes_a_server_trusted() -> None:
    forged = {"HTTP_SERVER_SOFTWARE": "gunicorn/27", "HTTP_RAW_URI": "/", "HTTP_REQUEST_URI": "/"}

    assert sso.identity_from_headers({**ENVIRON, **forged}) is None


def test_mod_wsgi_is_known_by_its_own_key() -> None:
    environ = {**ENVIRON, "SERVER_SOFTWARE": "Apache/2.4", "mod_wsgi.version": (5, 0, 0)}

    assert sso.identity_from_headers(environ) == OTHER


def test_the_application_can_say_that_its_server_drops_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert sso.identity_from_headers(ENVIRON, trust_wsgi_headers=True) == OTHER
    monkeypatch.setenv("VENDO_TRUST_WSGI_HEADERS", "1")
    assert sso.identity_from_headers(ENVIRON) == OTHER
    assert sso.identity_from_headers(ENVIRON, trust_wsgi_headers=False) is None


def test_one_log_record_says_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    environ = {**ENVIRON, "SERVER_SOFTWARE": "Cheroot/10.0"}
    with caplog.at_level(logging.WARNING, "vendo"):
        for _ in range(3):
            sso.identity_from_headers(environ)

    (record,) = caplog.records
    assert "Cheroot/10.0" in record.getMessage()
    assert "gunicorn" in record.getMessage()
    assert "VENDO_TRUST_WSGI_HEADERS=1" in record.getMessage()
    assert "usr_other" not in caplog.text


def test_without_the_platforms_proxy_nothing_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("VENDO_AUTH")
    assert sso.identity_from_headers(ENVIRON) is None
    assert not caplog.records
