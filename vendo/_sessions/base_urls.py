"""What a session resolves relative URLs against: a variable, the local server, or the catalog."""

from __future__ import annotations

from urllib.parse import urlsplit

from vendo._catalog.catalog import provider_at
from vendo._config.addresses import origin_in
from vendo._config.environment import base_url_variable
from vendo._protocol.origins import is_loopback
from vendo._protocol.secret import masked
from vendo.errors import ValidationError, invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from vendo._catalog.catalog import Provider
    from vendo._config.environment import Variable


class DefaultBaseURL:
    """The base URL of a provider's sessions without one of their own, as the environment is now."""

    __slots__ = ("_local_server", "_memo", "_row", "_slug", "variable")

    def __init__(
        self, slug: str, row: Provider | None, local_server: Callable[[], str | None]
    ) -> None:
        self._slug = slug
        self._row = row
        self._local_server = local_server
        self.variable = base_url_variable(slug)
        #: The last result, and the values that it follows from.
        self._memo: tuple[object, str | None] = (None, None)

    def get(self) -> str | None:
        """Return it, without a trailing slash, or None.

        Raises:
            ValidationError: `<SLUG>_BASE_URL` is malformed.
        """
        memo = self._memo
        if memo[0] == (self.variable.raw(), self._local_server()):
            return memo[1]
        known = masked(self.variable.raw()), self._local_server()
        base = default_base_url(self.variable, self._row, fake_provider(known[1], self._slug))
        self._memo = known, base
        return base

    def fake_provider(self) -> str | None:
        """Return the address of the local server's fake provider, or None."""
        return fake_provider(self._local_server(), self._slug)


def default_base_url(
    variable: Variable, row: Provider | None, fake: str | None = None
) -> str | None:
    """Return a provider's base URL for a session without one of its own.

    Raises:
        ValidationError: `<SLUG>_BASE_URL`, which is `variable`, is malformed.
    """
    default = catalog_base_url(row)
    origin = origin_in(variable, default)
    if origin is not None and fake is not None and origin != fake and _is_fake(origin, fake):
        return fake  # the variable is that of another local server
    return origin or fake or default


def _is_fake(origin: str, fake: str) -> bool:
    one, other = urlsplit(origin), urlsplit(fake)
    return is_loopback(one.hostname or "") and one.path == other.path


def catalog_base_url(row: Provider | None) -> str | None:
    """Return the catalog's base URL of a provider, or None if it has none."""
    return row.base_url if row else None


def fake_provider(local_server: str | None, slug: str) -> str | None:
    """Return the address of a local server's fake provider; None without a server."""
    return None if local_server is None else f"{local_server}/providers/{slug}"


def would_be_real(slug: str, host: str, *, fix: str) -> ValidationError:
    """Return the error of a request that would leave the local server for a real provider."""
    real = provider_at(host)
    return invalid(
        f"A request of the session for {slug} to {host} would reach the real "
        f"{real.name if real else 'provider'}, and the client uses a local server.",
        slug=slug,
        fix=fix,
    )
