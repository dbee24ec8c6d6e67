"""The options of an application: read from the framework's settings, validated, and explained.

An adapter lists its options under the names that its framework gives them. Errors name an option as
the application's author wrote it, and end with a line that sets it right. A secret is a `Secret`
from the moment it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from vendo._config.settings import MAX_TIMEOUT
from vendo._protocol.origins import (
    DEFAULT_BASE_URL,
    DEFAULT_CREDENTIALS_URL,
    DEFAULT_DATA_PROXY_URL,
)
from vendo._protocol.secret import masked
from vendo.errors import invalid

#: Takes the place of a secret that is not a string. It is invalid, whatever it was.
_NOT_A_STRING = object()


class Option(NamedTuple):
    """Describe what an option may hold.

    Attributes:
        is_valid: the test of a value that is not None.
        kind: what a valid value is, for "must be …".
        example: a valid value as source code.
        default: what an option that is not set, or None, stands for.
        is_secret: whether its value is read as a `Secret`.

    Example:
        ```python
        from vendo.web import Option

        colour = Option(lambda value: value in {"red", "blue"}, '"red" or "blue"', '"red"')
        print(colour.accepts("red"), colour.accepts("sky"))  # True False
        ```
    """

    is_valid: Callable[[Any], bool]
    kind: str
    example: str
    default: Any = None
    is_secret: bool = False

    def accepts(self, value: object) -> bool:
        """Return whether a value is valid. It never fails: a lazy value may raise anything.

        Args:
            value: a value that is not None.

        Returns:
            The result of `is_valid`, and False where that raises.

        Example:
            ```python
            from vendo.web import TIMEOUT

            print(TIMEOUT.accepts(10), TIMEOUT.accepts("ten"))  # True False
            ```
        """
        try:
            return self.is_valid(value)
        except Exception:  # noqa: BLE001
            return False


def _is_string(value: object) -> bool:
    return isinstance(value, str)


def _are_strings(value: object) -> bool:
    return (
        isinstance(value, Collection)
        and not isinstance(value, str | bytes | Mapping)
        and all(isinstance(item, str) and item.strip() for item in value)
    )


def _is_timeout(value: object) -> bool:
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= MAX_TIMEOUT
    )


def _address(default: str) -> Option:
    # A secret too: a malformed address may hold a password.
    return Option(_is_string, "a string", f'"{default}"', is_secret=True)


API_KEY = Option(_is_string, "a string", '"vendo_sk_…"', is_secret=True)
BASE_URL = _address(DEFAULT_BASE_URL)
CREDENTIALS_URL = _address(DEFAULT_CREDENTIALS_URL)
DATA_PROXY_URL = _address(DEFAULT_DATA_PROXY_URL)
REDIS_URL = Option(_is_string, "a string", '"redis://127.0.0.1:6379/0"', is_secret=True)
TIMEOUT = Option(_is_timeout, f"greater than 0 and at most {MAX_TIMEOUT:.0f} seconds", "30")
SLUGS = Option(_are_strings, "a list of slugs", '["openai"]', default=())
WEBHOOK_SECRET = Option(_is_string, "a string", '"whsec_…"', is_secret=True)
WEBHOOK_SECRETS = Option(
    lambda value: _are_strings([value] if isinstance(value, str) else value),
    "a string or a list of strings, and not blank",
    '["whsec_…"]',
    is_secret=True,
)
#: A flag that the environment has too, as 1 or 0. None where that decides.
TRUST = Option(lambda value: value in (True, False, "1", "0"), "True or False", "True")
FLAG = Option(lambda value: isinstance(value, bool), "True or False", "True", default=False)


class Problem(NamedTuple):
    """Describe something that is wrong with the options. It holds no value.

    Attributes:
        text: what is wrong, in a sentence.
        fix: the line that sets it right.
        is_unknown_name: whether no option has the name.

    Example:
        ```python
        from vendo.web import TIMEOUT, Options

        options = Options({"TIMEOUT": TIMEOUT}, label="ACME_{name}", line="ACME_{name} = {value}")
        for problem in options.problems(["TIMEOUT"], {"TIMEOUT": "ten"}.get):
            print(problem.text, problem.fix)
        ```
    """

    text: str
    fix: str
    is_unknown_name: bool = False


class Options:
    """Read and check the options of one framework.

    Args:
        options: name -> what it may hold.
        label: how errors name an option, such as `"VENDO[{name!r}]"`.
        line: the line that sets one, such as `'VENDO = {{"{name}": {value}}}'`.
        prefix: what all names begin with.
        similar: other names that may be meant by an unknown one.
        elsewhere: names that are set in another way -> the line that does it.

    Example:
        ```python
        from vendo.web import TIMEOUT, Options

        options = Options({"TIMEOUT": TIMEOUT}, label="ACME_{name}", line="ACME_{name} = {value}")
        settings = {"TIMEOUT": 10}
        print(options.read("TIMEOUT", settings.get))  # 10
        ```
    """

    def __init__(
        self,
        options: Mapping[str, Option],
        *,
        label: str,
        line: str,
        prefix: str = "",
        similar: Iterable[str] = (),
        elsewhere: Mapping[str, str] | None = None,
    ) -> None:
        self._options = options
        self._label = label
        self._line = line
        self._prefix = prefix
        self._similar = tuple(similar)
        self._elsewhere = elsewhere or {}

    def read(self, name: str, get: Callable[[str], object]) -> Any:
        """Return the value of an option, or its default.

        Args:
            name: the option.
            get: returns what the framework's settings hold under a name, or None.

        Returns:
            The value, a `Secret` for a secret; the option's default where it is not set.

        Raises:
            ValidationError: the value is invalid.

        Example:
            ```python
            from vendo.web import API_KEY, Options

            options = Options({"KEY": API_KEY}, label="ACME_{name}", line="ACME_{name} = {value}")
            print(options.read("KEY", {"KEY": "vendo_sk_1234"}.get))  # ***
            ```
        """
        option = self._options[name]
        value = self.masked(name, get)
        if value is None:
            return option.default
        if not option.accepts(value):
            problem = self._invalid(name)
            raise invalid(problem.text, fix=problem.fix)
        return value

    def masked(self, name: str, get: Callable[[str], object]) -> Any:
        """Return the value of an option unvalidated, masked if it is a secret. It never fails.

        Args:
            name: the option.
            get: returns what the framework's settings hold under a name, or None.

        Returns:
            The value, or None.

        Example:
            ```python
            from vendo.web import API_KEY, Options

            options = Options({"KEY": API_KEY}, label="ACME_{name}", line="ACME_{name} = {value}")
            print(options.masked("KEY", {"KEY": "vendo_sk_1234"}.get))  # ***
            ```
        """
        return _hidden(get(name)) if self._options[name].is_secret else get(name)

    def problems(self, names: Iterable[object], get: Callable[[str], object]) -> Iterator[Problem]:
        """Yield everything that is wrong with the options of these names.

        Args:
            names: what the framework's settings contain, known or not.
            get: returns what the framework's settings hold under a name, or None.

        Returns:
            The problems, in the order of the names.

        Example:
            ```python
            from vendo.web import TIMEOUT, Options

            known = {"TIMEOUT": TIMEOUT}
            options = Options(known, label="ACME_{name}", line="ACME_{name} = {value}")
            settings = {"TIMEOUT": -1, "TIMEOUTS": 10}
            for problem in options.problems(settings, settings.get):
                print(problem.text, problem.fix)
            ```
        """
        for name in names:
            if not isinstance(name, str) or name not in self._options:
                yield self._unknown(name)
                continue
            value = get(name)
            if value is not None and not self._options[name].accepts(value):
                yield self._invalid(name)

    def label(self, name: object) -> str:
        """Return an option's name as an application's author knows it.

        Args:
            name: the option.

        Returns:
            The name, for an error.

        Example:
            ```python
            from vendo.web import TIMEOUT, Options

            known = {"TIMEOUT": TIMEOUT}
            options = Options(known, label="ACME_{name}", line="ACME_{name} = {value}")
            print(options.label("TIMEOUT"))  # ACME_TIMEOUT
            ```
        """
        return self._label.format(name=name)

    def _invalid(self, name: str) -> Problem:
        option = self._options[name]
        line = self._line.format(name=name, value=option.example)
        return Problem(f"{self.label(name)} must be {option.kind}.", line)

    def _unknown(self, name: object) -> Problem:
        if name in self._elsewhere:
            fix = f"Write {self._elsewhere[str(name)]}."
            return Problem(f"Unknown option {self.label(name)}.", fix, is_unknown_name=True)
        from difflib import get_close_matches  # after a mistake only

        names = (*self._options, *self._similar)
        short = {known.removeprefix(self._prefix): known for known in names}
        wanted = str(name).upper().removeprefix(self._prefix)
        close = get_close_matches(wanted, short, n=1)
        fix = f"Did you mean {short[close[0]]}?" if close else f"Use {_either(self._options)}."
        return Problem(f"Unknown option {self.label(name)}.", fix, is_unknown_name=True)


def _hidden(value: object) -> object:
    """Return a value whose `repr` shows nothing of a secret. It never fails."""
    try:
        if isinstance(value, str) and not issubclass(type(value), str):
            return masked(str(value))  # a lazy one, which stands for a str
        if value is None or isinstance(value, str | bytes):
            return masked(value)
        if isinstance(value, Collection) and not isinstance(value, Mapping):
            return tuple(map(_hidden, value))
    except Exception:  # noqa: BLE001, S110  # of a lazy value
        pass
    return _NOT_A_STRING


def _either(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}"
