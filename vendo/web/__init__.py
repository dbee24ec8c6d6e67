"""What every web framework's adapter does the same way: errors, the connect link, webhooks.

Nothing here knows a framework. An adapter hands in what its framework says of a request, and turns
what comes back into its framework's responses.
"""

from __future__ import annotations

from vendo._config.slugs import checked_slug
from vendo._protocol.headers import JWT_HEADER
from vendo._protocol.secret import Secret
from vendo.web._answers import ErrorAnswer, error_answer, prefers_html, refusal
from vendo.web._connect import (
    CONNECT_COOKIE,
    CONNECT_SECONDS,
    LeaveToConnect,
    checked_next,
    leave_to_connect,
    return_from_connect,
)
from vendo.web._providers import (
    checked_session,
    is_missing,
    provider_base_url,
    provider_name,
    token_expires,
)
from vendo.web._repeats import WEBHOOK_WINDOW_SECONDS, SeenIds
from vendo.web._stand_in import StandIn

__all__ = [
    "CONNECT_COOKIE",
    "CONNECT_SECONDS",
    "JWT_HEADER",
    "MAX_WEBHOOK_BYTES",
    "WEBHOOK_WINDOW_SECONDS",
    "ErrorAnswer",
    "LeaveToConnect",
    "Secret",
    "SeenIds",
    "StandIn",
    "checked_next",
    "checked_session",
    "checked_slug",
    "error_answer",
    "is_missing",
    "leave_to_connect",
    "prefers_html",
    "provider_base_url",
    "provider_name",
    "refusal",
    "return_from_connect",
    "token_expires",
]

#: A body that is longer is refused unread.
MAX_WEBHOOK_BYTES = 1024 * 1024
