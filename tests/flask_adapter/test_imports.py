"""Importing the package and making an application import no more than they need."""

from __future__ import annotations

from support.imports import imported_after

#: What no application needs before its first request.
LATE = {"vendo._protocol.models", "vendo_flask.views", "vendo._transports.blocking"}


def test_the_package_imports_no_client() -> None:
    found = imported_after("import flask", "from vendo_flask import FlaskVendo")
    assert "vendo_flask.extension" in found
    assert not found & {*LATE, "vendo._client.base", "vendo_flask.cli", "vendo_flask.checks"}


def test_an_application_imports_what_every_one_needs() -> None:
    lines = "from vendo_flask import FlaskVendo\nFlaskVendo(flask.Flask('site'), errors=True)"
    found = imported_after("import flask", lines)
    assert "vendo._client.blocking" in found
    assert not found & LATE
