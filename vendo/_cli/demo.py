"""`demo`: both modes, a token that expires, and a person who connects a provider."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

import vendo
from vendo._catalog import catalog
from vendo._cli import person
from vendo._cli.narration import Page
from vendo._config.environment import base_url_variable
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable, Iterator, Mapping

_LAPTOP_TOKEN = "sk-demo-laptop"  # noqa: S105  # stands for one
_PATH = "gmail/v1/users/me/profile"
#: Seconds until the demonstration gives up on an event of its own server.
_PATIENCE = 30.0


def run(options: Namespace) -> int:
    """Walk through it all. With `options.interactive`, a person connects the provider."""
    page = Page()
    page.tell("vendo, from a laptop to a deployment: on this machine, without an account.")
    with LocalVendo(["openai", "gmail"]) as server:
        with _environment({"OPENAI_API_KEY": _LAPTOP_TOKEN}):
            _on_a_laptop(page)
        with _environment(server.environment("gmail")):
            _in_a_deployment(page, server)
            if find_spec("requests") is None:
                _an_expired_token_by_hand(page, server)
            else:
                _an_expired_token(page, server)
            _a_person(page, server, interactive=options.interactive)
    page.title("That was all of it")
    page.tell("The same server, for a program of your own:")
    page.shell("python -m vendo serve --connect openai gmail")
    return 0


def _on_a_laptop(page: Page) -> None:
    page.title("1. On a laptop: the token is in the environment")
    page.shell(f"export OPENAI_API_KEY={_LAPTOP_TOKEN}")
    page.call('vendo.token("openai")', vendo.token("openai"))
    page.moral("OSS mode: no account, no request.")


def _in_a_deployment(page: Page, server: LocalVendo) -> None:
    page.title("2. In a deployment: the same line, and Vendo has the token")
    page.tell(f"A server that speaks Vendo's protocol listens at {server.url}.")
    for name in ("VENDO_API_KEY", "VENDO_BASE_URL", "VENDO_CREDENTIALS_URL"):
        page.shell(f"export {name}={os.environ[name]}")
    page.call('vendo.token("openai")', vendo.token("openai"))
    page.call('vendo.token("openai")', vendo.token("openai"))
    asked = server.count("credentials", "openai")
    page.moral(f"Requests for it at the server: {asked}. The second came from the cache.")


def _an_expired_token(page: Page, server: LocalVendo) -> None:
    page.title("3. A session outlives its token")
    line = f'session.get("{_PATH}").status_code'
    with vendo.session("gmail") as session:
        page.code('session = vendo.session("gmail")')
        page.call(line, session.get(_PATH).status_code)
        page.tell("Now the provider refuses the token that the session has.")
        server.expire("gmail")
        page.call(line, session.get(_PATH).status_code)
    page.moral(_counts(server))


def _an_expired_token_by_hand(page: Page, server: LocalVendo) -> None:
    page.title("3. A token is replaced when it is refused")
    page.tell("requests is not installed. With it, a session does all of this by itself:")
    page.shell('pip install "vendo-sdk[http]"')
    url = f"{server.provider_url('gmail')}/{_PATH}"
    token = vendo.token("gmail")
    page.code('token = vendo.token("gmail")')
    page.call("ask_gmail(token)", person.status_with(url, token))
    page.tell("Now the provider refuses that token.")
    server.expire("gmail")
    page.call("ask_gmail(token)", person.status_with(url, token))
    vendo.invalidate("gmail")
    page.code('vendo.invalidate("gmail")')
    page.call('ask_gmail(vendo.token("gmail"))', person.status_with(url, vendo.token("gmail")))
    page.moral(_counts(server))


def _counts(server: LocalVendo) -> str:
    return (
        f"Requests at the provider: {server.count('provider', 'gmail')}, one of them refused. "
        f"Tokens fetched from Vendo: {server.count('credentials', 'gmail')}."
    )


def _a_person(page: Page, server: LocalVendo, *, interactive: bool) -> None:
    page.title("4. A person connects a provider")
    try:
        vendo.token("slack")
    except vendo.NotConnected as error:
        page.failing_call('vendo.token("slack")', error)
    # The subscription is closed before the pool waits for the thread that reads it.
    with ThreadPoolExecutor(1) as pool, vendo.events.subscribe() as events:
        connected = pool.submit(_first_connected, events, "slack")
        server.wait_for_streams(1)
        url = vendo.connect_url("slack")
        page.call('vendo.connect_url("slack")', url)
        if interactive:
            page.tell("Open that address in a browser and press Connect. Ctrl-C ends the wait.")
        else:
            page.tell("Here the page is fetched and its button pressed for you.")
            page.tell(f"The page says: {person.press_connect(url)}")
        event = connected.result(None if interactive else _PATIENCE)
    page.tell(f"An event came: {event.kind}, {event.slug}.")
    page.call("vendo.connections.connected_slugs()", vendo.connections.connected_slugs())
    page.call('vendo.token("slack")', vendo.token("slack"))
    page.moral("Connected by a person, used by the program: nobody copied a token.")


def _first_connected(events: Iterable[vendo.VendoEvent], slug: str) -> vendo.VendoEvent:
    return next(e for e in events if e.kind == "connection.connected" and e.slug == slug)


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """These variables, and none of the person's own that could show up in what is printed."""
    before = dict(os.environ)
    try:
        for name in before:
            if name.startswith("VENDO_"):
                del os.environ[name]
        for slug in ("openai", "gmail", "slack"):
            provider = catalog.provider(slug)
            for name in (*(provider.variables if provider else ()), base_url_variable(slug).name):
                os.environ.pop(name, None)
        # requests would send what is meant for this machine through the person's proxy.
        os.environ.update(variables, NO_PROXY="127.0.0.1", no_proxy="127.0.0.1")
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
