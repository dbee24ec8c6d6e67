"""The default mapping: every provider of the platform or the catalog, with restart handlers."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Protocol, TypeAlias

from vendo._catalog import catalog
from vendo._client.blocking import Vendo
from vendo._protocol.models import EnvBootstrap
from vendo.errors import invalid
from vendo.reconciler._change import Change
from vendo.reconciler._handlers import terminate_process
from vendo.reconciler._mapping import chosen_by_backend

#: A function without arguments, or a command and its arguments.
Restart: TypeAlias = Callable[[], object] | Sequence[str]


class RestartHandlerFactory(Protocol):
    """Makes handlers for `on_change=`."""

    def __call__(self, restart: Restart | None = None) -> Callable[[Change], None]:
        """Make a handler: see `catalog_default`."""


_NO_RESTART = "none"


def catalog_default(client: Vendo | None = None) -> tuple[dict[str, str], RestartHandlerFactory]:
    """Return a mapping of all providers, and a factory of restart handlers. Both modes.

    In Vendo mode the mapping has each provider of the platform, connected or not, with the
    variables that the platform names for it, or else those of the catalog. In OSS mode it has the
    providers of the catalog. It is a new dict from variable to source, which you may change.

    `restart_handler_factory(restart=None)` returns a handler for `on_change=`. It calls `restart`
    (a function without arguments, or a command as a list of texts) after a change, unless the
    connections of all changed variables need no restart. Without `restart` it sends SIGTERM to this
    process, as `on_change="restart"` does.

    Args:
        client: the client to use; by default that of the environment.

    Raises:
        AuthError: the backend rejects the key.
        UpstreamError: the backend failed.
    """
    mapping: dict[str, str] = {}
    without_restart: set[str] = set()
    with Vendo() if client is None else nullcontext(client) as active:
        for slug, bootstrap in _providers(active):
            for name, source in _variables(slug, bootstrap):
                if name in mapping:
                    continue  # connected providers come first
                mapping[name] = source
                if bootstrap is not None and bootstrap.restart == _NO_RESTART:
                    without_restart.add(name)

    def restart_handler_factory(restart: Restart | None = None) -> Callable[[Change], None]:
        return _restart_handler(restart, frozenset(without_restart))

    return mapping, restart_handler_factory


def _providers(client: Vendo) -> Iterator[tuple[str, EnvBootstrap | None]]:
    """Yield each slug with the variables that the platform names for it, connected ones first."""
    if not client.is_vendo_mode():
        yield from ((slug, None) for slug in catalog.slugs())
        return
    seen = set()
    offered = {row.slug: row.env_bootstrap for row in client.integrations.list()}
    rows = sorted(client.connections.list(), key=lambda row: not row.is_connected)
    for row in rows:
        if row.slug not in seen:
            seen.add(row.slug)
            yield row.slug, row.env_bootstrap or offered.get(row.slug)
    yield from ((slug, bootstrap) for slug, bootstrap in offered.items() if slug not in seen)


def _variables(slug: str, bootstrap: EnvBootstrap | None) -> Iterator[tuple[str, str]]:
    if bootstrap is None:
        provider = catalog.provider(slug)
        if provider is not None:
            yield provider.variables[0], slug
        return
    for variable in bootstrap.vars:
        chosen = chosen_by_backend(slug, variable)
        if chosen is not None:
            name, source = chosen
            yield name, str(source)


def _restart_handler(
    restart: Restart | None, without_restart: frozenset[str]
) -> Callable[[Change], None]:
    is_command = isinstance(restart, list | tuple) and all(
        isinstance(word, str) for word in restart
    )
    if restart is not None and not callable(restart) and not (restart and is_command):
        raise invalid(
            "A restart handler needs a function without arguments, or a command as a list.",
            fix="Write restart_handler_factory(['systemctl', 'restart', 'app']).",
        )

    def handler(change: Change) -> None:
        if without_restart.issuperset(change.names):
            return
        if restart is None:
            terminate_process(change)
        elif callable(restart):
            restart()
        else:
            subprocess.run(list(restart), check=True)  # noqa: S603  # the caller's own command

    return handler
