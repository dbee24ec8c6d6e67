"""The server: it reads each request, and responds in one of the ways of `kinds`."""

from __future__ import annotations

import select
import socket
import struct
import threading
from collections import Counter
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING

from hostile.kinds import FRESH, Draw, End, script_of
from hostile.stamps import EXTRA, GENUINE, asked
from support.raw_server import RawServer

if TYPE_CHECKING:
    from hostile.kinds import Script


class HostileServer(RawServer):
    """Responds on a port of its own. What it does on a connection is drawn from the seed."""

    def __init__(self, seed: int, name: str) -> None:
        super().__init__(b"", backlog=512)
        self._seed = f"{seed} {name}"
        self._conversations: set[_Connection] = set()
        #: How often each kind was sent.
        self.sent: Counter[str] = Counter()
        #: How many requests were read.
        self.count = 0

    def send_late(self) -> None:
        """Send what is to come late. Called while no client has a call under way."""
        with self._lock:
            conversations = list(self._conversations)
        for conversation in conversations:
            conversation.send_late()

    def note(self, *names: str, requests: int = 0) -> None:
        with self._lock:
            self.sent.update(names)
            self.count += requests

    def _converse(self, sock: socket.socket, number: int) -> None:
        conversation = _Connection(self, sock, Random(f"{self._seed} {number}"))
        with self._lock:
            self._conversations.add(conversation)
        try:
            conversation.serve()
        finally:
            with self._lock:
                self._conversations.discard(conversation)


class _Connection:
    """One connection, in the thread of the server for it."""

    def __init__(self, server: HostileServer, sock: socket.socket, random: Random) -> None:
        self._server = server
        self._sock = sock
        self._random = random
        self._received = b""
        self._lock = threading.Lock()
        #: While the connection is idle: what is still to come.
        self._late: tuple[str, bytes, End] | None = None
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def serve(self) -> None:
        if self._random.random() < 0.03:
            name = self._random.choice(list(FRESH))
            self._server.note(name)
            text, end = FRESH[name]
            self._sock.sendall(text)
            if not self._goes_on(end):
                return
        while head := self._next_head():
            script = self._script_of(head)
            if script is None:
                return
            for text, pause in script.pieces:
                if pause:
                    self._server.ended.wait(pause)
                self._sock.sendall(text)
            if not self._goes_on(script.end):
                return
            with self._lock:
                self._late = script.late

    def _script_of(self, head: str) -> Script | None:
        try:
            request = asked(head)
        except (ValueError, KeyError, IndexError):
            return None  # two processes wrote at once
        genuine, extra = request.content(GENUINE), request.content(EXTRA)
        script = script_of(Draw(self._random, request, genuine, extra))
        self._server.note(*script.names, requests=1)
        return script

    def send_late(self) -> None:
        with self._lock:
            late, self._late = self._late, None
            if late is None or self._received or select.select([self._sock], [], [], 0)[0]:
                return
            name, text, end = late
            with suppress(OSError):
                self._sock.sendall(text)
                self._server.note(name)
                if end is End.CLOSE:
                    self._sock.shutdown(socket.SHUT_WR)
                elif end is End.RESET:
                    self._reset()
                    self._sock.shutdown(socket.SHUT_RD)  # its thread closes it

    def _next_head(self) -> str:
        while b"\r\n\r\n" not in self._received:
            data = self._sock.recv(65536)
            with self._lock:
                self._late = None
                self._received += data
            if not data:
                return ""
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        return head.decode("latin-1")

    def _goes_on(self, end: End) -> bool:
        if end is End.SILENCE:
            while self._sock.recv(65536):
                pass
        elif end is End.RESET:
            self._reset()
        return end is End.KEEP

    def _reset(self) -> None:
        """Let the client meet an error in place of an end."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
