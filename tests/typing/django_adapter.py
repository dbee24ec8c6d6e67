"""The types of `vendo_django`, as a type checker sees them. Checked, never run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_type

import requests
from django.dispatch import Signal

import vendo_django
from vendo import AsyncVendo, Health, Vendo, VendoIdentity
from vendo_django import (
    MaskedStr,
    aclient,
    client,
    database,
    email_settings,
    mailer,
    token,
    tokens,
    webhook_received,
)

if TYPE_CHECKING:
    from django.http import HttpRequest

    from vendo_django import VendoHttpRequest

assert_type(token("openai"), MaskedStr)
assert_type(token("openai", default=None), MaskedStr | None)
assert_type(token("openai", ""), MaskedStr | str)
assert_type(tokens("openai", "slack"), dict[str, MaskedStr])
as_text: str = token("openai")
assert_type("Bearer " + as_text, str)
assert_type(token("openai") + "/", MaskedStr)
token()  # type: ignore[call-overload]
token(5)  # type: ignore[call-overload]
vendo_django.tokenn  # type: ignore[attr-defined]  # noqa: B018  # misspelt

assert_type(database("app-database", CONN_MAX_AGE=60), dict[str, Any])
assert_type(mailer("resend"), dict[str, Any])
assert_type(email_settings("resend"), dict[str, Any])
assert_type(webhook_received, Signal)
assert_type(client(), Vendo)
assert_type(aclient(), AsyncVendo)


def view(request: VendoHttpRequest) -> None:
    assert_type(request.vendo, Vendo)
    assert_type(request.vendo.token("gmail"), str)
    assert_type(request.vendo.token("gmail", default=None), str | None)
    assert_type(client().check(["gmail"]), Health)
    assert_type(request.vendo.session("gmail"), requests.Session)
    assert_type(request.vendo_identity, VendoIdentity | None)


async def async_view(request: HttpRequest) -> None:
    assert_type(await aclient(request).token("gmail"), str)
    assert_type(client(request), Vendo)
