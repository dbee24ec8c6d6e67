"""`is_local_token`: the tokens of the local servers of this process."""

from __future__ import annotations

import gc

import pytest

from vendo.testing import LocalVendo, is_local_token


def test_tokens_of_every_server_are_known() -> None:
    with LocalVendo(["gmail"]) as one, LocalVendo({"gmail": {"token": "g-of-two"}}) as two:
        tokens = [one.token("gmail"), two.token("gmail"), two.rotate("gmail")]
        tokens.append(one.token("gmail", user="a.b.c"))
    assert len(set(tokens)) == 4
    assert all(map(is_local_token, tokens))


@pytest.mark.parametrize("token", ["", "x", "g-real", "local_gmail_" + "0" * 32, "\ud800" * 40])
def test_other_token_is_not_known(token: str) -> None:
    with LocalVendo(["gmail"]) as server:
        assert server.token("gmail") != token
        assert not is_local_token(token)


def test_token_of_a_changed_text_is_not_known() -> None:
    with LocalVendo(["gmail"]) as server:
        token = server.token("gmail")
    assert not is_local_token(token.replace("gmail", "slack"))
    assert not is_local_token(token[:-1] + ("0" if token[-1] != "0" else "1"))


def test_given_token_is_known_until_a_reset() -> None:
    with LocalVendo({"slack": {"token": "xoxb-start"}}) as server:
        server.connect("gmail", token="g-until")
        server.fail("credentials", body={"access_token": "g-body"})
        server.fail("credentials", body={"tokens": {"gmail": {"access_token": "g-bulk"}, "x": 1}})
        server.fail("any", body="[" * 100_000)
        server.fail("any", body=["access_token"])
        given = ["xoxb-start", "g-until", "g-body", "g-bulk"]
        assert [is_local_token(token) for token in given] == [True] * 4
        server.reset()
        assert [is_local_token(token) for token in given] == [True, False, False, False]


def test_given_token_is_forgotten_with_its_server() -> None:
    server = LocalVendo({"gmail": {"token": "g-given"}})
    assert is_local_token("g-given")
    del server
    gc.collect()
    assert not is_local_token("g-given")
