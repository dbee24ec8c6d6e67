"""A response that was made for a user says so in `Vary`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_adapter.site import make_app
from vendo.sso import IDENTITY_HEADERS

if TYPE_CHECKING:
    import pytest
    from flask.testing import FlaskClient

    from vendo.testing import LocalVendo


def test_only_what_used_the_user_varies_on_them(
    browser: FlaskClient, proxy: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Vary" not in browser.get("/public/", headers=proxy).headers
    for headers in (proxy, {}):
        varied = browser.get("/who/", headers=headers).headers["Vary"].split(", ")
        assert {"Cookie", *IDENTITY_HEADERS} == set(varied)
    monkeypatch.delenv("VENDO_AUTH")
    assert "Vary" not in browser.get("/who/", headers=proxy).headers
    monkeypatch.setenv("VENDO_TOKEN_GMAIL", "t")
    assert "Vary" not in browser.get("/token/").headers


def test_what_used_the_client_varies_on_the_jwt(vendo_mode: LocalVendo) -> None:
    browser = make_app().test_client()

    assert "Vary" not in browser.get("/public/").headers
    for path in ("/token/", "/atoken/", "/profile/"):
        assert browser.get(path).headers["Vary"].split(", ") == ["Cookie", "X-Vendo-User-JWT"]
