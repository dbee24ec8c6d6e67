"""Times in responses are parsed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vendo._protocol.clock import http_date, rfc3339, server_now

NOON = datetime(2026, 5, 2, 12, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "value",
    [
        "2026-05-02T12:00:00Z",
        "2026-05-02t12:00:00z",
        "2026-05-02 12:00:00Z",
        "2026-05-02T14:00:00+02:00",
        "2026-05-02T06:30:00-05:30",
        "2026-05-02T12:00:00",
        "2026-05-02T12:00:00.000000000Z",
    ],
)
def test_each_way_to_write_noon_is_noon(value: str) -> None:
    assert rfc3339(value) == NOON


def test_fractions_count() -> None:
    assert rfc3339("2026-05-02T12:00:00.25Z") == NOON + 0.25


def test_leap_second_is_read_as_the_second_before() -> None:
    assert rfc3339("2026-06-30T23:59:60Z") == rfc3339("2026-06-30T23:59:59Z")
    assert rfc3339("2026-06-30T23:59:60.5Z") == rfc3339("2026-06-30T23:59:59.5Z")


@pytest.mark.parametrize(
    "value",
    [
        "", "soon", "2026-05-02", "1777723200", "2026-13-02T12:00:00Z", "2026-05-02T25:00:00Z",
        "2026-05-02T12:00:00 Zulu", "\uff12\uff10\uff12\uff16-05-02T12:00:00Z",
        "2026-05-02T12:00:00Z" * 500,
    ],
)  # fmt: skip
def test_invalid_time_gives_none(value: str) -> None:
    assert rfc3339(value) is None


def test_an_http_date_is_read_in_each_of_its_forms() -> None:
    for value in (
        "Sat, 02 May 2026 12:00:00 GMT",
        "Sat, 02 May 2026 12:00:00 +0000",
        "Sat, 02 May 2026 12:00:00 -0000",
        "Sat, 02-May-26 12:00:00 GMT",
    ):
        assert http_date(value) == NOON


def test_the_servers_clock_is_its_date_header() -> None:
    assert server_now({"date": "Sat, 02 May 2026 12:00:00 GMT"}) == NOON


@pytest.mark.parametrize("headers", [{}, {"date": ""}, {"date": "today"}])
def test_without_a_date_header_this_machines_clock_counts(headers: dict[str, str]) -> None:
    before = datetime.now(UTC).timestamp()

    assert before - 1 <= server_now(headers) <= datetime.now(UTC).timestamp() + 1


@given(st.text(max_size=80))
def test_any_text_is_a_time_or_none(value: str) -> None:
    assert isinstance(http_date(value), float | None)
    assert isinstance(rfc3339(value), float | None)


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001
def test_every_formatted_date_is_read_back(moment: datetime) -> None:
    moment = moment.replace(tzinfo=UTC)

    assert rfc3339(moment.isoformat()) == pytest.approx(moment.timestamp())
