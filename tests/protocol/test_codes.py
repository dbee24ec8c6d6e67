"""What a code and a status mean for another attempt, for a cached token, and for a stream."""

from __future__ import annotations

import pytest

from vendo._protocol.codes import (
    CODES,
    RETRYABLE_STATUSES,
    code_of_status,
    is_reconnected,
    is_retryable,
    is_temporary,
)
from vendo._protocol.error_responses import error_of
from vendo._protocol.steps import Response
from vendo.errors import UpstreamConnectionError, UpstreamTimeout, VendoError


def error(status: int, code: str | None) -> VendoError:
    headers = {} if code is None else {"vendo-error-code": code}
    return error_of(Response(status, headers, b""))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 500, 501, 502, 503, 504])
@pytest.mark.parametrize("code", [None, "new_code", *CODES])
def test_call_is_sent_again_after_four_statuses_unless_its_code_is_lasting(
    status: int, code: str | None
) -> None:
    lasting = code in CODES and code not in {"upstream_error", "provider_unknown"}
    expected = status in {500, 502, 503, 504} and not lasting
    assert is_retryable(error(status, code)) is expected


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (500, None, True),
        (501, "new_code", True),
        (429, None, True),
        (429, "new_code", False),
        (429, "spend_cap_daily", False),
        (503, "provider_unknown", True),
        (503, "app_revoked", False),
        (400, "upstream_rate_limited", True),
        (400, "upstream_error", True),
        (401, None, False),
        (404, "new_code", False),
    ],
)
def test_cached_token_is_used_in_an_outage(status: int, code: str | None, expected: bool) -> None:
    assert is_temporary(error(status, code)) is expected


def test_broken_connection_is_retried_and_a_time_out_is_not() -> None:
    assert is_retryable(UpstreamConnectionError("upstream_error", "broken"))
    assert not is_retryable(UpstreamTimeout("upstream_error", "late"))


@pytest.mark.parametrize("status", [200, 204, 400, 401, 403, 404, 429, 499, 500, 502, 599])
def test_stream_is_opened_again_whatever_the_code(status: int) -> None:
    assert is_reconnected(status) is (status == 429 or status >= 500)


def test_adding_a_status_is_enough_for_codes_that_are_not_lasting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("vendo._protocol.codes.RETRYABLE_STATUSES", RETRYABLE_STATUSES | {429})
    assert is_retryable(error(429, "new_code"))
    assert not is_retryable(error(429, None))
    monkeypatch.setattr(CODES[code_of_status(429)], "is_lasting", False)
    assert is_retryable(error(429, None))
