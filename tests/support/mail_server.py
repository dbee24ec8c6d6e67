"""A real SMTP server in this process, which keeps its mails and who logged in."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword, auth_mechanism

if TYPE_CHECKING:
    import ssl


@dataclass
class MailServer:
    """What the server knows. `accepts` is asked for each password, and `response` may be set."""

    accepts: Callable[[str], bool]
    port: int = 0
    logins: list[tuple[str, str, str]] = field(default_factory=list)
    mails: list[bytes] = field(default_factory=list)
    connections: int = 0
    response: str | None = None
    hangs_up: bool = False

    def decide(self, mechanism: str, user: str, password: str) -> AuthResult:
        """Accept or reject a login."""
        self.logins.append((mechanism, user, password))
        accepted = self.accepts(password)
        return AuthResult(
            success=accepted, handled=False, message=None if accepted else self.response
        )

    async def handle_EHLO(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        """Count connections; a client says EHLO again after STARTTLS."""
        if session.host_name is None:
            self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_DATA(  # noqa: N802  # as above
        self, server: SMTP, session: Any, envelope: Any
    ) -> str:
        """Keep a mail."""
        self.mails.append(envelope.content)
        return "250 OK"

    async def auth_PLAIN(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802  # as above
        """Take a password, and perhaps hang up at a wrong one."""
        _, user, password = base64.b64decode(args[1]).decode().split("\0")
        result = self.decide("PLAIN", user, password)
        if self.hangs_up and not result.success:
            await server.push("535 5.7.8 Goodbye")
            assert server.transport is not None
            server.transport.close()
            return AuthResult(success=False, handled=True)
        return result

    @auth_mechanism("XOAUTH2")
    async def auth_bearer(self, server: SMTP, args: list[str]) -> AuthResult:
        """Take a bearer token as Google's server does: a rejection describes itself first."""
        user, token, *rest = base64.b64decode(args[1]).decode().split("\1")
        assert rest == ["", ""]
        result = self.decide("XOAUTH2", user, token)
        if not result.success:
            assert await server.challenge_auth('{"status":"400","schemes":"Bearer"}') == b""
        return result


@contextmanager
def mail_server(
    accepts: Callable[[str], bool], context: ssl.SSLContext | None = None, *, tls: str = ""
) -> Iterator[MailServer]:
    """Run a server. With a context, `tls` is `start` for STARTTLS, or `implicit`."""
    server = MailServer(accepts)
    started: Future[Callable[[], object]] = Future()

    def authenticate(_: SMTP, __: Any, ___: Any, mechanism: str, data: LoginPassword) -> AuthResult:
        return server.decide(mechanism, data.login.decode(), data.password.decode())

    def protocol() -> SMTP:
        return SMTP(
            server,
            hostname="mail.example.com",
            tls_context=context if tls == "start" else None,
            auth_require_tls=tls == "start",
            authenticator=authenticate,
        )

    async def serve() -> None:
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()
        # Not aiosmtpd's Controller, which cannot let the system choose a port.
        listener = await loop.create_server(
            protocol, "127.0.0.1", 0, ssl=context if tls == "implicit" else None
        )
        server.port = listener.sockets[0].getsockname()[1]
        started.set_result(partial(loop.call_soon_threadsafe, stopped.set))
        await stopped.wait()
        listener.close()

    thread = Thread(target=asyncio.run, args=[serve()])
    thread.start()
    stop = started.result(30)
    try:
        yield server
    finally:
        stop()
        thread.join()
