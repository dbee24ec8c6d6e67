"""The logger of the library, silent until a program adds a handler."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging


class _LazyLogger:
    """Passes everything on to the logger `vendo`.

    Most programs never get a record, and importing `logging` takes longer than a call.
    """

    def __getattr__(self, name: str) -> object:
        import logging

        found = logging.getLogger("vendo")
        if not found.handlers:
            # Without any handler, Python prints warnings to stderr.
            found.addHandler(logging.NullHandler())
        return getattr(found, name)


logger: logging.Logger = _LazyLogger()  # type: ignore[assignment]  # it has the same methods
