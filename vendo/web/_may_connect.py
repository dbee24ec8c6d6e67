"""Who may connect a provider: the application's own rule decides, else the user's role."""

from __future__ import annotations

import vendo
from vendo import sso
from vendo._client.base import BaseClient
from vendo._protocol.log import visible as logger
from vendo.errors import IdentityNotPresent, VendoError, invalid
from vendo.web._exceptions import ConnectForbidden
from vendo.web._providers import provider_name


def checked_rule(may_connect: object) -> None:
    """Check that an application's rule can be called.

    Args:
        may_connect: the rule, a function of request and slug; None where there is none.

    Raises:
        ValidationError: it is something else.

    Example:
        ```python
        from vendo.web import checked_rule

        checked_rule(lambda request, slug: slug == "gmail")
        ```
    """
    if may_connect is not None and not callable(may_connect):
        raise invalid(
            "may_connect= must be a function of request and slug.",
            fix="Write def may_connect(request, slug), which returns True or False.",
        )


def check_may_connect(
    client: BaseClient, slug: str, *, allowed: object, identity: vendo.VendoIdentity | None
) -> None:
    """Let a user connect a provider, or raise.

    In OSS mode without a rule and without the platform's proxy all users pass: nothing is
    connected.

    Args:
        client: the application's client.
        slug: the provider.
        allowed: what the application's `may_connect` returned, which alone decides: True lets the
            user, anything else does not. `Ellipsis` without a rule.
        identity: the signed-in user, or None.

    Raises:
        IdentityNotPresent: the user has to sign in first.
        ConnectForbidden: the user may not.

    Example:
        ```python
        import vendo
        from vendo.web import ConnectForbidden, check_may_connect

        client = vendo.Vendo()
        check_may_connect(client, "gmail", allowed=True, identity=None)
        try:
            check_may_connect(client, "gmail", allowed=False, identity=None)
        except ConnectForbidden as error:
            print(error)
        ```
    """
    has_rule, has_proxy = allowed is not ..., sso.is_enabled()
    if allowed is True or not (has_rule or has_proxy or client.is_vendo_mode()):
        return
    if has_rule and not isinstance(allowed, bool | None):
        logger.warning(
            "may_connect returned a value of type %s, which counts as no. Return True or False.",
            type(allowed).__name__,
        )
    name = provider_name(slug)
    fix = f"Ask a user who may connect {name}."
    if has_proxy:
        if identity is None:
            raise IdentityNotPresent(
                "identity_not_present",
                f"Sign in to connect {name}.",
                slug=slug,
                suggested_fix="Sign in, then connect the provider again.",
            )
        if not has_rule and identity.role != "viewer":
            return
    elif not has_rule:
        fix = "Define who may connect: VENDO['MAY_CONNECT'] in Django, may_connect= in Flask and "
        fix += "Starlette. Or deploy behind the platform's proxy, which sets VENDO_AUTH=1."
        # The page shows only that this user may not.
        logger.warning("The connect view is closed to all users. Fix: %s", fix)
    raise ConnectForbidden(
        "connect_forbidden", f"You may not connect {name}.", slug=slug, suggested_fix=fix
    )


def why_blocked(error: Exception, slug: str, *, denials: tuple[type[Exception], ...]) -> VendoError:
    """Return the reason why a user may not connect a provider, as an error for the page.

    The rule's own failure is logged, since the page only shows that the user may not connect.

    Args:
        error: what `check_may_connect` or the application's rule raised.
        slug: the provider.
        denials: the framework's errors with which a rule denies, such as a 404. They are not
            logged.

    Returns:
        `error` itself where it is a `VendoError`, else a `ConnectForbidden`.

    Example:
        ```python
        from vendo.web import why_blocked

        print(why_blocked(PermissionError("no"), "gmail", denials=(PermissionError,)))
        ```
    """
    if not isinstance(error, (ConnectForbidden, IdentityNotPresent, *denials)):
        logger.error(
            "may_connect raised %s for %s, which counts as no.",
            type(error).__name__,
            slug,
            exc_info=error,
        )
    if isinstance(error, VendoError):
        return error
    return ConnectForbidden(
        "connect_forbidden",
        f"You may not connect {provider_name(slug)}.",
        slug=slug,
        suggested_fix=f"may_connect raised {type(error).__name__}.",
    )
