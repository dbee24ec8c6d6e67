"""An interceptor raises for a token that a session requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2
import pytest

from support.interceptors import FailingInterceptor, frames_of
from vendo.testing import LocalVendo, install_interceptor

if TYPE_CHECKING:
    from collections.abc import Callable

    import vendo

URL = "https://gmail.googleapis.com/gmail/v1/users/me/profile"


def through_httpx(client: vendo.Vendo) -> None:
    with httpx2.Client(auth=client.httpx_auth("gmail")) as library:
        library.get(URL)


def through_requests(client: vendo.Vendo) -> None:
    with client.session("gmail") as session:
        session.get(URL)


@pytest.mark.parametrize("call", [through_httpx, through_requests])
@pytest.mark.parametrize("place", ["override", "fetched", "cached"])
def test_no_frame_of_an_interceptors_error_has_a_token_or_a_key(
    call: Callable[[vendo.Vendo], None],
    place: str,
    client: vendo.Vendo,
    server: LocalVendo,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secrets = [server.token("gmail"), server.api_key, "held-by-a-variable"]
    if place == "cached":
        client.token("gmail")
    if place == "override":
        monkeypatch.setenv("VENDO_TOKEN_GMAIL", secrets[-1])
    before = install_interceptor(FailingInterceptor(PermissionError("no")))
    try:
        with pytest.raises(PermissionError) as caught:
            call(client)
    finally:
        install_interceptor(before)
    shown = "".join(f"{frame.f_locals!r}\n" for frame in frames_of(caught.value))
    assert shown
    for secret in secrets:
        assert secret not in shown
