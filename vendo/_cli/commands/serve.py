"""`serve`: run a Vendo backend on this machine until Ctrl-C."""

from __future__ import annotations

import argparse
import shlex
import signal
import time

from vendo._cli import arguments, output
from vendo.testing import LocalVendo

HELP = """\
Run a Vendo backend on this machine until Ctrl-C, and print the variables that point programs at
it. Its key is valid for this server alone.

examples:
  python -m vendo serve --connect openai gmail
  python -m vendo serve --port 8765 --connect openai --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the arguments."""
    parser.add_argument("--port", type=_port, default=0, help="the port (default: any free one)")
    parser.add_argument(
        "--connect",
        type=arguments.known_slug,
        action="extend",
        nargs="+",
        metavar="SLUG",
        default=[],
        help="providers that are connected from the start",
    )
    arguments.add_json(parser, "print one JSON object instead of export lines")


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM. The printed key is valid until then."""
    try:
        server = LocalVendo(options.connect, port=options.port).start()
    except OSError as error:
        output.report_failure(
            f"Port {options.port} is not available ({error.strerror}).",
            fix="Leave out --port to use any free port: python -m vendo serve",
        )
        return 1
    with server:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)
        try:
            _print_variables(server, options)
            while True:
                time.sleep(1.0)  # Windows notices Ctrl-C after the sleep
        except KeyboardInterrupt:
            return 0


def _print_variables(server: LocalVendo, options: argparse.Namespace) -> None:
    if options.json:
        output.write_json(
            {"url": server.url, "connected": options.connect, "environment": server.environment()}
        )
        return
    output.write(f"# A local Vendo at {server.url} (press Ctrl-C to stop)")
    for name, value in server.environment(*options.connect).items():
        if name.startswith("VENDO_") or options.connect:
            output.write(f"export {name}={shlex.quote(value)}")
    output.write(f"# The fake provider of each slug is at {server.url}/providers/SLUG")


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) < 65_536):
        raise argparse.ArgumentTypeError(f"--port must be between 0 and 65535, not {text!r}.")
    return int(text)
