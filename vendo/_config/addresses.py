"""Addresses of backends and providers that environment variables set."""

from __future__ import annotations

from vendo._protocol.origins import checked_origin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from vendo._config.environment import Variable


def origin_in(
    variable: Variable,
    default: str | None,
    checked: Callable[[str, str, str | None], str] = checked_origin,
) -> str | None:
    """Return the address that a variable contains, or None if it is not set.

    `default` is what is used then; the fix for a malformed address suggests it.

    Raises:
        ValidationError: as for `checked_origin`.
    """
    value = variable.secret()  # it may contain a password
    return None if value is None else checked(value, variable.name, default)
