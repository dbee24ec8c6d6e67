"""The resolution chain: override, then Vendo mode, then the conventional variable.

The way to a token that is in the environment or in the cache is kept short: it is walked at every
request of an application.
"""

from __future__ import annotations

from vendo.errors import without_frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    import vendo._types
    from vendo._config.slugs import Name
else:
    import vendo  # `_types` is imported when an annotation is read


interceptor: vendo._types.Interceptor | None = None


def install_interceptor(
    new: vendo._types.Interceptor | None,
) -> vendo._types.Interceptor | None:
    """Put an interceptor on the chain, for every client of the process, or take it away.

    Returns the one that was there before.
    """
    global interceptor
    before, interceptor = interceptor, new
    return before


# An interceptor may raise once it is told of a token, and reports of errors show the variables of
# every frame: those that the error came through are dropped, and whoever lets it pass lets go of
# the token, and of the key where there is one.


def handing_out(name: Name, token: str) -> str:
    """A token, once an interceptor has been told of it."""
    if interceptor is not None:
        refusal = _refusal(name, token)
        if refusal is not None:
            del token
            raise refusal from None
    return token


def override_of(name: Name) -> str | None:
    """What `VENDO_TOKEN_<SLUG>` holds. Without one, an interceptor may end the look-up."""
    token = name.override.get()
    if interceptor is not None:
        if token is None:
            interceptor.before_lookup(name.slug)
        else:
            refusal = _refusal(name, token)
            if refusal is not None:
                del token
                raise refusal from None
    return token


def conventional(name: Name) -> str | None:
    """What the provider's own variables hold, in the catalog's order (OSS mode)."""
    for variable in name.variables:
        token = variable.get()
        if token is not None:
            refusal = None if interceptor is None else _refusal(name, token)
            if refusal is not None:
                del token
                raise refusal from None
            return token
    return None


def _refusal(name: Name, token: str) -> BaseException | None:
    """What the interceptor raises when it is told of a token; None where it lets it pass."""
    try:
        if interceptor is not None:
            interceptor.handed_out(name.slug, token)
    except BaseException as error:  # noqa: BLE001  # `pytest.fail()` raises no `Exception`
        return without_frames(error)
    return None
