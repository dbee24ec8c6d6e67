"""Who is told of a change: once, or again until it went well."""

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
from vendo.reconciler._notice import notice_of

if TYPE_CHECKING:
    from pathlib import Path

MAPPING = {"OPENAI_API_KEY": "openai"}
OSS = Vendo("byok")


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    return tmp_path / ".env"


def _bring_up_to_date(env_file: Path, on_change: Any, reload_url: str | None = None) -> bool:
    return reconciler.bootstrap(
        env_file=env_file,
        mapping=MAPPING,
        on_change=on_change,
        reload_url=reload_url,
        client=OSS,
    )


def test_a_hook_is_sent_the_names_and_no_value(env_file: Path) -> None:
    with hook() as told:
        _bring_up_to_date(env_file, "reload-hook", told.url)
        path, kind, body = told.posts.get(timeout=10)
    assert (path, kind) == ("/reload?secret=canary", "application/json")
    assert json.loads(body) == {"added": ["OPENAI_API_KEY"], "changed": [], "removed": []}


@pytest.mark.parametrize("status", [302, 307, 404, 500])
def test_a_hook_that_refuses_is_told_again_at_the_next_look(env_file: Path, status: int) -> None:
    with hook() as told:
        told.statuses = [status]
        with pytest.raises(UpstreamError, match=rf"127\.0\.0\.1 answered HTTP {status}") as caught:
            _bring_up_to_date(env_file, "reload-hook", told.url)
        assert "canary" not in f"{caught.value!r} {caught.value}"
        assert env_file.exists()
        assert not _bring_up_to_date(env_file, "reload-hook", told.url)  # the file is as it was
        _bring_up_to_date(env_file, "reload-hook", told.url)
        assert told.posts.qsize() == 2


def test_a_hook_that_is_not_there_is_an_error_that_says_so(env_file: Path) -> None:
    with hook() as told:
        pass
    with pytest.raises(
        UpstreamError, match=r"reload hook at 127\.0\.0\.1 gave no answer"
    ) as caught:
        _bring_up_to_date(env_file, "reload-hook", told.url)
    assert "canary" not in f"{caught.value!r} {caught.value}"
    assert caught.value.__suppress_context__
    assert "reload_url=" in str(caught.value)


def test_a_function_that_raises_is_called_again(env_file: Path) -> None:
    calls: list[Change] = []

    def fail(change: Change) -> None:
        calls.append(change)
        raise LookupError("of the caller's own")

    for _ in range(2):
        with pytest.raises(LookupError, match="of the caller's own"):
            _bring_up_to_date(env_file, fail)
    _bring_up_to_date(env_file, calls.append)
    _bring_up_to_date(env_file, calls.append)
    assert [change.added for change in calls] == [("OPENAI_API_KEY",)] * 3


def test_a_change_that_nobody_wanted_to_hear_of_is_not_kept_for_later(env_file: Path) -> None:
    _bring_up_to_date(env_file, None)
    _bring_up_to_date(env_file, lambda _: 1 / 0)


def test_a_change_that_a_crash_kept_from_being_told_is_told_by_the_next_process(
    env_file: Path,
) -> None:
    program = f"""
import os, sys
from vendo import Vendo, reconciler

def crash(event, arguments):
    if event == "open" and arguments[0] == {str(env_file.parent)!r}:
        os._exit(9)  # the folder is opened once the file is in its place

sys.addaudithook(crash)
mapping = {MAPPING!r}
reconciler.bootstrap(env_file={str(env_file)!r}, mapping=mapping, client=Vendo("byok"))
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=30).returncode == 9
    assert "sk-1" in env_file.read_text()
    changes: list[Change] = []
    assert not _bring_up_to_date(env_file, changes.append)
    assert [change.added for change in changes] == [("OPENAI_API_KEY",)]


#: Brings a file up to date and asks to be ended for it; says whether it was.
_ENDING = """
import signal, sys
from vendo import Vendo, reconciler

if sys.argv[2] == "handled":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended in order"))
reconciler.bootstrap(
    env_file=sys.argv[1],
    mapping={"OPENAI_API_KEY": "openai"},
    on_change="restart",
    client=Vendo("byok"),
)
print("went on")
"""


@pytest.mark.parametrize("how", ["handled", "not handled"])
def test_a_restart_is_asked_for_once_by_all_the_processes_that_follow(
    env_file: Path, how: str
) -> None:
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
            assert (ended.returncode, ended.stderr) == (1, "ended in order\n")
        else:
            assert ended.returncode == -signal.SIGTERM
        assert value in env_file.read_text()
        assert run(value).stdout == "went on\n"  # and is not ended for ever


@pytest.mark.parametrize(
    ("on_change", "reload_url", "problem"),
    [
        ("reboot", None, "on_change= takes"),
        (3, None, "on_change= takes"),
        ("reload-hook", None, "needs reload_url="),
        (None, "http://127.0.0.1/x", "nothing would be sent there"),
        ("restart", "http://127.0.0.1/x", "nothing would be sent there"),
        ("reload-hook", "ftp://127.0.0.1/x", "no http"),
        ("reload-hook", "/reload", "no http"),
        ("reload-hook", "http://[::1", "no http"),
        ("reload-hook", "http://127.0.0.1:x/", "no http"),
        ("reload-hook", "https://ex\u00e4mple.com/", "no http"),
        ("reload-hook", "http://app.example.com/x", "plain http to app.example.com"),
        ("reload-hook", "https://me:canary@app.example.com/x", "more than an address"),
        ("reload-hook", "https://app.example.com/x\r\nX: canary", "more than an address"),
        ("reload-hook", "https://app.example.com/x y", "more than an address"),
        ("reload-hook", "https://app.example.com/x#y", "more than an address"),
    ],
)
def test_what_tells_nobody_is_refused(on_change: Any, reload_url: str | None, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem) as caught:
        notice_of(on_change, reload_url)
    assert "canary" not in str(caught.value)


def test_a_coroutine_function_is_refused_before_it_is_never_awaited() -> None:
    async def on_change(_: Change) -> None:
        return

    with pytest.raises(ValidationError, match="no coroutine"):
        notice_of(on_change, None)


def test_https_and_loopback_are_addresses_to_tell() -> None:
    for url in ("https://app.example.com/reload?a=b", "http://localhost:8000", "http://[::1]/"):
        assert callable(notice_of("reload-hook", url))


def test_whoever_is_told_gets_the_new_token(tmp_path: Path) -> None:
    from vendo.testing import LocalVendo

    with LocalVendo(["gmail"]) as server, server.client() as client:
        seen: list[str] = []

        def on_change(_: Change) -> None:
            seen.append(client.token("gmail"))

        for _ in range(2):
            seen.append(client.token("gmail"))
            server.rotate("gmail")
            reconciler.bootstrap(
                env_file=tmp_path / "env",
                mapping={"GMAIL": "gmail"},
                on_change=on_change,
                client=client,
            )
            assert seen[-1] == server.token("gmail") != seen[-2]


def test_a_change_that_is_none_is_false(tmp_path: Path) -> None:
    assert not Change(tmp_path)
    assert Change(tmp_path, removed=("A",))
    assert vendo.reconciler.Change is Change
