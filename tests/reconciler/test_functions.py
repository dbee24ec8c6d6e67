"""Functions in `mapping=`: of all variables, and of one."""

from __future__ import annotations

import logging
import queue
import traceback
from typing import TYPE_CHECKING, Any

import pytest

import vendo
from reconciler.reading import written
from reconciler.test_frames import CANARY, showing, watched
from vendo import Vendo, reconciler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from vendo.testing import LocalVendo

OSS = Vendo("byok")


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def _bootstrap(env_file: Path, mapping: Any, **arguments: Any) -> bool:
    return reconciler.bootstrap(env_file=env_file, mapping=mapping, client=OSS, **arguments)


def test_function_is_called_at_each_update(env_file: Path) -> None:
    values: dict[str, str | None] = {"ONE": "1", "TWO": "it's $2", "NONE": None, "EMPTY": ""}
    assert _bootstrap(env_file, lambda: values)
    assert written(env_file) == {"ONE": "1", "TWO": "it's $2", "EMPTY": ""}
    assert not _bootstrap(env_file, lambda: values)
    values.update(ONE=None, NONE="4")
    changes: list[reconciler.Change] = []
    assert _bootstrap(env_file, lambda: values, on_change=changes.append)
    assert written(env_file) == {"TWO": "it's $2", "NONE": "4", "EMPTY": ""}
    assert [(change.added, change.removed) for change in changes] == [(("NONE",), ("ONE",))]


def test_function_may_choose_any_name(env_file: Path) -> None:
    chosen = {"PATH": "/opt/bin", "VENDO_API_KEY": "vendo_sk_own", "HTTPS_PROXY": "http://own"}
    _bootstrap(env_file, lambda: chosen)
    assert written(env_file, *chosen) == chosen


def test_source_may_be_a_function(server: LocalVendo, env_file: Path) -> None:
    with server.client() as client:
        reconciler.bootstrap(
            env_file=env_file,
            mapping={"MAIL": "gmail", "REGION": lambda: "eu", "NONE": lambda: None},
            client=client,
        )
    assert written(env_file) == {"MAIL": server.token("gmail"), "REGION": "eu"}


def test_multiline_names_a_variable_of_a_function(env_file: Path) -> None:
    key = "-----BEGIN\nkey\n"
    with pytest.raises(vendo.ValidationError, match="KEY"):
        _bootstrap(env_file, lambda: {"KEY": key})
    _bootstrap(env_file, lambda: {"KEY": key}, multiline=["KEY", "NOT_YET"])
    assert written(env_file) == {"KEY": key}


def _raising(error: Exception) -> Callable[[], Any]:
    def function() -> Any:
        value = CANARY
        raise error if value else ValueError

    return function


#: What a function returns, or raises, and the error of that.
FAULTS = [
    (lambda: [("A", CANARY)], vendo.ValidationError, "must return a mapping, not .* list"),
    (lambda: None, vendo.ValidationError, "must return a mapping, not .* NoneType"),
    (lambda: {CANARY: "KEY"}, vendo.ValidationError, "a key that is not the name of a variable"),
    (lambda: {3: CANARY}, vendo.ValidationError, "a key that is not the name of a variable"),
    (lambda: {"A": CANARY.encode()}, vendo.ValidationError, "value of A must be .* bytes"),
    (lambda: {"A": [CANARY]}, vendo.ValidationError, "value of A must be .* list"),
    (lambda: {"A": 3}, vendo.ValidationError, "value of A must be .* int"),
    (_raising(LookupError(CANARY)), vendo.UpstreamError, "mapping= raised LookupError"),
    (_raising(vendo.NotConnected("x", "Not connected.")), vendo.NotConnected, "Not connected"),
]


def _leaks(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        yield from (text for text in (str(error), repr(error.args)) if CANARY in text)
        for frame, _ in traceback.walk_tb(error.__traceback__):
            yield from showing(frame)
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize(("mapping", "error", "text"), FAULTS)
def test_fault_of_a_function_leaves_the_file_and_shows_no_value(
    env_file: Path, mapping: Callable[[], Any], error: type[Exception], text: str
) -> None:
    _bootstrap(env_file, lambda: {"A": "before"})
    with pytest.raises(error, match=text) as caught:
        _bootstrap(env_file, mapping)
    assert not list(_leaks(caught.value))
    assert written(env_file) == {"A": "before"}


@pytest.mark.parametrize(
    ("source", "error", "text"),
    [
        (_raising(LookupError(CANARY)), vendo.UpstreamError, "function for A raised LookupError"),
        (CANARY.encode, vendo.ValidationError, "value of A must be .* bytes"),
    ],
)
def test_fault_of_one_source_delays_no_other(
    env_file: Path, source: Callable[[], Any], error: type[Exception], text: str
) -> None:
    values = iter("12")
    mapping: dict[str, Any] = {"A": lambda: "before", "B": lambda: next(values)}
    _bootstrap(env_file, mapping)
    with pytest.raises(error, match=text) as caught:
        _bootstrap(env_file, {**mapping, "A": source})
    assert not list(_leaks(caught.value))
    assert written(env_file) == {"A": "before", "B": "2"}


def test_no_line_shows_what_a_function_returns(env_file: Path) -> None:
    def update() -> None:
        _bootstrap(env_file, lambda: {"A": CANARY, "B": None})
        _bootstrap(env_file, {"A": lambda: f"{CANARY} $"})

    shown = watched(update)
    assert not shown, "\n".join(sorted(shown))
    assert CANARY in env_file.read_text()


def test_no_line_of_the_catalog_mapping_shows_a_value(server: LocalVendo, env_file: Path) -> None:
    server.connect("openai", token=CANARY)
    with server.client() as client:
        mapping, _ = reconciler.catalog_default(client)
        shown = watched(
            lambda: (mapping(), reconciler.bootstrap(env_file=env_file, mapping=mapping))
        )
    assert not shown, "\n".join(sorted(shown))
    assert CANARY in env_file.read_text()


def test_function_that_raises_is_logged_once_and_called_again(
    env_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    changes: queue.Queue[reconciler.Change] = queue.Queue()
    calls = 0

    def mapping() -> dict[str, str]:
        nonlocal calls
        calls += 1
        if calls < 4:
            raise LookupError(CANARY)
        return {"A": "1"}

    _bootstrap(env_file, {})  # so that the first values are a change
    with reconciler.start(
        env_file=env_file, mapping=mapping, on_change=changes.put, client=OSS, poll_sec=0.02
    ):
        assert changes.get(timeout=20).added == ("A",)
    errors = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert len(errors) == 1
    assert "mapping= raised LookupError" in errors[0].getMessage()
    assert CANARY not in caplog.text


def test_function_gets_the_new_token_after_an_event(server: LocalVendo, env_file: Path) -> None:
    changes: queue.Queue[reconciler.Change] = queue.Queue()
    with server.client() as client:

        def mapping() -> Mapping[str, str | None]:
            return {"MAIL": client.token("gmail")}

        _bootstrap(env_file, {})  # so that the first values are a change
        with reconciler.start(
            env_file=env_file, mapping=mapping, on_change=changes.put, client=client, poll_sec=3600
        ):
            assert changes.get(timeout=20).added == ("MAIL",)
            server.wait_for_streams(1)
            server.rotate("gmail")
            assert changes.get(timeout=20).changed == ("MAIL",)
    assert written(env_file) == {"MAIL": server.token("gmail")}


async def _later() -> Any:
    return {}


@pytest.mark.parametrize("mapping", [_later, {"A": _later}])
def test_coroutine_function_is_rejected(env_file: Path, mapping: Any) -> None:
    with pytest.raises(vendo.ValidationError, match="coroutine function") as caught:
        _bootstrap(env_file, mapping)
    assert caught.value.suggested_fix
