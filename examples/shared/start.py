"""Start an example with the platform around it, and stop it with Ctrl-C."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from argparse import ArgumentParser, ArgumentTypeError
from importlib import import_module
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def start(
    create_app: Callable[[], Any], *, packages: Iterable[str], pip: str, asgi: bool = False
) -> None:
    """Run an application on the port of the command line.

    Args:
        create_app: returns the application. The environment configures Vendo when it is called.
        packages: the modules that the application needs.
        pip: what to install for them.
        asgi: whether the application is one of ASGI, and not of WSGI.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # it ends as with Ctrl-C
    try:
        port = _port_of_command_line()
        _check_packages(packages, pip)
        with _listening(port) as door:
            _run(create_app, door, asgi)
    except KeyboardInterrupt:
        print("Stopped.")


def _run(create_app: Callable[[], Any], door: socket.socket, asgi: bool) -> None:
    from platform_on_this_machine import behind_async_proxy, behind_proxy, deliver_webhooks

    from vendo.testing import LocalVendo

    url = "http://{}:{}/".format(*door.getsockname())
    started = f"The mailbox is at {url} - stop it with Ctrl-C"
    with LocalVendo() as vendo_here:
        os.environ.update(vendo_here.environment("gmail"), VENDO_AUTH="1")
        # The proxy on this machine removes a browser's headers under every spelling.
        os.environ["VENDO_TRUST_WSGI_HEADERS"] = "1"
        app = create_app()
        with deliver_webhooks(vendo_here, f"{url}api/vendo/webhook/"):
            if asgi:
                _serve_asgi(behind_async_proxy(app), door, started)
            else:
                _serve_wsgi(behind_proxy(app), door, started)


def _port_of_command_line() -> int:
    parser = ArgumentParser(description="Run the mailbox, with a platform of its own.")
    parser.add_argument(
        "--port", type=_port, default=8000, help="the port (default: 8000; 0: any free one)"
    )
    return int(parser.parse_args().port)


def _port(text: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) <= 5 and int(text) <= 65535:
        return int(text)
    raise ArgumentTypeError(
        f"the port must be a number from 0 to 65535, not {text[:40]!r}.\n"
        "Fix: python run.py --port 8001"
    )


def _check_packages(packages: Iterable[str], pip: str) -> None:
    try:
        for name in ("vendo", *packages):
            import_module(name)
    except ModuleNotFoundError as error:
        sys.exit(f"The package {error.name} is not installed.\nFix: pip install {pip}")


def _listening(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:  # it is taken, or needs more rights
        reason = os.strerror(error.errno or 0).lower()
        sys.exit(f"Port {port} cannot be used: {reason}.\nFix: python run.py --port 0")


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Do not log requests."""


def _serve_wsgi(app: Any, door: socket.socket, started: str) -> None:
    server = _Server(door.getsockname(), _Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = door
    server.server_name, server.server_port = door.getsockname()
    server.setup_environ()
    server.set_app(app)
    print(started, flush=True)
    server.serve_forever()


def _serve_asgi(app: Any, door: socket.socket, started: str) -> None:
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                print(started, flush=True)

    # One process serves the mailbox: a reminder that is for several is left out.
    several = "Two processes may handle one webhook"
    logging.getLogger("vendo_starlette").addFilter(lambda record: several not in record.msg)
    Server(uvicorn.Config(app, log_level="warning", lifespan="on")).run(sockets=[door])
