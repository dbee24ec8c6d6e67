"""Reads the annotations of packages at run time, as pydantic and FastAPI do."""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
import typing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Annotations:
    """The annotations of public names, and of the classes that they lead to.

    Attributes:
        read: every function and class whose annotations were read, by path.
        unreadable: the others, each with the error.
    """

    def __init__(self) -> None:
        self.read: dict[str, dict[str, object]] = {}
        self.unreadable: list[str] = []
        self._seen: set[object] = set()

    def add_package(self, package: str) -> None:
        """Read all that the package's public modules export."""
        for name in public_modules(package):
            module = importlib.import_module(name)
            for export in getattr(module, "__all__", ()):
                self.add(f"{name}.{export}", getattr(module, export))

    def add(self, path: str, value: object) -> None:
        """Read a class, a function, or the class of one of our objects."""
        if inspect.isroutine(value):
            self._read(path, value)
        # By its type: the object behind a proxy may not exist here.
        elif issubclass(type(value), type):
            self._add_class(typing.cast("type", value))
        else:
            self._add_class(type(value))

    def _add_class(self, cls: type) -> None:
        if cls in self._seen or not _is_ours(cls):
            return
        self._seen.add(cls)
        path = f"{cls.__module__}.{cls.__qualname__}"
        self._read(path, cls)
        for base in cls.__mro__:
            if base.__module__.startswith("vendo"):
                for name, member in vars(base).items():
                    if name == "__new__" and hasattr(base, "_fields"):
                        continue  # of a named tuple: generated, without the module's names
                    if name.endswith("__") or not name.startswith("_"):
                        for function in _functions_of(member):
                            self._read(f"{path}.{name}", function)

    def _read(self, path: str, value: object) -> None:
        try:
            hints = typing.get_type_hints(value)
        except Exception as error:  # noqa: BLE001  # every failure is listed
            self.unreadable.append(f"{path}: {error!r}")
            return
        self.read[path] = hints
        for hint in hints.values():
            for cls in _classes_in(hint):
                self._add_class(cls)


def public_modules(package: str) -> Iterator[str]:
    """A package and its public modules that declare what they export."""
    yield package
    module = importlib.import_module(package)
    if package == "vendo":
        for found in pkgutil.iter_modules(module.__path__, "vendo."):
            if not found.name.startswith("vendo._"):
                yield found.name


def _is_ours(cls: type) -> bool:
    """True for a class of these packages that is not private to its module."""
    return cls.__module__.startswith("vendo") and not cls.__name__.startswith("_")


def _functions_of(member: object) -> Iterator[object]:
    if isinstance(member, property):
        yield from filter(None, (member.fget, member.fset))
    elif isinstance(member, functools.cached_property):
        yield member.func
    elif isinstance(member, staticmethod | classmethod):
        yield member.__func__
    elif inspect.isfunction(member):
        yield member


def _classes_in(hint: object) -> Iterator[type]:
    if isinstance(hint, list):  # the parameters of a Callable
        arguments = hint
    else:
        if isinstance(hint, type):
            yield hint
        arguments = [*typing.get_args(hint)]
    for argument in arguments:
        yield from _classes_in(argument)
