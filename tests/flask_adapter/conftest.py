"""A local Vendo server, and an environment without the machine's own variables."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from flask_adapter.site import make_app
from vendo._catalog import catalog
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from flask.testing import FlaskClient


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the machine's own variables."""
    known = {name for slug in catalog.slugs() for name in catalog.env_vars(slug)}
    for name in list(os.environ):
        if name.startswith(("VENDO_", "FLASK_")) or name in known:
            monkeypatch.delenv(name)


@pytest.fixture
def server() -> Iterator[LocalVendo]:
    connections = {"gmail": {}, "openai": {"token": "sk-openai", "lifetime": None}}
    with LocalVendo(connections=connections) as server:
        yield server


@pytest.fixture
def vendo_mode(server: LocalVendo, monkeypatch: pytest.MonkeyPatch) -> LocalVendo:
    """Set up the process as in a deployment, with the local server as Vendo."""
    for name, value in server.environment("gmail").items():
        monkeypatch.setenv(name, value)
    return server


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Set up the platform's proxy, and return the headers that it adds."""
    monkeypatch.setenv("VENDO_AUTH", "1")
    return {
        "X-Vendo-User-Id": "5f0c1a9e",
        "X-Vendo-User-Email": "ada@example.com",
        "X-Vendo-User-Name": "Ada Example",
        "X-Vendo-Tenant-Id": "tenant-1",
        "X-Vendo-Role": "member",
    }


@pytest.fixture
def app() -> Iterator[Flask]:
    """Make an application that follows the environment."""
    app = make_app()
    client = app.extensions["vendo"]
    yield app
    app.config["VENDO_API_KEY"] = None  # the test may have set a malformed key
    client.close()


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    return app.test_client()
