"""`serve`: a Vendo backend on this machine, for as long as it is wanted."""

from __future__ import annotations

import shlex
import signal
import time

from vendo._cli import terminal
from vendo.testing import LocalVendo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace


def run(options: Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM. The key that is printed is this server's, and ends with it."""
    try:
        server = LocalVendo(options.connect, port=options.port).start()
    except OSError as error:
        terminal.report_failure(f"Port {options.port} is not to be had ({error.strerror}).")
        terminal.say("fix: Give another --port, or none for any that is free.")
        return 1
    with server:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)
        try:
            _tell(server, options)
            while True:
                time.sleep(1.0)  # a longer one would keep Windows from noticing Ctrl-C
        except KeyboardInterrupt:
            return 0


def _tell(server: LocalVendo, options: Namespace) -> None:
    variables = server.environment(*options.connect)
    if options.json:
        terminal.write_json(
            {"url": server.url, "connected": options.connect, "environment": variables}
        )
        return
    terminal.write(f"# A Vendo of your own at {server.url}; Ctrl-C ends it.")
    for name, value in variables.items():
        terminal.write(f"export {name}={shlex.quote(value)}")
