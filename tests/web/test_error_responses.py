"""Each class of error has one row in the table of responses."""

from __future__ import annotations

import json
import pickle

import pytest

import vendo
from vendo import errors, web


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.NotConnected("binding_missing", "m", slug="gmail"), 424),
        (errors.NeedsReauth("connection_needs_reauth", "m", slug="gmail"), 424),
        (errors.RateLimited("upstream_rate_limited", "m"), 429),
        (errors.SpendCapExceeded("spend_cap_daily", "m"), 429),
        (errors.BalanceExhausted("balance_exhausted", "m"), 402),
        (errors.IdentityNotPresent("identity_not_present", "m"), 401),
        (errors.UpstreamError("upstream_error", "m"), 502),
        (errors.UpstreamConnectionError("upstream_error", "m"), 502),
        (errors.UpstreamTimeout("upstream_error", "m"), 504),
        (errors.VendoOnlyFeature("vendo_only_feature", "m"), 501),
        (errors.AuthError("app_unknown", "secret detail"), 500),
        (errors.ValidationError("validation_failed", "secret detail"), 500),
        (errors.VendoError("internal_error", "secret detail"), 500),
    ],
)
def test_each_error_has_its_status_and_an_internal_one_no_detail(
    error: errors.VendoError, status: int
) -> None:
    response = web.error_response(error, connect_url="/vendo/connect/gmail")

    assert response.status == status
    assert response.is_internal == (status == 500)
    assert "secret detail" not in json.dumps(response.body)
    assert response.connect_url == ("/vendo/connect/gmail" if status == 424 else None)


def test_a_missing_connection_names_the_applications_own_connect_link() -> None:
    error = errors.NotConnected(
        "binding_missing", "not bound", slug="gmail", connect_url="https://x.example/?app_key=k"
    )

    response = web.error_response(error, connect_url="/vendo/connect/gmail")

    assert response.body == {
        "error": {
            "code": "binding_missing",
            "message": "not bound",
            "slug": "gmail",
            "connect_url": "/vendo/connect/gmail",
        }
    }


def test_an_invalid_request_is_a_400_with_the_reason_and_other_errors_are_unchanged() -> None:
    malformed = errors.ValidationError("validation_failed", "Not so.", suggested_fix="But so.")

    response = web.request_error_response(malformed)

    assert response.status == 400
    assert response.body == {
        "error": {"code": "validation_failed", "message": "Not so. Fix: But so."}
    }
    assert web.request_error_response(
        errors.AuthError("app_unknown", "secret detail")
    ) == web.error_response(errors.AuthError("app_unknown", "secret detail"))


@pytest.mark.parametrize("name", ["VENDO_API_KEY_FILE", "VENDO_CREDENTIALS_URL"])
def test_a_malformed_environment_is_not_about_the_request(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv("VENDO_API_KEY", raising=False)
    monkeypatch.setenv(name, "canary\n/of two lines")
    with pytest.raises(errors.ValidationError) as caught:
        vendo.Vendo("vendo_sk_1" if name.endswith("_URL") else None).token("gmail")

    response = web.request_error_response(pickle.loads(pickle.dumps(caught.value)))

    assert (response.status, response.is_internal) == (500, True)
    assert name not in json.dumps(response.body)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, False),
        ("", False),
        ("*/*", False),
        ("application/json", False),
        ("application/json, text/html", False),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("TEXT/HTML; q=1", True),
        ("application/problem+json", False),
        ("text/html;q=0", False),
        ("text/html;q=0, application/json", False),
        ("application/json;q=0.1, text/html", True),
        ("application/json;q=0.1, text/html;q=0.05", False),
        ("text/html ; level=1 ; q=0.4, application/json; q=0.3", True),
        ("text/html;q=canary", True),
    ],
)
def test_a_browser_is_recognised_by_what_it_prefers(accept: str | None, expected: bool) -> None:
    assert web.prefers_html(accept) is expected


@pytest.mark.parametrize("error", [errors.RateLimited, errors.SpendCapExceeded])
def test_a_spend_cap_has_retry_after_as_a_rate_limit_has(error: type[errors.VendoError]) -> None:
    response = web.error_response(error("spend_cap_daily", "m", retry_after=60))

    assert (response.headers, response.close_code) == ({"Retry-After": "60"}, 1013)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.NotConnected, 1008),
        (errors.IdentityNotPresent, 1008),
        (errors.UpstreamError, 1011),
        (errors.AuthError, 1011),
    ],
)
def test_a_websocket_is_closed_with_the_code_of_the_table(
    error: type[errors.VendoError], code: int
) -> None:
    assert web.error_response(error("any_code", "m")).close_code == code


@pytest.mark.parametrize(
    ("seconds", "headers"),
    [
        (None, {}),
        (-5, {"Retry-After": "0"}),
        (2, {"Retry-After": "2"}),
    ],
)
def test_retry_after_is_a_number_of_seconds_or_missing(
    seconds: int | None, headers: dict[str, str]
) -> None:
    error = errors.RateLimited("upstream_rate_limited", "m", retry_after=seconds)
    response = web.error_response(error)
    assert response.headers == headers
    assert web.error_page(error, response).html()


@pytest.mark.parametrize(
    ("error", "link", "level"),
    [
        (errors.UpstreamError("upstream_error", "Vendo is away."), None, "ERROR"),
        (errors.NotConnected("binding_missing", "No credential.", slug="slack"), None, "WARNING"),
        (
            errors.NotConnected("binding_missing", "No credential.", slug="slack"),
            "/connect/slack/",
            None,
        ),
        (errors.RateLimited("upstream_rate_limited", "Too many."), None, None),
        (errors.BalanceExhausted("balance_exhausted", "Empty."), None, "WARNING"),
        (errors.SpendCapExceeded("spend_cap_daily", "Reached."), None, "WARNING"),
    ],
)
def test_what_the_operator_must_mend_is_logged(
    error: errors.VendoError, link: str | None, level: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    status = web.error_response(error, connect_url=link).status
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == (
        [(level, f"An error became {status}: {error}")] if level else []
    )
