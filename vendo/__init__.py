"""Ask for the credential of a third-party service by name, and get it, wherever the program runs.

    import vendo

    vendo.token("openai")

Importing this package imports nothing else: each name below is imported from its module when it is
first used. The functions and sub-APIs are those of one default client, which follows the
environment at each call.

PYTEST_DONT_REWRITE
"""

# The distribution has a pytest plugin, so pytest rewrites the assertions of all its packages, and
# warns if this one was imported before. The marker in the docstring prevents both.

#: The build reads it from here.
__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from vendo import aio, deployment, errors, reconciler, sso, testing
    from vendo._catalog.slug_type import Slug
    from vendo._client.apis import BillingAPI, ConnectionsAPI, DataAPI, IntegrationsAPI
    from vendo._client.asynchronous import AsyncVendo
    from vendo._client.blocking import Vendo
    from vendo._client.default import client as _default_client
    from vendo._client.events import EventsAPI
    from vendo._client.webhooks import WebhooksAPI
    from vendo._protocol.models import (
        Balance,
        Connection,
        EnvBootstrap,
        EnvVar,
        EventStreamMessage,
        Health,
        Integration,
        SpendCaps,
        VendoIdentity,
        WebhookEvent,
    )
    from vendo._protocol.retry import RetryPolicy
    from vendo.errors import (
        AuthError,
        BalanceExhausted,
        ConnectTimeout,
        IdempotencyConflict,
        IdentityNotPresent,
        MissingExtra,
        NeedsReauth,
        NotConnected,
        RateLimited,
        SpendCapExceeded,
        UpstreamConnectionError,
        UpstreamError,
        UpstreamTimeout,
        ValidationError,
        VendoError,
        VendoOnlyFeature,
    )

    async_token_provider: Final = _default_client.async_token_provider
    auth: Final = _default_client.auth
    billing: Final = _default_client.billing
    connect_url: Final = _default_client.connect_url
    connections: Final = _default_client.connections
    data: Final = _default_client.data
    events: Final = _default_client.events
    for_request: Final = _default_client.for_request
    for_user: Final = _default_client.for_user
    httpx_auth: Final = _default_client.httpx_auth
    integrations: Final = _default_client.integrations
    invalidate: Final = _default_client.invalidate
    is_vendo_mode: Final = _default_client.is_vendo_mode
    session: Final = _default_client.session
    token: Final = _default_client.token
    token_provider: Final = _default_client.token_provider
    tokens: Final = _default_client.tokens
    webhooks: Final = _default_client.webhooks

__all__ = [
    "AsyncVendo",
    "AuthError",
    "Balance",
    "BalanceExhausted",
    "BillingAPI",
    "ConnectTimeout",
    "Connection",
    "ConnectionsAPI",
    "DataAPI",
    "EnvBootstrap",
    "EnvVar",
    "EventStreamMessage",
    "EventsAPI",
    "Health",
    "IdempotencyConflict",
    "IdentityNotPresent",
    "Integration",
    "IntegrationsAPI",
    "MissingExtra",
    "NeedsReauth",
    "NotConnected",
    "RateLimited",
    "RetryPolicy",
    "Slug",
    "SpendCapExceeded",
    "SpendCaps",
    "UpstreamConnectionError",
    "UpstreamError",
    "UpstreamTimeout",
    "ValidationError",
    "Vendo",
    "VendoError",
    "VendoIdentity",
    "VendoOnlyFeature",
    "WebhookEvent",
    "WebhooksAPI",
    "__version__",
    "aio",
    "async_token_provider",
    "auth",
    "billing",
    "connect_url",
    "connections",
    "data",
    "deployment",
    "errors",
    "events",
    "for_request",
    "for_user",
    "httpx_auth",
    "integrations",
    "invalidate",
    "is_vendo_mode",
    "reconciler",
    "session",
    "sso",
    "testing",
    "token",
    "token_provider",
    "tokens",
    "webhooks",
]

_NAMES_OF_MODULE = {
    "vendo._client.default": (
        "Vendo",
        "async_token_provider",
        "auth",
        "billing",
        "connect_url",
        "connections",
        "data",
        "events",
        "for_request",
        "for_user",
        "httpx_auth",
        "integrations",
        "invalidate",
        "is_vendo_mode",
        "session",
        "token",
        "token_provider",
        "tokens",
        "webhooks",
    ),
    "vendo._client.apis": ("BillingAPI", "ConnectionsAPI", "DataAPI", "IntegrationsAPI"),
    "vendo._client.events": ("EventsAPI",),
    "vendo.aio": ("AsyncVendo",),
    "vendo._catalog.slug_type": ("Slug",),
    "vendo._protocol.retry": ("RetryPolicy",),
    "vendo._client.webhooks": ("WebhooksAPI",),
    "vendo._protocol.models": (
        "Balance",
        "Connection",
        "EnvBootstrap",
        "EnvVar",
        "Integration",
        "SpendCaps",
        "EventStreamMessage",
        "Health",
        "VendoIdentity",
        "WebhookEvent",
    ),
}
_MODULE_OF_NAME = {name: module for module, names in _NAMES_OF_MODULE.items() for name in names}
_SUBMODULES = ("_types", "aio", "deployment", "errors", "reconciler", "sso", "testing")


if not TYPE_CHECKING:  # a type checker would accept every name

    def __getattr__(name: str) -> object:
        module = _MODULE_OF_NAME.get(name)
        if name in _SUBMODULES:
            module = f"vendo.{name}"
        elif module is None:
            if name not in __all__:
                raise AttributeError(f"module 'vendo' has no attribute {name!r}")
            module = "vendo.errors"  # the others of `__all__`
        # importlib itself would cost more than the rest of this package.
        __import__(module)
        import sys

        value: object = sys.modules[module]
        if name not in _SUBMODULES:
            value = getattr(value, name)
        globals()[name] = value  # so that the next look-up is fast
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
