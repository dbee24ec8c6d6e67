"""The mapping that follows from what is connected, and handlers for what is to be restarted."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeAlias

from vendo._catalog import catalog
from vendo._client.blocking import Vendo
from vendo._protocol.log import logger
from vendo._protocol.models import EnvBootstrap
from vendo.errors import ValidationError
from vendo.reconciler._mapping import source_at
from vendo.reconciler._notice import Change, end_process
from vendo.reconciler._quoting import checked_name

#: A function without arguments, or a command and its arguments.
Restart: TypeAlias = Callable[[], object] | Sequence[str]


class RestartHandlerFactory(Protocol):
    """Makes a handler for `on_change=`."""

    def __call__(self, restart: Restart | None = None) -> Callable[[Change], None]:
        """See `catalog_default`."""


_NO_RESTART = "none"


def catalog_default(client: Vendo | None = None) -> tuple[dict[str, str], RestartHandlerFactory]:
    """The mapping of everything there is, and a factory of restart handlers. Both modes.

    In Vendo mode the mapping covers each provider of the platform, connected or not, by the
    variables that the platform names for it, and the bundled catalog's where it names none. In
    OSS mode it covers the catalog. It is a dict from variable to source, and yours to change.

    The factory, `restart_handler_factory(restart=None)`, gives a handler for `on_change=`. It
    calls `restart` (a function without arguments, or a command as a list of texts) when something
    has changed in a variable whose connection wants a restart, and leaves the others alone.
    Without `restart` it sends SIGTERM to this process, as `on_change="restart"` does.

    Raises:
        AuthError: the backend refuses the key.
        UpstreamError: the backend failed.
    """
    mapping: dict[str, str] = {}
    unmoved: set[str] = set()
    with Vendo() if client is None else _Borrowed(client) as asked:
        for slug, bootstrap in _known(asked):
            for name, source in _variables(slug, bootstrap):
                if name in mapping:
                    continue  # a connected provider comes before one that is not
                mapping[name] = source
                if bootstrap is not None and bootstrap.restart == _NO_RESTART:
                    unmoved.add(name)

    def restart_handler_factory(restart: Restart | None = None) -> Callable[[Change], None]:
        return _restart_handler(restart, frozenset(unmoved))

    return mapping, restart_handler_factory


class _Borrowed:
    """A client of the caller's, which is not closed here."""

    def __init__(self, client: Vendo) -> None:
        self._client = client

    def __enter__(self) -> Vendo:
        return self._client

    def __exit__(self, *_error: object) -> None:
        return


def _known(client: Vendo) -> Iterator[tuple[str, EnvBootstrap | None]]:
    """Each slug with what the platform says of its variables, connected ones first."""
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
        try:
            source = source_at(slug, variable.value_from)
            name = checked_name(variable.name)
        except ValidationError:
            source = None
        if source is None:
            # A newer platform may name what this version does not know; the rest is of use.
            logger.warning("The platform wants a variable for %s that is not known here.", slug)
        else:
            yield name, str(source)


def _restart_handler(restart: Restart | None, unmoved: frozenset[str]) -> Callable[[Change], None]:
    is_command = isinstance(restart, list | tuple) and all(
        isinstance(word, str) for word in restart
    )
    if restart is not None and not callable(restart) and not (restart and is_command):
        raise ValidationError(
            "validation_failed",
            "A restart handler is made of a function without arguments, or of a command.",
            suggested_fix="Write the command as a list: ['systemctl', 'restart', 'app'].",
        )

    def handler(change: Change) -> None:
        if unmoved.issuperset(change.names):
            return
        if restart is None:
            end_process(change)
        elif callable(restart):
            restart()
        else:
            subprocess.run(list(restart), check=True)  # noqa: S603  # the caller's own command

    return handler
