"""The default mapping: every provider of the platform or the catalog, with restart handlers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import lru_cache
from typing import Protocol

from vendo._catalog import catalog
from vendo._client.blocking import Vendo
from vendo._protocol.models import EnvBootstrap
from vendo._protocol.secret import Secret
from vendo.errors import invalid
from vendo.reconciler._change import Change
from vendo.reconciler._handlers import terminate_process
from vendo.reconciler._mapping import Source, chosen_by_backend
from vendo.reconciler._resolver import current_values, fetch_connections

_NO_RESTART = "none"


class RestartFactory(Protocol):
    """Makes handlers for `on_change=`."""

    def __call__(self, gateway: Callable[[], object] | None = None) -> Callable[[Change], None]:
        """Make a handler: see `catalog_default`."""


def catalog_default(
    client: Vendo | None = None,
) -> tuple[Callable[[], dict[str, str]], RestartFactory]:
    """Return a mapping of all providers, and a factory of restart handlers. Both modes.

    In Vendo mode the mapping has each provider of the platform, with the variables that the
    platform names for it at that moment, or else those of the catalog. In OSS mode it has the
    providers of the catalog.

    Args:
        client: the client of the mapping, and of `bootstrap` and `start` if they are given this
            mapping and no client; by default that of the environment.

    Returns:
        A pair. The first is a function for `mapping=`. Called by itself, it returns the variables
        that have a value, as plain text; it raises AuthError or UpstreamError. The second is
        `restart_factory(gateway=None)`, which returns a handler for `on_change=`. The handler calls
        `gateway`, a function without arguments, after a change, unless the connections of all
        changed variables need no restart. Without `gateway` it sends SIGTERM to this process, as
        `on_change="restart"` does.

    Example:
        ```python
        from vendo import reconciler

        mapping, restart_factory = reconciler.catalog_default()
        handler = restart_factory(gateway=lambda: print("restart"))
        reconciler.bootstrap(env_file=".env", mapping=mapping, on_change=handler)
        ```
    """
    mapping = CatalogMapping(client)

    def restart_factory(gateway: Callable[[], object] | None = None) -> Callable[[Change], None]:
        return _restart_handler(mapping, gateway)

    return mapping, restart_factory


class CatalogMapping:
    """The mapping of `catalog_default`. An update reads its sources instead of calling it."""

    def __init__(self, client: Vendo | None) -> None:
        self.client = client
        #: For each variable that was read, whether a change of it needs a restart.
        self._needs_restart: dict[str, bool] = {}
        # A variable that is left out is logged once, not with each update.
        self._chosen = lru_cache(4096)(chosen_by_backend)

    def __call__(self) -> dict[str, str]:
        """Return the current values by variable.

        Raises:
            AuthError: the backend rejects the key.
            UpstreamError: the backend failed.
        """
        with self._active_client() as client:
            values = client._run(current_values(client, self.sources(client), ()))
        return {name: value.reveal() for name, value in values.items() if isinstance(value, Secret)}

    def sources(self, client: Vendo) -> dict[str, Source]:
        """Return the sources by variable, as the platform names them now."""
        sources: dict[str, Source] = {}
        for slug, bootstrap in _providers(client):
            for name, source in self._variables(slug, bootstrap):
                if name in sources:
                    continue  # connected providers come first
                sources[name] = source
                self._needs_restart[name] = bootstrap is None or bootstrap.restart != _NO_RESTART
        return sources

    def needs_restart(self, change: Change) -> bool:
        """Return whether the connection of a changed variable needs a restart."""
        if not self._needs_restart.keys() >= {*change.names}:
            with self._active_client() as client:
                self.sources(client)
        return any(self._needs_restart.get(name, True) for name in change.names)

    def _active_client(self) -> Vendo | nullcontext[Vendo]:
        return Vendo() if self.client is None else nullcontext(self.client)

    def _variables(self, slug: str, bootstrap: EnvBootstrap | None) -> Iterator[tuple[str, Source]]:
        if bootstrap is None:
            provider = catalog.provider(slug)
            if provider is not None:
                yield provider.variables[0], Source(slug)
            return
        for variable in bootstrap.vars:
            chosen = self._chosen(slug, variable)
            if chosen is not None:
                yield chosen


def _providers(client: Vendo) -> Iterator[tuple[str, EnvBootstrap | None]]:
    """Yield each slug with the variables that the platform names for it, connected ones first."""
    scope = client._settings.scope()
    if scope is None:
        yield from ((slug, None) for slug in catalog.slugs())
        return
    seen = set()
    offered = {row.slug: row.env_bootstrap for row in client.integrations.list()}
    rows = client._run(fetch_connections(client, client._settings.caller(scope[1])))
    for row in sorted(rows, key=lambda row: not row.is_connected):
        if row.slug not in seen:
            seen.add(row.slug)
            yield row.slug, row.env_bootstrap or offered.get(row.slug)
    yield from ((slug, bootstrap) for slug, bootstrap in offered.items() if slug not in seen)


def _restart_handler(
    mapping: CatalogMapping, gateway: Callable[[], object] | None
) -> Callable[[Change], None]:
    if gateway is not None and (not callable(gateway) or inspect.iscoroutinefunction(gateway)):
        raise invalid(
            "gateway= must be a function without arguments that is not a coroutine function.",
            fix="Write restart_factory(gateway=lambda: subprocess.run(['systemctl', 'restart', "
            "'app'], check=True)).",
        )

    def handler(change: Change) -> None:
        if not mapping.needs_restart(change):
            return
        if gateway is None:
            terminate_process(change)
        else:
            gateway()

    return handler
