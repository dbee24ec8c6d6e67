"""What a test suite needs in order to meet Vendo without the network.

`LocalVendo` is a real HTTP server on loopback that answers as a Vendo backend does; `MockClient`
and its kin are given their answers. Nothing is imported until a name is used, so that a pytest
plugin may import this package at no cost.

PYTEST_DONT_REWRITE
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo._tokens.resolver import install_interceptor
    from vendo.testing._chain import (
        catalog_slugs,
        credential_variables,
        forget_tokens,
        override_variable,
    )
    from vendo.testing._mocks import MockAsyncClient, MockClient
    from vendo.testing._mocks_canned import fake_connection
    from vendo.testing._mocks_events import MockSSE
    from vendo.testing._seen import SeenRequest
    from vendo.testing._server import LocalVendo

__all__ = [
    "LocalVendo",
    "MockAsyncClient",
    "MockClient",
    "MockSSE",
    "SeenRequest",
    "catalog_slugs",
    "credential_variables",
    "fake_connection",
    "forget_tokens",
    "install_interceptor",
    "override_variable",
]

_HOMES = {
    "LocalVendo": "vendo.testing._server",
    "MockAsyncClient": "vendo.testing._mocks",
    "MockClient": "vendo.testing._mocks",
    "MockSSE": "vendo.testing._mocks_events",
    "SeenRequest": "vendo.testing._seen",
    "catalog_slugs": "vendo.testing._chain",
    "credential_variables": "vendo.testing._chain",
    "fake_connection": "vendo.testing._mocks_canned",
    "forget_tokens": "vendo.testing._chain",
    "install_interceptor": "vendo._tokens.resolver",
    "override_variable": "vendo.testing._chain",
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
