"""Quote a value so that python-dotenv and a POSIX shell read it back unchanged.

Their rules differ. Inside single quotes python-dotenv turns two backslashes into one, and a shell
does not. Inside double quotes a shell needs `$` escaped, and python-dotenv keeps the backslash.
python-dotenv replaces `${NAME}` even inside single quotes. Both read `${NAME:-word}` inside double
quotes as `word` if the variable is never set, so a `$` is written that way where single quotes do
not work.
"""

from __future__ import annotations

import re
from typing import Final, TypeGuard

from vendo._protocol.secret import Secret
from vendo.errors import ValidationError, invalid

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
#: Characters that are special neither to a shell nor to readers that do not know quotes.
_BARE: Final = re.compile(r"[A-Za-z0-9_./:@%+,=-]+\Z")
#: What `str.splitlines` takes for the end of a line. So does a reader that goes line by line.
_LINE_BREAK: Final = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
#: What one variable may hold on Linux: the name, `=`, the value and a NUL (MAX_ARG_STRLEN).
_MAX_BYTES: Final = 128 * 1024
#: A variable that is never set.
_UNSET: Final = "VENDO_NEVER_SET"
_DOLLAR: Final = f"${{{_UNSET}:-$}}"
#: To python-dotenv before 1.2, a backslash before the closing quote escapes the quote.
_EMPTY: Final = f"${{{_UNSET}:-}}"

#: An assignment as `assignment` writes it, with the line end.
_ASSIGNMENT: Final = re.compile(
    r"""[A-Za-z_][A-Za-z0-9_]*=(?:[A-Za-z0-9_./:@%+,=-]+|'[^']*'|"(?:\\.|[^"\\])*")\r?\n""",
    re.DOTALL,
)


def is_name(name: object) -> TypeGuard[str]:
    """Return whether a shell accepts a variable of this name."""
    return isinstance(name, str) and _NAME.match(name) is not None


def checked_name(name: object) -> str:
    """Check the name of a variable.

    Raises:
        ValidationError: a shell would not accept it.
    """
    if is_name(name):
        return name
    shown = repr(name[:40]) if isinstance(name, str) else f"a value of type {type(name).__name__}"
    raise invalid(
        f"The name of a variable must be letters, digits and _, such as OPENAI_API_KEY, not "
        f"{shown}.",
        fix="Write mapping={'OPENAI_API_KEY': 'openai'}: the variable, then the slug.",
    )


def assignment(name: str, value: Secret, *, multiline: bool = False) -> Secret:
    """Return `NAME=value`, without the line end; a value with line breaks has several lines.

    Args:
        name: the variable.
        value: its value.
        multiline: allow line breaks in the value.

    Raises:
        ValidationError: the value is too long, has a line break, or there is no form of it that
            both readers read alike. The text has the name of the variable and not the value.
    """
    problem = _problem(name, value)
    if problem:
        raise _unwritable(name, problem)
    if not multiline and _LINE_BREAK.search(value):
        raise invalid(
            f"The value of {name} contains a line break, and a reader that goes line by line would "
            "take a part of it for another variable.",
            fix=f"Write multiline=[{name!r}] if all readers of the file understand quotes.",
        )
    if _BARE.match(value):
        return Secret(f"{name}={value.reveal()}")
    if _is_plain_in_single_quotes(value):
        return Secret(f"{name}='{value.reveal()}'")
    if "`" in value:
        raise _unwritable(name, "contains a backtick together with a quote, a backslash or ${")
    quoted = Secret(value.replace("\\", "\\\\").replace('"', '\\"').replace("$", _DOLLAR))
    return Secret(f'{name}="{quoted.reveal()}{_EMPTY if value.endswith(chr(92)) else ""}"')


def end_of_assignment(text: Secret, position: int) -> int | None:
    """Return where the assignment ends that begins here, with its line end; None without one."""
    # No variable holds the match, whose repr shows the value.
    end: int | None = getattr(_ASSIGNMENT.match(text, position), "end", lambda: None)()
    return end


def _is_plain_in_single_quotes(value: Secret) -> bool:
    # python-dotenv takes quadratic time for many `${` without a `}`.
    return not ("'" in value or "\\\\" in value or value.endswith("\\") or "${" in value)


def _problem(name: str, value: Secret) -> str | None:
    if len(f"{name}=") + len(value.encode("utf-8", "surrogatepass")) >= _MAX_BYTES:
        return f"is longer than the {_MAX_BYTES // 1024} KiB that a variable may have on Linux"
    if "\0" in value:
        return "contains a NUL character"
    if "\r" in value:
        return "contains a carriage return"  # python-dotenv reads it as a line feed
    if _SURROGATE.search(value):
        return "contains half of a surrogate pair"
    return None


def _unwritable(name: str, problem: str) -> ValidationError:
    return invalid(
        f"The value of {name} {problem}, and cannot be written to an env file that python-dotenv "
        "and a shell read alike.",
        fix=f"Remove {name} from the mapping, and call vendo.token() in the program.",
    )
