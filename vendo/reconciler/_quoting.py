"""Quote a value so that python-dotenv and a POSIX shell read it back unchanged.

Their rules differ. Inside single quotes python-dotenv turns two backslashes into one, and a shell
does not. Inside double quotes a shell needs `$` escaped, and python-dotenv keeps the backslash.
python-dotenv replaces `${NAME}` even inside single quotes. Both read `${NAME:-word}` inside double
quotes as `word` if the variable is never set, so a `$` is written that way where single quotes do
not work.
"""

from __future__ import annotations

import re
from typing import Final

from vendo._protocol.secret import Secret
from vendo.errors import ValidationError, invalid

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
#: Characters that are special neither to a shell nor to readers that do not know quotes.
_BARE: Final = re.compile(r"[A-Za-z0-9_./:@%+,=-]+\Z")
#: A variable to python-dotenv, inside any quotes.
_INTERPOLATED: Final = re.compile(r"\$\{[^}:]*(?::-[^}]*)?\}")
#: A variable that is never set.
_UNSET: Final = "VENDO_NEVER_SET"
_DOLLAR: Final = f"${{{_UNSET}:-$}}"
#: To python-dotenv before 1.2, a backslash before the closing quote escapes the quote.
_EMPTY: Final = f"${{{_UNSET}:-}}"

#: An assignment as `assignment` writes it, with the line end.
ASSIGNMENT: Final = re.compile(
    r"""(?P<name>[A-Za-z_][A-Za-z0-9_]*)=(?:[A-Za-z0-9_./:@%+,=-]+|'[^']*'|"(?:\\.|[^"\\])*")\r?\n""",
    re.DOTALL,
)


def checked_name(name: object) -> str:
    """Check the name of a variable.

    Raises:
        ValidationError: a shell would not accept it.
    """
    if isinstance(name, str) and _NAME.match(name):
        return name
    shown = repr(name[:40]) if isinstance(name, str) else f"a value of type {type(name).__name__}"
    raise invalid(
        f"The name of a variable must be letters, digits and _, such as OPENAI_API_KEY, not "
        f"{shown}.",
        fix="Write mapping={'OPENAI_API_KEY': 'openai'}: the variable, then the slug.",
    )


def assignment(name: str, value: Secret) -> Secret:
    """Return `NAME=value`, without the line end; a value with line breaks has several lines.

    Raises:
        ValidationError: there is no form of this value that both readers read alike. The text has
            the name of the variable and not the value.
    """
    problem = _problem(value)
    if problem:
        raise _unwritable(name, problem)
    if _BARE.match(value):
        return Secret(f"{name}={value.reveal()}")
    if _is_plain_in_single_quotes(value):
        return Secret(f"{name}='{value.reveal()}'")
    if "`" in value:
        raise _unwritable(name, "a backtick together with a quote, a backslash or ${...}")
    quoted = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", _DOLLAR)
    return Secret(f'{name}="{quoted}{_EMPTY if value.endswith(chr(92)) else ""}"')


def _is_plain_in_single_quotes(value: str) -> bool:
    return not (
        "'" in value
        or "\\\\" in value
        or value.endswith("\\")
        or _INTERPOLATED.search(value) is not None
    )


def _problem(value: str) -> str | None:
    if "\0" in value:
        return "a NUL character"
    if "\r" in value:
        return "a carriage return"  # python-dotenv reads it as a line feed
    if any("\ud800" <= character <= "\udfff" for character in value):
        return "half of a surrogate pair"
    return None


def _unwritable(name: str, problem: str) -> ValidationError:
    return invalid(
        f"The value of {name} contains {problem}, and cannot be written to an env file that "
        "python-dotenv and a shell read alike.",
        fix=f"Remove {name} from the mapping, and call vendo.token() in the program.",
    )
