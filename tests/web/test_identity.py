"""A request's client acts for the user whose JWT the request carries."""

from __future__ import annotations

from typing import Any

import pytest

import vendo
from vendo import web

ONE, OTHER = "user.one.jwt", "user.other.jwt"


@pytest.fixture
def client() -> vendo.Vendo:
    return vendo.Vendo("vendo_sk_" + "k" * 32)


@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP_X_VENDO_USER_JWT": ONE, "HTTP_ACCEPT": "*/*"},
        {"HTTP_X_VENDO_USER_JWT": web.Secret(ONE)},
        [(b"accept", b"*/*"), (b"X-Vendo-User-JWT", ONE.encode())],
    ],
)
def test_a_jwt_is_a_secret_from_the_moment_it_is_read(headers: Any, client: vendo.Vendo) -> None:
    (jwt,) = web.user_jwts(headers)

    assert isinstance(jwt, web.Secret)
    assert jwt.reveal() == ONE
    assert "for a user" in repr(web.client_for_user(client, [jwt]))


@pytest.mark.parametrize("headers", [{}, [], {"HTTP_X_VENDO_USER_JWT": " "}, [(b"accept", b"x")]])
def test_without_a_jwt_it_is_the_applications_client(headers: Any, client: vendo.Vendo) -> None:
    assert web.client_for_user(client, web.user_jwts(headers)) is client


def test_in_oss_mode_it_is_the_applications_client() -> None:
    client = vendo.Vendo("byok")

    assert web.client_for_user(client, [web.Secret(ONE)]) is client


@pytest.mark.parametrize(
    ("jwts", "message"),
    [
        ([ONE.encode(), OTHER.encode()], "different values"),
        (["canary.é.canary".encode()], "no JWT contains"),
        ([b"canary. .canary"], "no JWT contains"),
        ([b"canary.\x00.canary"], "no JWT contains"),
    ],
)
def test_malformed_jwt_is_no_identity(jwts: list[bytes], message: str, client: vendo.Vendo) -> None:
    headers = [(b"x-vendo-user-jwt", jwt) for jwt in jwts]

    with pytest.raises(vendo.IdentityNotPresent, match=message) as caught:
        web.client_for_user(client, web.user_jwts(headers))
    assert "canary" not in repr(caught.value)
    assert caught.value.suggested_fix
