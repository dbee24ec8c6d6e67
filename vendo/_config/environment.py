"""The process environment: the only module that reads `os.environ` for settings.

Nothing is kept: every look-up sees the environment as it is now, so that `monkeypatch.setenv`, a
late `load_dotenv()` and a rotated key all take effect at the next call.
"""

from __future__ import annotations

import os

from vendo.errors import ValidationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

_WINDOWS: Final = os.name == "nt"


class Variable:
    """One environment variable."""

    __slots__ = ("_key", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self._key: str | bytes = name.upper() if _WINDOWS else os.fsencode(name)

    def __repr__(self) -> str:
        return f"Variable({self.name!r})"

    def raw(self) -> str | bytes | None:
        """The value as the environment stores it, or None when the variable is not set.

        `os.environ` encodes the name and raises two KeyErrors for each name that is not set, and
        most look-ups of a resolution chain are such misses. Asking its table is ten times faster;
        where there is no table (a test put a plain dict in its place) the mapping itself is asked.
        """
        environ = os.environ
        table = getattr(environ, "_data", None)
        if table is None:
            return environ.get(self.name)
        value: str | bytes | None = table.get(self._key)
        return value

    def text(self) -> str | None:
        """The value as it was set, or None when the variable is not set."""
        raw = self.raw()
        return None if raw is None else os.fsdecode(raw)

    def get(self) -> str | None:
        """The value without surrounding white space; None when it is not set or blank.

        Raises:
            ValidationError: a control character inside, or bytes that are no text in the
                encoding of this machine. The text names the variable alone.
        """
        raw = self.raw()
        if raw is None:
            return None
        value = os.fsdecode(raw).strip()
        problem = None if value.isprintable() else _problem_of(value)
        if problem is None:
            return value or None
        del raw, value  # debug pages show the variables of the frames of an error
        raise ValidationError(
            "validation_failed",
            f"The environment variable {self.name} {problem}.",
            suggested_fix=f"Set {self.name} to its value alone, on one line.",
        )


def _problem_of(value: str) -> str | None:
    if has_control_character(value):
        return "has a control character inside (a line break, perhaps from a long paste)"
    if any("\ud800" <= character <= "\udfff" for character in value):
        return "holds bytes that are no text"
    return None  # some letters and spaces are not printable either


def raw_values(variables: Sequence[Variable]) -> tuple[str | bytes | None, ...]:
    """What `Variable.raw` gives for each, in one look at the environment."""
    environ = os.environ
    table = getattr(environ, "_data", None)
    if table is None:
        return tuple([environ.get(variable.name) for variable in variables])
    return tuple([table.get(variable._key) for variable in variables])


def has_control_character(text: str) -> bool:
    """True where a C0 or C1 control character or a line separator is inside."""
    return any(
        character < " " or "\x7f" <= character <= "\x9f" or character in "\u2028\u2029"
        for character in text
    )


API_KEY: Final = Variable("VENDO_API_KEY")
BASE_URL: Final = Variable("VENDO_BASE_URL")
API_URL: Final = Variable("VENDO_API_URL")
CREDENTIALS_URL: Final = Variable("VENDO_CREDENTIALS_URL")
DATA_PROXY_URL: Final = Variable("VENDO_DATA_PROXY_URL")
WEBHOOK_SECRET: Final = Variable("VENDO_WEBHOOK_SECRET")
CONNECTIONS: Final = Variable("VENDO_CONNECTIONS")
AUTH: Final = Variable("VENDO_AUTH")
TENANT_ID: Final = Variable("VENDO_TENANT_ID")
DEPLOYMENT_ID: Final = Variable("VENDO_DEPLOYMENT_ID")
DEPLOYMENT_SLUG: Final = Variable("VENDO_DEPLOYMENT_SLUG")
SANDBOX: Final = Variable("VENDO_SANDBOX")


def variable_part(slug: str) -> str:
    """A slug as it stands inside variable names: upper case, `-` becomes `_`."""
    return slug.upper().replace("-", "_")


def override_variable(slug: str) -> Variable:
    """`VENDO_TOKEN_<SLUG>`: the escape hatch that wins over everything else."""
    return Variable(f"VENDO_TOKEN_{variable_part(slug)}")


def base_url_variable(slug: str) -> Variable:
    """`<SLUG>_BASE_URL`: where the platform says that a provider is to be reached."""
    return Variable(f"{variable_part(slug)}_BASE_URL")
