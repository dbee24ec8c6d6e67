"""The types of `vendo_flask`, as a type checker sees them. Checked, never run."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_type

import requests
from cachelib import SimpleCache
from flask import Blueprint, Flask

import vendo_flask
from vendo import Connection, Health, Vendo, VendoIdentity
from vendo_flask import FlaskVendo, blueprint, current_vendo, vendo_identity, webhook_received

if TYPE_CHECKING:
    from vendo import WebhookEvent

app = Flask(__name__)
assert_type(FlaskVendo(app, errors=True, cache=SimpleCache()), FlaskVendo)
assert_type(FlaskVendo().init_app(app), None)
assert_type(blueprint(), Blueprint)
assert_type(FlaskVendo.blueprint(), Blueprint)
extension = FlaskVendo()
assert_type(extension.token("gmail"), str)
assert_type(extension.token("gmail", default=None), str | None)
assert_type(extension.session("gmail"), requests.Session)
assert_type(extension.connections.list(), list[Connection])
extension.tokenn  # type: ignore[attr-defined]  # noqa: B018  # misspelt
FlaskVendo("app")  # type: ignore[arg-type]
FlaskVendo(app, error=True)  # type: ignore[call-arg]
FlaskVendo(app, cache={})  # type: ignore[arg-type]
vendo_flask.current_vend  # type: ignore[attr-defined]  # noqa: B018  # misspelt


def view() -> None:
    assert_type(current_vendo.token("gmail"), str)
    assert_type(current_vendo.token("gmail", default=None), str | None)
    assert_type(current_vendo.check(["gmail"]), Health)
    assert_type(current_vendo.session("gmail"), requests.Session)
    assert_type(current_vendo._get_current_object(), Vendo)
    assert_type(current_vendo.for_user("jwt").token("gmail"), str)
    current_vendo.tokenn  # type: ignore[attr-defined]  # noqa: B018  # misspelt
    client: Vendo = current_vendo
    client.close()
    if vendo_identity:
        assert_type(vendo_identity.email, str)
    assert_type(vendo_identity(), VendoIdentity | None)
    who = vendo_identity()
    who.email  # type: ignore[union-attr]  # noqa: B018  # it may be None


@webhook_received.connect
def receive(sender: Flask, event: WebhookEvent) -> None:
    assert_type(event.slug, str | None)
