"""The same tests for each SDK that is given a client of ours, in place of a credential."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from sdks.checks import (
    DUMMY,
    JWTS,
    check_other_401,
    check_users_in_tasks,
    check_users_in_threads,
    fetches,
    provider_texts,
)

if TYPE_CHECKING:
    import asyncio

    import vendo
    from sdks.checks import Shown
    from vendo.testing import LocalVendo


@dataclass
class Calls:
    """Calls of one client of an SDK. Those of an asyncio client return an awaitable.

    Attributes:
        say: send a text to the provider.
        other: call another endpoint.
        stream: return a streamed text.
        objects: the objects of the SDK, which a program may show.
    """

    say: Callable[[str], Any]
    other: Callable[[], Any]
    stream: Callable[[], Any] | None = None
    objects: list[Any] = field(default_factory=list)


class Scenarios(ABC):
    """What is expected of an SDK."""

    slug: str
    #: The method and the path of `Calls.other`, and the SDK's errors for 401 and 403.
    other: tuple[str, str]
    unauthenticated: type[Exception]
    forbidden: type[Exception]
    #: True if the SDK itself shows what it is given.
    shows_dummy = False
    #: What a streamed call returns.
    streamed = "Hello from the local server."

    @abstractmethod
    def make(self, client: vendo.Vendo, stack: AsyncExitStack) -> Calls:
        """Make a client of the SDK that does not retry, and is closed with the stack."""

    def error_body(self, reason: str) -> dict[str, Any]:
        """Return the body of an error, as the provider sends it."""
        return {"error": {"type": reason, "code": reason, "message": "The account is closed."}}

    @pytest.fixture(autouse=True)
    def _surroundings(
        self, server: LocalVendo, client: vendo.Vendo, runner: asyncio.Runner
    ) -> Iterator[None]:
        self.server, self.client, self.runner = server, client, runner
        self.stack = AsyncExitStack()
        yield
        runner.run(self.stack.aclose())

    @pytest.fixture
    def calls(self) -> Calls:
        return self.make(self.client, self.stack)

    def run(self, result: Any) -> Any:
        """Return the result of a call, blocking or not."""

        async def waiting() -> Any:
            return await result

        return self.runner.run(waiting()) if inspect.isawaitable(result) else result

    def shown_of(self, error: Exception) -> Iterable[object]:
        """Return what shows an error: by default all of it, with the variables of its frames."""
        return [error]

    def reject(self, status: int) -> None:
        """Let the provider reject `Calls.other`, whatever the token."""
        body = self.error_body("account_closed")
        self.server.respond(self.slug, *self.other, status=status, body=body)

    def test_calls_reach_the_provider_with_the_token(self, calls: Calls) -> None:
        self.run(calls.say("Hello"))
        self.run(calls.other())
        if calls.stream is not None:
            assert self.run(calls.stream()) == self.streamed
        assert fetches(self.server) == 1
        texts = provider_texts(self.server, self.slug)
        assert len(texts) >= 2
        for text in texts:
            assert self.server.token(self.slug) in text
            assert DUMMY not in text

    @pytest.mark.parametrize("change", ["rotate", "expire"])
    def test_calls_survive_a_new_token(self, calls: Calls, change: str) -> None:
        self.run(calls.say("Hello"))
        getattr(self.server, change)(self.slug)
        self.run(calls.say("Hello again"))
        getattr(self.server, change)(self.slug)
        if calls.stream is not None:
            assert self.run(calls.stream()) == self.streamed
        self.run(calls.other())
        assert fetches(self.server) == 3

    def test_users_at_once_have_their_own_tokens(self) -> None:
        def make(client: vendo.Vendo) -> Callable[[str], Any]:
            return self.make(client, self.stack).say

        if inspect.iscoroutinefunction(make(self.client)):
            self.run(check_users_in_tasks(self.server, self.slug, self.client, make))
        else:
            check_users_in_threads(self.server, self.slug, self.client, make)

    def test_401_for_another_reason_costs_little(self, calls: Calls) -> None:
        self.reject(401)
        check_other_401(
            self.server,
            lambda: self.run(calls.other()),
            lambda: self.run(calls.say("Hello")),
            self.unauthenticated,
        )

    def test_403_is_the_sdks_error(self, calls: Calls) -> None:
        self.reject(403)
        with pytest.raises(self.forbidden):
            self.run(calls.other())
        assert fetches(self.server) == 1

    def test_nothing_shows_a_secret(self, calls: Calls, shown: Shown) -> None:
        shown.secrets(self.server.token(self.slug), self.server.api_key, *JWTS.values())
        if self.shows_dummy:
            shown.allow_dummy()
        self.run(calls.say("Hello"))
        self.server.expire(self.slug)
        shown.secrets(self.server.token(self.slug))
        if calls.stream is not None:
            self.run(calls.stream())
        for status in (401, 403):
            self.reject(status)
            with pytest.raises((self.unauthenticated, self.forbidden)) as caught:
                self.run(calls.other())
            shown.add(*self.shown_of(caught.value))
        shown.add(*calls.objects, calls.objects)
