"""Servers that fail, each in its own way."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
from contextlib import ExitStack
from typing import TYPE_CHECKING

from support.raw_server import RawServer, http

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from support.raw_server import Reply


def reset(sent: bytes) -> Reply:
    """Return a reply that sends this, and then resets the connection."""

    def reply(sock: socket.socket) -> None:
        sock.sendall(sent)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return reply


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n"
REPLIES: dict[str, Reply] = {
    "ok": http(b"{}"),
    "closed": b"",
    "reset": reset(b""),
    "reset after the head": reset(HEAD + b"\r\n{"),
    "reset in the head": reset(HEAD),
    "cut": HEAD + b"\r\n{",
    "bad status line": b"what\r\n\r\n",
    "bad version": b"HTTP/9.9 200 OK\r\n\r\n",
    "malformed header": http(b"{}", "200 OK", "no colon", "Next: one"),
    "blank header name": http(b"{}", "200 OK", ": value"),
    "long header": http(b"{}", "200 OK", "Long: " + "x" * 70_000),
    "bad length": b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}",
    "bad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "bad gzip": http(b"not gzip", "200 OK", "Content-Encoding: gzip"),
    "401": http(b"{}", "401 Unauthorized"),
    "403": http(b"{}", "403 Forbidden"),
    "500": http(b"{}", "500 Internal Server Error"),
    "endless": http(b"", "302 Found", "Location: /again"),
    "out": http(b"", "302 Found", "Location: http://localhost:9/x"),
    "repeats": http(b"", "302 Found", "Location: /botxxkanari-telegram-token/x/"),
    "repeats a file": http(b"", "302 Found", "Location: ../file/botxxkanari-telegram-token/x"),
    "bad location": http(b"", "302 Found", "Location: http://[:::"),
}


def replies_of_a_backend(key: str, jwt: str, token: str) -> dict[str, Reply]:
    """Return those of a backend that sends the secrets, most in a response that is not valid."""
    error = {"error": {"code": key, "message": f"{key} {jwt}", "suggested_fix": jwt, "slug": key}}
    issued = {"access_token": token, "expires_at": "never", "tokens": {"gmail": token}}
    whole, echo = json.dumps(issued).encode(), json.dumps(error).encode()
    return {
        **REPLIES,
        "ok": http(json.dumps({"access_token": token, "expires_at": None}).encode()),
        "echo": http(echo, "400 Bad Request"),
        "echo of 500": http(echo, "500 Internal Server Error"),
        "echo as text": http(f"{key} {jwt}".encode(), "502 Bad Gateway"),
        "echo in a header": http(b"{", "200 OK", f"Location: /{key}", f"Vendo-Request-Id: {jwt}"),
        "moved": http(b"", "307 Temporary Redirect", f"Location: http://localhost:9/{key}"),
        "malformed token": http(whole),
        "list of tokens": http(json.dumps([issued] * 3).encode()),
        "cut token": b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + whole,
        "token in half": http(whole[:-9]),
        "blank in a token": http(json.dumps({"access_token": f"{token}\n{token}"}).encode()),
        "token in a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + whole,
        "token as gzip": http(whole, "200 OK", "Content-Encoding: gzip"),
    }


@contextlib.contextmanager
def servers(replies: Mapping[str, Reply] = REPLIES) -> Iterator[dict[str, str]]:
    """Run a server for each reply, one that is silent and none, and return their addresses."""
    with ExitStack() as stack:
        urls = {name: stack.enter_context(RawServer(reply)).url for name, reply in replies.items()}
        silent = RawServer(lambda _: None)
        silent._replies = [silent.silence]
        urls["silent"] = stack.enter_context(silent).url
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            urls["refused"] = f"http://127.0.0.1:{taken.getsockname()[1]}"
            yield urls
