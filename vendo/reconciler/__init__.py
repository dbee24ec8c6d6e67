"""Keep an env file equal to what is connected, for programs that read their credentials there.

    from vendo import reconciler

    reconciler.bootstrap(env_file=".env", mapping={"OPENAI_API_KEY": "openai"})

`bootstrap` updates the file once, before a program starts. `start` keeps it up to date in a thread:
after each event of a connection, and every half minute. A Python program does not need an env file:
`vendo.token()` always has the current token.

An update has five steps, each with a module: `_reader` reads the mapping (`_mapping`; a backend may
not choose the names in `_steering`), `_resolver` fetches the current values of its sources,
`_quoting` writes each as an assignment, `_managed_block` puts the assignments into a block at the
end of the file's text and keeps all other lines, `_env_file` replaces the file under a lock, in a
`_folder` where it uses nothing of other users. Then the handler of `on_change=` (`_handlers`) is
called with the `Change`. `_updater` joins the steps, `_state` remembers what was written and which
changes were handled, and `_reconciler` is the thread.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal, TypeAlias

from vendo._client.blocking import Vendo
from vendo._protocol.models import EnvBootstrap
from vendo._protocol.secret import masked
from vendo.errors import invalid
from vendo.reconciler._catalog_default import CatalogMapping, catalog_default
from vendo.reconciler._change import Change
from vendo.reconciler._env_file import EnvFile
from vendo.reconciler._handlers import handler_for
from vendo.reconciler._mapping import multiline_of
from vendo.reconciler._reader import reader_of
from vendo.reconciler._reconciler import Reconciler
from vendo.reconciler._updater import Updater

#: A function that returns the values by variable. Or a mapping from a variable to a source: a slug,
#: for its credential, `slug.field`, such as `supabase.context.ref`, or a function that returns the
#: value. Or from a slug to the `env_bootstrap` of its connection.
EnvMapping: TypeAlias = (
    Callable[[], Mapping[str, str | None]]
    | Mapping[str, str | Callable[[], str | None] | EnvBootstrap | Mapping[str, Any]]
)
OnChange: TypeAlias = Literal["restart", "reload-hook"] | Callable[[Change], object]

__all__ = ["Change", "Reconciler", "bootstrap", "catalog_default", "start"]


def bootstrap(
    *,
    env_file: str | os.PathLike[str],
    mapping: EnvMapping,
    on_change: OnChange | None = None,
    reload_url: str | None = None,
    client: Vendo | None = None,
    multiline: Collection[str] = (),
) -> bool:
    """Update an env file once. Both modes.

    Args:
        env_file: the file, which is created if it does not exist. A symbolic link is followed. What
            another user made in a folder that others may write to is not accepted.
        mapping: a function without arguments that returns `{variable: value}`, and is called at
            each update; None is no value. Or a mapping from variable to source: a slug for its
            credential, `"slug.field"` for another field of its connection (`"openai.base_url"`,
            `"supabase.context.ref"`), or a function that returns the value. An entry from
            a slug to the `env_bootstrap` of its connection is accepted as well. Its variables that
            steer programs, such as `PATH`, are left out and logged.
        on_change: what handles a change, as for `start`.
        reload_url: the address for `on_change="reload-hook"`.
        client: the client with the credentials; by default that of `catalog_default(client)` if
            this is its mapping, or else that of the environment.
        multiline: the variables whose values may contain line breaks, such as a private key.

    Returns:
        True if the file was written, False if it was up to date.

    Raises:
        ValidationError: an argument is malformed, the file cannot be written, or an env file
            cannot hold one of the values: its line stays as it was, and all others are written.
        AuthError: the backend rejects the key. The file is not changed.
        UpstreamError: the backend fails, or `mapping` raised an error. The file is not changed. If
            a function for one value raised it, all others are written.

    Example:
        ```python
        from vendo import reconciler

        reconciler.bootstrap(env_file=".env", mapping={"OPENAI_API_KEY": "openai"})
        ```
    """
    reload_url = masked(reload_url)
    setup = _Setup(env_file, mapping, on_change, reload_url, client, multiline)
    try:
        return setup.updater.update()
    finally:
        if setup.owns_client:
            setup.client.close()


def start(
    *,
    env_file: str | os.PathLike[str],
    mapping: EnvMapping,
    on_change: OnChange | None = "restart",
    reload_url: str | None = None,
    client: Vendo | None = None,
    multiline: Collection[str] = (),
    poll_sec: float = 30.0,
) -> Reconciler:
    """Keep an env file up to date in the background, until `stop()`. Both modes.

    In Vendo mode an event starts an update immediately; OSS mode has no events. While the backend
    cannot be reached the file is not changed, and the `vendo` logger has the reason.

    Args:
        env_file: as for `bootstrap`.
        mapping: as for `bootstrap`.
        on_change: what handles a change: a difference from the variables of the last handled
            change, even if that was in an earlier run of the program. The first values of a new
            file are not one. `"restart"` sends SIGTERM
            to this process, for a supervisor to start it again. `"reload-hook"` POSTs
            `{"changed": [...]}` to `reload_url`, the names that were added or have another value.
            A function is called with a `Change`, in the thread of the reconciler. After an
            exception the change is handled again later. None does nothing.
        reload_url: https, or http to loopback.
        client: as for `bootstrap`.
        multiline: as for `bootstrap`.
        poll_sec: seconds between two updates without an event.

    Returns:
        The running reconciler: a context manager, with `stop()`.

    Raises:
        ValidationError: an argument is malformed, or the file cannot be written.

    Example:
        ```python
        from vendo import reconciler

        mapping = {"OPENAI_API_KEY": "openai"}
        with reconciler.start(env_file=".env", mapping=mapping, on_change=print) as running:
            print(running)
        ```
    """
    reload_url = masked(reload_url)
    if (
        isinstance(poll_sec, bool)
        or not isinstance(poll_sec, int | float)
        or not 0 < poll_sec < math.inf
    ):
        raise invalid(
            f"poll_sec= must be a number of seconds greater than 0, not {poll_sec!r}.",
            fix="Write poll_sec=30.",
        )
    setup = _Setup(env_file, mapping, on_change, reload_url, client, multiline)
    setup.updater.prepare()
    return Reconciler(
        setup.client,
        setup.env_file,
        setup.updater,
        float(poll_sec),
        owns_client=setup.owns_client,
    )


class _Setup:
    """The arguments that `bootstrap` and `start` have in common, checked."""

    def __init__(
        self,
        env_file: str | os.PathLike[str],
        mapping: EnvMapping,
        on_change: OnChange | None,
        reload_url: str | None,
        client: Vendo | None,
        multiline: Collection[str],
    ) -> None:
        if client is not None and not isinstance(client, Vendo):
            raise invalid(
                f"client= must be a vendo.Vendo, not a value of type {type(client).__name__}.",
                fix="Write client=vendo.Vendo().",
            )
        if client is None and isinstance(mapping, CatalogMapping):
            client = mapping.client
        self.owns_client = client is None
        self.client = Vendo() if client is None else client
        self.env_file = EnvFile(env_file)
        reader = reader_of(mapping)
        handler = handler_for(on_change, reload_url)
        names = multiline_of(multiline, reader.names)
        self.updater = Updater(self.client, self.env_file, reader, handler, names)
