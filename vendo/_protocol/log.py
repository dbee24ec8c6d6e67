"""The loggers of the library: one is silent until a program adds a handler, the other is not."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging


class _LazyLogger:
    """Passes everything on to a logger.

    Most programs never get a record, and importing `logging` takes longer than a call.
    """

    def __init__(self, name: str, *, is_silent: bool) -> None:
        self._name = name
        self._is_silent = is_silent

    def __getattr__(self, name: str) -> object:
        import logging

        found = logging.getLogger(self._name)
        if self._is_silent and not found.handlers:
            # Without any handler, Python prints warnings to stderr.
            found.addHandler(logging.NullHandler())
        return getattr(found, name)


logger: logging.Logger = _LazyLogger("vendo", is_silent=True)  # type: ignore[assignment]  # it has the same methods
#: What the operator of a web application must see, on a server without any logging set up too.
visible: logging.Logger = _LazyLogger("vendo_web", is_silent=False)  # type: ignore[assignment]  # as above
