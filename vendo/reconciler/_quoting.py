"""One assignment, written so that python-dotenv and a POSIX shell read the same value back.

The two agree on less than it seems. Inside single quotes python-dotenv turns two backslashes into
one, and a shell does not. Inside double quotes a shell wants `$` escaped, and python-dotenv keeps
the backslash. And python-dotenv replaces `${NAME}` in whatever quotes it stands. What both read
alike is `${NAME:-word}` inside double quotes, for a name that is never set: that is how a `$` is
written where single quotes do not do.
"""

from __future__ import annotations

import re
from typing import Final

from vendo.errors import ValidationError

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
#: Nothing in here is special to a shell, nor to the programs that read env files without quotes.
_BARE: Final = re.compile(r"[A-Za-z0-9_./:@%+,=-]+\Z")
#: What python-dotenv takes for a variable, whatever quotes are around it.
_INTERPOLATED: Final = re.compile(r"\$\{[^}:]*(?::-[^}]*)?\}")
#: A variable that nobody sets.
_UNSET: Final = "VENDO_NEVER_SET"
_DOLLAR: Final = f"${{{_UNSET}:-$}}"
#: python-dotenv before 1.2 takes a backslash before the closing quote for an escape of the quote.
_NOTHING: Final = f"${{{_UNSET}:-}}"

#: An assignment as `assignment` writes it, the end of its line included.
ASSIGNMENT: Final = re.compile(
    r"""(?P<name>[A-Za-z_][A-Za-z0-9_]*)=(?:[A-Za-z0-9_./:@%+,=-]+|'[^']*'|"(?:\\.|[^"\\])*")\r?\n""",
    re.DOTALL,
)


def checked_name(name: object) -> str:
    """The name of a variable.

    Raises:
        ValidationError: a shell would not take it for one.
    """
    if isinstance(name, str) and _NAME.match(name):
        return name
    shown = repr(name[:40]) if isinstance(name, str) else f"of type {type(name).__name__}"
    raise ValidationError(
        "validation_failed",
        f"The name of a variable is letters, digits and _, such as OPENAI_API_KEY; this one is "
        f"{shown}.",
        suggested_fix="Write mapping={'OPENAI_API_KEY': 'openai'}: the variable, then the slug.",
    )


def assignment(name: str, value: str) -> str:
    """`NAME=value`, without the end of the line; a value with line breaks spans several.

    Raises:
        ValidationError: no form exists that both readers take for this value. The text names the
            variable and not the value.
    """
    problem = _problem(value)
    if problem:
        raise _unwritable(name, problem)
    if _BARE.match(value):
        return f"{name}={value}"
    if _is_plain_in_single_quotes(value):
        return f"{name}='{value}'"
    if "`" in value:
        raise _unwritable(name, "a backtick together with a quote, a backslash or ${...}")
    quoted = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", _DOLLAR)
    return f'{name}="{quoted}{_NOTHING if value.endswith(chr(92)) else ""}"'


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
    return ValidationError(
        "validation_failed",
        f"The value of {name} has {problem} in it, and cannot be written into an env file that "
        "python-dotenv and a shell read alike.",
        suggested_fix=f"Take {name} out of the mapping, and ask for the value with vendo.token().",
    )
