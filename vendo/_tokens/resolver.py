"""The resolution chain: override, then Vendo mode, then the conventional variable.

Each function here is one link. They are short, since an application calls them at every request.
"""

from __future__ import annotations

from vendo import _tokens
from vendo._protocol.secret import Secret, WireSecret
from vendo._tokens.cache import shared
from vendo.errors import NotConnected, ValidationError, VendoError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo._config.slugs import Name
    from vendo._tokens.flights import CacheKey

interceptor: _tokens.Interceptor | None = None


class Withheld(RuntimeError):
    """Stand for a credential that an interceptor withholds from the caller.

    An interceptor raises it. It is not a `VendoError`, so a program does not handle it like a
    provider that is not connected. `token(slug, default=...)` returns the default in its place.

    Example:
        ```python
        import vendo
        from vendo.testing import Withheld, install_interceptor

        class Guard:
            def before_lookup(self, slug):
                raise Withheld(f"This test has no token for {slug}.")

            def handed_out(self, slug, token):
                pass

        before = install_interceptor(Guard())
        try:
            vendo.token("openai")
        except Withheld as error:
            print(error)
        finally:
            install_interceptor(before)
        ```
    """

    __module__ = "vendo.testing"  # where a test imports it from


def install_interceptor(new: _tokens.Interceptor | None) -> _tokens.Interceptor | None:
    """Set the interceptor of every client in the process. Both modes.

    Args:
        new: an object with two methods, or None to remove the present one. `before_lookup(slug)` is
            called when a slug has no `VENDO_TOKEN_<SLUG>`, and `handed_out(slug, token)` with each
            token before it is returned. An exception of either ends the call.

    Returns:
        The interceptor that was there before.

    Example:
        ```python
        import vendo
        from vendo.testing import install_interceptor

        class Log:
            def before_lookup(self, slug):
                print(f"{slug} has no override")

            def handed_out(self, slug, token):
                print(f"{slug} was used")

        before = install_interceptor(Log())
        vendo.token("openai")
        install_interceptor(before)
        ```
    """
    global interceptor
    before, interceptor = interceptor, new
    return before


def override_of(name: Name) -> str | None:
    """Return what `VENDO_TOKEN_<SLUG>` contains. Without it, an interceptor may end the look-up."""
    try:
        token = name.override.get()
    except ValidationError:
        _before_lookup(name)  # what the machine has is not a matter of a guarded test
        raise
    if interceptor is None:
        return token
    if token is None:
        interceptor.before_lookup(name.slug)
        return None
    token = Secret(token)
    return handed_out(name, token)


def cached(name: Name, key: CacheKey) -> str | None:
    """Return the token in the cache, if it needs no refresh (Vendo mode)."""
    token = shared.get(key)
    if token is None or interceptor is None:
        return token
    token = Secret(token)
    return handed_out(name, token)


def conventional(name: Name) -> str | None:
    """Return what the provider's own variables contain, in the catalog's order (OSS mode)."""
    for variable in name.variables:
        token = variable.get()
        if token is not None:
            if interceptor is None:
                return token
            token = Secret(token)
            return handed_out(name, token)
    return None


def has_override(name: Name) -> bool:
    """True if `VENDO_TOKEN_<SLUG>` is set. Without it, an interceptor may end the look-up."""
    try:
        if name.override.get() is not None:
            return True
    except ValidationError:
        _before_lookup(name)
        raise
    _before_lookup(name)
    return False


def _before_lookup(name: Name) -> None:
    if interceptor is not None:
        interceptor.before_lookup(name.slug)


def has_conventional(name: Name) -> bool:
    """True if one of the provider's own variables is set."""
    return any(variable.get() is not None for variable in name.variables)


def is_missing(error: Exception) -> bool:
    """True if the error says that there is no credential, for which `default=` stands in."""
    if isinstance(error, VendoError):
        return isinstance(error, NotConnected) or error.code == "provider_unknown"
    return isinstance(error, Withheld)


def handed_out(name: Name, token: Secret) -> str:
    """Return a token in plain text, after an interceptor has seen it."""
    if interceptor is not None:
        interceptor.handed_out(name.slug, WireSecret(token, token))
    return token.reveal()
