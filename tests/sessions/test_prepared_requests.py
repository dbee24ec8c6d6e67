"""A prepared request that the caller sends: time-out, proxies, tracebacks, history."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests

import vendo
from sessions.foreign import Reply
from support.raw_server import RawServer, http
from support.shown import frames_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sessions.foreign import Foreign, Seen
    from vendo.testing import LocalVendo

TOKEN = "canary-prepared"


@pytest.fixture(params=["gmail", "telegram"])
def slug(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A provider with its token in a header, and one with it in the path."""
    slug: str = request.param
    monkeypatch.setenv(f"VENDO_TOKEN_{slug.upper()}", TOKEN)
    return slug


@pytest.fixture
def silent() -> Iterator[RawServer]:
    """A server that never responds."""
    with RawServer(b"") as server:
        server._replies = [server.silence]
        yield server


def prepared(session: requests.Session, url: str = "x") -> requests.PreparedRequest:
    return session.prepare_request(requests.Request("GET", url))


def test_prepared_request_has_the_default_time_out(slug: str, silent: RawServer) -> None:
    session = vendo.Vendo(timeout=1).session(slug, base_url=silent.url)
    begin = time.monotonic()

    with pytest.raises(requests.ReadTimeout) as caught:
        session.send(prepared(session))

    assert time.monotonic() - begin < 5
    assert TOKEN not in "".join(frames_of(caught.value))


def test_time_out_of_the_session_is_read_when_it_sends(slug: str, silent: RawServer) -> None:
    session: Any = vendo.Vendo().session(slug, base_url=silent.url)
    session.timeout = 0.1

    with pytest.raises(requests.ReadTimeout):
        session.send(prepared(session))
    with pytest.raises(requests.ReadTimeout):
        session.send(prepared(session), timeout=0.2)


class NotingAdapter(requests.adapters.HTTPAdapter):
    """Notes the time-out of each request."""

    def __init__(self) -> None:
        super().__init__()
        self.timeouts: list[object] = []

    def send(self, request: Any, stream: bool = False, timeout: Any = None, **how: Any) -> Any:  # type: ignore[override]
        self.timeouts.append(timeout)
        return super().send(request, stream=stream, timeout=timeout, **how)


@pytest.mark.parametrize(
    ("how", "timeout"), [({}, 7.5), ({"timeout": None}, None), ({"timeout": 3}, 3)]
)
def test_redirects_and_the_resend_after_a_401_keep_the_time_out(
    how: dict[str, Any], timeout: object, foreign: Foreign, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reject(seen: Seen) -> Reply:
        monkeypatch.setenv("VENDO_TOKEN_GMAIL", "next")
        return Reply(200 if seen.headers["Authorization"] == "Bearer next" else 401)

    monkeypatch.setenv("VENDO_TOKEN_GMAIL", TOKEN)
    foreign.redirect("/x", "/rejected")
    foreign.replies["/rejected"] = reject
    session = vendo.Vendo(timeout=7.5).session("gmail", base_url=foreign.url)
    adapter = NotingAdapter()
    session.mount(foreign.url, adapter)

    response = session.send(prepared(session), **how)

    assert response.status_code == 200
    assert [step.status_code for step in response.history] == [302, 401]
    assert adapter.timeouts == [timeout] * 3


def test_no_time_out_waits_as_long_as_it_takes(silent: RawServer) -> None:
    goes_on = threading.Event()

    def late(sock: Any) -> None:
        goes_on.wait(10)
        sock.sendall(http(b"late"))

    silent._replies = [late]
    session: Any = vendo.Vendo(timeout=0.1).session("gmail", base_url=silent.url)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VENDO_TOKEN_GMAIL", TOKEN)
        request = prepared(session)
    timer = threading.Timer(0.5, goes_on.set)
    timer.start()

    assert session.send(request, timeout=None).content == b"late"
    timer.join()


def test_prepared_request_skips_the_proxies_of_the_environment(
    client: vendo.Vendo, server: LocalVendo, foreign: Foreign, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = client.session("gmail")
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, foreign.url)

    assert session.send(prepared(session)).status_code == 200
    assert not foreign.seen

    session.send(prepared(session), proxies={"http": foreign.url})
    session.proxies["http"] = foreign.url
    session.send(prepared(session))
    assert len(foreign.seen) == 2  # the caller's own is used
