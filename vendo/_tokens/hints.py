"""What to do next, for the person who meets an error. Read only when something has gone wrong."""

from __future__ import annotations

from pathlib import Path

from vendo._catalog import catalog
from vendo._config import environment
from vendo.errors import NotConnected, VendoError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from vendo._config.slugs import Name

_LARGEST_ENV_FILE = 1_000_000


def not_connected(name: Name) -> NotConnected:
    """The error for a slug that nothing in the environment answers (OSS mode)."""
    provider = catalog.provider(name.slug)
    variables = [variable.name for variable in name.variables]
    advice = [_how_to_set(variables, name.override.name)]
    if provider is None:
        nearest = catalog.nearest(name.slug)
        if nearest:
            advice.insert(0, f"Did you mean {nearest!r}?")
    unloaded = unloaded_variable([*variables, name.override.name, environment.API_KEY.name])
    if unloaded:
        advice.append(
            f"The .env file in the working directory sets {unloaded}, but nothing has loaded it: "
            "call load_dotenv() of python-dotenv first, or start the program with "
            "python -m vendo --env-file .env run -- COMMAND."
        )
    return NotConnected(
        "binding_missing",
        f"No credential for {name.slug!r}: "
        + (
            f"{' and '.join(variables)} {'are' if len(variables) > 1 else 'is'} not set."
            if variables
            else "it is not in the catalog, so there is no conventional variable to look at."
        ),
        slug=name.slug,
        suggested_fix=" ".join(advice),
    )


def improved(error: VendoError, name: Name) -> VendoError:
    """The backend's error with what only this side knows (Vendo mode)."""
    advice = [error.suggested_fix] if error.suggested_fix else []
    if error.code == "provider_unknown" and catalog.provider(name.slug) is None:
        nearest = catalog.nearest(name.slug)
        if nearest:
            advice.insert(0, f"Did you mean {nearest!r}?")
    if isinstance(error, NotConnected):
        ignored = next((variable.name for variable in name.variables if variable.raw()), None)
        if ignored:
            advice.append(
                f"{ignored} is set, but does not count while VENDO_API_KEY is; to use a credential "
                f"of your own here, set {name.override.name}."
            )
    return error.replace(suggested_fix=" ".join(advice) or None)


def _how_to_set(variables: list[str], override: str) -> str:
    if not variables:
        return f"Set {override} to the credential."
    return f"Set {' or '.join(variables)} to the credential ({override} works too)."


def unloaded_variable(variables: Iterable[str]) -> str | None:
    """The first of these variables that a `.env` in the working directory gives a value."""
    path = Path(".env")
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST_ENV_FILE:
            return None
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return None
    names = set()
    for line in text.splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and value.strip(" \t'\""):
            names.add(name.strip())
    return next((variable for variable in variables if variable in names), None)
