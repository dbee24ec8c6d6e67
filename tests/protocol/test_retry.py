"""When a call is retried, and after which pause."""

from __future__ import annotations

import copy
import pickle
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vendo import RetryPolicy, ValidationError
from vendo._protocol.retry import MAX_RETRY_AFTER, bounded_seconds, retry_after

NOW = 1_790_000_000.0


@pytest.mark.parametrize("value", ["0", "3", " 3 ", "1.5", "1e2"])
def test_seconds_are_read(value: str) -> None:
    assert retry_after({"retry-after": value}) == float(value)


@pytest.mark.parametrize(
    "value",
    [
        "", " ", "nan", "NaN", "inf", "-inf", "Infinity", "1e400", "-1", "-0.5", "soon", "0x10",
        "1_0", "\uff11\uff12", "٣", "3,5", "3 seconds", "Mon, 99 Foo 2026 00:00:00 GMT",
        "9" * 5000 + "x",
        "\x00",
        "=?utf-8?b?MTA=?=", "Thu, 01 Jan 99999 00:00:00 GMT", "1;2",
    ],
)  # fmt: skip
def test_invalid_wait_is_none(value: str) -> None:
    assert retry_after({"retry-after": value}) is None


@pytest.mark.parametrize("value", ["99999999999", "9" * 300, str(MAX_RETRY_AFTER + 1)])
def test_a_huge_wait_is_capped(value: str) -> None:
    assert retry_after({"retry-after": value}) == MAX_RETRY_AFTER


def test_no_header_is_no_wait() -> None:
    assert retry_after({}) is None


def test_a_date_is_read_against_the_servers_own_clock() -> None:
    headers = {
        "retry-after": formatdate(NOW + 90, usegmt=True),
        "date": formatdate(NOW, usegmt=True),
    }

    assert retry_after(headers) == 90.0


def test_date_without_the_servers_clock_is_read_against_the_local_clock() -> None:
    import time

    wait = retry_after({"retry-after": formatdate(time.time() + 100, usegmt=True)})

    assert wait == pytest.approx(100, abs=5)


def test_date_in_the_past_is_no_wait() -> None:
    headers = {
        "retry-after": formatdate(NOW - 1, usegmt=True),
        "date": formatdate(NOW, usegmt=True),
    }

    assert retry_after(headers) is None


def test_a_far_date_is_capped() -> None:
    headers = {"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT", "date": formatdate(NOW, usegmt=True)}

    assert retry_after(headers) == MAX_RETRY_AFTER


@given(st.text(max_size=60), st.none() | st.text(max_size=40))
def test_wait_of_any_header_is_none_or_bounded(value: str, date: str | None) -> None:
    headers = {"retry-after": value} | ({"date": date} if date is not None else {})

    wait = retry_after(headers)

    assert wait is None or 0 <= wait <= MAX_RETRY_AFTER


@given(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.lists(st.integers())
    | st.just(10**400)
)
def test_wait_of_any_body_is_none_or_bounded(value: object) -> None:
    wait = bounded_seconds(value)

    assert wait is None or 0 <= wait <= MAX_RETRY_AFTER


def test_true_is_not_a_number_of_seconds() -> None:
    assert bounded_seconds(True) is None


def test_pauses_double_from_half_a_second_to_ten_with_jitter() -> None:
    policy = RetryPolicy()
    for attempt, longest in enumerate([0.5, 1, 2, 4, 8, 10, 10], start=1):
        drawn = [policy.pause(attempt) for _ in range(200)]
        assert all(longest / 2 <= pause <= longest for pause in drawn)
        assert len(set(drawn)) > 1


def test_pause_after_many_tries_does_not_overflow() -> None:
    assert RetryPolicy(attempts=10**9).pause(10**9) <= 10


@pytest.mark.parametrize("name", ["backoff", "max_backoff"])
@pytest.mark.parametrize("seconds", [-0.1, float("nan"), float("inf"), "1", None, True])
def test_invalid_pause_is_an_error(name: str, seconds: Any) -> None:
    with pytest.raises(ValidationError, match=f"{name}= must be a number of seconds"):
        RetryPolicy(**{name: seconds})


@pytest.mark.parametrize("attempts", [0, -1, 1.5, "3", None, True])
def test_invalid_number_of_attempts_is_an_error(attempts: Any) -> None:
    with pytest.raises(ValidationError, match="attempts= must be a whole number"):
        RetryPolicy(attempts)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_policy_is_pickled_by_every_protocol(protocol: int) -> None:
    policy = RetryPolicy(2, backoff=0.1, max_backoff=3)

    assert pickle.loads(pickle.dumps(policy, protocol)) == policy
    assert copy.deepcopy(policy) == copy.copy(policy) == policy


def test_policies_compare_by_value() -> None:
    assert RetryPolicy(2, backoff=1) == RetryPolicy(2, backoff=1)
    assert RetryPolicy(2) != RetryPolicy(3)
    assert RetryPolicy(2) != "RetryPolicy(2)"
    assert len({RetryPolicy(), RetryPolicy(3)}) == 1
    assert repr(RetryPolicy(1)) == "RetryPolicy(1, backoff=0.5, max_backoff=10.0)"
