"""The reload hook: a POST to the program that reads the env file."""

from __future__ import annotations

import json
from typing import Final
from urllib.parse import urlsplit

from vendo._protocol.calls import user_agent
from vendo._protocol.origins import is_loopback
from vendo._protocol.secret import Secret
from vendo._protocol.steps import Request
from vendo.errors import UpstreamError, invalid
from vendo.reconciler._change import Change

_TIMEOUT: Final = 10.0
_MAX_RESPONSE_BYTES: Final = 1024 * 1024


def post_change(url: Secret, change: Change) -> None:
    """POST the names of the variables that were added or have another value, as JSON.

    Raises:
        UpstreamError: there was no response, or its status is not 2xx. The text has the host and
            not the rest of the URL, which may contain a secret.
    """
    from vendo._transports.blocking import BlockingTransport

    request = Request(
        "POST",
        url,
        {
            "Content-Type": "application/json",
            "User-Agent": user_agent(),
            "Connection": "close",
        },
        json.dumps({"changed": [*change.added, *change.changed]}).encode(),
        _TIMEOUT,
        _MAX_RESPONSE_BYTES,
    )
    hook = f"The reload hook at {urlsplit(url).hostname}"
    try:
        # Its own transport: calls are rare, and keep no connection.
        status = BlockingTransport().send(request).status
    except UpstreamError as error:
        raise UpstreamError(
            "upstream_error",
            f"{hook} did not respond: {error.message}",
            suggested_fix="Check reload_url=, and that the program behind it is running.",
        ) from None
    if not 200 <= status < 300:
        raise UpstreamError(
            "upstream_error",
            f"{hook} responded with HTTP {status}.",
            status=status,
            suggested_fix="Check that the program accepts POST at the path of reload_url=.",
        )


def checked_url(url: object) -> Secret:
    """Check `reload_url=`.

    Raises:
        ValidationError: it is missing or malformed, or plain http to another host than loopback.
    """
    if not isinstance(url, str):
        raise invalid(
            "on_change='reload-hook' needs reload_url=.",
            fix="Write reload_url='http://127.0.0.1:8000/reload'.",
        )
    secret = Secret(url)
    problem = _problem(secret)
    if problem:
        raise invalid(
            f"reload_url= {problem}.",
            fix="Use https, or a loopback address such as http://127.0.0.1:8000/reload.",
        )
    return secret


def _problem(url: Secret) -> str | None:
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in {"http", "https"} or not url.isascii():
        return "must be an http(s) address"
    if "@" in parts.netloc or parts.fragment or " " in url or not url.isprintable():
        return "must not contain a user name, a fragment or white space"
    if parts.scheme == "http" and not is_loopback(host):
        return f"must be https: plain http to {host} is only allowed for loopback"
    return None
