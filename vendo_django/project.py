"""What the system checks read of a project: settings, URLs, and the classes that settings name.

Nothing here raises. A project that cannot be read is Django's to report, and a check of ours must
not keep a command such as `migrate` from doing so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver, resolve
from django.utils.module_loading import import_string


def setting(name: str) -> Any:
    """Return the value of a setting; None where it is missing, or raises when it is read."""
    try:
        return getattr(settings, name, None)
    except Exception:  # noqa: BLE001  # Django's for an empty SECRET_KEY, else the project's own
        return None


def lineages(name: str) -> list[frozenset[str]]:
    """Return `lineage` of each class in a setting, such as `MIDDLEWARE`."""
    paths = setting(name)
    # By type: to ask a lazy object for its class evaluates it.
    if not issubclass(type(paths), list | tuple):
        return []
    return [lineage(path) for path in paths if issubclass(type(path), str)]


def lineage(path: str) -> frozenset[str]:
    """Return the paths of a class and of its bases.

    A path that cannot be imported, or names a function, is alone.
    """
    try:
        bases = import_string(path).__mro__
    except Exception:  # noqa: BLE001  # whatever the module raises; Django imports it too
        bases = ()
    return frozenset({path, *(f"{base.__module__}.{base.__qualname__}" for base in bases)})


def routed_views() -> frozenset[str]:
    """Return the dotted paths of the views that the project's URLs lead to."""
    try:
        return frozenset(_views(get_resolver().url_patterns))
    except Exception:  # noqa: BLE001  # whatever the URLs' module raises; Django's check reports it
        return frozenset()


def _views(patterns: list[Any]) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _views(pattern.url_patterns)
        elif isinstance(pattern, URLPattern):
            yield pattern.lookup_str


def view_at(path: str) -> str | None:
    """Return the dotted path of the view at an address, or None."""
    try:
        view: Any = resolve(path).func
    except Exception:  # noqa: BLE001  # no view, or as above
        return None
    return f"{view.__module__}.{getattr(view, '__qualname__', '')}"
