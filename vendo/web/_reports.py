"""The reports that `manage.py vendo` and `flask vendo` print."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict
from functools import partial
from typing import Any

import vendo
from vendo._config.settings import checked_timeout
from vendo._reports import doctor
from vendo._reports.report import Given, Report
from vendo._reports.tables import Style, printable
from vendo.web._clients import ClientOptions

_COLUMNS = ("slug", "status", "display_name", "category", "profile", "connected_at")


def doctor_report(
    options: ClientOptions,
    label: Callable[[str], str],
    *,
    adapter: str,
    timeout: float,
    malformed: Collection[str] = (),
    redis_url: str | None = None,
) -> Report:
    """Return what `doctor` finds with the options of an application. Both modes.

    In Vendo mode it sends each surface of the backend one request.

    Args:
        options: the options. The adapter's own checks report a malformed one.
        label: see `ClientOptions.make`.
        adapter: the adapter's package.
        timeout: seconds, for each response of the backend.
        malformed: the names of options that are left out of `options`, since their type is wrong.
        redis_url: the application's Redis, where it is given one.

    Returns:
        The report, for `doctor_text`; its `as_dict()` is for JSON.

    Raises:
        ValidationError: the time-out is out of range.

    Example:
        ```python
        from vendo.web import ClientOptions, doctor_report

        options = ClientOptions(timeout=10)
        report = doctor_report(options, str.upper, adapter="acme_vendo", timeout=5)
        print(report.mode)
        ```
    """
    checked_timeout(timeout, usual=5)

    wrong = frozenset({*malformed, *options.problems(label)}) - {"timeout"}
    usable = options._replace(timeout=None, **dict.fromkeys(wrong))

    def make(**arguments: Any) -> vendo.Vendo:
        return usable.make(partial(vendo.Vendo, **arguments), label)

    sources = {name: label(name) for name in (*options.given(), *wrong)}
    sources["redis_url"] = label("redis_url")
    redis_url = redis_url if redis_url and redis_url.strip() else None  # as where it is used
    return doctor.check(timeout, Given(make, sources, adapter, wrong, redis_url))


def doctor_text(report: Report) -> str:
    """Return a report of `doctor` as text for a terminal.

    Args:
        report: what `doctor_report` returned.

    Returns:
        Lines without colours.

    Example:
        ```python
        from vendo.web import ClientOptions, doctor_report, doctor_text

        report = doctor_report(ClientOptions(), str.upper, adapter="acme_vendo", timeout=5)
        print(doctor_text(report))
        ```
    """
    return doctor.render(report, Style())


def connection_rows(connections: Iterable[vendo.Connection]) -> list[dict[str, Any]]:
    """Return connections for JSON, without what a connection may hold in secret.

    Args:
        connections: what `client.connections.list()` returned.

    Returns:
        A dict for each, without the providers that no user has connected.

    Example:
        ```python
        import json

        import vendo
        from vendo.web import connection_rows

        print(json.dumps(connection_rows(vendo.connections.list()), indent=2))
        ```
    """
    return [{name: asdict(row)[name] for name in _COLUMNS} for row in _made(connections)]


def connection_text(connections: Iterable[vendo.Connection]) -> str:
    """Return a line for each connection: its slug and its status.

    Args:
        connections: what `client.connections.list()` returned.

    Returns:
        The lines, or a sentence where nothing is connected.

    Example:
        ```python
        import vendo
        from vendo.web import connection_text

        print(connection_text(vendo.connections.list()))
        ```
    """
    rows = [(printable(row.slug), printable(row.status)) for row in _made(connections)]
    width = max((len(slug) for slug, _ in rows), default=0)
    lines = [f"{slug:<{width}}  {status}" for slug, status in rows]
    return "\n".join(lines) or "Nothing is connected."


def _made(connections: Iterable[vendo.Connection]) -> list[vendo.Connection]:
    """Leave out the providers that nobody connected: `catalog` lists those."""
    return [row for row in connections if row.status != "available"]
