"""Keeps an env file equal to what is connected, for programs that read their credentials there.

    from vendo import reconciler

    reconciler.bootstrap(env_file=".env", mapping={"OPENAI_API_KEY": "openai"})

`bootstrap` writes the file once, before a program starts. `start` goes on keeping it: it looks
again when an event says that a connection has changed, and every half minute.

The variables stand in a block at the end of the file, between two marks; every other line stays
as it is. A program of your own needs none of this: `vendo.token()` always has the current token.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

from vendo._client.blocking import Vendo
from vendo._protocol.models import EnvBootstrap
from vendo.errors import ValidationError
from vendo.reconciler._defaults import catalog_default
from vendo.reconciler._env_file import EnvFile
from vendo.reconciler._keeper import Keeper
from vendo.reconciler._loop import Reconciler
from vendo.reconciler._mapping import sources_of
from vendo.reconciler._notice import Change, notice_of

#: From a variable to a source: a slug, for its credential, or `slug.field`, such as
#: `supabase.context.ref`. Or from a slug to what its connection says in `env_bootstrap`.
EnvMapping: TypeAlias = Mapping[str, str | EnvBootstrap | Mapping[str, Any]]
OnChange: TypeAlias = Literal["restart", "reload-hook"] | Callable[[Change], object]

__all__ = ["Change", "Reconciler", "bootstrap", "catalog_default", "start"]


def bootstrap(
    *,
    env_file: str | os.PathLike[str],
    mapping: EnvMapping,
    on_change: OnChange | None = None,
    reload_url: str | None = None,
    client: Vendo | None = None,
) -> bool:
    """Bring an env file up to date once. Both modes.

    Args:
        env_file: the file; it is made where there is none. A symbolic link is followed.
        mapping: from variable to source: a slug for its credential, `"slug.field"` for something
            else of its connection (`"openai.base_url"`, `"supabase.context.ref"`). An entry from
            a slug to its connection's `env_bootstrap` is taken as well.
        on_change: who is told of a change, as for `start`.
        reload_url: where `on_change="reload-hook"` is told.
        client: whose credentials; by default those of the environment.

    Returns:
        True where the file was written, False where it was right already.

    Raises:
        ValidationError: an argument is malformed, the file cannot be written, or a value cannot
            stand in an env file.
        AuthError, UpstreamError: the backend refuses the key, or failed. The file is as it was.
    """
    keeping = _Keeping(env_file, mapping, on_change, reload_url, client)
    try:
        return keeping.keeper.bring_up_to_date()
    finally:
        if keeping.own:
            keeping.client.close()


def start(
    *,
    env_file: str | os.PathLike[str],
    mapping: EnvMapping,
    on_change: OnChange | None = None,
    reload_url: str | None = None,
    client: Vendo | None = None,
    poll_sec: float = 30.0,
) -> Reconciler:
    """Keep an env file up to date in the background, until `stop()`. Both modes.

    In Vendo mode an event makes it look again at once; in OSS mode there are none. While the
    backend cannot be reached the file stays as it is, and the log of `vendo` says why.

    Args:
        env_file: as for `bootstrap`.
        mapping: as for `bootstrap`.
        on_change: who is told when the variables are others than those told of last, an earlier
            run of the program included. `"restart"` sends SIGTERM to this process, for a
            supervisor to start it anew. `"reload-hook"` POSTs the names to `reload_url`. A
            function gets a `Change`, in a thread of its own. What raises is told again later.
        reload_url: https, or http to loopback.
        client: as for `bootstrap`.
        poll_sec: seconds between two looks.

    Raises:
        ValidationError: an argument is malformed, or the file cannot be written.
    """
    if (
        isinstance(poll_sec, bool)
        or not isinstance(poll_sec, int | float)
        or not 0 < poll_sec < math.inf
    ):
        raise ValidationError(
            "validation_failed",
            f"poll_sec= is {poll_sec!r}; it takes a number of seconds greater than 0.",
        )
    keeping = _Keeping(env_file, mapping, on_change, reload_url, client)
    keeping.keeper.begin()
    return Reconciler(
        keeping.client, keeping.env_file, keeping.keeper, float(poll_sec), own=keeping.own
    )


class _Keeping:
    """The arguments that `bootstrap` and `start` have in common, checked."""

    def __init__(
        self,
        env_file: str | os.PathLike[str],
        mapping: EnvMapping,
        on_change: OnChange | None,
        reload_url: str | None,
        client: Vendo | None,
    ) -> None:
        if client is not None and not isinstance(client, Vendo):
            raise ValidationError(
                "validation_failed",
                f"client= is of type {type(client).__name__}, and it takes a vendo.Vendo.",
            )
        self.own = client is None
        self.client = Vendo() if client is None else client
        self.env_file = EnvFile(env_file)
        self.keeper = Keeper(
            self.client, self.env_file, sources_of(mapping), notice_of(on_change, reload_url)
        )
