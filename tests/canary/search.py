"""The search for secrets, in a process that knows none: each of them contains a marker."""

from __future__ import annotations

import contextlib
import copyreg
import enum
import gc
import logging
import pickle
import sys
import threading
import traceback
import types
from base64 import b64encode
from typing import Any

from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH

#: Each secret contains it at an offset that is a multiple of 3, so that base64 keeps it.
MARKER = "kanari"
#: What it looks like in a header of basic authentication, and in a dump of bytes.
MARKERS = (MARKER, b64encode(MARKER.encode()).decode(), MARKER.encode().hex())

_DEEPEST = 5
_LEAVES = (
    *(str, bytes, int, float, BaseException, types.FrameType, types.MethodType, logging.Logger),
    *(types.BuiltinFunctionType, enum.Enum),
)


def has_marker(text: str) -> bool:
    """Return whether a text has a secret in it."""
    return any(marker in text for marker in MARKERS)


def has_huffman(block: bytes, *texts: str) -> bool:
    """Return whether the bytes of HTTP/2 have one of these texts in the code of their headers."""
    bits = "".join(f"{byte:08b}" for byte in block)
    return any(
        "".join(f"{REQUEST_CODES[byte]:0{REQUEST_CODES_LENGTH[byte]}b}" for byte in text.encode())
        in bits
        for text in texts
    )


class Search:
    """Collects where a secret shows. As a context manager it watches logs and lost errors."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.records = 0
        self._where = ""
        self._seen: set[int] = set()
        self._kept: list[object] = []

    def at(self, where: str) -> Search:
        """Note what is being done."""
        self._where = where
        return self

    def __enter__(self) -> Search:
        handler = logging.Handler()
        handler.emit = self._record  # type: ignore[method-assign]
        logging.getLogger().addHandler(handler)
        logging.getLogger().setLevel(logging.DEBUG)
        logging.captureWarnings(True)
        sys.unraisablehook = self._unraisable
        threading.excepthook = self._lost
        return self

    def __exit__(self, *_: object) -> None:
        gc.collect()

    def _unraisable(self, hook: Any) -> None:
        self.error("an error that nobody caught", hook.exc_value)
        self.value("the object of an error that nobody caught", hook.object)

    def _lost(self, hook: Any) -> None:
        self.error("the error of a thread", hook.exc_value)

    def _record(self, record: logging.LogRecord) -> None:
        self.records += 1
        where = f"a record of {record.name} at {record.levelname}"
        self.text(where, logging.Formatter().format(record))
        self.value(where, record.__dict__, deepest=2)
        if record.exc_info and record.exc_info[1] is not None:
            self.error(where, record.exc_info[1])
        if record.name.startswith("hpack"):
            for value in record.args or ():
                if isinstance(value, bytes) and has_huffman(value, *MARKERS[:2]):
                    self._report(where, "the header block in Huffman code")

    def _report(self, where: str, text: str) -> None:
        at = next((text.index(marker) for marker in MARKERS if marker in text), 0)
        shown = f"{self._where}: {where}: {text[max(0, at - 120) : at + 60]!r}"
        if shown not in self.found:
            self.found.append(shown)

    def text(self, where: str, text: str) -> None:
        """Search a text."""
        if has_marker(text):
            self._report(where, text)

    def error(self, where: str, error: BaseException | None) -> None:
        """Search an error, those that led to it, and the variables of all of their frames."""
        pending, seen = [error], set[int]()
        while pending:
            one = pending.pop()
            if one is None or id(one) in seen:
                continue
            seen.add(id(one))
            name = f"{where}, {type(one).__name__}"
            self.text(f"{name} in a traceback", "".join(traceback.format_exception(one)))
            self.value(name, one.args)
            self.value(name, vars(one))
            for frame, _ in traceback.walk_tb(one.__traceback__):
                code = f"{frame.f_globals.get('__name__')}.{frame.f_code.co_qualname}"
                for variable, value in frame.f_locals.items():
                    # As reporters show it: its repr, and what is in a list or a dict.
                    self._look(f"{name}, {variable} in {code}", value, 3, set(), is_shown=True)
            pending += [one.__cause__, one.__context__]
            pending += [inner for inner in one.args if isinstance(inner, BaseException)]
            reason = getattr(one, "reason", None)
            pending += [reason] if isinstance(reason, BaseException) else []
            pending += list(getattr(one, "exceptions", ()))
            if not isinstance(one.__cause__ or one.__context__, BaseException):
                with contextlib.suppress(Exception):
                    self.text(f"a pickle of {name}", pickle.dumps(one).decode("latin-1"))

    def value(self, where: str, value: object, deepest: int = _DEEPEST) -> None:
        """Search the representation of an object, and of what it consists of."""
        self._look(where, value, deepest, set())

    def _look(
        self, where: str, value: Any, left: int, seen: set[int], *, is_shown: bool = False
    ) -> None:
        if id(value) in seen or isinstance(value, _NOT_SHOWN):
            return
        seen.add(id(value))
        with contextlib.suppress(Exception):
            self.text(where, repr(value))
        if not isinstance(value, str | bytes):  # of a secret they are for its holder
            with contextlib.suppress(Exception):
                self.text(where, str(value))
        if not left or isinstance(value, _LEAVES):
            return
        if isinstance(value, dict):
            parts = [*value.keys(), *value.values()]
        elif isinstance(value, list | tuple | set | frozenset):
            parts = list(value)
        elif is_shown:
            return
        else:
            parts = [*getattr(value, "__dict__", {}).values(), *_slots_of(value)]
        for part in parts:
            self._look(where, part, left - 1, seen, is_shown=is_shown)

    def pickled(self, where: str, value: object) -> None:
        """Search the pickle of an object, if it has one."""
        with contextlib.suppress(Exception):
            self.text(f"a pickle of {where}", pickle.dumps(value).decode("latin-1"))

    def memory(self, where: str, marker: str) -> None:
        """Search all texts and bytes of the process for one of its secrets."""
        gc.collect()
        pending: list[Any] = [(None, one) for one in gc.get_objects()]
        seen = {id(pending), id(self.found), id(sys._getframe())}
        while pending:
            holder, one = pending.pop()
            if id(one) in seen:
                continue
            seen.add(id(one))
            cls = type(one)  # some objects act when they are looked at
            if issubclass(cls, str):
                text = str.__str__(one)
            elif issubclass(cls, bytes | bytearray):
                text = bytes(one).decode("latin-1")
            else:
                # Also of dicts and tuples, which the collector does not track if they hold texts.
                pending += [(cls, part) for part in gc.get_referents(one)]
                continue
            if marker in text and text != marker:
                self._report(f"{where} of {holder}", text)


_NOT_SHOWN = (type, types.ModuleType, types.FunctionType, Search)


def _slots_of(value: object) -> list[object]:
    slots = copyreg._slotnames(type(value))  # type: ignore[attr-defined]
    return [getattr(value, name) for name in slots if hasattr(value, name)]
