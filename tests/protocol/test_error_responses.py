"""An error response becomes one of the library's errors (wire contract, "Errors")."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.flows import JWT, KEY, raw_response, response
from support.vectors import rows
from vendo import errors
from vendo._protocol.codes import fix_for, is_temporary
from vendo._protocol.error_responses import error_of


@pytest.mark.parametrize("row", rows("errors.json"), ids=lambda row: row["name"])
def test_each_vector_becomes_its_error(row: dict[str, Any]) -> None:
    error = error_of(raw_response(row["status"], row["body"].encode(), row["headers"]))

    expected = dict(row["expect"])
    assert type(error).__name__ == expected.pop("cls")
    assert {name: getattr(error, name) for name in expected} == expected
    assert error.status == row["status"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"code": "x", "message": "From the inner object."}}, "From the inner object."),
        ({"error": {"message": "No code."}}, "No code."),
        ({"message": "Flat.", "code": "x"}, "Flat."),
        ({"error": "words", "detail": "more words"}, "words: more words"),
        ({"error": "words"}, "words"),
        ({"detail": "only detail"}, "only detail"),
        ({}, "The backend responded with HTTP 400."),
        ([], "The backend responded with HTTP 400."),
        ({"error": {"message": 7}}, "The backend responded with HTTP 400."),
        ({"error": {"message": "  "}}, "The backend responded with HTTP 400."),
    ],
)
def test_message_comes_from_any_shape_of_body(body: object, message: str) -> None:
    assert error_of(response(400, body)).message == message


@pytest.mark.parametrize("known", ["binding_missing", "Forbidden"])
def test_message_that_repeats_the_code_or_the_status_is_dropped(known: str) -> None:
    body = {"error": known, "detail": "nothing is bound"}

    error = error_of(response(403, body, Vendo_Error_Code="binding_missing"))

    assert error.message == "nothing is bound"
    del body["detail"]
    assert error_of(response(403, body)).message == known
    assert error_of(response(599, body)).message == known


@pytest.mark.parametrize(
    ("status", "cls", "code"),
    [
        (400, errors.VendoError, "internal_error"),
        (401, errors.AuthError, "app_unknown"),
        (402, errors.BalanceExhausted, "balance_exhausted"),
        (403, errors.VendoError, "internal_error"),
        (404, errors.VendoError, "internal_error"),
        (429, errors.RateLimited, "upstream_rate_limited"),
        (500, errors.UpstreamError, "upstream_error"),
        (503, errors.UpstreamError, "upstream_error"),
        (599, errors.UpstreamError, "upstream_error"),
    ],
)
def test_without_a_code_the_status_decides(
    status: int, cls: type[errors.VendoError], code: str
) -> None:
    error = error_of(response(status))

    assert type(error) is cls
    assert error.code == code


def test_unknown_code_is_kept_with_any_status() -> None:
    error = error_of(response(500, Vendo_Error_Code="profile_unsupported"))

    assert type(error) is errors.VendoError
    assert error.code == "profile_unsupported"


@pytest.mark.parametrize("code", ["", "  "])
def test_blank_code_is_ignored(code: str) -> None:
    sent = response(503, Vendo_Error_Code=code)

    assert error_of(sent).code == "upstream_error"
    assert is_temporary(error_of(sent))


@pytest.mark.parametrize("code", ["profile_unsupported", "app_revoked", "balance_exhausted"])
def test_known_code_is_not_temporary(code: str) -> None:
    assert not is_temporary(error_of(response(500, Vendo_Error_Code=code)))
    assert not is_temporary(error_of(response(500, {"error": {"code": code}})))


@pytest.mark.parametrize(
    "headers", [{}, {"Vendo_Error_Code": "upstream_error"}, {"Vendo_Error_Code": "overloaded"}]
)
def test_unknown_code_is_temporary(headers: dict[str, str]) -> None:
    assert is_temporary(error_of(response(503, **headers)))


def test_unknown_key_error_shows_the_format_of_a_key() -> None:
    own = {"error": {"code": "app_unknown", "suggested_fix": "Ask your administrator."}}
    same = {"error": {"code": "app_unknown", "suggested_fix": "Keys begin with vendo_sk_."}}
    other = {"error": {"code": "app_revoked", "suggested_fix": "Ask your administrator."}}

    fix = error_of(response(401, own)).suggested_fix or ""
    assert fix.startswith("Ask your administrator. ")
    assert "vendo_sk_ followed by 32 characters" in fix
    assert error_of(response(401, same)).suggested_fix == "Keys begin with vendo_sk_."
    assert error_of(response(401, other)).suggested_fix == "Ask your administrator."


@pytest.mark.parametrize(
    ("wait", "seconds"), [(0, 0), (0.2, 1), (7, 7), (7.01, 8), (1e12, 31 * 86_400)]
)
def test_the_wait_is_whole_seconds_rounded_up(wait: float, seconds: int) -> None:
    for error in (
        error_of(response(429, {"error": {"message": "m", "retry_after": wait}})),
        error_of(response(429, Retry_After=str(wait))),
    ):
        assert error.retry_after == seconds
        assert type(error.retry_after) is int


def test_the_bodys_wait_wins_over_the_headers() -> None:
    body = {"error": {"message": "m", "retry_after": 7}}

    assert error_of(response(429, body, Retry_After="60")).retry_after == 7


@pytest.mark.parametrize("wait", ["7", True, -1, None, [], float("nan"), float("inf")])
def test_invalid_wait_in_the_body_leaves_the_headers_wait(wait: object) -> None:
    body = {"error": {"message": "m", "retry_after": wait}}

    assert error_of(response(429, body, Retry_After="60")).retry_after == 60


def test_missing_details_come_from_the_request() -> None:
    assert error_of(response(403), slug="gmail").slug == "gmail"
    assert error_of(response(403, {"error": {"slug": "slack"}}), slug="gmail").slug == "slack"


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)", "https://me@vendo.example/", "/relative", "", 7, None, "https://", "https:///no-host",
        "https://[broken/", "https://vendo.example:port/", "https://vendo.example/a b",
        "https://vendo.example/\n", "https://vendo.example/\x1b[31m", "https://vend\u00f6.example/",
        "https://vendo.example/" + "x" * 8192,
    ],
)  # fmt: skip
def test_invalid_connect_url_is_dropped(address: object) -> None:
    error = error_of(response(403, {"error": {"connect_url": address}}))

    assert error.connect_url is None


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:8000/connect",
        "HTTPS://vendo.example/connect?state=" + "x" * 4000,
        "https://vendo.example/connect/gmail?next=%2Fa%20b#there",
    ],
)
def test_connect_url_is_kept_unchanged(address: str) -> None:
    error = error_of(response(403, {"error": {"connect_url": address}}), secrets=[KEY, JWT])

    assert error.connect_url == address


@pytest.mark.parametrize(
    ("secret", "held"),
    [
        (KEY, KEY),
        (JWT, JWT),
        ("a+key/with=signs", "a%2Bkey%2Fwith%3Dsigns"),
        (KEY, f"%76{KEY[1:]}"),
    ],
)
def test_connect_url_with_a_secret_is_dropped(secret: str, held: str) -> None:
    address = f"https://vendo.example/c?app_key={held}&return_to=x"

    error = error_of(response(403, {"error": {"connect_url": address}}), secrets=[secret])

    assert error.connect_url is None


def test_the_key_and_the_jwt_are_removed_from_every_text() -> None:
    text = f"key {KEY}, jwt {JWT}"
    body = {
        "error": {
            "message": text, "slug": text, "suggested_fix": text, "code": text,
            "connect_url": f"https://vendo.example/c?app_key={KEY}",
        }
    }  # fmt: skip

    error = error_of(response(403, body), secrets=[KEY, JWT])

    seen = f"{error!r} {error} {vars(error)} {error.args}"
    assert KEY not in seen
    assert JWT not in seen
    assert error.message == "key ***, jwt ***"


def test_control_characters_are_removed_and_texts_are_cut() -> None:
    error = error_of(response(400, {"message": "a\x1b[31m\nb\u202e" + "x" * 5000}))

    assert error.message.startswith("a [31m b ")
    assert error.message.isprintable()
    assert len(error.message) <= 501


@pytest.mark.parametrize(
    ("code", "slug", "fix"),
    [
        ("app_revoked", None, "VENDO_API_KEY"),
        ("binding_missing", "gmail", "vendo.connect_url('gmail')"),
        ("connection_needs_reauth", "gmail", "authorize gmail again"),
        ("balance_exhausted", None, "top_up_url"),
    ],
)
def test_common_errors_have_a_fix(code: str, slug: str | None, fix: str) -> None:
    assert fix in (fix_for(code, slug) or "")


def test_without_a_provider_there_is_no_fix_for_it() -> None:
    assert fix_for("binding_missing", None) is None
    assert fix_for("made_up", "gmail") is None


def test_the_servers_own_fix_wins() -> None:
    body = {"error": {"code": "app_revoked", "suggested_fix": "Ask the owner."}}

    assert error_of(response(401, body)).suggested_fix == "Ask the owner."


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
FIELDS = st.sampled_from(
    ["error", "code", "message", "slug", "connect_url", "retry_after", "suggested_fix", "detail"]
)


@given(
    st.integers(300, 599),
    JSON | st.dictionaries(FIELDS, JSON | st.dictionaries(FIELDS, JSON)),
    st.dictionaries(st.sampled_from(["vendo-error-code", "retry-after", "date"]), st.text()),
)
def test_any_error_response_is_one_vendo_error(
    status: int, body: object, headers: dict[str, str]
) -> None:
    error = error_of(raw_response(status, json.dumps(body).encode(), headers))

    assert isinstance(error, errors.VendoError)
    assert error.code
    assert error.message
    assert str(error)
    assert error.retry_after is None or error.retry_after >= 0


@given(st.binary(max_size=200))
def test_any_error_bytes_are_one_vendo_error(body: bytes) -> None:
    assert error_of(raw_response(502, body, {})).code
