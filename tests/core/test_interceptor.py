"""An interceptor of the resolution chain, with which a test suite blocks real credentials."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

import vendo
from support.interceptors import FailingInterceptor, frames_of
from vendo._config import slugs
from vendo.testing import LocalVendo, install_interceptor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Interceptor:
    """Record all calls, and block stripe."""

    def __init__(self) -> None:
        self.looked_up: list[str] = []
        self.tokens: list[tuple[str, str]] = []

    def before_lookup(self, slug: str) -> None:
        self.looked_up.append(slug)
        if slug == "stripe":
            raise PermissionError(slug)

    def handed_out(self, slug: str, token: str) -> None:
        self.tokens.append((slug, token))


@pytest.fixture
def interceptor() -> Iterator[Interceptor]:
    interceptor = Interceptor()
    before = install_interceptor(interceptor)
    yield interceptor
    assert install_interceptor(before) is interceptor


def test_conventional_variable_calls_before_lookup_and_handed_out(
    interceptor: Interceptor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    assert vendo.token("OpenAI") == "sk-1"
    assert vendo.tokens(["openai", "slack"]) == {"openai": "sk-1", "slack": None}
    assert interceptor.looked_up == ["openai", "openai", "slack"]
    assert interceptor.tokens == [("openai", "sk-1")] * 2


def test_override_calls_handed_out_only(
    interceptor: Interceptor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_TOKEN_STRIPE", "sk_test_1")
    assert vendo.token("stripe") == "sk_test_1"
    assert (interceptor.looked_up, interceptor.tokens) == ([], [("stripe", "sk_test_1")])


def test_error_of_the_interceptor_ends_the_look_up(
    interceptor: Interceptor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_live_1")
    for call in (vendo.token, lambda slug: vendo.tokens([slug])):
        with pytest.raises(PermissionError, match="stripe"):
            call("stripe")
    assert interceptor.tokens == []


@pytest.mark.parametrize("error", [PermissionError("no"), KeyboardInterrupt()])
@pytest.mark.parametrize("place", ["override", "conventional", "fetched", "cached"])
@pytest.mark.parametrize(
    "call",
    [
        lambda client, _: client.token("gmail"),
        lambda client, _: client.tokens(["gmail"]),
        lambda client, _: client.tokens(["stripe", "gmail"]),
        lambda _, client: asyncio.run(client.token("gmail")),
        lambda _, client: asyncio.run(client.tokens(["gmail"])),
    ],
)
def test_no_frame_of_an_interceptors_error_has_a_token_or_a_key(
    call: Callable[[Any, Any], object],
    place: str,
    error: BaseException,
    server: LocalVendo,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secrets = [server.token("gmail"), server.api_key, "held-by-a-variable"]
    client, other = server.client(), server.async_client()
    if place == "cached":
        client.token("gmail")
    if place == "override":
        monkeypatch.setenv("VENDO_TOKEN_GMAIL", secrets[-1])
    if place == "conventional":
        monkeypatch.setenv("GMAIL_ACCESS_TOKEN", secrets[-1])
        client, other = vendo.Vendo("byok"), vendo.aio.client("byok")
    before = install_interceptor(FailingInterceptor(error))
    try:
        with pytest.raises(type(error)) as caught:
            call(client, other)
    finally:
        install_interceptor(before)
    shown = "".join(
        f"{frame.f_code.co_qualname}: {frame.f_locals!r}\n" for frame in frames_of(caught.value)
    )
    assert "Interceptor." in shown
    for secret in secrets:
        assert secret not in shown


def test_blocked_slug_makes_no_request(interceptor: Interceptor, server: LocalVendo) -> None:
    server.connect("stripe")
    with pytest.raises(PermissionError):
        server.client().token("stripe")
    assert server.requests == []
    assert server.client().token("gmail") == server.token("gmail")
    assert interceptor.looked_up == ["stripe", "gmail"]


def test_tokens_of_vendo_call_handed_out_whether_fetched_or_cached(
    interceptor: Interceptor, server: LocalVendo
) -> None:
    client = server.client()
    expected = [("gmail", server.token("gmail"))]
    for call in (client.token, client.token, lambda slug: client.tokens([slug])):
        call("gmail")
        assert interceptor.tokens == expected
        interceptor.tokens.clear()
    client.invalidate("gmail")
    client.tokens(["gmail", "linear"])
    assert interceptor.tokens == expected


def test_slugs_from_requests_are_not_kept() -> None:
    for number in range(3 * slugs._MOST_NAMES):
        slugs.name_of(f"slug-{number}")
    assert len(slugs._names) <= slugs._MOST_NAMES
