"""Which tokens are a local server's own: the pytest plugin lets no others pass."""

from __future__ import annotations

import hmac
import weakref

from vendo._protocol.json_object import json_object

_MAC_CHARACTERS = 16


class OwnTokens:
    """The tokens of one server: those that it makes, and those that a test gives to it.

    A token that it makes is signed, not recorded, so that the child of a fork knows it too.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._given: set[str] = set()
        _all.append(weakref.ref(self, _all.remove))

    def make(self, slug: str, user: str | None, number: int) -> str:
        """Return the text of a token: the `number`th one of a user, or of the deployment."""
        stem = f"local_{slug}_{self._digest(f'{slug} {user} {number}')}"
        return stem + self._digest(stem)

    def give(self, *tokens: str) -> None:
        """Record tokens of the test."""
        self._given.update(tokens)

    def forget(self) -> None:
        """Drop the tokens of the test."""
        self._given.clear()

    def __contains__(self, token: str) -> bool:
        if token in self._given:
            return True
        stem, mac = token[:-_MAC_CHARACTERS], token[-_MAC_CHARACTERS:]
        return mac == self._digest(stem)

    def _digest(self, text: str) -> str:
        data = text.encode("utf-8", "surrogatepass")
        return hmac.digest(self._secret, data, "sha256").hex()[:_MAC_CHARACTERS]


#: Of every server in this process.
_all: list[weakref.ref[OwnTokens]] = []


def is_local_token(token: str) -> bool:
    """Return whether a token is one of a `LocalVendo` in this process.

    The server made the token, or the test gave it the token: with `connect(slug, token=...)`, or in
    a body for `fail`.

    Args:
        token: the text of a token.

    Returns:
        True for such a token.

    Example:
        ```python
        from vendo.testing import LocalVendo, is_local_token

        server = LocalVendo(["openai"])
        print(is_local_token(server.token("openai")), is_local_token("sk-real"))  # True False
        ```
    """
    servers = [reference() for reference in tuple(_all)]
    return any(server is not None and token in server for server in servers)


def tokens_in(body: bytes) -> list[str]:
    """Return the tokens in a body with the form of a response of the credentials worker."""
    response = json_object(body)
    if response is None:
        return []
    many = response.get("tokens")
    rows = [response, *(many.values() if isinstance(many, dict) else ())]
    tokens = [row.get("access_token") for row in rows if isinstance(row, dict)]
    return [token for token in tokens if isinstance(token, str)]
