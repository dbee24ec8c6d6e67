"""What of httpx2's and httpx's own parts is extended: headers, URLs, and bodies to be sent again.

The classes are made from those of the library that a request comes from; neither is imported here.
"""

from __future__ import annotations

from functools import lru_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class MaskedBytes(bytes):
    """A header's value that is sent as it is, and that neither a `repr` nor a pickle shows.

    Headers pass it on to their copies, so to the requests of redirects.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "b'***'"

    def __copy__(self) -> MaskedBytes:
        return self

    def __deepcopy__(self, _memo: dict[int, Any]) -> MaskedBytes:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return bytes, (b"***",)

    def __reduce_ex__(self, _protocol: Any) -> tuple[Any, ...]:
        return self.__reduce__()


@lru_cache(maxsize=8)
def one_way_headers(plain_class: Any) -> Callable[..., Any]:
    """Headers of a library with one more that is sent, and read, and not copied to a redirect."""

    class OneWayHeaders(plain_class):  # type: ignore[misc]  # of httpx2 or httpx
        def __init__(self, bare: Any, name: str, value: str) -> None:
            super().__init__(bare)
            self.bare = bare
            self._name = name
            self._value = value

        @property
        def raw(self) -> list[tuple[bytes, bytes]]:
            return [*super().raw, (self._name.encode(), MaskedBytes(self._value.encode()))]

        def __getitem__(self, key: str) -> Any:
            return str(self._value) if self._is_it(key) else super().__getitem__(key)

        def __contains__(self, key: object) -> bool:
            return self._is_it(key) or super().__contains__(key)

        def __reduce__(self) -> tuple[Any, ...]:
            return plain_class, (self.bare.raw,)  # a pickle is without it

        def _is_it(self, key: object) -> bool:
            return isinstance(key, str) and key.lower() == self._name.lower()

    return OneWayHeaders


@lru_cache(maxsize=8)
def masked_url(plain_class: Any) -> Callable[..., Any]:
    """A URL of a library that is sent with another path than it shows."""

    class MaskedURL(plain_class):  # type: ignore[misc]  # of httpx2 or httpx
        def __init__(self, bare: Any, target: str) -> None:
            super().__init__(bare)
            self.bare = bare
            self._target = target

        @property
        def raw_path(self) -> bytes:
            return self._target.encode()

        def __reduce__(self) -> tuple[Any, ...]:
            return plain_class, (str(self),)

    return MaskedURL


def rewinding(request: Any) -> Callable[[], bool]:
    """How to make the body of a request ready to be sent once more; False where it cannot be.

    Called before the first time, since it is then that a file stands where it is to be sent from.
    """
    if hasattr(request, "_content"):  # bytes, or form fields
        return lambda: True
    fields = getattr(request.stream, "fields", None)
    if fields is not None:  # of a multipart body, whose files the libraries rewind
        files = [field.file for field in fields if hasattr(field, "file")]
        return lambda: all(isinstance(file, str | bytes) or _is_seekable(file) for file in files)
    body = getattr(request.stream, "_stream", None)
    if hasattr(body, "read"):
        return _rewinding_file(body)
    again = getattr(body, "__iter__", None) or getattr(body, "__aiter__", None)
    return lambda: again is not None and again() is not body


def _rewinding_file(file: Any) -> Callable[[], bool]:
    try:
        position = file.tell() if _is_seekable(file) else None
    except (OSError, ValueError):
        position = None

    def rewind() -> bool:
        try:
            return position is not None and file.seek(position) == position
        except (OSError, ValueError):  # it was closed
            return False

    return rewind


def _is_seekable(file: Any) -> bool:
    try:
        return bool(file.seekable())
    except (AttributeError, ValueError):
        return False
