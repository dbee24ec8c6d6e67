"""What an operation asks of its driver, and what it is handed back.

Each operation of the library is a generator without I/O: it yields one of these steps and is sent
the outcome. A driver of a few lines does the I/O, once blocking and once with asyncio, so that no
rule is written twice and every rule can be tested without a socket.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Generator, Iterable
    from concurrent.futures import Future
    from typing import Any, Protocol, TypeAlias, TypeVar

    import vendo._types

    _T = TypeVar("_T")
    Step: TypeAlias = "Request | Pause | Wait | Spawn"
    #: A flow yields steps, is sent their outcomes, and returns the operation's result. A failed
    #: request is thrown into it as an `UpstreamError`.
    Flow: TypeAlias = Generator[Step, Any, _T]

    class Work(Protocol):
        """What one does and others wait for."""

        #: The event loop whose task does it; None where a thread does it in place.
        loop: AbstractEventLoop | None

else:
    import vendo  # `_types` is imported when an annotation is read


#: One who waits looks this often, in seconds, whether the loop that does the work still runs.
LOOK_SECONDS = 0.5


class Request:
    """One HTTP request to send. `timeout` is in seconds, for the whole of it, answer included."""

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
    """A complete answer. Header names are lower case; `body` is as it came over the wire."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: vendo._types.Mapping[str, str], body: bytes) -> None:
        self.status: int = status
        self.headers: vendo._types.Mapping[str, str] = headers
        self.body: bytes = body

    def __repr__(self) -> str:
        return f"<Response {self.status}, {len(self.body)} bytes>"


class Head:
    """Status and headers (with lower-case names) of an answer whose body is still to come."""

    __slots__ = ("headers", "status")

    def __init__(self, status: int, headers: vendo._types.Mapping[str, str]) -> None:
        self.status: int = status
        self.headers: vendo._types.Mapping[str, str] = headers

    def __repr__(self) -> str:
        return f"<Head {self.status}>"


class Pause:
    """Wait this many seconds, then go on."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __repr__(self) -> str:
        return f"<Pause {self.seconds:.3f} s>"


class Wait:
    """Wait until somebody else's work is done.

    The outcome is True where it was within `timeout` seconds and False where it was not; it is
    None, at once, where the work cannot go on: its event loop does not run any more, or the one
    who waits would block it.
    """

    __slots__ = ("future", "timeout", "work")

    def __init__(self, future: Future[None], timeout: float, work: Work) -> None:
        self.future: Future[None] = future
        self.timeout: float = timeout
        self.work: Work = work

    @property
    def is_in_vain(self) -> bool:
        """True where the work was left with its event loop."""
        loop = self.work.loop
        return loop is not None and not loop.is_running()


class Spawn:
    """Run a flow whose result others wait for as well: it does the `work` that is named.

    A thread runs it in place. With asyncio it becomes a task of its own, so that cancelling the
    caller who happened to come first does not take the result from the others; then the driver
    writes down with each piece of work which loop it depends on.
    """

    __slots__ = ("flow", "work")

    def __init__(self, flow: Flow[None], work: Iterable[Work]) -> None:
        self.flow = flow
        self.work = work
