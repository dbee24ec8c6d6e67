"""`billing`: the wallet. Each test for each kind of client."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from vendo import (
    AuthError,
    RetryPolicy,
    UpstreamError,
    ValidationError,
    Vendo,
    VendoOnlyFeature,
    aio,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from vendo.testing import LocalVendo

    Call = Callable[..., Any]


def test_the_balance_is_in_micros_and_in_dollars(server: LocalVendo, call: Call) -> None:
    server.set_balance(12_345_678)
    balance = call(lambda client: client.billing.balance())

    assert balance.credits_remaining_micros == 12_345_678
    assert balance.credits_remaining == Decimal("12.345678")
    assert balance.currency == "USD"
    assert balance.top_up_url == f"{server.url}/#balance"


def test_caps_and_their_usage(server: LocalVendo, call: Call) -> None:
    server.set_caps(daily=2_000_000)
    call(lambda client: client.data.execute("GMAIL_FETCH_EMAILS"))
    caps = call(lambda client: client.billing.spend_caps())

    assert (caps.daily_micros, caps.monthly_micros) == (2_000_000, None)
    assert (caps.daily, caps.monthly) == (Decimal(2), None)
    assert caps.used_today_micros == caps.used_month_micros > 0
    assert caps.used_today == Decimal(caps.used_today_micros) / 1_000_000


def test_the_usage_of_a_period_is_passed_through(server: LocalVendo, call: Call) -> None:
    assert call(lambda client: client.billing.usage()) == {
        "period": "month",
        "total_micros": 0,
        "providers": {},
    }
    assert call(lambda client: client.billing.usage("day"))["period"] == "day"
    assert call(lambda client: client.billing.usage(period="day"))["period"] == "day"


def test_unknown_period_is_an_error_before_sending(server: LocalVendo, call: Call) -> None:
    with pytest.raises(ValidationError, match="period="):
        call(lambda client: client.billing.usage("year"))
    assert server.requests == []


@pytest.mark.parametrize("name", ["balance", "spend_caps", "usage"])
def test_rejected_key_and_failing_backend_are_errors(
    server: LocalVendo, call: Call, name: str
) -> None:
    server.fail("api", 500)
    with pytest.raises(UpstreamError):
        call(lambda client: getattr(client.billing, name)(), retry=RetryPolicy(1))
    server.revoke_key()
    with pytest.raises(AuthError):
        call(lambda client: getattr(client.billing, name)())


@pytest.mark.parametrize("name", ["balance", "spend_caps", "usage"])
def test_response_that_is_a_list_is_one_typed_error(
    server: LocalVendo, call: Call, name: str
) -> None:
    server.fail("api", body=[])
    with pytest.raises(UpstreamError, match=r"no [a-z ]*object"):
        call(lambda client: getattr(client.billing, name)())


@pytest.mark.parametrize("name", ["balance", "spend_caps", "usage"])
def test_in_oss_mode_the_call_itself_raises(name: str) -> None:
    with pytest.raises(VendoOnlyFeature, match=rf"billing\.{name}") as caught:
        getattr(Vendo().billing, name)()
    assert "VENDO_API_KEY" in (caught.value.suggested_fix or "")

    async def main() -> None:
        with pytest.raises(VendoOnlyFeature, match=rf"billing\.{name}"):
            await getattr(aio.client().billing, name)()

    asyncio.run(main())
