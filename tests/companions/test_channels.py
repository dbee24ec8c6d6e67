"""Consumers of Channels, on daphne and uvicorn."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from companions import ADA, JWT
from companions.django_sites import DAPHNE, UVICORN
from support.servers import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from websockets.sync.client import ClientConnection

    from vendo.testing import LocalVendo

pytestmark = pytest.mark.companions

PATHS = ("ws/token", "ws/atoken")


@pytest.fixture(scope="module", params=[DAPHNE, UVICORN], ids=["daphne", "uvicorn"])
def site(
    request: pytest.FixtureRequest, environment: dict[str, str], folder: Path, database: None
) -> Iterator[str]:
    with serving(request.param, environment, folder) as url:
        yield url.replace("http:", "ws:")


def opened(url: str, headers: dict[str, str] = ADA) -> ClientConnection:
    return connect(f"{url}/", additional_headers=headers, proxy=None, open_timeout=60)


def ask(socket: ClientConnection, slug: str) -> dict[str, str | None]:
    socket.send(slug)
    found: dict[str, str | None] = json.loads(socket.recv(30))
    return found


@pytest.mark.parametrize("path", PATHS)
def test_a_consumer_acts_for_the_user_of_its_socket(
    site: str, server: LocalVendo, path: str
) -> None:
    with opened(f"{site}/{path}") as socket, opened(f"{site}/{path}", {}) as other:
        mine = {"token": server.token("gmail", user=JWT), "user": "usr_ada"}
        nobody = {"token": server.token("gmail"), "user": None}
        for _ in range(2):
            assert ask(socket, "gmail") == mine
            assert ask(other, "gmail") == nobody


def test_a_scope_that_is_shown_has_no_jwt(site: str) -> None:
    with opened(f"{site}/ws/atoken") as socket:
        shown = str(ask(socket, "scope")["shown"])
        assert "x-vendo-user-jwt" in shown
        assert JWT not in shown


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("slug", "code"), [("slack", 4424), ("openai", 4502)])
def test_an_error_closes_the_socket_with_its_code(
    site: str, path: str, slug: str, code: int
) -> None:
    with opened(f"{site}/{path}") as socket:
        with pytest.raises(ConnectionClosedError) as caught:
            ask(socket, slug)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == code


def test_daphne_stops_below_an_open_socket_and_starts_again_with_fresh_tokens(
    environment: dict[str, str], server: LocalVendo, database: None, tmp_path: Path
) -> None:
    with ExitStack() as sockets:
        for _ in range(2):
            with serving(DAPHNE, environment, tmp_path) as site:
                url = f"{site.replace('http:', 'ws:')}/ws/atoken"
                tokens = [ask(sockets.enter_context(opened(url)), "gmail") for _ in range(2)]
            assert [found["token"] for found in tokens] == [server.token("gmail", user=JWT)] * 2
            server.rotate("gmail")
