"""The handlers of a change: called once, or again after a failure."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

import vendo
from reconciler.hook import hook
from vendo import UpstreamError, ValidationError, Vendo, reconciler
from vendo.reconciler import Change
from vendo.reconciler._handlers import handler_for

if TYPE_CHECKING:
    from pathlib import Path

MAPPING = {"OPENAI_API_KEY": "openai"}
OSS = Vendo("byok")


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    return tmp_path / ".env"


def _update(env_file: Path, on_change: Any, reload_url: str | None = None) -> bool:
    return reconciler.bootstrap(
        env_file=env_file,
        mapping=MAPPING,
        on_change=on_change,
        reload_url=reload_url,
        client=OSS,
    )


def test_hook_receives_names_and_no_value(env_file: Path) -> None:
    with hook() as received:
        _update(env_file, "reload-hook", received.url)
        path, kind, body = received.posts.get(timeout=10)
    assert (path, kind) == ("/reload?secret=canary", "application/json")
    assert json.loads(body) == {"changed": ["OPENAI_API_KEY"]}


def test_hook_receives_added_and_changed_names(env_file: Path) -> None:
    values: dict[str, str | None] = {"OLD": "1", "GONE": "1"}
    with hook() as received:
        for changed in ({}, {"OLD": "2", "NEW": "2", "GONE": None}, {"NEW": None}):
            values.update(changed)
            reconciler.bootstrap(
                env_file=env_file,
                mapping=lambda: values,
                on_change="reload-hook",
                reload_url=received.url,
                client=OSS,
            )
        bodies = [json.loads(received.posts.get(timeout=10)[2]) for _ in range(3)]
    assert bodies == [{"changed": ["OLD", "GONE"]}, {"changed": ["NEW", "OLD"]}, {"changed": []}]


@pytest.mark.parametrize("status", [302, 307, 404, 500])
def test_failing_hook_is_called_again_with_the_next_update(env_file: Path, status: int) -> None:
    with hook() as received:
        received.statuses = [status]
        with pytest.raises(
            UpstreamError, match=rf"127\.0\.0\.1 responded with HTTP {status}"
        ) as caught:
            _update(env_file, "reload-hook", received.url)
        assert "canary" not in f"{caught.value!r} {caught.value}"
        assert env_file.exists()
        assert not _update(env_file, "reload-hook", received.url)  # the file is unchanged
        _update(env_file, "reload-hook", received.url)
        assert received.posts.qsize() == 2


def test_unreachable_hook_is_an_error(env_file: Path) -> None:
    with hook() as received:
        pass
    with pytest.raises(
        UpstreamError, match=r"reload hook at 127\.0\.0\.1 did not respond"
    ) as caught:
        _update(env_file, "reload-hook", received.url)
    assert "canary" not in f"{caught.value!r} {caught.value}"
    assert caught.value.__suppress_context__
    assert "reload_url=" in str(caught.value)


def test_function_that_raises_is_called_again(env_file: Path) -> None:
    calls: list[Change] = []

    def fail(change: Change) -> None:
        calls.append(change)
        raise LookupError("of the caller's own")

    for _ in range(2):
        with pytest.raises(LookupError, match="of the caller's own"):
            _update(env_file, fail)
    _update(env_file, calls.append)
    _update(env_file, calls.append)
    assert [change.added for change in calls] == [("OPENAI_API_KEY",)] * 3


def test_change_without_handler_counts_as_handled(env_file: Path) -> None:
    _update(env_file, None)
    _update(env_file, lambda _: 1 / 0)


def test_change_that_a_crash_interrupted_is_handled_by_the_next_process(
    env_file: Path,
) -> None:
    program = f"""
import os, sys
from vendo import Vendo, reconciler

def crash(event, arguments):
    if event == "open" and arguments[0] == ".":
        os._exit(9)  # the folder is opened after the file was replaced

sys.addaudithook(crash)
mapping = {MAPPING!r}
reconciler.bootstrap(env_file={str(env_file)!r}, mapping=mapping, client=Vendo("byok"))
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=30).returncode == 9
    assert "sk-1" in env_file.read_text()
    changes: list[Change] = []
    assert not _update(env_file, changes.append)
    assert [change.added for change in changes] == [("OPENAI_API_KEY",)]


#: Updates a file with on_change="restart"; prints a line if it was not terminated.
_ENDING = """
import signal, sys
from vendo import Vendo, reconciler

if sys.argv[2] == "handled":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
reconciler.bootstrap(
    env_file=sys.argv[1],
    mapping={"OPENAI_API_KEY": "openai"},
    on_change="restart",
    client=Vendo("byok"),
)
print("continued")
"""


@pytest.mark.parametrize("how", ["handled", "not handled"])
def test_restart_happens_once_for_each_change(env_file: Path, how: str) -> None:
    def run(value: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", _ENDING, str(env_file), how],
            env={**os.environ, "OPENAI_API_KEY": value},
            capture_output=True,
            text=True,
            timeout=30,
        )

    for value in ("sk-1", "sk-2"):
        ended = run(value)
        if how == "handled":
            assert (ended.returncode, ended.stderr) == (1, "terminated\n")
        else:
            assert ended.returncode == -signal.SIGTERM
        assert value in env_file.read_text()
        assert run(value).stdout == "continued\n"  # it is not terminated again


@pytest.mark.parametrize(
    ("on_change", "reload_url", "problem"),
    [
        ("reboot", None, "on_change= must be"),
        (3, None, "on_change= must be"),
        ("reload-hook", None, "needs reload_url="),
        (None, "http://127.0.0.1/x", "is not used without"),
        ("restart", "http://127.0.0.1/x", "is not used without"),
        ("reload-hook", "ftp://127.0.0.1/x", "must be an http"),
        ("reload-hook", "/reload", "must be an http"),
        ("reload-hook", "http://[::1", "must be an http"),
        ("reload-hook", "http://127.0.0.1:x/", "must be an http"),
        ("reload-hook", "https://ex\u00e4mple.com/", "must be an http"),
        ("reload-hook", "http://app.example.com/x", "plain http to app.example.com"),
        ("reload-hook", "https://me:canary@app.example.com/x", "must not contain"),
        ("reload-hook", "https://app.example.com/x\r\nX: canary", "must not contain"),
        ("reload-hook", "https://app.example.com/x y", "must not contain"),
        ("reload-hook", "https://app.example.com/x#y", "must not contain"),
    ],
)
def test_invalid_handler_is_rejected(on_change: Any, reload_url: str | None, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem) as caught:
        handler_for(on_change, reload_url)
    assert "canary" not in str(caught.value)


def test_coroutine_function_is_rejected() -> None:
    async def on_change(_: Change) -> None:
        return

    with pytest.raises(ValidationError, match="not a coroutine"):
        handler_for(on_change, None)


def test_https_and_loopback_are_valid_hooks() -> None:
    for url in ("https://app.example.com/reload?a=b", "http://localhost:8000", "http://[::1]/"):
        assert callable(handler_for("reload-hook", url))


def test_handler_gets_the_new_token(tmp_path: Path) -> None:
    from vendo.testing import LocalVendo

    with LocalVendo(["gmail"]) as server, server.client() as client:
        tokens: list[str] = []

        def on_change(_: Change) -> None:
            tokens.append(client.token("gmail"))

        for _ in range(2):
            tokens.append(client.token("gmail"))
            server.rotate("gmail")
            reconciler.bootstrap(
                env_file=tmp_path / "env",
                mapping={"GMAIL": "gmail"},
                on_change=on_change,
                client=client,
            )
            assert tokens[-1] == server.token("gmail") != tokens[-2]


def test_empty_change_is_false(tmp_path: Path) -> None:
    assert not Change(tmp_path)
    assert Change(tmp_path, removed=("A",))
    assert vendo.reconciler.Change is Change
