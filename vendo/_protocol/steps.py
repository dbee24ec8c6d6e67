"""The steps that an operation yields to its driver, and their outcomes.

Each operation of the library is a generator without I/O: it yields one of these steps and is sent
the outcome. A small driver does the I/O, one blocking and one with asyncio, so that no rule is
written twice and every rule can be tested without a socket.
"""

from __future__ import annotations

from _thread import get_ident

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Generator, Iterable
    from concurrent.futures import Future
    from typing import Any, Protocol, TypeAlias, TypeVar

    import vendo._types

    _T = TypeVar("_T")
    Step: TypeAlias = "Request | Pause | Wait | Spawn"
    #: A flow yields steps, is sent their outcomes, and returns the result of the operation. A
    #: failed request is thrown into it as an `UpstreamError`.
    Flow: TypeAlias = Generator[Step, Any, _T]

    class Work(Protocol):
        """Work that one caller does, and others wait for."""

        #: The event loop of the task that does it; None for a thread.
        loop: AbstractEventLoop | None
        #: The thread that began it.
        thread: int

else:
    import vendo  # `_types` is imported when an annotation is read


#: Seconds after which a waiting caller checks that the loop of the work still runs.
POLL_SECONDS = 0.5


class Request:
    """One HTTP request. `timeout` is in seconds, for the request and its whole response.

    The value of a header may be a `WireSecret`, which is masked in every `repr`.
    """

    __slots__ = ("body", "headers", "max_bytes", "method", "timeout", "url")

    def __init__(
        self,
        method: str,
        url: str,
        headers: vendo._types.Mapping[str, str],
        body: bytes | None,
        timeout: float,
        max_bytes: int,
    ) -> None:
        self.method: str = method
        self.url: str = url
        self.headers: vendo._types.Mapping[str, str] = headers
        self.body: bytes | None = body
        self.timeout: float = timeout
        self.max_bytes: int = max_bytes

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.url}>"


class Response:
    """A complete response. Header names are lower case; `body` is as it came over the wire."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: vendo._types.Mapping[str, str], body: bytes) -> None:
        self.status: int = status
        self.headers: vendo._types.Mapping[str, str] = headers
        self.body: bytes = body

    def __repr__(self) -> str:
        return f"<Response {self.status}, {len(self.body)} bytes>"


class Head:
    """Status and headers (with lower-case names) of a response whose body is not read yet."""

    __slots__ = ("headers", "status")

    def __init__(self, status: int, headers: vendo._types.Mapping[str, str]) -> None:
        self.status: int = status
        self.headers: vendo._types.Mapping[str, str] = headers

    def __repr__(self) -> str:
        return f"<Head {self.status}>"


class Pause:
    """Wait this many seconds."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __repr__(self) -> str:
        return f"<Pause {self.seconds:.3f} s>"


class Wait:
    """Wait until the work of another caller is done.

    The outcome is True if it is done within `timeout` seconds, and False if it is not. It is None,
    immediately, if the work cannot continue: its event loop is stopped, or this caller blocks it.
    A signal handler blocks the work of its own thread.
    """

    __slots__ = ("future", "timeout", "work")

    def __init__(self, future: Future[None], timeout: float, work: Work) -> None:
        self.future: Future[None] = future
        self.timeout: float = timeout
        self.work: Work = work

    @property
    def is_abandoned(self) -> bool:
        """True if the event loop of the work has stopped, or this thread itself does the work."""
        loop = self.work.loop
        if loop is None:
            return self.work.thread == get_ident()
        return not loop.is_running()


class Spawn:
    """Run a flow for other callers too: it does the `work`.

    A thread runs it in place. With asyncio it is a task of its own, so that cancelling the first
    caller does not cancel the others, and the driver notes the loop of each piece of work.
    """

    __slots__ = ("flow", "work")

    def __init__(self, flow: Flow[None], work: Iterable[Work]) -> None:
        self.flow = flow
        self.work = work
