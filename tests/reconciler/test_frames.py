"""At no line of an update does a variable of our frames show a value.

A handler, a signal handler or a full memory may raise at any of them, and error reporters show the
variables of all frames. The `context` of a connection is no secret: its repr shows it.
"""

from __future__ import annotations

import logging
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import pytest

import vendo.reconciler
from vendo import reconciler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from vendo.testing import LocalVendo

OURS = str(Path(vendo.reconciler.__file__).parent)
CANARY = "canary-0123456789"
MAPPING = {
    "PLAIN": "openai",
    "PORT": "supabase.metadata.port",
    "QUOTED": "supabase.metadata.quoted",
    "DOUBLE": "supabase.metadata.double",
    "KEY": "supabase.metadata.key",
    "BAD": "supabase.metadata.bad",
    "LONG": "supabase.metadata.long",
    "LINES": "supabase.metadata.key",
}


@pytest.fixture
def backend(server: LocalVendo) -> LocalVendo:
    server.connect("openai", token=f"{CANARY}-openai")
    server.connect(
        "supabase",
        metadata={
            "port": 5432,
            "quoted": f"{CANARY} $",
            "double": f"{CANARY} ' $ \" \\",
            "key": f"{CANARY}\nsecond",
            "bad": f"{CANARY} ` '",
            "long": CANARY * 10_000,
        },
    )
    return server


def showing(frame: FrameType) -> Iterator[str]:
    for name, value in frame.f_locals.items():
        with suppress(AttributeError):  # an object whose constructor has just begun
            if CANARY in repr(value):
                yield f"{frame.f_code.co_qualname}:{frame.f_lineno} shows {name}"


def watched(work: Callable[[], Any]) -> set[str]:
    """Return the variables of the package's frames that show the canary at any line."""
    found: set[str] = set()

    def trace(frame: FrameType, _event: str, _argument: object) -> Any:
        if not frame.f_code.co_filename.startswith(OURS):
            return None
        found.update(showing(frame))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return found


def test_no_line_of_an_update_shows_a_value(backend: LocalVendo, tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    # The key of the digests is a secret too.
    marks = ("# >>> vendo", "# <<< vendo")
    block = "\n".join(f"{mark} {CANARY}-and-more" for mark in marks)
    env_file.write_text(f"FOREIGN='{CANARY}'\n\n{block}\n")
    with backend.client() as client:

        def update() -> None:
            for text in ("FOREIGN", "OWN"):
                with pytest.raises(vendo.ValidationError) as caught:
                    reconciler.bootstrap(
                        env_file=env_file, mapping=MAPPING, client=client, multiline=["KEY"]
                    )
                assert CANARY not in str(caught.value)
                # An edited line, a stray and text below the block are read, too.
                env_file.write_text(f"{env_file.read_text()}{text}={CANARY}\n")
                env_file.write_text(
                    env_file.read_text().replace("PLAIN=", f"x {CANARY}\nMINE={CANARY}\nPLAIN=x")
                )

        shown = watched(update)
    assert not shown, "\n".join(sorted(shown))
    assert f"# >>> vendo {CANARY}" in env_file.read_text()


def _fail(change: reconciler.Change) -> None:
    try:
        change.missing  # type: ignore[attr-defined]  # noqa: B018  # raises
    except AttributeError as error:
        raise LookupError from error


@pytest.mark.parametrize("kind", ["function", "gateway"])
def test_failing_handler_shows_no_value_in_any_frame(
    backend: LocalVendo, tmp_path: Path, kind: str
) -> None:
    raised: SimpleQueue[BaseException] = SimpleQueue()

    class Reporter(logging.Handler):
        """Sees what an error reporter sees."""

        def emit(self, record: logging.LogRecord) -> None:
            assert CANARY not in record.getMessage()
            if record.exc_info and record.exc_info[1]:
                raised.put(record.exc_info[1])

    handler: Callable[[reconciler.Change], object] = _fail
    if kind == "gateway":
        _, restart_factory = reconciler.catalog_default(backend.client())
        handler = restart_factory(gateway=lambda: _fail(reconciler.Change(tmp_path)))
    mapping = {name: source for name, source in MAPPING.items() if name in {"PLAIN", "QUOTED"}}
    # So that the first values are a change.
    reconciler.bootstrap(env_file=tmp_path / ".env", mapping={}, client=vendo.Vendo("byok"))
    reporter = Reporter()
    logger = logging.getLogger("vendo")
    logger.addHandler(reporter)
    try:
        with (
            backend.client() as client,
            reconciler.start(
                env_file=tmp_path / ".env", mapping=mapping, client=client, on_change=handler
            ),
        ):
            error: BaseException | None = raised.get(timeout=30)
    finally:
        logger.removeHandler(reporter)
    frames = 0
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            frames += 1
            assert not list(showing(frame))
        error = error.__cause__ or error.__context__
    assert frames > 3
    assert CANARY in (tmp_path / ".env").read_text()
