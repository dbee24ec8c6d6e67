"""The cached tokens of one app, as the events of its connections change them."""

from __future__ import annotations

import time

from vendo._tokens.cache import shared
from vendo.errors import VendoError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from vendo._client.interfaces import EventSource
    from vendo._tokens.flights import CacheKey

#: Seconds within which tokens are fetched again that may have changed unseen.
MISSED_SECONDS = 30.0
#: Seconds between a token and the start of its watch that are taken for none.
_SOON = 2.0


class WatchedTokens:
    """The tokens of a client's key. They are forgotten at once, or soon fetched again."""

    def __init__(self, client: EventSource) -> None:
        self._client = client

    def changed(self, kind: str, slug: str) -> None:  # noqa: ARG002  # a fleet tells kinds apart
        """Forget the tokens of a connection that changed."""
        self.forget(slug)

    def missed(self, before: float = float("inf")) -> None:
        """Fetch all tokens again that were requested before: any connection may have changed."""
        shared.refresh(self._are_of(), MISSED_SECONDS, before)

    def forget(self, slug: str, before: float = float("inf")) -> None:
        """Forget the tokens of a slug that were requested before, in Unix seconds."""
        shared.invalidate(self._are_of(slug), before)

    def replaced(self, slug: str, within: float, before: float = float("inf")) -> None:
        """Fetch the tokens of a slug again within so many seconds, since they were replaced."""
        shared.refresh(self._are_of(slug), within, before)

    def rejected(
        self, slug: str, user: str | None, within: float, before: float = float("inf")
    ) -> None:
        """Do the same for a user's tokens that are rejected; all users' if `user` is None."""
        shared.refresh(self._are_of(slug, user), within, before, rejected=True)

    def oldest(self) -> float | None:
        """Return when the oldest of them was requested, in Unix seconds."""
        return shared.oldest(self._are_of())

    def are_behind(self) -> bool:
        """Return whether one was requested some time ago, and may have changed since."""
        oldest = self.oldest()
        return oldest is not None and oldest < time.time() - _SOON

    def __contains__(self, key: CacheKey) -> bool:
        return self._are_of()(key)

    def _are_of(
        self, slug: str | None = None, user: str | None = None
    ) -> Callable[[CacheKey], bool]:
        try:
            scope = self._client._settings.scope()  # the key may have been replaced
        except VendoError:
            scope = None
        return lambda key: (
            key[:2] == scope
            and (slug is None or key[3] == slug)
            and (user is None or (key[2] or "") == user)
        )
