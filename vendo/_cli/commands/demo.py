"""`demo`: both modes, a token that expires, and a user who connects a provider."""

from __future__ import annotations

import os
from contextlib import contextmanager
from importlib.util import find_spec
from queue import Empty, SimpleQueue
from threading import Thread

import vendo
from vendo._catalog import catalog
from vendo._cli import browser
from vendo._cli.transcript import Transcript
from vendo._config.environment import CredentialVariable, base_url_variable, names_of
from vendo.testing import LocalVendo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterable, Iterator, Mapping

HELP = """\
Walk through both modes, a token that expires and a user who connects a provider, against a server
on this machine. No account is needed, and nothing is sent to the network.

examples:
  python -m vendo demo
  python -m vendo demo --interactive"""

_LAPTOP_TOKEN = "sk-demo-laptop"  # noqa: S105  # not a real one
_PATH = "gmail/v1/users/me/profile"
#: Seconds to wait for an event of the local server.
_TIMEOUT = 30.0


def add_arguments(parser: ArgumentParser) -> None:
    """Define the arguments."""
    parser.add_argument(
        "--interactive", action="store_true", help="wait for you to connect the provider yourself"
    )


def run(options: Namespace) -> int:
    """Print the whole demo. With `options.interactive`, the user connects the provider."""
    transcript = Transcript()
    transcript.remark("vendo, from a laptop to a deployment: on this machine, without an account.")
    with LocalVendo(["openai", "gmail"]) as server:
        with _environment({"OPENAI_API_KEY": _LAPTOP_TOKEN}):
            _laptop(transcript)
        with _environment(server.environment("gmail")):
            _deployment(transcript, server)
            if find_spec("requests") is None:
                _expired_token_without_session(transcript, server)
            else:
                _expired_token(transcript, server)
            _connect(transcript, server, interactive=options.interactive)
    transcript.title("The end")
    transcript.remark("To run the same server for a program of your own:")
    transcript.shell("python -m vendo serve --connect openai gmail")
    return 0


def _laptop(transcript: Transcript) -> None:
    transcript.title("1. On a laptop: the token is in the environment")
    transcript.shell(f"export OPENAI_API_KEY={_LAPTOP_TOKEN}")
    transcript.call('vendo.token("openai")', vendo.token("openai"))
    transcript.summary("OSS mode: no account, no request.")


def _deployment(transcript: Transcript, server: LocalVendo) -> None:
    transcript.title("2. In a deployment: the same line, and Vendo has the token")
    transcript.remark(f"A local Vendo backend listens at {server.url}.")
    for name in ("VENDO_API_KEY", "VENDO_BASE_URL", "VENDO_CREDENTIALS_URL"):
        transcript.shell(f"export {name}={os.environ[name]}")
    transcript.call('vendo.token("openai")', vendo.token("openai"))
    transcript.call('vendo.token("openai")', vendo.token("openai"))
    requests = server.count("credentials", "openai")
    transcript.summary(f"Requests to the server: {requests}. The second token is from the cache.")


def _expired_token(transcript: Transcript, server: LocalVendo) -> None:
    transcript.title("3. A session outlives its token")
    line = f'session.get("{_PATH}").status_code'
    with vendo.session("gmail") as session:
        transcript.code('session = vendo.session("gmail")')
        transcript.call(line, session.get(_PATH).status_code)
        transcript.remark("Now the token of the session expires at the provider.")
        server.expire("gmail")
        transcript.call(line, session.get(_PATH).status_code)
    transcript.summary(_counts(server))


def _expired_token_without_session(transcript: Transcript, server: LocalVendo) -> None:
    transcript.title("3. A rejected token is replaced")
    transcript.remark("requests is not installed. With it, a session does all of this by itself:")
    transcript.shell('pip install "vendo-sdk[http]"')
    url = f"{server.provider_url('gmail')}/{_PATH}"
    token = vendo.token("gmail")
    transcript.code('token = vendo.token("gmail")')
    transcript.call("get_profile(token)", browser.get_status(url, token))
    transcript.remark("Now that token expires at the provider.")
    server.expire("gmail")
    transcript.call("get_profile(token)", browser.get_status(url, token))
    vendo.invalidate("gmail")
    transcript.code('vendo.invalidate("gmail")')
    status = browser.get_status(url, vendo.token("gmail"))
    transcript.call('get_profile(vendo.token("gmail"))', status)
    transcript.summary(_counts(server))


def _counts(server: LocalVendo) -> str:
    return (
        f"Requests to the provider: {server.count('provider', 'gmail')}, one of them rejected. "
        f"Tokens fetched from Vendo: {server.count('credentials', 'gmail')}."
    )


def _connect(transcript: Transcript, server: LocalVendo, *, interactive: bool) -> None:
    transcript.title("4. A user connects a provider")
    try:
        vendo.token("slack")
    except vendo.NotConnected as error:
        transcript.failing_call('vendo.token("slack")', error)
    # Ctrl-C at any time leaves no lock that the thread waits for.
    received: SimpleQueue[vendo.EventStreamMessage] = SimpleQueue()
    with vendo.events.subscribe() as events:
        Thread(target=_forward, args=(events, received), daemon=True).start()
        server.wait_for_streams(1)
        url = vendo.connect_url("slack")
        transcript.call('vendo.connect_url("slack")', url)
        if interactive:
            transcript.remark("Open this link in a browser and press Connect. Ctrl-C stops.")
        else:
            transcript.remark("The demo opens the page and presses its button.")
            transcript.remark(f"The page shows: {browser.press_connect(url)}")
        event = _connected(received, "slack", interactive=interactive)
    transcript.remark(f"Event: {event.type}, {event.slug}.")
    transcript.call("vendo.connections.connected_slugs()", vendo.connections.connected_slugs())
    transcript.call('vendo.token("slack")', vendo.token("slack"))
    transcript.summary("A user connected it, and the program has the token. No token was copied.")


def _forward(
    events: Iterable[vendo.EventStreamMessage], queue: SimpleQueue[vendo.EventStreamMessage]
) -> None:
    for event in events:
        queue.put(event)


def _connected(
    received: SimpleQueue[vendo.EventStreamMessage], slug: str, *, interactive: bool
) -> vendo.EventStreamMessage:
    """Wait for the event: for the user as long as they need."""
    while True:
        try:
            # A wait without a time-out may miss Ctrl-C; on Windows it always does.
            event = received.get(timeout=1.0 if interactive else _TIMEOUT)
        except Empty:
            if not interactive:
                raise
        else:
            if event.type == "connection.connected" and event.slug == slug:
                return event


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set these variables, and unset those of the user that the demo would print."""
    before = dict(os.environ)
    try:
        for name in before:
            if name.startswith("VENDO_"):
                del os.environ[name]
        for slug in ("openai", "gmail", "slack"):
            provider = catalog.provider(slug)
            credentials = map(CredentialVariable, provider.variables if provider else ())
            for name in (*names_of(credentials), base_url_variable(slug).name):
                os.environ.pop(name, None)
        # requests would use the user's proxy for loopback too.
        os.environ.update(variables, NO_PROXY="127.0.0.1", no_proxy="127.0.0.1")
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
