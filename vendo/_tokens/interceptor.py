"""The interface of an interceptor. A test suite installs one to keep real credentials out."""

from __future__ import annotations

from typing import Protocol


class Interceptor(Protocol):
    """Observes the resolution chain."""

    def before_lookup(self, slug: str) -> None:
        """Called when a slug has no `VENDO_TOKEN_<SLUG>`. An exception ends the look-up.

        `token(slug, default=...)` returns the default if it is a `Withheld`.
        """

    def handed_out(self, slug: str, token: str) -> None:
        """Called with each token before it is returned. An exception is raised in its place.

        The token is masked in `repr` and in pickles, so that no report of an error contains it.
        """
