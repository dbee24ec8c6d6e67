"""Standard output of commands: text that any encoding can show, and failures to write it."""

from __future__ import annotations

import errno
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from io import TextIOWrapper


def write_text(text: str = "") -> None:
    """Print a result. It is flushed, for programs that read line by line.

    Args:
        text: the result, without a line break at its end. Characters that the encoding of the
            output lacks become escapes.

    Raises:
        OSError: it cannot be written, as on a full disk.

    Example:
        ```python
        from vendo.web import write_text

        write_text("openai  connected")
        ```
    """
    stdout = _stdout()
    stdout.write(encodable(text, stdout.encoding) + "\n")
    stdout.flush()


def encodable(text: str, encoding: str | None) -> str:
    """Return a text with escapes for the letters that an encoding lacks; None is ASCII.

    It may also hold halves of surrogate pairs, which no encoding has.

    Args:
        text: the text. It may also hold halves of surrogate pairs, which no encoding has.
        encoding: the name of the encoding; None is ASCII.

    Returns:
        A text that the encoding can encode.

    Example:
        ```python
        from vendo.web import encodable

        print(encodable("café", "ascii"))  # caf, and an escape
        ```
    """
    encoding = encoding or "ascii"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def write_token(token: str) -> None:
    """Print a token with the bytes that it has in the environment, whatever the locale.

    Args:
        token: the token, as `vendo.token` returns it.

    Raises:
        OSError: it cannot be written.

    Example:
        ```python
        import vendo
        from vendo.web import write_token

        write_token(vendo.token("openai"))
        ```
    """
    stdout = _stdout()
    stdout.flush()
    stdout.buffer.write(os.fsencode(token) + b"\n")
    stdout.buffer.flush()


def discard_output() -> None:
    """Discard the rest of the output, after `write_text` or `write_token` failed.

    The interpreter would fail to flush it at exit.

    Example:
        ```python
        from vendo.web import discard_output, write_text

        try:
            write_text("openai")
        except OSError:  # the reader of a pipe has gone
            discard_output()
        ```
    """
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
    except (OSError, ValueError, AttributeError):
        pass  # standard output is not a file


def output_failure(error: OSError) -> str:
    """Return the reason why output cannot be written.

    Args:
        error: what `write_text` or `write_token` raised.

    Returns:
        A sentence, with a full stop.

    Example:
        ```python
        from vendo.web import output_failure

        print(output_failure(OSError(28, "No space left on device")))
        ```
    """
    return f"{error.strerror or type(error).__name__}".rstrip(".") + "."


def _stdout() -> TextIOWrapper:
    # None where the parent process has closed it.
    if sys.stdout is None:
        raise OSError(errno.EBADF, "Standard output is closed")
    stdout: TextIOWrapper = sys.stdout  # type: ignore[assignment]  # typeshed allows for any TextIO
    return stdout
