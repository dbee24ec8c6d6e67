"""`start`: events and polling, failures, `stop()`."""

from __future__ import annotations

import logging
import os
import queue
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

import vendo
from reconciler.hook import hook
from reconciler.reading import written
from support.children import Child
from vendo import RetryPolicy, reconciler
from vendo._transports.blocking import BlockingTransport

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vendo._protocol.steps import Request, Response
    from vendo.reconciler import Change
    from vendo.testing import LocalVendo

MAPPING = {"OPENAI_API_KEY": "openai", "GMAIL_TOKEN": "gmail"}
#: Seconds. Longer than any test, so no update is from polling.
NEVER = 3600.0
#: Seconds.
OFTEN = 0.02


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    """A file with an empty block, so that the first values are a change."""
    path = tmp_path / ".env"
    reconciler.bootstrap(env_file=path, mapping={}, client=vendo.Vendo("byok"))
    return path


def test_first_values_of_a_new_file_are_not_a_change(server: LocalVendo, tmp_path: Path) -> None:
    changes = _Changes()
    with (
        server.client() as client,
        reconciler.start(
            env_file=tmp_path / ".env",
            mapping=MAPPING,
            on_change=changes,
            client=client,
            poll_sec=NEVER,
        ),
    ):
        server.wait_for_streams(1)
        while not (tmp_path / ".env").exists():
            server.wait_for_requests(1, "credentials")
        server.rotate("gmail")
        assert changes.next().names == ("GMAIL_TOKEN",)
        assert changes.empty()


def test_slug_with_a_typing_error_is_logged_once(
    server: LocalVendo, env_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    changes = _Changes()
    mapping = {"OPENAI_API_KEY": "opnai", "GMAIL_TOKEN": "gmail"}
    with (
        server.client() as client,
        reconciler.start(env_file=env_file, mapping=mapping, on_change=changes, client=client),
    ):
        assert changes.next().names == ("GMAIL_TOKEN",)
        server.wait_for_streams(1)
        server.rotate("gmail")
        assert changes.next().names == ("GMAIL_TOKEN",)
    assert caplog.text.count("Did you mean 'openai'?") == 1


def test_process_of_a_new_file_is_not_restarted(server: LocalVendo, tmp_path: Path) -> None:
    program = """
import pathlib, time
from vendo import reconciler

running = reconciler.start(env_file=".env", mapping={"OPENAI_API_KEY": "openai"})
while "OPENAI" not in (pathlib.Path(".env").read_text() if pathlib.Path(".env").exists() else ""):
    time.sleep(0.01)
running.stop()
print("still here")
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, **server.environment()},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "still here\n"), done.stderr


class _Changes(queue.Queue["Change"]):
    """A handler that queues the changes."""

    def __call__(self, change: Change) -> None:
        self.put(change)

    def next(self) -> Change:
        return self.get(timeout=20)


class _Log(logging.Handler):
    """Waits for a text in the log of `vendo`."""

    def __init__(self, text: str) -> None:
        super().__init__(logging.DEBUG)
        self._text = text
        self.found = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if self._text in record.getMessage():
            self.found.set()

    def __enter__(self) -> _Log:
        logger = logging.getLogger("vendo")
        self._level_before = logger.level
        logger.setLevel(logging.DEBUG)
        logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logger = logging.getLogger("vendo")
        logger.removeHandler(self)
        logger.setLevel(self._level_before)

    def wait(self) -> None:
        assert self.found.wait(20), self._text


def _threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("vendo-reconciler")]


def test_file_is_updated_at_the_start_and_after_each_event(
    server: LocalVendo, env_file: Path
) -> None:
    changes = _Changes()
    with (
        server.client() as client,
        reconciler.start(
            env_file=env_file, mapping=MAPPING, on_change=changes, client=client, poll_sec=NEVER
        ) as running,
    ):
        assert changes.next().added == ("OPENAI_API_KEY", "GMAIL_TOKEN")
        server.wait_for_streams(1)
        server.rotate("gmail")
        assert changes.next().changed == ("GMAIL_TOKEN",)
        assert written(env_file)["GMAIL_TOKEN"] == server.token("gmail")
        server.disconnect("openai")
        assert changes.next().removed == ("OPENAI_API_KEY",)
        server.connect("openai")
        assert changes.next().added == ("OPENAI_API_KEY",)
        assert written(env_file) == {
            "OPENAI_API_KEY": server.token("openai"),
            "GMAIL_TOKEN": server.token("gmail"),
        }
        assert running.is_running
        assert repr(running) == f"<Reconciler of {str(env_file)!r}, running>"
    assert repr(running) == f"<Reconciler of {str(env_file)!r}, stopped>"
    assert not running.is_running


def test_other_events_start_no_update(server: LocalVendo, env_file: Path) -> None:
    changes = _Changes()
    with (
        server.client() as client,
        reconciler.start(
            env_file=env_file, mapping=MAPPING, on_change=changes, client=client, poll_sec=NEVER
        ),
    ):
        changes.next()
        server.wait_for_streams(1)
        before = server.count("credentials")
        server.set_balance(1)
        server.rotate("gmail")
        changes.next()
        assert server.count("credentials") == before + 1


def test_change_without_event_is_found_by_polling(server: LocalVendo, env_file: Path) -> None:
    changes = _Changes()
    with (
        server.client() as client,
        reconciler.start(
            env_file=env_file, mapping=MAPPING, on_change=changes, client=client, poll_sec=OFTEN
        ),
    ):
        changes.next()
        server.expire("gmail")  # without an event
        assert changes.next().changed == ("GMAIL_TOKEN",)
        assert written(env_file)["GMAIL_TOKEN"] == server.token("gmail")


def test_oss_mode_polls_the_environment(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    changes = _Changes()
    with reconciler.start(
        env_file=env_file, mapping=MAPPING, on_change=changes, poll_sec=OFTEN
    ) as running:
        assert changes.next().added == ("OPENAI_API_KEY",)
        assert _threads() == ["vendo-reconciler"]
        monkeypatch.setenv("OPENAI_API_KEY", "sk-2")
        assert changes.next().changed == ("OPENAI_API_KEY",)
        assert written(env_file) == {"OPENAI_API_KEY": "sk-2"}
    running.stop()  # a second call does nothing


def test_api_key_that_is_set_later_switches_the_mode(
    server: LocalVendo, env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-own")
    changes = _Changes()
    with reconciler.start(env_file=env_file, mapping=MAPPING, on_change=changes, poll_sec=OFTEN):
        changes.next()
        # The key is the last: it switches the mode.
        for name, value in reversed(server.environment().items()):
            monkeypatch.setenv(name, value)
        while written(env_file) != {
            "OPENAI_API_KEY": server.token("openai"),
            "GMAIL_TOKEN": server.token("gmail"),
        }:
            changes.next()
        server.wait_for_streams(1)


def test_stop_ends_threads_and_stream(server: LocalVendo, env_file: Path) -> None:
    changes = _Changes()
    with server.client() as client:
        running = reconciler.start(
            env_file=env_file, mapping=MAPPING, on_change=changes, client=client, poll_sec=NEVER
        )
        changes.next()
        server.wait_for_streams(1)
        assert sorted(_threads()) == ["vendo-reconciler", "vendo-reconciler-events"]
        running.stop()
        assert _threads() == []
        server.wait_for_streams(0)
        server.rotate("gmail")
        assert client.token("gmail")  # the client of the caller is not closed
    assert written(env_file)["OPENAI_API_KEY"] == server.token("openai")


def test_stop_waits_for_the_current_update(server: LocalVendo, env_file: Path) -> None:
    with server.client() as client, server.hold("credentials") as gate:
        running = reconciler.start(
            env_file=env_file, mapping=MAPPING, on_change=None, client=client
        )
        gate.wait_for(1)
        running.stop(timeout=0.01)  # not longer than its timeout
        assert _threads()
        gate.release()
        running.stop()
        assert _threads() == []
    assert written(env_file)["GMAIL_TOKEN"] == server.token("gmail")


def test_handler_may_call_stop(server: LocalVendo, env_file: Path) -> None:
    ended = threading.Event()
    with server.client() as client:
        running: list[reconciler.Reconciler] = []
        made = threading.Event()

        def stop(_: Change) -> None:
            assert made.wait(20)
            running[0].stop()
            ended.set()

        running.append(
            reconciler.start(env_file=env_file, mapping=MAPPING, on_change=stop, client=client)
        )
        made.set()
        assert ended.wait(20)
        running[0].stop()
    assert _threads() == []


def test_outage_leaves_the_file_unchanged_and_is_logged_once(
    server: LocalVendo, env_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    changes = _Changes()
    with (
        server.client(retry=RetryPolicy(1)) as client,
        reconciler.start(
            env_file=env_file, mapping=MAPPING, on_change=changes, client=client, poll_sec=OFTEN
        ),
    ):
        changes.next()
        before = env_file.read_bytes()
        server.fail("credentials", status=503, times=None)
        server.clear_requests()
        server.expire("gmail")
        server.wait_for_requests(5, "credentials")
        assert env_file.read_bytes() == before
        errors = [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]
        assert len(errors) == 1
        assert f"Updating the env file {env_file} failed" in errors[0]
        with _Log("works again") as log:
            server.heal()
            assert changes.next().changed == ("GMAIL_TOKEN",)
            log.wait()
    for slug in ("gmail", "openai"):
        assert server.token(slug) not in caplog.text
    assert server.api_key not in caplog.text


def test_start_works_with_an_unreachable_backend(env_file: Path, server: LocalVendo) -> None:
    env_file.write_text("A=1\n")
    client = server.client(retry=RetryPolicy(1))
    server.stop()
    with (
        client,
        _Log("failed") as log,
        reconciler.start(env_file=env_file, mapping=MAPPING, on_change=None, client=client),
    ):
        log.wait()
    assert env_file.read_text() == "A=1\n"


def test_malformed_key_is_logged(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDO_API_KEY", "vendo_sk_canary with space")
    with (
        _Log("failed") as log,
        reconciler.start(
            env_file=env_file, mapping=MAPPING, on_change=None, poll_sec=OFTEN
        ) as running,
    ):
        log.wait()
        assert running.is_running


def test_rejected_stream_is_opened_again_later(server: LocalVendo, env_file: Path) -> None:
    changes = _Changes()
    server.fail("events", status=403, times=2)
    with (
        server.client() as client,
        _Log("event stream ended") as log,
        reconciler.start(
            env_file=env_file, mapping=MAPPING, on_change=changes, client=client, poll_sec=OFTEN
        ),
    ):
        changes.next()
        log.wait()
        server.wait_for_streams(1)


def test_function_that_raises_is_logged_and_called_again(
    server: LocalVendo, env_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    changes = _Changes()

    def fail_twice(change: Change) -> None:
        changes(change)
        if changes.qsize() < 3:
            raise LookupError("of the caller's own")

    with (
        server.client() as client,
        reconciler.start(
            env_file=env_file, mapping=MAPPING, on_change=fail_twice, client=client, poll_sec=OFTEN
        ) as running,
    ):
        while changes.qsize() < 3:
            server.wait_for_requests(server.count() + 1)
        running.stop()
    assert [changes.next().added for _ in range(3)] == [("OPENAI_API_KEY", "GMAIL_TOKEN")] * 3
    assert caplog.text.count("LookupError: of the caller's own") == 2


def test_failing_hook_is_called_again(server: LocalVendo, env_file: Path) -> None:
    with hook() as received, server.client() as client:
        received.statuses = [500, 503]
        with reconciler.start(
            env_file=env_file,
            mapping=MAPPING,
            on_change="reload-hook",
            reload_url=received.url,
            client=client,
            poll_sec=OFTEN,
        ):
            bodies = {received.posts.get(timeout=20)[2] for _ in range(3)}
        assert len(bodies) == 1
        assert received.posts.empty()


def test_two_reconcilers_of_one_file_agree_and_call_their_own_handlers(
    server: LocalVendo, env_file: Path
) -> None:
    changes = [_Changes(), _Changes()]

    def start(index: int, client: vendo.Vendo) -> reconciler.Reconciler:
        return reconciler.start(
            env_file=env_file,
            mapping=MAPPING,
            on_change=changes[index],
            client=client,
            poll_sec=NEVER,
        )

    with server.client() as client, start(0, client):
        changes[0].next()
        with start(1, client):  # the first change is handled
            server.wait_for_streams(2)
            server.rotate("gmail")
            for queued in changes:
                assert queued.next().changed == ("GMAIL_TOKEN",)
    assert all(queued.empty() for queued in changes)
    assert written(env_file)["GMAIL_TOKEN"] == server.token("gmail")


def test_change_that_another_process_handled_is_handled_here_too(
    server: LocalVendo, env_file: Path
) -> None:
    changes = _Changes()
    may_send = threading.Event()

    class Slow(BlockingTransport):
        def send(self, request: Request) -> Response:
            assert may_send.wait(20)
            return super().send(request)

    def update() -> None:
        reconciler.bootstrap(env_file=env_file, mapping=MAPPING, client=other)

    with server.client() as other, server.client(transport=Slow()) as slow:
        update()
        with reconciler.start(env_file=env_file, mapping=MAPPING, on_change=changes, client=slow):
            server.rotate("gmail")
            update()
            may_send.set()
            assert changes.next().changed == ("GMAIL_TOKEN",)


def test_deleted_file_is_created_again_without_a_change(server: LocalVendo, env_file: Path) -> None:
    changes = _Changes()
    with (
        server.client() as client,
        _Log("was updated") as first,
        reconciler.start(
            env_file=env_file, mapping=MAPPING, on_change=changes, client=client, poll_sec=OFTEN
        ),
    ):
        changes.next()
        first.wait()
        before = written(env_file)
        with _Log("was updated") as again:
            env_file.unlink()
            again.wait()
        assert written(env_file) == before
    with server.client() as client:
        assert not reconciler.bootstrap(
            env_file=env_file, mapping=MAPPING, on_change=changes, client=client
        )
    assert changes.empty()


#: Keeps a file with the default of `on_change=`, and handles SIGTERM.
_SUPERVISED = """
import signal, sys, threading
from vendo import reconciler

ended = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: ended.set())
running = reconciler.start(env_file=sys.argv[1], mapping={"GMAIL_TOKEN": "gmail"})
print("started", flush=True)
while not ended.wait(0.05):
    pass
running.stop()
print("terminated", flush=True)
"""


def test_supervised_program_is_terminated_by_a_change_alone(
    server: LocalVendo, env_file: Path
) -> None:
    environment = {**os.environ, **server.environment()}

    def program() -> subprocess.Popen[str]:
        return Child(
            [sys.executable, "-c", _SUPERVISED, str(env_file)],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )

    with server.client() as client:
        reconciler.bootstrap(env_file=env_file, mapping={"GMAIL_TOKEN": "gmail"}, client=client)
    for _ in range(2):
        with program() as process:
            assert process.stdout
            assert process.stdout.readline() == "started\n"
            server.wait_for_streams(1)
            server.clear_requests()
            server.emit("connection.changed", slug="gmail", connection_id="x")
            server.wait_for_requests(1, "credentials")  # an update without a change
            assert process.poll() is None
            server.rotate("gmail")
            assert process.communicate(timeout=30)[0] == "terminated\n"
            assert process.returncode == 0
        assert written(env_file) == {"GMAIL_TOKEN": server.token("gmail")}
        server.wait_for_streams(0)


def test_forked_child_leaves_updates_to_its_parent(server: LocalVendo, env_file: Path) -> None:
    program = """
import os, queue, sys, warnings
from vendo import reconciler

warnings.simplefilter("ignore", DeprecationWarning)  # a fork with threads is the point
changes = queue.Queue()
running = reconciler.start(
    env_file=sys.argv[1], mapping={"GMAIL_TOKEN": "gmail"}, on_change=changes.put
)
changes.get(timeout=20)
print("updated", flush=True)
input()
child = os.fork()
if child == 0:
    is_running = running.is_running
    running.stop()
    os._exit(3 if is_running else 0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), running.is_running, flush=True)
print(changes.get(timeout=20).names, flush=True)
running.stop()
"""
    with Child(
        [sys.executable, "-c", program, str(env_file)],
        env={**os.environ, **server.environment()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "updated\n"
        server.wait_for_streams(1)
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "0 True\n"
        server.rotate("gmail")  # the stream of the parent is open
        assert process.stdout.readline() == "('GMAIL_TOKEN',)\n"
        assert process.wait(timeout=30) == 0


def test_stop_closes_the_default_client(
    server: LocalVendo, env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[vendo.Vendo] = []
    close = vendo.Vendo.close

    def record(client: vendo.Vendo) -> None:
        closed.append(client)
        close(client)

    monkeypatch.setattr(vendo.Vendo, "close", record)
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    reconciler.start(env_file=env_file, mapping=MAPPING, on_change=None).stop()
    assert len(closed) == 1


@pytest.mark.parametrize("poll_sec", [0, -1, float("nan"), float("inf"), "30", None, True])
def test_invalid_poll_sec_is_rejected(env_file: Path, poll_sec: Any) -> None:
    with pytest.raises(vendo.ValidationError, match="poll_sec="):
        reconciler.start(env_file=env_file, mapping=MAPPING, poll_sec=poll_sec)


@pytest.mark.parametrize("call", [reconciler.start, reconciler.bootstrap])
def test_malformed_arguments_raise_before_a_thread_or_file_is_created(
    tmp_path: Path, call: Callable[..., object]
) -> None:
    for malformed in (
        {"mapping": {"A-B": "openai"}},
        {"on_change": "reboot"},
        {"reload_url": "http://127.0.0.1/"},
    ):
        with pytest.raises(vendo.ValidationError):
            call(**{"env_file": tmp_path / ".env", "mapping": MAPPING, **malformed})
    assert _threads() == []
    assert list(tmp_path.iterdir()) == []
