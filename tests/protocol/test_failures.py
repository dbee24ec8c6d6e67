"""An error answer becomes one of the library's errors (wire contract, "Errors")."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.flows import JWT, KEY, answer, raw_answer
from support.vectors import rows
from vendo import errors
from vendo._protocol.codes import fix_for, is_temporary
from vendo._protocol.error_responses import error_of


@pytest.mark.parametrize("row", rows("errors.json"), ids=lambda row: row["name"])
def test_each_vector_gives_its_error(row: dict[str, Any]) -> None:
    error = error_of(raw_answer(row["status"], row["body"].encode(), row["headers"]))

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
def test_each_shape_of_body_words_the_error(body: object, message: str) -> None:
    assert error_of(answer(400, body)).message == message


def test_a_first_text_that_repeats_the_code_is_not_said_twice() -> None:
    body = {"error": "binding_missing", "detail": "nothing is bound"}

    error = error_of(answer(403, body, Vendo_Error_Code="binding_missing"))

    assert error.message == "nothing is bound"


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
    error = error_of(answer(status))

    assert type(error) is cls
    assert error.code == code


def test_an_unknown_code_is_kept_whatever_the_status() -> None:
    error = error_of(answer(500, Vendo_Error_Code="profile_unsupported"))

    assert type(error) is errors.VendoError
    assert error.code == "profile_unsupported"


@pytest.mark.parametrize("code", ["", "  "])
def test_a_blank_code_counts_as_none(code: str) -> None:
    response = answer(503, Vendo_Error_Code=code)

    assert error_of(response).code == "upstream_error"
    assert is_temporary(error_of(response))


@pytest.mark.parametrize("code", ["profile_unsupported", "app_revoked", "balance_exhausted"])
def test_a_code_that_stands_for_a_reason_says_that_another_try_is_no_use(code: str) -> None:
    assert not is_temporary(error_of(answer(500, Vendo_Error_Code=code)))
    assert not is_temporary(error_of(answer(500, {"error": {"code": code}})))


@pytest.mark.parametrize(
    "headers", [{}, {"Vendo_Error_Code": "upstream_error"}, {"Vendo_Error_Code": "overloaded"}]
)
def test_without_a_known_code_another_try_may_help(headers: dict[str, str]) -> None:
    assert is_temporary(error_of(answer(503, **headers)))


def test_an_unknown_key_is_told_what_a_key_looks_like_whatever_the_answer_suggests() -> None:
    own = {"error": {"code": "app_unknown", "suggested_fix": "Ask your administrator."}}
    same = {"error": {"code": "app_unknown", "suggested_fix": "Keys begin with vendo_sk_."}}
    other = {"error": {"code": "app_revoked", "suggested_fix": "Ask your administrator."}}

    fix = error_of(answer(401, own)).suggested_fix or ""
    assert fix.startswith("Ask your administrator. ")
    assert "vendo_sk_ followed by 32 characters" in fix
    assert error_of(answer(401, same)).suggested_fix == "Keys begin with vendo_sk_."
    assert error_of(answer(401, other)).suggested_fix == "Ask your administrator."


def test_the_bodys_wait_wins_over_the_headers() -> None:
    body = {"error": {"message": "m", "retry_after": 7}}

    assert error_of(answer(429, body, Retry_After="60")).retry_after == 7


@pytest.mark.parametrize("wait", ["7", True, -1, None, [], float("nan"), float("inf")])
def test_a_wait_that_is_none_leaves_the_headers(wait: object) -> None:
    body = {"error": {"message": "m", "retry_after": wait}}

    assert error_of(answer(429, body, Retry_After="60")).retry_after == 60


def test_what_the_call_was_about_fills_in_for_the_answer() -> None:
    assert error_of(answer(403), slug="gmail").slug == "gmail"
    assert error_of(answer(403, {"error": {"slug": "slack"}}), slug="gmail").slug == "slack"


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)", "/relative", "", 7, None, "https://", "https:///no-host",
        "https://[broken/", "https://vendo.example:port/", "https://vendo.example/a b",
        "https://vendo.example/\n", "https://vendo.example/\x1b[31m", "https://vend\u00f6.example/",
        "https://vendo.example/" + "x" * 8192,
    ],
)  # fmt: skip
def test_a_connect_url_that_is_no_web_address_is_left_out(address: object) -> None:
    error = error_of(answer(403, {"error": {"connect_url": address}}))

    assert error.connect_url is None


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:8000/connect",
        "HTTPS://vendo.example/connect?state=" + "x" * 4000,
        "https://vendo.example/connect/gmail?next=%2Fa%20b#there",
    ],
)
def test_a_connect_url_comes_out_as_it_came_in(address: str) -> None:
    error = error_of(answer(403, {"error": {"connect_url": address}}), secrets=[KEY, JWT])

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
def test_a_connect_url_with_a_secret_in_it_is_left_out_and_not_mangled(
    secret: str, held: str
) -> None:
    address = f"https://vendo.example/c?app_key={held}&return_to=x"

    error = error_of(answer(403, {"error": {"connect_url": address}}), secrets=[secret])

    assert error.connect_url is None


def test_the_key_and_the_jwt_are_struck_out_of_every_text() -> None:
    text = f"key {KEY}, jwt {JWT}"
    body = {
        "error": {
            "message": text, "slug": text, "suggested_fix": text, "code": text,
            "connect_url": f"https://vendo.example/c?app_key={KEY}",
        }
    }  # fmt: skip

    error = error_of(answer(403, body), secrets=[KEY, JWT])

    seen = f"{error!r} {error} {vars(error)} {error.args}"
    assert KEY not in seen
    assert JWT not in seen
    assert error.message == "key ***, jwt ***"


def test_control_characters_and_length_are_tamed() -> None:
    error = error_of(answer(400, {"message": "a\x1b[31m\nb\u202e" + "x" * 5000}))

    assert error.message.startswith("a [31m b ")
    assert error.message.isprintable()
    assert len(error.message) <= 501


@pytest.mark.parametrize(
    ("code", "slug", "says"),
    [
        ("app_revoked", None, "VENDO_API_KEY"),
        ("binding_missing", "gmail", "vendo.connect_url('gmail')"),
        ("connection_needs_reauth", "gmail", "authorize gmail again"),
        ("balance_exhausted", None, "top_up_url"),
    ],
)
def test_the_usual_failures_say_what_to_do(code: str, slug: str | None, says: str) -> None:
    assert says in (fix_for(code, slug) or "")


def test_there_is_no_advice_about_a_provider_that_nobody_named() -> None:
    assert fix_for("binding_missing", None) is None
    assert fix_for("made_up", "gmail") is None


def test_the_servers_own_advice_wins() -> None:
    body = {"error": {"code": "app_revoked", "suggested_fix": "Ask the owner."}}

    assert error_of(answer(401, body)).suggested_fix == "Ask the owner."


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
def test_whatever_an_answer_holds_there_is_one_error_of_the_librarys(
    status: int, body: object, headers: dict[str, str]
) -> None:
    error = error_of(raw_answer(status, json.dumps(body).encode(), headers))

    assert isinstance(error, errors.VendoError)
    assert error.code
    assert error.message
    assert str(error)
    assert error.retry_after is None or error.retry_after >= 0


@given(st.binary(max_size=200))
def test_whatever_bytes_an_answer_holds_there_is_one_error(body: bytes) -> None:
    assert error_of(raw_answer(502, body, {})).code
