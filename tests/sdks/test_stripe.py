"""Stripe's package, blocking over requests, in asyncio over aiohttp."""

from __future__ import annotations

import inspect
from contextlib import AsyncExitStack, closing
from typing import TYPE_CHECKING, Any

import pytest
import stripe

import vendo
from sdks.asynchronous import AsyncScenarios
from sdks.checks import DUMMY, provider_texts
from sdks.scenarios import Calls, Scenarios

if TYPE_CHECKING:
    from vendo.testing import LocalVendo

pytestmark = pytest.mark.sdk

PDF = b"%PDF-local"


def blocking(client: vendo.Vendo, max_network_retries: int = 0) -> stripe.StripeClient:
    session = client.session("stripe", override=True)
    return stripe.StripeClient(
        DUMMY,
        http_client=stripe.RequestsClient(session=session),
        max_network_retries=max_network_retries,
    )


def asynchronous(session: Any) -> stripe.StripeClient:
    http_client = stripe.AIOHTTPClient(session=session)
    return stripe.StripeClient(DUMMY, http_client=http_client, max_network_retries=0)


class StripeScenarios(Scenarios):
    slug = "stripe"
    other = ("GET", "/v1/balance")
    unauthenticated = stripe.AuthenticationError
    forbidden = stripe.PermissionError
    streamed = PDF.decode()

    @pytest.fixture(autouse=True)
    def _quote(self, server: LocalVendo) -> None:
        server.respond("stripe", "GET", "/v1/quotes/qt_1/pdf", body=PDF)


class TestStripe(StripeScenarios):
    def make(self, client: vendo.Vendo, stack: AsyncExitStack) -> Calls:
        sdk = blocking(client)

        def create(name: str) -> object:
            return sdk.v1.customers.create(params={"name": name})

        def download() -> str:
            with closing(sdk.v1.quotes.pdf("qt_1").io) as stream:
                return str(stream.read(), "ascii")

        return Calls(create, sdk.v1.balance.retrieve, download, [sdk, sdk.v1.customers])


# An asyncio client of older releases does not take a session.
if "session" in inspect.signature(stripe.AIOHTTPClient).parameters:

    class TestAsyncStripe(AsyncScenarios, StripeScenarios):
        def make(self, client: Any, stack: AsyncExitStack) -> Calls:
            made: list[stripe.StripeClient] = []
            sdk = self.once(client, stack, asynchronous, made)

            async def create(name: str) -> object:
                return await (await sdk()).v1.customers.create_async(params={"name": name})

            async def balance() -> object:
                return await (await sdk()).v1.balance.retrieve_async()

            async def download() -> str:
                response = await (await sdk()).v1.quotes.pdf_async("qt_1")
                return str(await response.read_async(), "ascii")

            return Calls(create, balance, download, made)


def test_lists_are_read_in_pages(server: LocalVendo, client: vendo.Vendo) -> None:
    found = blocking(client).v1.customers.list().auto_paging_iter()
    assert [customer.email for customer in found] == ["customer@example.com"]


def test_meter_event_streams_do_not_get_the_key(server: LocalVendo, client: vendo.Vendo) -> None:
    sdk = blocking(client)
    with pytest.raises(stripe.APIConnectionError, match=r"not sent to meter-events\.stripe\.com"):
        sdk.v2.billing.meter_event_stream.create(
            {"events": [{"event_name": "calls", "payload": {"value": "1"}}]}
        )
    assert provider_texts(server, "stripe") == []


def test_second_attempt_has_the_same_idempotency_key(
    server: LocalVendo, client: vendo.Vendo
) -> None:
    sdk = blocking(client)
    sdk.v1.balance.retrieve()
    server.expire("stripe")
    assert sdk.v1.customers.create(params={"name": "Ana"}).name == "Ana"
    requests = [seen for seen in server.requests if seen.body == b"name=Ana"]
    assert len(requests) == 2
    assert len({seen.headers["idempotency-key"] for seen in requests}) == 1


def test_retries_are_those_of_the_sdk(server: LocalVendo, client: vendo.Vendo) -> None:
    server.fail("provider", status=503)
    with pytest.raises(stripe.APIError):
        blocking(client).v1.balance.retrieve()
    server.fail("provider", status=409)
    assert blocking(client, max_network_retries=1).v1.balance.retrieve().livemode is False
    assert len(provider_texts(server, "stripe")) == 3
