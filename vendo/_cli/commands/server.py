"""`server ACTION`: change a backend that `serve` runs in another terminal."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from vendo._cli import arguments, output
from vendo._cli.parser import Parser, add_env_file
from vendo._config import environment
from vendo._config.settings import Settings
from vendo._protocol.calls import user_agent
from vendo._protocol.json_object import json_object
from vendo._protocol.origins import is_loopback
from vendo._protocol.secret import Secret, WireSecret
from vendo._protocol.steps import Request
from vendo._transports.blocking import BlockingTransport
from vendo.errors import UpstreamError, VendoError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo._protocol.steps import Response

HELP = """\
Change a backend that `python -m vendo serve` runs in another terminal. It needs the variables that
serve has printed, and speaks to this machine alone. The exit status is 2 for a provider or a server
that does not exist, and 1 for what is not possible now. Nothing is changed then.

examples:
  python -m vendo server connect gmail
  python -m vendo server fail credentials --status 503 --times 2
  python -m vendo server webhook http://127.0.0.1:8000/api/vendo/webhook/"""

_PROGRAM = "python -m vendo server"
#: Seconds for one response.
_TIMEOUT = 10.0
_MAX_BYTES = 16 * 1024 * 1024
_PRINTED = "Run the export lines that python -m vendo serve has printed."
_SURFACES = ("credentials", "api", "data", "events", "provider", "pages", "any")
_FIELD = re.compile(r"[a-z_]+")

_Fields = dict[str, Any]


class _Failed(Exception):
    """Report this, and exit with this status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Action(NamedTuple):
    """One action: its help, its example, its arguments, and what it says when it is done."""

    summary: str
    example: str
    add: Callable[[argparse.ArgumentParser], None]
    fields: Callable[[argparse.Namespace], _Fields]
    done: Callable[[_Fields], str]


def add_arguments(parser: Parser) -> None:
    """Define the actions."""
    parser.shows_fix = False
    actions = parser.add_subparsers(
        dest="action", metavar="ACTION", required=True, parser_class=_ActionParser
    )
    for name, action in _ACTIONS.items():
        of_action = actions.add_parser(
            name,
            help=action.summary,
            description=f"{action.summary[:1].upper()}{action.summary[1:]}.",
            prog=f"{_PROGRAM} {name}",
            epilog=f"example:\n  {_PROGRAM} {name} {action.example}".rstrip(),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        action.add(of_action)
        arguments.add_json(of_action)
        add_env_file(of_action, default=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> int:
    """Send the action to the server, and print what it has done."""
    action = _ACTIONS[options.action]
    try:
        done = _sent(options.action, action.fields(options))
        if options.action == "webhook":
            done = _delivered(options.url, done)
    except _Failed as failure:
        output.report_failure(str(failure))
        return failure.status
    except VendoError as error:  # VENDO_BASE_URL or VENDO_API_KEY is malformed
        output.report_failure(error.message)
        return 2
    if options.json:
        output.write_json(done)
    else:
        output.write(action.done(done))
    return 0


def _sent(action: str, fields: _Fields) -> _Fields:
    """Send an action to the server, and return the result.

    Raises:
        _Failed: it is not done.
    """
    settings = Settings()
    url, key = settings.base_url(), settings.api_key()
    if not is_loopback(urlsplit(url).hostname or "") or key is None:
        missing = environment.BASE_URL.name if key is not None else environment.API_KEY.name
        raise _Failed(2, f"{missing} is not that of a server on this machine. {_PRINTED}")
    headers = {"Authorization": WireSecret(f"Bearer {key.reveal()}", key)}
    try:
        response = _posted(f"{url}/_control/{action}", headers, json.dumps(fields).encode())
    except UpstreamError:
        raise _Failed(2, f"No server responds at {url}. Start one: python -m vendo serve") from None
    result = json_object(response.body)
    if result is None or response.headers.get("server") != "LocalVendo":
        raise _Failed(2, f"What responds at {url} is not a server of python -m vendo serve.")
    if response.status != 200:
        raise _Failed(1 if response.status == 409 else 2, str(result.get("error")))
    return result


def _delivered(url: str, signed: _Fields) -> _Fields:
    """Send a signed webhook to the application, and return the status of its response.

    Raises:
        _Failed: the application does not accept it.
    """
    try:
        response = _posted(url, signed["headers"], signed["body"].encode())
    except UpstreamError as error:
        raise _Failed(1, f"No response to the webhook: {error.message}") from None
    if not 200 <= response.status < 300:
        raise _Failed(
            1, f"The response to the webhook is HTTP {response.status}. {_hint(response)}"
        )
    return {"url": url, "status": response.status}


def _hint(response: Response) -> str:
    """Return what to do about an application's response to a webhook."""
    if 300 <= response.status < 400:
        return f"Send it to the address that it redirects to: {response.headers.get('location')}"
    if response.status == 400:
        return (
            f"Set {environment.WEBHOOK_SECRET.name} of the application to the value that "
            "python -m vendo serve has printed."
        )
    if response.status == 404:
        return "Give the address of the webhook view, such as /api/vendo/webhook/ with its slash."
    return "The application's log has the reason."


def _posted(url: str, headers: Mapping[str, str], body: bytes) -> Response:
    headers = {"Content-Type": "application/json", "User-Agent": user_agent(), **headers}
    transport = BlockingTransport()
    try:
        return transport.send(Request("POST", Secret(url), headers, body, _TIMEOUT, _MAX_BYTES))
    finally:
        transport.close()


class _ActionParser(Parser):
    """The parser of one action: its options may stand between fields. Its errors are one line."""

    shows_fix = False
    _is_intermixed = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse the arguments in any order."""
        if self._is_intermixed:
            return super().parse_known_args(args, namespace)
        self._is_intermixed = True
        return self.parse_known_intermixed_args(args, namespace)


def _whole_number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r:.40} is not a whole number.")
    return int(text)


def _cap(text: str) -> int | None:
    return None if text == "none" else _whole_number(text)


def _field(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not _FIELD.fullmatch(name):
        raise argparse.ArgumentTypeError(f"{text!r:.60} is not NAME=VALUE.")
    return name, value


def _loopback_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host or parts.scheme not in {"http", "https"} or not is_loopback(host):
        raise argparse.ArgumentTypeError(
            "URL must be an http address on this machine, such as "
            "http://127.0.0.1:8000/api/vendo/webhook/."
        )
    return text


def _add_nothing(_parser: argparse.ArgumentParser) -> None:
    return


def _add_status(parser: argparse.ArgumentParser) -> None:
    arguments.add_slug(parser)
    parser.add_argument("status", metavar="STATUS", help="such as needs_reauth or revoked")


def _add_micros(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("micros", type=_whole_number, metavar="MICROS", help="1 USD is 1000000")


def _add_caps(parser: argparse.ArgumentParser) -> None:
    for window in ("daily", "monthly"):
        parser.add_argument(
            f"--{window}",
            type=_cap,
            metavar="MICROS",
            default=argparse.SUPPRESS,
            help=f"the {window} cap in micros, or none to remove it",
        )


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "data", type=_field, nargs="*", metavar="NAME=VALUE", help="a field of its data"
    )


def _add_emit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", metavar="KIND", help="such as connection.changed")
    _add_data(parser)


def _add_webhook(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "url", type=_loopback_url, metavar="URL", help="where the application receives webhooks"
    )
    parser.add_argument("--type", default="connection.changed", help="the type of the event")
    _add_data(parser)


def _add_fail(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("surface", choices=_SURFACES, metavar="SURFACE", help=", ".join(_SURFACES))
    parser.add_argument("--status", type=_whole_number, default=500, help="by default 500")
    parser.add_argument("--times", type=_whole_number, default=1, help="requests; by default 1")


def _slug(options: argparse.Namespace) -> _Fields:
    return {"slug": options.slug}


def _caps(options: argparse.Namespace) -> _Fields:
    return {name: value for name, value in vars(options).items() if name in {"daily", "monthly"}}


def _connection_line(done: _Fields) -> str:
    return f"{done['slug']}: {done['status']}"


def _caps_line(done: _Fields) -> str:
    return ", ".join(
        f"{window} cap: {'none' if done[f'{window}_micros'] is None else done[f'{window}_micros']}"
        for window in ("daily", "monthly")
    )


_ACTIONS = {
    "connect": _Action(
        "connect a provider, as a user does on its page",
        "gmail",
        arguments.add_slug,
        _slug,
        _connection_line,
    ),
    "disconnect": _Action(
        "remove a connection", "gmail", arguments.add_slug, _slug, _connection_line
    ),
    "rotate": _Action(
        "replace a credential and send an event, so that the fake provider rejects the old one",
        "gmail",
        arguments.add_slug,
        _slug,
        lambda done: f"{done['slug']}: the token is replaced",
    ),
    "expire": _Action(
        "let the fake provider reject the current token, without an event",
        "gmail",
        arguments.add_slug,
        _slug,
        lambda done: f"{done['slug']}: the token is expired",
    ),
    "status": _Action(
        "change the status of a connection",
        "gmail needs_reauth",
        _add_status,
        lambda options: {"slug": options.slug, "status": options.status},
        _connection_line,
    ),
    "balance": _Action(
        "set the balance of the wallet",
        "5000000",
        _add_micros,
        lambda options: {"micros": options.micros},
        lambda done: f"balance: {done['credits_remaining_micros']}",
    ),
    "caps": _Action(
        "set the spend caps, or print them",
        "--daily 1000000 --monthly none",
        _add_caps,
        _caps,
        _caps_line,
    ),
    "emit": _Action(
        "send an event to every stream",
        "connection.changed slug=gmail",
        _add_emit,
        lambda options: {"type": options.kind, "data": dict(options.data)},
        lambda done: f"{done['type']}: sent as {done['id']}",
    ),
    "webhook": _Action(
        "sign a webhook and send it to an application on this machine",
        "http://127.0.0.1:8000/api/vendo/webhook/ --type connection.changed slug=gmail",
        _add_webhook,
        lambda options: {"type": options.type, "data": dict(options.data)},
        lambda done: f"HTTP {done['status']}",
    ),
    "fail": _Action(
        "respond to the next requests of a surface with an error",
        "credentials --status 503 --times 2",
        _add_fail,
        lambda options: {
            "surface": options.surface,
            "status": options.status,
            "times": options.times,
        },
        lambda done: f"{done['surface']}: HTTP {done['status']}, {done['times']} times",
    ),
    "reset": _Action(
        "set everything back to the start",
        "",
        _add_nothing,
        lambda _options: {},
        lambda done: f"connected: {', '.join(done['connected']) or 'none'}",
    ),
}
