"""Test with Vendo, without the network.

`LocalVendo` is a real HTTP server on loopback that behaves like a Vendo backend. `MockClient` and
`MockAsyncClient` return what a test gives to them. A name is imported when it is first used, so a
pytest plugin can import this package at no cost.

PYTEST_DONT_REWRITE
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo._tokens.resolver import Withheld, install_interceptor
    from vendo.testing._chain import (
        catalog_slugs,
        credential_variables,
        forget_tokens,
        override_variable,
        provider_at,
    )
    from vendo.testing._mocks.canned import fake_connection
    from vendo.testing._mocks.clients import MockAsyncClient, MockClient
    from vendo.testing._mocks.events import MockSSE
    from vendo.testing._server.local_vendo import LocalVendo
    from vendo.testing._state.own_tokens import is_local_token
    from vendo.testing._state.requests import SeenRequest

__all__ = [
    "LocalVendo",
    "MockAsyncClient",
    "MockClient",
    "MockSSE",
    "SeenRequest",
    "Withheld",
    "catalog_slugs",
    "credential_variables",
    "fake_connection",
    "forget_tokens",
    "install_interceptor",
    "is_local_token",
    "override_variable",
    "provider_at",
]

_HOMES = {
    "LocalVendo": "vendo.testing._server.local_vendo",
    "MockAsyncClient": "vendo.testing._mocks.clients",
    "MockClient": "vendo.testing._mocks.clients",
    "MockSSE": "vendo.testing._mocks.events",
    "SeenRequest": "vendo.testing._state.requests",
    "Withheld": "vendo._tokens.resolver",
    "catalog_slugs": "vendo.testing._chain",
    "credential_variables": "vendo.testing._chain",
    "fake_connection": "vendo.testing._mocks.canned",
    "forget_tokens": "vendo.testing._chain",
    "install_interceptor": "vendo._tokens.resolver",
    "is_local_token": "vendo.testing._state.own_tokens",
    "override_variable": "vendo.testing._chain",
    "provider_at": "vendo.testing._chain",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
