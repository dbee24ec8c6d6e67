"""Who is told that an env file has changed, and how."""

from __future__ import annotations

import inspect
import json
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from vendo._protocol.calls import user_agent
from vendo._protocol.origins import is_loopback
from vendo._protocol.steps import Request
from vendo.errors import UpstreamError, ValidationError

_HOOK_SECONDS: Final = 10.0
_LONGEST_ANSWER: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Change:
    """What became different in an env file: names of variables, and no value.

    Attributes:
        env_file: the file.
        added: the variables that were not there before.
        changed: those that have another value.
        removed: those that have none any more.
    """

    env_file: Path
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """False where nothing is different."""
        return bool(self.names)

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.added, *self.changed, *self.removed)


#: What is called with each change. To raise means: not done, try again later.
Notice: TypeAlias = Callable[[Change], object]


def notice_of(on_change: object, reload_url: str | None) -> Notice:
    """What `on_change=` and `reload_url=` stand for.

    Raises:
        ValidationError: they stand for nothing.
    """
    if on_change == "reload-hook":
        return partial(post_to_hook, _checked_url(reload_url))
    if reload_url is not None:
        raise ValidationError(
            "validation_failed",
            "reload_url= is given, and nothing would be sent there.",
            suggested_fix="Give on_change='reload-hook' with it, or leave it out.",
        )
    if on_change is None:
        return _nobody
    if on_change == "restart":
        return end_process
    if callable(on_change) and not inspect.iscoroutinefunction(on_change):
        return on_change
    raise ValidationError(
        "validation_failed",
        "on_change= takes 'restart', 'reload-hook' with reload_url=, a function of one argument "
        "that is no coroutine, or None.",
    )


def _nobody(_change: Change) -> None:
    return


def end_process(_change: Change) -> None:
    """Ask this process to end, as a supervisor does, which then starts it anew.

    SIGTERM lets the program finish what it is at, where it has a handler for that. On Windows the
    process ends at once.
    """
    os.kill(os.getpid(), signal.SIGTERM)


def post_to_hook(url: str, change: Change) -> None:
    """Tell a program by HTTP. The body is JSON with the names of the variables.

    Raises:
        UpstreamError: it did not answer, or with another status than 2xx. The text names the host
            and not the rest of the address, which may hold a secret.
    """
    from vendo._transports.blocking import BlockingTransport

    fields = {"added": change.added, "changed": change.changed, "removed": change.removed}
    request = Request(
        "POST",
        url,
        {
            "Content-Type": "application/json",
            "User-Agent": user_agent(),
            "Connection": "close",
        },
        json.dumps(fields).encode(),
        _HOOK_SECONDS,
        _LONGEST_ANSWER,
    )
    where = f"The reload hook at {urlsplit(url).hostname}"
    try:
        # A transport of its own: it is called seldom, and keeps no connection.
        status = BlockingTransport().send(request).status
    except UpstreamError as error:
        raise UpstreamError(
            "upstream_error",
            f"{where} gave no answer: {error.message}",
            suggested_fix="Check reload_url=, and that the program behind it is running.",
        ) from None
    if not 200 <= status < 300:
        raise UpstreamError(
            "upstream_error",
            f"{where} answered HTTP {status}.",
            status=status,
            suggested_fix="Check that it takes POST at the path of reload_url=.",
        )


def _checked_url(url: object) -> str:
    if not isinstance(url, str):
        raise ValidationError(
            "validation_failed",
            "on_change='reload-hook' needs reload_url=.",
            suggested_fix="Give the address to POST to, such as "
            "reload_url='http://127.0.0.1:8000/reload'.",
        )
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in {"http", "https"} or not url.isascii():
        raise _bad_url("is no http(s) address")
    if "@" in parts.netloc or parts.fragment or " " in url or not url.isprintable():
        raise _bad_url("is more than an address: no user name, fragment or white space goes there")
    if parts.scheme == "http" and not is_loopback(host):
        raise _bad_url(f"is plain http to {host}, and only loopback may be told that way")
    return url


def _bad_url(problem: str) -> ValidationError:
    return ValidationError(
        "validation_failed",
        f"reload_url= {problem}.",
        suggested_fix="Give an https address, or one such as http://127.0.0.1:8000/reload.",
    )
