"""Hints for the developer who meets an error. Imported only after something went wrong."""

from __future__ import annotations

from vendo._catalog import catalog
from vendo._config import environment
from vendo._config.unloaded import with_unloaded
from vendo._protocol.codes import fix_for
from vendo.errors import AuthError, NotConnected, VendoError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo._config.slugs import Name


def not_connected(name: Name) -> NotConnected:
    """Make the error for a slug without a credential in the environment (OSS mode)."""
    variables = [variable.name for variable in name.variables]
    override = name.override.name
    if variables:
        problem = f"{' and '.join(variables)} {'are' if len(variables) > 1 else 'is'} not set."
        fix = f"Set {' or '.join(variables)} to the credential ({override} works too)."
    else:
        problem = "it is not in the catalog, and so has no conventional variable."
        question = catalog.did_you_mean(name.slug)
        fix = f"Set {override} to the credential."
        if question:
            fix = f"{question} Or set {override} to the credential."
    own = (*name.variables, name.override)
    empty = [one.file.name for one in own if one.source() is one.file and not one.has_value()]
    if empty:
        problem = f"the file of {empty[0]} is empty."
        fix = "Write the credential into the file."
    fix = with_unloaded(fix, environment.names_of([*own, environment.API_KEY]))
    return NotConnected(
        "binding_missing",
        f"No credential for {name.slug!r}: {problem}",
        slug=name.slug,
        suggested_fix=fix,
    )


def missing_from_vendo(name: Name) -> VendoError:
    """Make the error for a slug for which the worker has no credential (Vendo mode)."""
    error = NotConnected(
        "binding_missing",
        f"No credential for {name.slug!r}: it is not connected, or must be authorized again.",
        slug=name.slug,
        suggested_fix=fix_for("binding_missing", name.slug),
    )
    return with_hints(error, name)


def with_hints(error: VendoError, name: Name, *, is_local: bool = False) -> VendoError:
    """Add to an error of the backend what only this side knows (Vendo mode).

    Args:
        error: the error.
        name: the provider.
        is_local: whether the backend is a server on this machine.
    """
    hints = [error.suggested_fix] if error.suggested_fix else []
    if error.code in {"provider_unknown", "binding_missing"}:
        question = catalog.did_you_mean(name.slug)
        if question and catalog.provider(name.slug) is None:
            hints.insert(0, question)
    if is_local and isinstance(error, AuthError):
        hints.append("A local server has a new key at each start: load what it printed again.")
    if isinstance(error, NotConnected):
        ignored = next((one.source().name for one in name.variables if one.is_set()), None)
        if ignored:
            hints.append(
                f"{ignored} is set, but not used while VENDO_API_KEY is set. To use a credential "
                f"of your own here, set {name.override.name}."
            )
    if is_local and isinstance(error, NotConnected):
        hints.append(f"On a local server: python -m vendo server connect {name.slug}")
    message = error.message
    if error.slug and error.slug not in message and not isinstance(error, AuthError):
        message = f"{error.slug}: {message}"
    return error.replace(message=message, suggested_fix=" ".join(hints) or None)
