"""The types of the public modules of `vendo`: the local server and the rest.

mypy and pyright check this file; it is never run. See `core.py` beside it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, assert_type

import vendo
from vendo import VendoIdentity, deployment, errors, reconciler, sso
from vendo.reconciler import Change, Reconciler
from vendo.testing import (
    LocalVendo,
    MockAsyncClient,
    MockClient,
    MockSSE,
    SeenRequest,
    fake_connection,
)
from vendo.web import (
    ConnectRedirect,
    ErrorResponse,
    ReplayCache,
    error_page,
    error_response,
    handle_once,
    start_connect,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def signed_in() -> None:
    assert_type(sso.is_enabled(), bool)
    identity = sso.identity_from_headers({"X-Vendo-User-Id": "u"})
    assert_type(identity, VendoIdentity | None)
    identity.email  # type: ignore[union-attr]  # noqa: B018  # None without a signed-in user
    if identity is not None:
        assert_type(identity.email, str)
        identity.email = "other@example.com"  # type: ignore[misc]  # it is frozen
    assert_type(sso.identity_response([("X-Vendo-User-Id", "u")]), dict[str, str])
    assert_type(sso.logout_url(), str)
    endpoint: str = sso.IDENTITY_ENDPOINT_PATH
    del endpoint


def deployed() -> None:
    assert_type(deployment.is_running_on_vendo(), bool)
    assert_type(deployment.tenant_id(), str | None)
    assert_type(deployment.api_key(), str | None)
    deployment.tenant_id().upper()  # type: ignore[union-attr]  # it may run elsewhere


def env_files() -> None:
    def on_change(change: Change) -> None:
        assert_type(change.added, tuple[str, ...])
        assert_type(change.env_file, Path)

    mapping = {"OPENAI_API_KEY": "openai", "SUPABASE_REF": "supabase.context.ref"}
    assert_type(reconciler.bootstrap(env_file=".env", mapping=mapping), bool)
    with reconciler.start(env_file=Path(".env"), mapping=mapping, on_change=on_change) as keeping:
        assert_type(keeping, Reconciler)
    reconciler.start(
        env_file=".env", mapping=mapping, on_change="reload-hook", reload_url="https://x"
    )
    reconciler.start(env_file=".env", mapping=mapping, on_change="reload")  # type: ignore[arg-type]
    reconciler.start(".env", mapping)  # type: ignore[call-arg]  # keyword arguments
    reconciler.bootstrap(env_file=".env", mapping=lambda: {"A": "1", "B": None})
    reconciler.bootstrap(env_file=".env", mapping={"A": "openai", "B": lambda: "2"})
    reconciler.bootstrap(env_file=".env", mapping=list)  # type: ignore[arg-type]
    found, restart_factory = reconciler.catalog_default()
    assert_type(found(), dict[str, str])
    handler: Callable[[Change], None] = restart_factory(gateway=lambda: None)
    reconciler.bootstrap(env_file=".env", mapping=found, on_change=handler)


async def local_server() -> None:
    with LocalVendo(connections={"gmail": None}, token_lifetime=None) as server:
        assert_type(server.client(), vendo.Vendo)
        assert_type(server.async_client(timeout=5.0), vendo.AsyncVendo)
        assert_type(server.requests, list[SeenRequest])
        assert_type(server.requests[0].headers["authorization"], str)
        assert_type(server.environment("gmail"), dict[str, str])
        server.fail("credentials", status=503, times=2)
        server.fail("credentials", 503, 2)  # type: ignore[call-arg]  # `times` is a keyword argument
        assert_type(server.sign_webhook(b"{}"), tuple[dict[str, str], bytes])
        with server.hold("credentials") as gate:
            assert_type(gate.waiting, int)
    LocalVendo(["gmail", "slack"])
    LocalVendo(5)  # type: ignore[arg-type]


def mocks() -> None:
    row = fake_connection("gmail", credential={"access_token": "a"})
    assert_type(MockClient.with_connections([row, "slack"]), MockClient)
    assert_type(MockAsyncClient.with_connections([row], balance=5), MockAsyncClient)
    sse = MockSSE()
    assert_type(sse.push("connection.changed", {"slug": "gmail"}), vendo.EventStreamMessage)
    sse.push(sse.push("a.b", id="x", retry=5))
    assert_type(list(sse), list[vendo.EventStreamMessage])


def adapters_of_other_frameworks(client: vendo.Vendo, error: errors.VendoError) -> None:
    assert_type(error_response(error), ErrorResponse)
    assert_type(error_response(error).status, int)
    redirect = start_connect(
        client,
        "gmail",
        own_url="https://app.example.com/connect/gmail/",
        query={"next": "/"},
        cookies={},
    )
    assert_type(redirect, ConnectRedirect)
    handle_once(ReplayCache(), "evt_1", lambda: None)
    assert_type(error_page(error, error_response(error)).html(), str)
    assert_type(error.replace(slug="gmail"), errors.VendoError)
    assert_type(errors.RateLimited("upstream_rate_limited", "m").replace(), errors.RateLimited)


def each_error_is_caught_by_its_other_base() -> None:
    try:
        vendo.token("openai")
    except errors.NeedsReauth as needed:
        assert_type(needed.connect_url, str | None)
    except (vendo.NotConnected, vendo.AuthError) as error:
        assert_type(error, vendo.NotConnected | vendo.AuthError)
    assert errors.NotConnected is vendo.NotConnected
