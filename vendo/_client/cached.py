"""What a client makes once and keeps: its sub-APIs."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    _T = TypeVar("_T")

#: The attribute of a client with the values that were made.
_MADE = "_sub_apis"
#: This, and the attributes that are replacements: what belongs to one client alone.
_own = {_MADE}


class cached_property(property):  # noqa: N801  # to type checkers it is that of functools
    """A property that is computed once for each client, and that a test can replace.

    A replacement is an attribute of the client. The value is kept elsewhere, so that the property
    may also be replaced on the class.
    """

    def __init__(self, compute: Callable[[Any], Any]) -> None:
        super().__init__(compute)
        self._compute = compute
        self._name = compute.__name__
        _own.add(self._name)

    def __get__(self, client: Any, owner: type | None = None) -> Any:
        if client is None:
            return self
        values = client.__dict__
        if self._name in values:
            return values[self._name]
        made = values.setdefault(_MADE, {})
        if self._name in made:
            return made[self._name]
        # Of a twin: a client and its value that refer to each other would keep a user's JWT in
        # memory until Python looks for such cycles.
        return made.setdefault(self._name, self._compute(twin(client)))

    def __set__(self, client: Any, value: Any) -> None:
        client.__dict__[self._name] = value

    def __delete__(self, client: Any) -> None:
        if client.__dict__.pop(self._name, self) is self:
            raise AttributeError(self._name)


def twin(client: _T) -> _T:
    """Copy a client without its sub-APIs: these act for that client alone."""
    copied = object.__new__(type(client))
    values = copied.__dict__
    values.update(client.__dict__)
    for name in _own.intersection(values):
        del values[name]
    return copied
