"""`MockClient` and `MockAsyncClient`: clients whose answers a test gives in advance.

They are for unit tests of code that is handed a client. A test of how a program behaves over HTTP
(refresh, outages, sessions) wants `LocalVendo`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Never, Self

from vendo._client.asynchronous import AsyncVendo
from vendo._client.base import BaseClient
from vendo._client.blocking import Vendo
from vendo._config.api_keys import PLACEHOLDER_KEY
from vendo._config.slugs import name_of
from vendo._protocol.models import Balance, Connection, Integration, SpendCaps
from vendo._protocol.origins import DEFAULT_BASE_URL
from vendo.errors import UpstreamError, ValidationError, VendoError
from vendo.testing import _mocks_apis
from vendo.testing._mocks_canned import MOCK_KEY, Canned, canned, looked_up, resolved
from vendo.testing._mocks_events import MockSSE

if TYPE_CHECKING:
    from vendo._protocol.steps import Flow


class _Mock(BaseClient):
    """The half of a mock client that is neither sync nor async."""

    _canned: Canned

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
            tokens, connections, integrations, balance, spend_caps, usage, actions, events
        )

    @property
    def calls(self) -> list[tuple[Any, ...]]:
        """What was asked so far, the oldest first: the name of each call and its arguments, such
        as `("token", "openai")`. The clients that `for_user` gives write into the same list.
        """
        return list(self._canned.calls)

    def connect_url(
        self, slug: str, *, return_to: str | None = None, state: str | None = None
    ) -> str:
        """As a real client's, with a key that is none."""
        self._record("connect_url", name_of(slug).slug)
        return super().connect_url(slug, return_to=return_to, state=state)

    def for_user(self, jwt: str) -> Self:
        """As a real client's: the answers stay the same for every user."""
        self._record("for_user")  # not with whose JWT: calls end up in messages of assertions
        return super().for_user(jwt)

    def invalidate(self, slug: str) -> None:
        """Recorded, and nothing else: the next answer is the same one."""
        self._record("invalidate", name_of(slug).slug)

    def __reduce__(self) -> Never:
        raise ValidationError(
            "validation_failed",
            f"A {type(self).__name__} cannot be pickled: its tokens would be in there.",
            suggested_fix="Make one where it is needed.",
        )

    def _record(self, call: str, *details: Any) -> None:
        self._canned.calls.append((call, *details))

    def _look_up(self, slug: str) -> str:
        return looked_up(self._canned, slug)

    def _resolving(self, slugs: Iterable[str]) -> Flow[dict[str, str | None]]:
        yield from ()
        return resolved(self._canned, slugs)

    def _refused(self, slug: str, token: str) -> None:
        """The next answer is the same one."""

    def _opened_transport(self) -> Never:
        raise UpstreamError(
            "upstream_error",
            "A mock client sends no requests.",
            suggested_fix="Use vendo.testing.LocalVendo, which answers them.",
        )


class MockClient(_Mock, Vendo):
    """A `Vendo` without a network: tokens and all other answers are given to it.

        client = MockClient({"openai": "sk-test"}, balance=5_000_000)

    It takes nothing from the environment. What was asked is in `calls`. Where a real client
    raises `NotConnected` or `VendoOnlyFeature`, so does this one. `session` and `auth` put the
    given token on requests that do go out, unless something else answers them.

    Args:
        tokens: the token of each slug, or the error that is raised in its place.
        connections: rows (see `fake_connection`) or slugs; by default one connected row for each
            token.
        integrations: rows; by default one for each provider of the catalog.
        balance: what the wallet holds, or its micros, or the error in its place.
        spend_caps: the caps, or the error in their place; by default there are none.
        usage: what `billing.usage` returns.
        actions: for each action of the data proxy its data, a function of its arguments, or the
            error that is raised in its place.
        events: a `MockSSE`, or the events of a stream that ends after them.
        vendo_mode: False for a mock of a client without an API key.

    Raises:
        TypeError: a token that is no text.
        ValidationError: a slug that is malformed.
    """

    @property
    def connections(self) -> _mocks_apis.MockConnectionsAPI:
        """The given rows."""
        return _mocks_apis.MockConnectionsAPI(self)

    @property
    def integrations(self) -> _mocks_apis.MockIntegrationsAPI:
        """The given rows."""
        return _mocks_apis.MockIntegrationsAPI(self)

    @property
    def billing(self) -> _mocks_apis.MockBillingAPI:
        """The given wallet."""
        return _mocks_apis.MockBillingAPI(self)

    @property
    def events(self) -> _mocks_apis.MockEventsAPI:
        """The given events."""
        return _mocks_apis.MockEventsAPI(self)

    @property
    def data(self) -> _mocks_apis.MockDataAPI:
        """The given answers of actions."""
        return _mocks_apis.MockDataAPI(self)


class MockAsyncClient(_Mock, AsyncVendo):
    """`MockClient` for code that is handed an `AsyncVendo`; it takes the same arguments."""

    _works_without_key = True

    @property
    def connections(self) -> _mocks_apis.MockAsyncConnectionsAPI:
        """The given rows."""
        return _mocks_apis.MockAsyncConnectionsAPI(self)

    @property
    def integrations(self) -> _mocks_apis.MockAsyncIntegrationsAPI:
        """The given rows."""
        return _mocks_apis.MockAsyncIntegrationsAPI(self)

    @property
    def billing(self) -> _mocks_apis.MockAsyncBillingAPI:
        """The given wallet."""
        return _mocks_apis.MockAsyncBillingAPI(self)

    @property
    def events(self) -> _mocks_apis.MockAsyncEventsAPI:
        """The given events."""
        return _mocks_apis.MockAsyncEventsAPI(self)

    @property
    def data(self) -> _mocks_apis.MockAsyncDataAPI:
        """The given answers of actions."""
        return _mocks_apis.MockAsyncDataAPI(self)
