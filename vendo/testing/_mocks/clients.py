"""`MockClient` and `MockAsyncClient`: clients that return what a test gives to them.

They are for unit tests of code that takes a client as an argument. To test a program over HTTP
(refresh, outages, sessions), use `LocalVendo`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Never, Self

from vendo._client.asynchronous import AsyncVendo
from vendo._client.base import BaseClient
from vendo._client.blocking import Vendo
from vendo._config.api_keys import PLACEHOLDER_KEY
from vendo._config.slugs import name_of
from vendo._protocol.models import Balance, Connection, Health, Integration, SpendCaps
from vendo._protocol.origins import DEFAULT_BASE_URL
from vendo.errors import UpstreamError, VendoError, invalid
from vendo.testing._mocks.apis import (
    MockAsyncBillingAPI,
    MockAsyncConnectionsAPI,
    MockAsyncDataAPI,
    MockAsyncEventsAPI,
    MockAsyncIntegrationsAPI,
    MockBillingAPI,
    MockConnectionsAPI,
    MockDataAPI,
    MockEventsAPI,
    MockIntegrationsAPI,
)
from vendo.testing._mocks.canned import MOCK_KEY, Canned, canned
from vendo.testing._mocks.events import MockSSE

TYPE_CHECKING = False
if not TYPE_CHECKING:
    from vendo._client.cached import cached_property
else:
    from functools import cached_property

    from vendo._protocol.steps import Flow


class _Mock(BaseClient):
    """What both mock clients share."""

    _canned: Canned
    _has_backend = False

    def __init__(
        self,
        tokens: Mapping[str, str | VendoError] | None = None,
        *,
        connections: Iterable[Connection | str] | None = None,
        integrations: Iterable[Integration] | None = None,
        balance: Balance | VendoError | int | None = None,
        spend_caps: SpendCaps | VendoError | None = None,
        usage: Mapping[str, Any] | None = None,
        actions: Mapping[str, Any] | None = None,
        events: MockSSE | Iterable[Any] = (),
        vendo_mode: bool = True,
    ) -> None:
        super().__init__(MOCK_KEY if vendo_mode else PLACEHOLDER_KEY, DEFAULT_BASE_URL)
        if not isinstance(events, MockSSE):
            events = MockSSE(events)
            events.close()
        self._canned = canned(
            self._settings.required_key,
            tokens,
            connections,
            integrations,
            balance,
            spend_caps,
            usage,
            actions,
            events,
        )

    @classmethod
    def with_connections(cls, connections: Iterable[Connection | str], **arguments: Any) -> Self:
        """Make a mock with these connections, and the tokens of their credentials.

        Args:
            connections: rows (see `fake_connection`) or slugs.
            arguments: the other arguments of the class.

        Returns:
            A mock of this class.

        Raises:
            TypeError, ValidationError: as for the class.

        Example:
            ```python
            from vendo.testing import MockClient, fake_connection

            row = fake_connection("slack", credential={"bot_token": "xoxb-test"})
            client = MockClient.with_connections([row])
            print(client.token("slack"))  # xoxb-test
            ```
        """
        return cls(connections=connections, **arguments)

    @property
    def calls(self) -> list[tuple[Any, ...]]:
        """The calls so far, oldest first: name and arguments, for example `("token", "openai")`.

        Clients from `for_user` write to the same list.
        """
        return list(self._canned.calls)

    def connect_url(
        self, slug: str, *, return_to: str | None = None, state: str | None = None
    ) -> str:
        """Return a link like that of a real client, with a fake key."""
        self._canned.record("connect_url", name_of(slug).slug)
        return super().connect_url(slug, return_to=return_to, state=state)

    def for_user(self, user_jwt: str) -> Self:
        """Return a mock for a user. Its values are the same for every user."""
        self._canned.record("for_user")  # without the JWT: assertion messages show the calls
        return super().for_user(user_jwt)

    def invalidate(self, slug: str, *, token: str | None = None) -> None:
        """Record the call, without the token. The next token is the same one."""
        super().invalidate(slug, token=token)
        self._canned.record("invalidate", name_of(slug).slug)

    def __reduce__(self) -> Never:
        raise invalid(
            f"A {type(self).__name__} cannot be pickled: it contains tokens.",
            fix=f"Create it where it is used: {type(self).__name__}(...)",
        )

    def _look_up(self, slug: str) -> str:
        return self._canned.token(slug)

    def _resolving(self, slugs: Iterable[str]) -> Flow[dict[str, str | None]]:
        yield from ()
        return self._canned.some_tokens(slugs)

    def _reject(self, slug: str, token: str) -> None:
        """Do nothing: the next token is the same one."""

    def _accept(self, slug: str, token: str) -> None:
        """Do nothing."""

    def _opened_transport(self) -> Never:
        raise UpstreamError(
            "upstream_error",
            "A mock client does not send requests.",
            suggested_fix="Use a local server: vendo.testing.LocalVendo()",
        )


class MockClient(_Mock, Vendo):
    """Stand for a `Vendo` without a network: return the tokens and other values that it is given.

    It does not read the environment. It raises `NotConnected` and `VendoOnlyFeature` like a real
    client. `session` and `auth` put the given token on requests, which are sent unless the test
    intercepts them.

    Args:
        tokens: the token of each slug, or an error to raise. The default is that of the connection:
            the token in the `credential` of a connected row, `NeedsReauth` for `needs_reauth`.
        connections: rows (see `fake_connection`) or slugs. The default is a connected row for each
            token.
        integrations: rows. The default is one for each provider of the catalog.
        balance: the balance of the wallet, or its micros, or an error to raise.
        spend_caps: the caps, or an error to raise. By default there are none.
        usage: the result of `billing.usage`.
        actions: for each action of the data proxy its data, a function of its arguments, or an
            error to raise.
        events: a `MockSSE`, or events after which the stream ends.
        vendo_mode: False for a client without an API key.

    Raises:
        TypeError: a token is not a str.
        ValidationError: a slug is malformed.

    Example:
        ```python
        from vendo.testing import MockClient

        client = MockClient({"openai": "sk-test"}, balance=5_000_000)
        print(client.token("openai"), client.calls)
        ```
    """

    def check(self, slugs: Iterable[str] = ()) -> Health:
        """Return a problem for each slug without a token. It sends nothing.

        Args:
            slugs: the providers.

        Returns:
            A `Health` with its problems.

        Raises:
            ValidationError: a slug is malformed.

        Example:
            ```python
            from vendo.testing import MockClient

            print(MockClient({"openai": "sk-test"}).check(["openai", "gmail"]).problems)
            ```
        """
        return self._canned.check(slugs)

    @cached_property
    def connections(self) -> MockConnectionsAPI:
        """The connections that the mock is given."""
        return MockConnectionsAPI(self)

    @cached_property
    def integrations(self) -> MockIntegrationsAPI:
        """The integrations that the mock is given."""
        return MockIntegrationsAPI(self)

    @cached_property
    def billing(self) -> MockBillingAPI:
        """The wallet that the mock is given."""
        return MockBillingAPI(self)

    @cached_property
    def events(self) -> MockEventsAPI:
        """The events that the mock is given."""
        return MockEventsAPI(self)

    @cached_property
    def data(self) -> MockDataAPI:
        """The results of actions that the mock is given."""
        return MockDataAPI(self)


class MockAsyncClient(_Mock, AsyncVendo):
    """Stand for an `AsyncVendo` without a network, with the arguments of `MockClient`.

    Args:
        tokens: the token of each slug, or an error to raise.
        connections: rows (see `fake_connection`) or slugs.
        integrations: rows.
        balance: the balance of the wallet, or its micros, or an error to raise.
        spend_caps: the caps, or an error to raise.
        usage: the result of `billing.usage`.
        actions: for each action of the data proxy its data, a function of its arguments, or an
            error to raise.
        events: a `MockSSE`, or events after which the stream ends.
        vendo_mode: False for a client without an API key.

    Raises:
        TypeError: a token is not a str.
        ValidationError: a slug is malformed.

    Example:
        ```python
        import asyncio

        from vendo.testing import MockAsyncClient

        client = MockAsyncClient({"openai": "sk-test"})
        print(asyncio.run(client.token("openai")))  # sk-test
        ```
    """

    _needs_key = False

    async def check(self, slugs: Iterable[str] = ()) -> Health:
        """Return a problem for each slug without a token. It sends nothing.

        Args:
            slugs: the providers.

        Returns:
            A `Health` with its problems.

        Raises:
            ValidationError: a slug is malformed.

        Example:
            ```python
            import asyncio

            from vendo.testing import MockAsyncClient

            health = asyncio.run(MockAsyncClient().check(["gmail"]))
            print(health.problems)
            ```
        """
        return self._canned.check(slugs)

    @cached_property
    def connections(self) -> MockAsyncConnectionsAPI:
        """The connections that the mock is given."""
        return MockAsyncConnectionsAPI(self)

    @cached_property
    def integrations(self) -> MockAsyncIntegrationsAPI:
        """The integrations that the mock is given."""
        return MockAsyncIntegrationsAPI(self)

    @cached_property
    def billing(self) -> MockAsyncBillingAPI:
        """The wallet that the mock is given."""
        return MockAsyncBillingAPI(self)

    @cached_property
    def events(self) -> MockAsyncEventsAPI:
        """The events that the mock is given."""
        return MockAsyncEventsAPI(self)

    @cached_property
    def data(self) -> MockAsyncDataAPI:
        """The results of actions that the mock is given."""
        return MockAsyncDataAPI(self)
