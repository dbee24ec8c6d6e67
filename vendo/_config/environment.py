"""The process environment: the only module that reads `os.environ` for settings.

Nothing is cached: every look-up sees the environment as it is now, so that `monkeypatch.setenv`, a
late `load_dotenv()` and a rotated key all take effect at the next call.

`os.environ` encodes the name, and raises two KeyErrors, for each variable that is not set: most
look-ups of a resolution chain. Its table, `_data`, is ten times faster and has no public name. Only
this module knows it, and reads the mapping itself where there is no table, as in a test that puts a
plain dict in the place of `os.environ`.

A `CredentialVariable` may name a file instead, for secrets of Docker and Kubernetes.
"""

from __future__ import annotations

import os
import sys

from vendo.errors import ValidationError, invalid_environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Final

    from vendo._config.secret_files import SecretFile
    from vendo._protocol.secret import Secret

_WINDOWS: Final = os.name == "nt"
_ENCODING: Final = sys.getfilesystemencoding()
_ERRORS: Final = sys.getfilesystemencodeerrors()


class Variable:
    """One environment variable."""

    __slots__ = ("_key", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self._key: str | bytes = name.upper() if _WINDOWS else os.fsencode(name)

    def __repr__(self) -> str:
        return f"Variable({self.name!r})"

    def raw(self) -> str | bytes | None:
        """Return the value as the environment stores it, or None if it is not set."""
        environ = os.environ
        table = getattr(environ, "_data", None)
        if table is None:
            return environ.get(self.name)
        value: str | bytes | None = table.get(self._key)
        return value

    def text(self) -> str | None:
        """Return the value as it was set, or None if it is not set."""
        raw = self.raw()
        return None if raw is None else os.fsdecode(raw)

    def is_set(self) -> bool:
        """True if it is set, and not empty."""
        return bool(self.raw())

    def source(self) -> Variable:
        """Return the variable that counts: this one."""
        return self

    def get(self) -> str | None:
        """Return the value without surrounding white space; None if it is not set or blank.

        Raises:
            ValidationError: it contains a control character, or bytes that are not a str in the
                encoding of this machine. The text of the error names the variable alone.
        """
        raw = self.raw()
        if raw is None:
            return None
        value = os.fsdecode(raw).strip()
        if value.isprintable():
            return value or None
        from vendo._protocol.secret import Secret

        raw = value = Secret(value)
        problem = _problem_of(value)
        if problem is not None:
            raise invalid_environment(
                f"The environment variable {self.name} {problem}.",
                fix=f"Set {self.name} to its value alone, on one line.",
            )
        return value.reveal()

    def secret(self) -> Secret | None:
        """Return what `get` returns as a `Secret`, to be held for a while."""
        from vendo._protocol.secret import Secret

        value = self.get()
        return None if value is None else Secret(value)


class CredentialVariable(Variable):
    """The variable of a credential. `<NAME>_FILE` may be the path of a file with the value instead.

    The variable itself wins, unless it is blank. The file is read at each call, so that a change of
    it takes effect immediately. What returns the value raises a `ValidationError` for a file that
    cannot be read, or whose text is malformed.
    """

    __slots__ = ("_file_key", "file")

    def __init__(self, name: str) -> None:
        super().__init__(name)
        #: The variable with the path.
        self.file = Variable(name + "_FILE")
        self._file_key = self.file._key

    def text(self) -> str | None:
        """Return the value as it was set, or that in the file; None if neither variable is set."""
        text = super().text()
        if text is not None and text.strip():
            return text
        value = self._in_file()
        return text if value is None else value

    def is_set(self) -> bool:
        """True if one of the two variables is set, and not empty."""
        return super().is_set() or self.file.is_set()

    def has_value(self) -> bool:
        """True if there is a value, well formed or not."""
        try:
            return bool((self.text() or "").strip())
        except ValidationError:
            return True

    def source(self) -> Variable:
        """Return the variable that counts: that with the path if this one is blank."""
        is_blank = not (super().text() or "").strip()
        return self.file if is_blank and self.file.raw() is not None else self

    def shown_path(self) -> str | None:
        """Return the path of the file for a report; None if there is none, or it is not a path."""
        return None if self.source() is self else self._secret_file().shown_path()

    def get(self) -> str | None:
        """Return the value, from the variable or the file; None if it is not set or blank.

        Raises:
            ValidationError: as for a `Variable`; or the file does not hold a well-formed value.
        """
        # All without a call of our own or of `os`: an application looks up several each time.
        table = getattr(os.environ, "_data", None)
        value: str | None
        if table is not None:
            raw = table.get(self._key)
            if raw is None:
                if self._file_key not in table:
                    return None
            else:
                text = raw.decode(_ENCODING, _ERRORS) if isinstance(raw, bytes) else raw
                value = text.strip()
                if value and value.isprintable():
                    return value
        table = raw = text = value = None  # a report of an error would show them
        value = super().get()
        if value is not None:
            return value
        in_file = self._in_file()
        return None if in_file is None else in_file.reveal()

    def _in_file(self) -> Secret | None:
        """Return the value in the file; None if no file is named, or it is blank."""
        if self.file.raw() is None:
            return None
        file = self._secret_file()
        value = file.text()
        problem = None if value.isprintable() else _problem_of(value)
        if problem is not None:
            raise file.error(problem, fix="Write the value alone into the file, on one line.")
        return value or None

    def _secret_file(self) -> SecretFile:
        from vendo._config.secret_files import SecretFile

        return SecretFile(self.file.text() or "", self.file.name)


def _problem_of(value: str) -> str | None:
    if has_control_character(value):
        return "contains a control character, such as a line break"
    if any("\ud800" <= character <= "\udfff" for character in value):
        return "contains bytes that cannot be decoded"
    return None  # some letters and spaces are not printable either


def raw_values(variables: Sequence[Variable]) -> tuple[str | bytes | None, ...]:
    """Return what `Variable.raw` returns for each of them."""
    environ = os.environ
    table = getattr(environ, "_data", None)
    if table is None:
        return tuple([environ.get(variable.name) for variable in variables])
    return tuple([table.get(variable._key) for variable in variables])


def names_of(variables: Iterable[CredentialVariable]) -> list[str]:
    """Return the names of variables, then those of the variables that name their files."""
    variables = list(variables)
    return [one.name for one in variables] + [one.file.name for one in variables]


def raw_scope() -> tuple[str | bytes | None, ...]:
    """Return what decides a scope: the API key, the path of its file, and the credentials URL."""
    table = getattr(os.environ, "_data", None)
    if table is None:
        return raw_values(_SCOPE)
    get = table.get
    return get(_KEY), get(_KEY_FILE), get(_URL)


def raw_platform() -> tuple[str | bytes | None, ...]:
    """Return what decides the address of the platform, which sessions look at for each request."""
    table = getattr(os.environ, "_data", None)
    if table is None:
        return raw_values(_PLATFORM)
    return table.get(BASE_URL._key), table.get(API_URL._key)


def has_control_character(text: str) -> bool:
    """True if the text contains a C0 or C1 control character or a line separator."""
    return any(
        character < " " or "\x7f" <= character <= "\x9f" or character in "\u2028\u2029"
        for character in text
    )


API_KEY: Final = CredentialVariable("VENDO_API_KEY")
BASE_URL: Final = Variable("VENDO_BASE_URL")
API_URL: Final = Variable("VENDO_API_URL")
CREDENTIALS_URL: Final = Variable("VENDO_CREDENTIALS_URL")
_PLATFORM: Final = (BASE_URL, API_URL)
_SCOPE: Final = (API_KEY, API_KEY.file, CREDENTIALS_URL)
_KEY, _KEY_FILE, _URL = [variable._key for variable in _SCOPE]
DATA_PROXY_URL: Final = Variable("VENDO_DATA_PROXY_URL")
WEBHOOK_SECRET: Final = Variable("VENDO_WEBHOOK_SECRET")
CONNECTIONS: Final = Variable("VENDO_CONNECTIONS")
AUTH: Final = Variable("VENDO_AUTH")
TRUST_WSGI_HEADERS: Final = Variable("VENDO_TRUST_WSGI_HEADERS")
REDIS_URL: Final = Variable("VENDO_REDIS_URL")
TENANT_ID: Final = Variable("VENDO_TENANT_ID")
DEPLOYMENT_ID: Final = Variable("VENDO_DEPLOYMENT_ID")
DEPLOYMENT_SLUG: Final = Variable("VENDO_DEPLOYMENT_SLUG")
SANDBOX: Final = Variable("VENDO_SANDBOX")


def variable_part(slug: str) -> str:
    """Return a slug as it is written in names of variables: upper case, `-` becomes `_`."""
    return slug.upper().replace("-", "_")


def override_variable(slug: str) -> CredentialVariable:
    """Return `VENDO_TOKEN_<SLUG>`, the override that wins over everything else."""
    return CredentialVariable(f"VENDO_TOKEN_{variable_part(slug)}")


def base_url_variable(slug: str) -> Variable:
    """Return `<SLUG>_BASE_URL`, which sets the address of a provider."""
    return Variable(f"{variable_part(slug)}_BASE_URL")
