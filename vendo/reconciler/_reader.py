"""Read `mapping=` at the start of each update: its sources, and the values of its functions.

What a function of the caller returns or raises may contain a value. It is in no variable of a
frame, and an error of its own is replaced by one that names its type alone.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, TypeVar

from vendo._client.blocking import Vendo
from vendo._protocol.secret import Secret
from vendo.errors import UpstreamError, VendoError, invalid
from vendo.reconciler._catalog_default import CatalogMapping
from vendo.reconciler._mapping import Function, Source, sources_of
from vendo.reconciler._quoting import is_name
from vendo.reconciler._resolver import Hidden

_T = TypeVar("_T")

#: The source of a value, the value of a function, None without one, or why the function has none.
Reading: TypeAlias = Source | Secret | VendoError | None


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads a mapping.

    Attributes:
        read: returns the readings by variable, in the order of the mapping. It may raise a
            `VendoError`: nothing is known then.
        names: the variables, or None if they are only known when the mapping is read.
    """

    read: Callable[[Vendo], Mapping[str, Reading]]
    names: Collection[str] | None = None


def reader_of(mapping: object) -> Reader:
    """Return the reader of `mapping=`.

    Raises:
        ValidationError: it is malformed.
    """
    if isinstance(mapping, CatalogMapping):
        return Reader(mapping.sources)
    if callable(mapping) and not isinstance(mapping, Mapping):
        if inspect.iscoroutinefunction(mapping):
            raise invalid(
                "mapping= must not be a coroutine function.",
                fix="Pass a function that returns {'OPENAI_API_KEY': value}.",
            )
        return Reader(lambda _client: _shielded("mapping=", partial(_values, mapping)))
    sources = sources_of(mapping)
    return Reader(lambda _client: _read(sources), sources)


def _read(sources: Mapping[str, Source | Function]) -> dict[str, Reading]:
    readings: dict[str, Reading] = {}
    for name, source in sources.items():
        if isinstance(source, Source):
            readings[name] = source
            continue
        try:
            readings[name] = _shielded(f"The function for {name}", partial(_value, name, source))
        except VendoError as error:
            readings[name] = error  # it delays no other variable
    return readings


def _shielded(what: str, work: Callable[[], _T]) -> _T:
    """Return the result of calling a function of the caller.

    Raises:
        VendoError: the function raised it. It is a copy, without the function's frames.
        UpstreamError: the function raised another error.
    """
    try:
        return work()
    except VendoError as error:
        failure = error.replace()
    except Exception as error:  # noqa: BLE001  # the caller's function may raise anything
        failure = UpstreamError(
            "upstream_error",
            f"{what} raised {type(error).__name__}.",
            suggested_fix="Call it by itself to see the whole error, which may contain a value.",
        )
    raise failure


def _values(function: Callable[[], object]) -> dict[str, Secret | None]:
    found = Hidden()
    found.value = function()
    if not isinstance(found.value, Mapping):
        raise invalid(
            f"mapping= must return a mapping, not a value of type {type(found.value).__name__}.",
            fix="Return {'OPENAI_API_KEY': value}.",
        )
    values: dict[str, Secret | None] = {}
    for name in found.value:
        if not is_name(name):
            # It is not shown: it may be a value, if the two were exchanged.
            raise invalid(
                "mapping= returned a key that is not the name of a variable.",
                fix="Return {'OPENAI_API_KEY': value}: the variable, then its value.",
            )
        values[name] = _value(name, partial(found.value.__getitem__, name))
    return values


def _value(name: str, function: Function) -> Secret | None:
    found = Hidden()
    found.value = function()
    if found.value is None or isinstance(found.value, str):
        return found.text()
    raise invalid(
        f"The value of {name} must be a str or None, not a value of type "
        f"{type(found.value).__name__}.",
        fix=f"Return a str for {name}, or None to have no line.",
    )
