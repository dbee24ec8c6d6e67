"""Extensions of parts of httpx2 and httpx: headers, URLs, and bodies that are sent again.

The classes derive from those of the library of the request. Neither library is imported here.
"""

from __future__ import annotations

from functools import lru_cache

from vendo._protocol.secret import SecretBytes, WireSecret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from vendo._protocol.secret import Secret


@lru_cache(maxsize=8)
def one_way_headers(plain_class: Any) -> Callable[..., Any]:
    """Return a class of headers with one more, which is sent, and not copied by a redirect."""

    class OneWayHeaders(plain_class):  # type: ignore[misc]  # of httpx2 or httpx
        def __init__(self, bare: Any, name: str, value: str) -> None:
            super().__init__(bare)
            self.bare = bare
            self._name = name
            self._value = value

        @property
        def given(self) -> Any:
            """The headers of the caller alone."""
            headers = plain_class(super().raw)
            if not isinstance(self._value, WireSecret):
                headers[self._name] = self._value
            return headers

        @property
        def raw(self) -> list[tuple[bytes, bytes]]:
            name = self._name.lower().encode()  # an event hook may have added one since
            others = [pair for pair in super().raw if pair[0].lower() != name]
            return [*others, (self._name.encode(), SecretBytes(self._value.encode()))]

        def __getitem__(self, key: str) -> Any:
            return str(self._value) if self._is_it(key) else super().__getitem__(key)

        def __contains__(self, key: object) -> bool:
            return self._is_it(key) or super().__contains__(key)

        def __reduce__(self) -> tuple[Any, ...]:
            return plain_class, (self.bare.raw,)  # a pickle does not contain it

        def _is_it(self, key: object) -> bool:
            return isinstance(key, str) and key.lower() == self._name.lower()

    return OneWayHeaders


@lru_cache(maxsize=8)
def masked_url(plain_class: Any) -> Callable[..., Any]:
    """Return a class of URLs that are sent with another path than they show."""

    class MaskedURL(plain_class):  # type: ignore[misc]  # of httpx2 or httpx
        def __init__(
            self, bare: Any, target: WireSecret, bare_location: Callable[[str, Secret], str]
        ) -> None:
            super().__init__(bare)
            self.bare = bare
            self._target = target
            self._bare_location = bare_location

        @property
        def raw_path(self) -> bytes:
            return SecretBytes(self._target.encode())

        def join(self, url: Any) -> Any:
            # Of a redirect, where a provider may repeat the token.
            return self.bare.join(self._bare_location(str(url), self._target.secret))

        def __reduce__(self) -> tuple[Any, ...]:
            return plain_class, (str(self),)

    return MaskedURL


def take_off_credential(request: Any, *, drops_own: bool) -> None:
    """Remove our credential from a request that was sent before.

    With `drops_own`, one in `Authorization` is dropped with that of the caller.
    """
    headers = getattr(request.headers, "given", request.headers)
    if headers is not request.headers or not drops_own:
        plain = [pair for pair in headers.raw if not isinstance(pair[1], SecretBytes)]
        if headers is not request.headers or len(plain) < len(headers.raw):
            request.headers = headers.__class__(plain)
    if hasattr(request.url, "bare"):
        request.url = request.url.bare


def send_to(request: Any, url: str) -> None:
    """Have a request sent to another URL."""
    plain = getattr(request.url, "bare", request.url)
    if request.headers.get("Host") == plain.netloc.decode():  # else it is the caller's own
        request.headers["Host"] = plain.__class__(url).netloc.decode()
    request.url = plain.__class__(url)


def observing_hosts(request: Any, check: Callable[[str], None], *, is_async: bool) -> None:
    """Have a check called with each host that a request, or a redirect of it, is about to reach.

    The libraries report that to the extension `trace`, which redirects keep.
    """
    callers = request.extensions.get("trace")
    if hasattr(callers, "observes_hosts"):
        return

    def observe(event: str, info: dict[str, Any]) -> Any:
        if event.endswith(".connect_tcp.started"):
            check(str(info["host"]))
        elif event.endswith(".send_request_headers.started"):
            url = info["request"].url
            is_tunnel = info["request"].method == b"CONNECT"
            check((url.target.rpartition(b":")[0] if is_tunnel else url.host).decode())
        return callers(event, info) if callers is not None else None

    async def observe_in_task(event: str, info: dict[str, Any]) -> None:
        seen = observe(event, info)
        if seen is not None:
            await seen

    trace: Any = observe_in_task if is_async else observe
    trace.observes_hosts = True
    request.extensions = {**request.extensions, "trace": trace}


def rewinding(request: Any) -> Callable[[], bool]:
    """Return a function that rewinds the body of a request. It returns False if it cannot.

    Called before the first attempt, when the position of a file is where its body begins.
    """
    if hasattr(request, "_content"):  # bytes, or form fields
        return lambda: True
    fields = getattr(request.stream, "fields", None)
    if fields is not None:  # of a multipart body: the libraries rewind its files
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
        except (OSError, ValueError):  # closed
            return False

    return rewind


def _is_seekable(file: Any) -> bool:
    try:
        return bool(file.seekable())
    except (AttributeError, ValueError):
        return False
