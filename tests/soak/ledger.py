"""The user of a token: the local server makes tokens by a rule that can be checked."""

from __future__ import annotations

import hmac
import threading
from typing import TYPE_CHECKING

from vendo.testing._state.connections import user_of

if TYPE_CHECKING:
    from vendo.testing import LocalVendo

#: More than a user gets of one provider in a run.
_MOST_TOKENS = 20_000


class Ledger:
    """Knows every token that the server can issue, rejected or not."""

    def __init__(self, server: LocalVendo) -> None:
        self._secret = server._service._options.secret
        #: A signal handler may interrupt a look-up.
        self._lock = threading.RLock()
        self._known: dict[tuple[str, str | None], set[str]] = {}

    def is_of(self, token: str, slug: str, jwt: str | None) -> bool:
        """Return True for a token of this provider and the user of this JWT, or without one of the
        deployment itself.
        """
        user = user_of(jwt)
        with self._lock:
            known = self._known.setdefault((slug, user), set())
            # Tokens are numbered: a new one is among the next few.
            while token not in known and len(known) < _MOST_TOKENS:
                known.add(self._text(slug, user, len(known) + 1))
            return token in known

    def _text(self, slug: str, user: str | None, number: int) -> str:
        stem = f"local_{slug}_{self._digest(f'{slug} {user} {number}')}"
        return stem + self._digest(stem)

    def _digest(self, text: str) -> str:
        return hmac.digest(self._secret, text.encode(), "sha256").hex()[:16]
