"""What the adapters of web frameworks share: options, errors, the connect link, webhooks, users.

Nothing here knows a framework. An adapter translates requests and responses, and leaves the
decisions to these functions.
"""

# A name is imported from its module when it is first used.

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo._catalog.slug_type import Slug
    from vendo._client.app_watch import AppWatch
    from vendo._config.lazy_names import lazy_names
    from vendo._config.slugs import checked_slug, is_slug
    from vendo._protocol.headers import JWT_HEADER
    from vendo._protocol.secret import Secret
    from vendo._reports.catalog import catalog_rows, catalog_text
    from vendo._reports.stdout import (
        discard_output,
        encodable,
        output_failure,
        write_text,
        write_token,
    )
    from vendo.errors import invalid
    from vendo.web._blocking import BlockingVendo, LoopWarning
    from vendo.web._clients import ClientCache, ClientOptions, check_client
    from vendo.web._connect import (
        ConnectRedirect,
        ConnectState,
        finish_connect,
        returned_state,
        start_connect,
    )
    from vendo.web._error_pages import ErrorPage, error_page
    from vendo.web._error_responses import (
        ErrorResponse,
        error_response,
        prefers_html,
        request_error_response,
    )
    from vendo.web._exceptions import (
        ConnectForbidden,
        EventInProgress,
        NoWebhookSecret,
        ReceiverFailed,
    )
    from vendo.web._frames import calling_module
    from vendo.web._identity import (
        JWT_ENVIRON_KEY,
        VARY_ON_CLIENT,
        VARY_ON_IDENTITY,
        client_for_user,
        identity_body,
        mask_jwt,
        mask_jwt_of_scope,
        user_jwts,
    )
    from vendo.web._lazy import LazyProxy
    from vendo.web._links import argument_sets, nearest_link
    from vendo.web._may_connect import check_may_connect, checked_rule, why_blocked
    from vendo.web._next import current_page
    from vendo.web._options import (
        API_KEY,
        BASE_URL,
        CREDENTIALS_URL,
        DATA_PROXY_URL,
        FLAG,
        REDIS_URL,
        SLUGS,
        TIMEOUT,
        TRUST,
        WEBHOOK_SECRET,
        WEBHOOK_SECRETS,
        Option,
        Options,
        Problem,
    )
    from vendo.web._providers import (
        checked_session,
        connected_slugs,
        httpx_auth_without_proxies,
        impatient,
        provider_base_url,
        provider_name,
    )
    from vendo.web._redis import RedisReplayCache
    from vendo.web._replay import Delivery, handle_once
    from vendo.web._replay_stores import (
        ReplayCache,
        ReplayStore,
        SharedCache,
        SharedReplayCache,
    )
    from vendo.web._reports import (
        connection_rows,
        connection_text,
        doctor_report,
        doctor_text,
    )
    from vendo.web._tokens import is_local, is_missing, is_missing_file, token_expires
    from vendo.web._webhooks import (
        MAX_WEBHOOK_BYTES,
        VerifiedWebhook,
        has_webhook_secret,
        redis_source,
        redis_url,
        verified_webhook,
    )

__all__ = [
    "API_KEY",
    "BASE_URL",
    "CREDENTIALS_URL",
    "DATA_PROXY_URL",
    "FLAG",
    "JWT_ENVIRON_KEY",
    "JWT_HEADER",
    "MAX_WEBHOOK_BYTES",
    "REDIS_URL",
    "SLUGS",
    "TIMEOUT",
    "TRUST",
    "VARY_ON_CLIENT",
    "VARY_ON_IDENTITY",
    "WEBHOOK_SECRET",
    "WEBHOOK_SECRETS",
    "AppWatch",
    "BlockingVendo",
    "ClientCache",
    "ClientOptions",
    "ConnectForbidden",
    "ConnectRedirect",
    "ConnectState",
    "Delivery",
    "ErrorPage",
    "ErrorResponse",
    "EventInProgress",
    "LazyProxy",
    "LoopWarning",
    "NoWebhookSecret",
    "Option",
    "Options",
    "Problem",
    "ReceiverFailed",
    "RedisReplayCache",
    "ReplayCache",
    "ReplayStore",
    "Secret",
    "SharedCache",
    "SharedReplayCache",
    "Slug",
    "VerifiedWebhook",
    "argument_sets",
    "calling_module",
    "catalog_rows",
    "catalog_text",
    "check_client",
    "check_may_connect",
    "checked_rule",
    "checked_session",
    "checked_slug",
    "client_for_user",
    "connected_slugs",
    "connection_rows",
    "connection_text",
    "current_page",
    "discard_output",
    "doctor_report",
    "doctor_text",
    "encodable",
    "error_page",
    "error_response",
    "finish_connect",
    "handle_once",
    "has_webhook_secret",
    "httpx_auth_without_proxies",
    "identity_body",
    "impatient",
    "invalid",
    "is_local",
    "is_missing",
    "is_missing_file",
    "is_slug",
    "lazy_names",
    "mask_jwt",
    "mask_jwt_of_scope",
    "nearest_link",
    "output_failure",
    "prefers_html",
    "provider_base_url",
    "provider_name",
    "redis_source",
    "redis_url",
    "request_error_response",
    "returned_state",
    "start_connect",
    "token_expires",
    "user_jwts",
    "verified_webhook",
    "why_blocked",
    "write_text",
    "write_token",
]

_NAMES_OF_MODULE = {
    "vendo._catalog.slug_type": ("Slug",),
    "vendo._config.slugs": ("checked_slug", "is_slug"),
    "vendo._protocol.headers": ("JWT_HEADER",),
    "vendo._protocol.secret": ("Secret",),
    "vendo._reports.catalog": ("catalog_rows", "catalog_text"),
    "vendo._reports.stdout": (
        "discard_output",
        "encodable",
        "output_failure",
        "write_text",
        "write_token",
    ),
    "vendo.errors": ("invalid",),
    "vendo.web._blocking": ("BlockingVendo", "LoopWarning"),
    "vendo.web._clients": ("ClientCache", "ClientOptions", "check_client"),
    "vendo.web._connect": (
        "ConnectRedirect",
        "ConnectState",
        "finish_connect",
        "returned_state",
        "start_connect",
    ),
    "vendo.web._error_pages": ("ErrorPage", "error_page"),
    "vendo.web._error_responses": (
        "ErrorResponse",
        "error_response",
        "prefers_html",
        "request_error_response",
    ),
    "vendo.web._exceptions": (
        "ConnectForbidden",
        "EventInProgress",
        "NoWebhookSecret",
        "ReceiverFailed",
    ),
    "vendo.web._frames": ("calling_module",),
    "vendo.web._identity": (
        "JWT_ENVIRON_KEY",
        "VARY_ON_CLIENT",
        "VARY_ON_IDENTITY",
        "client_for_user",
        "identity_body",
        "mask_jwt",
        "mask_jwt_of_scope",
        "user_jwts",
    ),
    "vendo.web._lazy": ("LazyProxy",),
    "vendo.web._links": ("argument_sets", "nearest_link"),
    "vendo.web._may_connect": ("check_may_connect", "checked_rule", "why_blocked"),
    "vendo.web._next": ("current_page",),
    "vendo.web._options": (
        "API_KEY",
        "BASE_URL",
        "CREDENTIALS_URL",
        "DATA_PROXY_URL",
        "FLAG",
        "REDIS_URL",
        "SLUGS",
        "TIMEOUT",
        "TRUST",
        "WEBHOOK_SECRET",
        "WEBHOOK_SECRETS",
        "Option",
        "Options",
        "Problem",
    ),
    "vendo.web._providers": (
        "checked_session",
        "connected_slugs",
        "httpx_auth_without_proxies",
        "impatient",
        "provider_base_url",
        "provider_name",
    ),
    "vendo._client.app_watch": ("AppWatch",),
    "vendo.web._redis": ("RedisReplayCache",),
    "vendo.web._replay": ("Delivery", "handle_once"),
    "vendo.web._replay_stores": (
        "ReplayCache",
        "ReplayStore",
        "SharedCache",
        "SharedReplayCache",
    ),
    "vendo.web._reports": (
        "connection_rows",
        "connection_text",
        "doctor_report",
        "doctor_text",
    ),
    "vendo.web._tokens": ("is_local", "is_missing", "is_missing_file", "token_expires"),
    "vendo.web._webhooks": (
        "MAX_WEBHOOK_BYTES",
        "VerifiedWebhook",
        "has_webhook_secret",
        "redis_source",
        "redis_url",
        "verified_webhook",
    ),
}

if not TYPE_CHECKING:  # a type checker would accept every name
    from vendo._config.lazy_names import lazy_names

    __getattr__, __dir__ = lazy_names(
        globals(), {name: module for module, names in _NAMES_OF_MODULE.items() for name in names}
    )
