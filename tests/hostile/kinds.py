"""The ways in which the server responds, most of them wrong, drawn from a seed.

A response is a base, perhaps with interim responses before it, in pieces, and with something after
its end. Each is fair: a client that trusts no more than HTTP promises can tell. So what is extra
comes in the same write as the end of the response, or while the connection is certainly idle.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from hostile.stamps import Asked


class End(Enum):
    """What becomes of the connection after a response."""

    KEEP = auto()
    CLOSE = auto()
    RESET = auto()
    #: It stays open, and nothing comes any more.
    SILENCE = auto()


@dataclass
class Script:
    """What is sent for one request."""

    #: Bytes, and the seconds of a pause before them.
    pieces: list[tuple[bytes, float]]
    end: End = End.KEEP
    #: True if the response has ended for every client, so that something may come after it.
    is_ended: bool = False
    #: The name of what is sent once the connection is idle, its bytes, and what becomes of it then.
    late: tuple[str, bytes, End] | None = None
    #: The names of all that is sent at once.
    names: list[str] = field(default_factory=list)


class Draw:
    """One request, and the dice."""

    def __init__(self, random: Random, asked: Asked, genuine: bytes, extra: bytes) -> None:
        self.random = random
        self.is_stream = asked.is_stream
        self.content = genuine
        self._extra = extra

    def head(self, *headers: str, status: str = "HTTP/1.1 200 OK") -> bytes:
        kind = "text/event-stream" if self.is_stream else "application/json"
        lines = [status, f"Content-Type: {kind}", *headers]
        if self.random.random() < 0.2:  # so that buffers end anywhere
            lines.append("X-Filling: " + "x" * self.random.randrange(8000))
        return "\r\n".join([*lines, "", ""]).encode()

    def whole(self, *headers: str, status: str = "HTTP/1.1 200 OK") -> bytes:
        length = f"Content-Length: {len(self.content)}"
        return self.head(length, *headers, status=status) + self.content

    def extra(self) -> bytes:
        """A second response to the same request."""
        twin = Draw.__new__(Draw)
        twin.__dict__ = {**self.__dict__, "content": self._extra}
        return twin.whole() if self.random.random() < 0.7 else twin.chunked()

    def chunked(self, *headers: str, end: bytes = b"0\r\n\r\n", extension: str = "") -> bytes:
        body, left = b"", self.content
        while left:
            size = self.random.randint(1, len(left))
            number = f"{size:x}" if self.random.random() < 0.5 else f"{size:04X}"
            body += f"{number}{extension}\r\n".encode() + left[:size] + b"\r\n"
            left = left[size:]
        return self.head("Transfer-Encoding: chunked", *headers) + body + end

    def embedded(self) -> bytes:
        """A second response, where the end of the first is open to dispute."""
        return b"" if self.is_stream else self.extra()

    def cut(self) -> End:
        return self.random.choice([End.CLOSE, End.RESET])

    def stuck(self) -> End:
        return self.random.choice([End.CLOSE, End.RESET, End.SILENCE])


def _script(text: bytes, end: End = End.KEEP, *, is_ended: bool = False) -> Script:
    return Script([(text, 0.0)], end, is_ended)


def _odd_length(draw: Draw) -> Script:
    digits = str(len(draw.content))
    length = draw.random.choice(
        ["_".join(digits), f"+{digits}", f"{digits};", f"0x{len(draw.content):x}", "", "x", "1e2",
         f"{digits}.0", f"{digits}, {digits}", f"{digits} {digits}", "9" * 30]
    )  # fmt: skip
    text = draw.head(f"Content-Length: {length}") + draw.content + draw.embedded()
    return _script(text, draw.random.choice([End.KEEP, End.CLOSE]))


def _bad_chunk(draw: Draw) -> Script:
    size = draw.random.choice(["zz", "-5", "0x5", "5_0", "", " ", "+5", "f" * 40, "5 5", "5\n"])
    text = draw.head("Transfer-Encoding: chunked")
    return _script(text + f"{size}\r\n".encode() + draw.content + draw.embedded(), draw.cut())


def _cut(draw: Draw, text: bytes, first: int, last: int) -> Script:
    return _script(text[: draw.random.randint(first, last)], draw.cut())


def _cut_headers(draw: Draw) -> Script:
    text = draw.whole()
    return _cut(draw, text, 17, len(text) - len(draw.content) - 1)


def _cut_body(draw: Draw) -> Script:
    text = draw.whole() if draw.random.random() < 0.5 else draw.chunked()
    return _cut(draw, text, text.index(b"\r\n\r\n") + 4, len(text) - 1)


def _cut_error(draw: Draw) -> Script:
    """A 401, or a 204, that is cut before its head has ended: it never was a response."""
    status = draw.random.choice(["401 Unauthorized", "403 Forbidden", "204 No Content"])
    text = draw.head(
        "Vendo-Error-Code: app_revoked", "Content-Length: 0", status=f"HTTP/1.1 {status}"
    )
    return _cut(draw, text, 13, len(text) - 1)


def _huge_head(draw: Draw) -> Script:
    header = draw.random.choice(
        ["X: " + "x" * 100_000, "\r\n".join(f"X-{n}: x" for n in range(400)), "X" * 70_000]
    )
    return _script(draw.whole(header), draw.random.choice([End.KEEP, End.CLOSE]))


def _odd_head(draw: Draw) -> Script:
    whole = draw.whole(
        draw.random.choice(
            ["X-Folded: a\r\n b", "no colon", "X-Nul: \0", "Spaced : x", ": empty", "X-Bare: \r x"]
        )
    )
    if draw.random.random() < 0.3:
        whole = whole.replace(b"\r\n", b"\n")
    return _script(whole)


def _odd_status(draw: Draw) -> Script:
    line = draw.random.choice(
        ["HTTP/1.1 200", "HTTP/1.1 20", "HTTP/1.1 2000 OK", "HTTP/2 200", "ICY 200 OK", "",
         "HTTP/0.9 200 OK", "HTTP/1.1 abc OK", "HTTP/1.1 -200 OK", "HTTP/1.1 600 OK", "200 OK",
         "HTTP/1.1  200 OK", "http/1.1 200 OK", "HTTP/1.1 200 " + "x" * 9_000]
    )  # fmt: skip
    return _script(draw.whole(status=line), draw.random.choice([End.KEEP, End.CLOSE]))


def _old(draw: Draw) -> Script:
    kept = draw.random.choice([["Connection: keep-alive"], []])
    text = draw.whole(*kept, status="HTTP/1.0 200 OK")
    return _script(text, draw.random.choice([End.KEEP, End.CLOSE]), is_ended=True)


def _drip(draw: Draw) -> Script:
    whole = draw.whole()
    return Script([(whole[i : i + 1], 0.05) for i in range(len(whole))])


def _interims(draw: Draw) -> bytes:
    text = b""
    for _ in range(draw.random.randint(1, 3)):
        status = draw.random.choice(["100 Continue", "102 Processing", "103 Early Hints"])
        header = draw.random.choice(["", "Link: </a>; rel=preload\r\n", "Content-Length: 7\r\n"])
        text += f"HTTP/1.1 {status}\r\n{header}\r\n".encode()
    return text


#: (weight, base) by name. `is_ended` where something may come after it.
BASES: Final[dict[str, tuple[float, Callable[[Draw], Script]]]] = {
    "length": (70, lambda d: _script(d.whole(), is_ended=True)),
    "chunked": (12, lambda d: _script(d.chunked(), is_ended=True)),
    "chunk extensions": (2, lambda d: _script(d.chunked(extension=';a="b"'), is_ended=True)),
    "trailers": (2, lambda d: _script(d.chunked(end=b"0\r\nX: y\r\nZ: 1\r\n\r\n"), is_ended=True)),
    "until closed": (2, lambda d: _script(d.head() + d.content, End.CLOSE)),
    "HTTP/1.0": (3, _old),
    "closes": (2, lambda d: _script(d.whole("Connection: close"), End.CLOSE, is_ended=True)),
    "does not close": (3, lambda d: _script(d.whole("Connection: close"), is_ended=True)),
    "closes unannounced": (2, lambda d: _script(d.whole(), d.cut(), is_ended=True)),
    "dies": (1, lambda d: _script(d.whole(), End.SILENCE, is_ended=True)),
    "unavailable": (
        2,
        lambda d: _script(d.whole(status="HTTP/1.1 503 Unavailable"), is_ended=True),
    ),
    # Lengths
    "too short": (2, lambda d: _script(
        d.head(f"Content-Length: {d.random.randrange(len(d.content))}") + d.content)),
    "too long": (2, lambda d: _script(
        d.head(f"Content-Length: {len(d.content) + d.random.randint(1, 99)}") + d.content,
        d.stuck())),
    "length twice": (2, lambda d: _script(
        d.whole(f"Content-Length: {len(d.content)}"), is_ended=True)),
    "two lengths": (2, lambda d: _script(
        d.whole(f"Content-Length: {len(d.content) + 50}") + d.embedded(), d.stuck())),
    "negative length": (1, lambda d: _script(
        d.head(f"Content-Length: -{len(d.content)}") + d.content + d.embedded(), d.cut())),
    "odd length": (3, _odd_length),
    "length and chunks": (2, lambda d: _script(
        d.chunked(f"Content-Length: {len(d.content)}"))),
    "length but no chunks": (1, lambda d: _script(
        d.whole("Transfer-Encoding: chunked") + d.embedded(), d.stuck())),
    "unknown encoding": (1, lambda d: _script(
        d.whole(f"Transfer-Encoding: {d.random.choice(['gzip', 'xchunked', 'identity'])}"),
        d.cut())),
    # Chunks
    "bad chunk": (2, _bad_chunk),
    "chunk without a break": (1, lambda d: _script(
        d.head("Transfer-Encoding: chunked") + b"5\r\n" + d.content + b"0\r\n\r\n", d.cut())),
    "no last chunk": (2, lambda d: _script(d.chunked(end=b""), d.stuck())),
    "response for trailers": (2, lambda d: _script(d.chunked(end=b"0\r\n") + d.embedded())),
    "last break late": (1, lambda d: Script(
        [(d.chunked(end=b"0\r\n"), 0.0), (b"\r\n", 0.05)], is_ended=True)),
    # Bodies where none belong
    "204 with a body": (1, lambda d: _script(
        d.whole(status="HTTP/1.1 204 No Content") + d.embedded())
        if not d.is_stream else _script(d.whole())),
    "304 with a body": (1, lambda d: _script(
        d.whole(status="HTTP/1.1 304 Not Modified") + d.embedded())),
    "length without a body": (1, lambda d: _script(
        d.head(f"Content-Length: {len(d.content)}"), d.stuck())),
    # Cuts
    "cut before anything": (1, lambda d: _script(b"", d.cut())),
    "cut in the status line": (1, lambda d: _cut(d, d.whole(), 1, 16)),
    "cut in the headers": (1, _cut_headers),
    "cut in the body": (2, _cut_body),
    "cut error": (3, _cut_error),
    # Interim responses
    "interim as the last": (1, lambda d: _script(_interims(d), d.stuck())),
    "interim with a body": (1, lambda d: _script(
        b"HTTP/1.1 103 Early Hints\r\nContent-Length: 6\r\n\r\nlinks\n" + d.whole())),
    "101": (1, lambda d: _script(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" + d.whole(), d.stuck())),
    # Heads
    "huge head": (1, _huge_head),
    "odd head": (2, _odd_head),
    "odd status line": (2, _odd_status),
    "no HTTP": (1, lambda d: _script(d.content, d.cut())),
    # Time
    "too late": (0.6, lambda d: Script([(d.whole(), 1.5)])),
    "drip": (0.3, _drip),
    "silence": (0.3, lambda d: _script(b"", End.SILENCE)),
}  # fmt: skip

#: What comes with the end of a response.
AFTER: Final[dict[str, Callable[[Draw], bytes]]] = {
    "a second response": lambda d: d.extra(),
    "three responses": lambda d: d.extra() + d.extra(),
    "a second response after a break": lambda d: b"\r\n" + d.extra(),
    "breaks": lambda d: b"\r\n" * d.random.randint(1, 3),
    "garbage": lambda d: d.random.randbytes(d.random.randint(1, 40)),
    "half a response": lambda d: d.extra()[: d.random.randint(1, 90)],
    "an interim response": _interims,
    "an interim response and a second": lambda d: _interims(d) + d.extra(),
}

#: What comes later, while the connection is idle, and what becomes of it then.
LATE: Final[dict[str, Callable[[Draw], tuple[bytes, End]]]] = {
    "late response": lambda d: (d.extra(), End.KEEP),
    "late response, and the end": lambda d: (d.extra(), End.CLOSE),
    "late breaks": lambda d: (b"\r\n", End.KEEP),
    "late garbage": lambda d: (d.random.randbytes(9), End.KEEP),
    "late half": lambda d: (d.extra()[: d.random.randint(1, 90)], End.KEEP),
    "late interim": lambda d: (_interims(d), End.KEEP),
    "late time-out": lambda d: (b"HTTP/1.1 408 Time-out\r\nConnection: close\r\n\r\n", End.CLOSE),
    "late end": lambda d: (b"", d.cut()),
}

#: What a new connection gets before it has sent a request. No client can tell a response to come
#: too early from one to its request, so none carries a token.
FRESH: Final[dict[str, tuple[bytes, End]]] = {
    "fresh time-out": (b"HTTP/1.1 408 Time-out\r\nContent-Length: 0\r\n\r\n", End.CLOSE),
    "fresh busy": (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", End.RESET),
    "fresh interim": (b"HTTP/1.1 100 Continue\r\n\r\n", End.KEEP),
    "fresh breaks": (b"\r\n", End.KEEP),
    "fresh end": (b"", End.CLOSE),
    "fresh reset": (b"", End.RESET),
}

INTERIM = "interim"
PIECES = "pieces"

#: The names of all kinds. A run has each of them.
NAMES: Final = frozenset({*BASES, *AFTER, *LATE, *FRESH, INTERIM, PIECES})
_WEIGHTS: Final = [weight for weight, _ in BASES.values()]


def script_of(draw: Draw) -> Script:
    """Return what is sent for one request."""
    random = draw.random
    name = random.choices(list(BASES), _WEIGHTS)[0]
    script = BASES[name][1](draw)
    script.names.append(name)
    if random.random() < 0.15 or draw.is_stream:
        _split(random, script)
    if script.is_ended and script.end is End.KEEP:
        chance = random.random()
        if chance < 0.25:
            _append(draw, script)
        elif chance < 0.4:
            name = random.choice(list(LATE))
            script.late = (name, *LATE[name](draw))
    if random.random() < 0.15:
        script.pieces.insert(0, (_interims(draw), 0.0))
        script.pieces[1] = (script.pieces[1][0], random.choice([0.0, 0.0, 0.02]))
        script.names.append(INTERIM)
    return script


def _append(draw: Draw, script: Script) -> None:
    """Send something more in one write with the end of the response."""
    name = draw.random.choice(list(AFTER))
    text, pause = script.pieces[-1]
    script.pieces[-1] = (text + AFTER[name](draw), pause)
    script.names.append(name)


def _split(random: Random, script: Script) -> None:
    """Send the last piece in parts."""
    text, pause = script.pieces[-1]
    places = sorted(random.randrange(len(text) or 1) for _ in range(random.randint(1, 3)))
    edges = [0, *places, len(text)]
    parts = [text[begin:end] for begin, end in pairwise(edges)]
    script.pieces[-1:] = [
        (parts[0], pause),
        *((part, random.random() * 0.02) for part in parts[1:]),
    ]
    script.names.append(PIECES)
