"""Files that hold one secret, as Docker and Kubernetes mount them. Nothing is cached.

A file is read whole at each call. Neither its time nor its number would show every change: a
rewrite within one tick of the clock changes neither, and a deleted file's number is used again.
"""

from __future__ import annotations

import os
import stat

from vendo._protocol.secret import Secret, SecretBytes
from vendo.errors import ValidationError, invalid_environment

#: Bytes. A longer file is not a credential.
MAX_BYTES = 64 * 1024
_CHUNK = 4096
_LONGEST_PATH = 200
# Opening a FIFO or a terminal does not wait, and takes nothing over. Windows has neither flag.
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)


class _Unusable(Exception):
    """The file is not one that holds a secret. The text follows the name of the file."""


class SecretFile:
    """The file that a variable names.

    Args:
        path: the value of the variable.
        variable: the name of the variable.
    """

    __slots__ = ("_path", "_variable")

    def __init__(self, path: str, variable: str) -> None:
        self._path = Secret(path.strip())  # it may be the credential itself, by mistake
        self._variable = variable

    def text(self) -> Secret:
        """Return the text of the file, without white space around it and a byte order mark.

        Bytes that are not UTF-8 are surrogates in it.

        Raises:
            ValidationError: it is not a readable file of at most `MAX_BYTES`.
        """
        if not self._path:
            raise invalid_environment(
                f"{self._variable} is blank, and must be the path of a file.",
                fix=f"Set {self._variable} to the path of a file that holds the value, or unset "
                "it.",
            )
        data, problem, is_missing = SecretBytes(), "", False
        try:
            data = _contents(self._path)
        except _Unusable as error:
            problem = str(error)
        except FileNotFoundError:
            problem, is_missing = "does not exist", True
        except OSError as error:
            problem = f"cannot be read ({error.strerror or type(error).__name__})"
        except ValueError:
            problem = "cannot be read (its path contains a null character)"
        if problem:  # not in the handler: an error of the system has the path in it
            failure = self.error(problem, fix=self._path_fix())
            failure._is_of_missing_file = is_missing
            raise failure
        return Secret(data.decode("utf-8", "surrogateescape").removeprefix("\ufeff").strip())

    def shown_path(self) -> str | None:
        """Return the path for a report; None where it may be the credential itself.

        A path is absolute, or its first folder exists.
        """
        from pathlib import Path

        path = self._path.reveal()
        whole = Path(path)
        if not path or not (whole.is_absolute() or os.path.lexists(whole.parts[0])):
            return None
        shown = path if path.isprintable() else ascii(path)
        return shown if len(shown) <= _LONGEST_PATH else f"{shown[:_LONGEST_PATH]}…"

    def error(self, problem: str, *, fix: str) -> ValidationError:
        """Make the error for the file. `problem` follows its name."""
        path = self.shown_path()
        shown = f" ({path})" if path else ""
        return invalid_environment(f"The file of {self._variable}{shown} {problem}.", fix=fix)

    def _path_fix(self) -> str:
        fix = f"Set {self._variable} to the path of a file that holds the value alone."
        if self.shown_path() is None:
            fix += f" The value itself belongs into {self._variable.removesuffix('_FILE')}."
        return fix


def _contents(path: Secret) -> SecretBytes:
    """Return what is in a file.

    Raises:
        OSError: it cannot be read.
        ValueError: the path contains a null character.
    """
    # Before it is opened too: to open a device may do something.
    _check(os.stat(path))  # noqa: PTH116  # pathlib would be one more import
    descriptor = os.open(path, _FLAGS)
    try:
        _check(os.fstat(descriptor))
        data = SecretBytes()
        while more := SecretBytes(os.read(descriptor, _CHUNK)):
            data = SecretBytes(data + more)
            if len(data) > MAX_BYTES:
                raise _Unusable(f"is larger than {MAX_BYTES // 1024} KiB")
        return data
    finally:
        os.close(descriptor)


def _check(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise _Unusable("is a directory")
    if not stat.S_ISREG(status.st_mode):
        raise _Unusable("is not a regular file")
