"""Variables that a `.env` sets and that nothing has loaded. Imported after something went wrong."""

from __future__ import annotations

from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_MAX_ENV_FILE = 1_000_000


def unloaded_variable(variables: Iterable[str]) -> str | None:
    """Return the first of these variables that a `.env` in the working directory sets."""
    path = Path(".env")
    try:
        if not path.is_file() or path.stat().st_size > _MAX_ENV_FILE:
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


def with_unloaded(fix: str, variables: Iterable[str]) -> str:
    """Return a fix, with what to do about the `.env` that sets one of these variables."""
    unloaded = unloaded_variable(variables)
    if unloaded is None:
        return fix
    return (
        f"{fix} The .env file in the working directory sets {unloaded}, but nothing has loaded it: "
        "call load_dotenv() of python-dotenv first, or start the program with "
        "python -m vendo --env-file .env run -- COMMAND."
    )
