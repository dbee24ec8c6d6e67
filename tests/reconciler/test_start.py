"""Keeping a file in the background: what wakes it, what it lives through, how it ends."""

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
from vendo import RetryPolicy, reconciler
from vendo._transports.blocking import BlockingTransport

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vendo._protocol.steps import Request, Response
    from vendo.reconciler import Change
    from vendo.testing import LocalVendo

MAPPING = {"OPENAI_API_KEY": "openai", "GMAIL_TOKEN": "gmail"}
#: Longer than any test: what happens sooner was not a poll.
NEVER = 3600.0
#: As good as at once.
OFTEN = 0.02


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


class _Changes(queue.Queue["Change"]):
    """The changes that were told, one after the other."""

    def __call__(self, change: Change) -> None:
        self.put(change)

    def next(self) -> Change:
        return self.get(timeout=20)


class _Log(logging.Handler):
    """Sets an event when a text turns up in the log of `vendo`."""

    def __init__(self, text: str) -> None:
        super().__init__(logging.DEBUG)
        self._text = text
        self.seen = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if self._text in record.getMessage():
            self.seen.set()

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
        assert self.seen.wait(20), self._text


def _threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("vendo-reconciler")]


def test_the_file_is_written_at_the_start_and_at_each_event(
    server: LocalVendo, env_file: Path
) -> None:
    changes = _Changes()
    with (
        server.client() as client,
        reconciler.start(
            env_file=env_file, mapping=MAPPING, on_change=changes, client=client, poll_sec=NEVER
        ) as keeping,
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
        assert keeping.is_running
        assert repr(keeping) == f"<Reconciler of {str(env_file)!r}, running>"
    assert repr(keeping) == f"<Reconciler of {str(env_file)!r}, stopped>"
    assert not keeping.is_running


def test_an_event_of_another_kind_wakes_nobody(server: LocalVendo, env_file: Path) -> None:
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


def test_what_no_event_told_of_is_found_by_polling(server: LocalVendo, env_file: Path) -> None:
    changes = _Changes()
    with (
        server.client() as client,
        reconciler.start(
            env_file=env_file, mapping=MAPPING, on_change=changes, client=client, poll_sec=OFTEN
        ),
    ):
        changes.next()
        server.expire("gmail")  # in silence
        assert changes.next().changed == ("GMAIL_TOKEN",)
        assert written(env_file)["GMAIL_TOKEN"] == server.token("gmail")


def test_in_oss_mode_the_environment_is_polled(
    env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    changes = _Changes()
    with reconciler.start(
        env_file=env_file, mapping=MAPPING, on_change=changes, poll_sec=OFTEN
    ) as keeping:
        assert changes.next().added == ("OPENAI_API_KEY",)
        assert _threads() == ["vendo-reconciler"]
        monkeypatch.setenv("OPENAI_API_KEY", "sk-2")
        assert changes.next().changed == ("OPENAI_API_KEY",)
        assert written(env_file) == {"OPENAI_API_KEY": "sk-2"}
    keeping.stop()  # once more does no harm


def test_a_key_that_is_set_later_brings_tokens_and_events(
    server: LocalVendo, env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-own")
    changes = _Changes()
    with reconciler.start(env_file=env_file, mapping=MAPPING, on_change=changes, poll_sec=OFTEN):
        changes.next()
        # The key last: it is what switches the mode.
        for name, value in reversed(server.environment().items()):
            monkeypatch.setenv(name, value)
        while written(env_file) != {
            "OPENAI_API_KEY": server.token("openai"),
            "GMAIL_TOKEN": server.token("gmail"),
        }:
            changes.next()
        server.wait_for_streams(1)


def test_stop_ends_its_threads_and_its_stream(server: LocalVendo, env_file: Path) -> None:
    changes = _Changes()
    with server.client() as client:
        keeping = reconciler.start(
            env_file=env_file, mapping=MAPPING, on_change=changes, client=client, poll_sec=NEVER
        )
        changes.next()
        server.wait_for_streams(1)
        assert sorted(_threads()) == ["vendo-reconciler", "vendo-reconciler-events"]
        keeping.stop()
        assert _threads() == []
        server.wait_for_streams(0)
        server.rotate("gmail")
        assert client.token("gmail")  # the client is the caller's, and still of use
    assert written(env_file)["OPENAI_API_KEY"] == server.token("openai")


def test_stop_waits_for_the_pass_that_is_under_way(server: LocalVendo, env_file: Path) -> None:
    with server.client() as client, server.hold("credentials") as gate:
        keeping = reconciler.start(env_file=env_file, mapping=MAPPING, client=client)
        gate.wait_for(1)
        keeping.stop(timeout=0.01)  # and no longer than it is told to
        assert _threads()
        gate.release()
        keeping.stop()
        assert _threads() == []
    assert written(env_file)["GMAIL_TOKEN"] == server.token("gmail")


def test_a_handler_may_be_what_stops_it(server: LocalVendo, env_file: Path) -> None:
    ended = threading.Event()
    with server.client() as client:
        keeping: list[reconciler.Reconciler] = []
        made = threading.Event()

        def stop(_: Change) -> None:
            assert made.wait(20)
            keeping[0].stop()
            ended.set()

        keeping.append(
            reconciler.start(env_file=env_file, mapping=MAPPING, on_change=stop, client=client)
        )
        made.set()
        assert ended.wait(20)
        keeping[0].stop()
    assert _threads() == []


def test_an_outage_leaves_the_file_and_is_logged_once(
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
        assert f"Keeping the env file {env_file} does not go on" in errors[0]
        with _Log("goes on") as log:
            server.heal()
            assert changes.next().changed == ("GMAIL_TOKEN",)
            log.wait()
    for slug in ("gmail", "openai"):
        assert server.token(slug) not in caplog.text
    assert server.api_key not in caplog.text


def test_a_backend_that_is_not_there_at_all_lets_the_program_start(
    env_file: Path, server: LocalVendo
) -> None:
    env_file.write_text("A=1\n")
    client = server.client(retry=RetryPolicy(1))
    server.stop()
    with (
        client,
        _Log("does not go on") as log,
        reconciler.start(env_file=env_file, mapping=MAPPING, client=client),
    ):
        log.wait()
    assert env_file.read_text() == "A=1\n"


def test_a_malformed_key_is_logged_and_does_not_end_it(
    env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_API_KEY", "vendo_sk_canary with space")
    with (
        _Log("does not go on") as log,
        reconciler.start(env_file=env_file, mapping=MAPPING, poll_sec=OFTEN) as keeping,
    ):
        log.wait()
        assert keeping.is_running


def test_a_refused_stream_is_opened_again_later(server: LocalVendo, env_file: Path) -> None:
    changes = _Changes()
    server.fail("events", status=403, times=2)
    with (
        server.client() as client,
        _Log("event stream has ended") as log,
        reconciler.start(
            env_file=env_file, mapping=MAPPING, on_change=changes, client=client, poll_sec=OFTEN
        ),
    ):
        changes.next()
        log.wait()
        server.wait_for_streams(1)


def test_a_function_that_raises_is_logged_and_called_again(
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
        ) as keeping,
    ):
        while changes.qsize() < 3:
            server.wait_for_requests(server.count() + 1)
        keeping.stop()
    assert [changes.next().added for _ in range(3)] == [("OPENAI_API_KEY", "GMAIL_TOKEN")] * 3
    assert caplog.text.count("LookupError: of the caller's own") == 2


def test_a_hook_that_refuses_is_told_again(server: LocalVendo, env_file: Path) -> None:
    with hook() as told, server.client() as client:
        told.statuses = [500, 503]
        with reconciler.start(
            env_file=env_file,
            mapping=MAPPING,
            on_change="reload-hook",
            reload_url=told.url,
            client=client,
            poll_sec=OFTEN,
        ):
            bodies = {told.posts.get(timeout=20)[2] for _ in range(3)}
        assert len(bodies) == 1
        assert told.posts.empty()


def test_two_that_keep_one_file_agree_and_each_tells_for_itself(
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
        with start(1, client):  # was told by what is remembered of the first one
            server.wait_for_streams(2)
            server.rotate("gmail")
            for told in changes:
                assert told.next().changed == ("GMAIL_TOKEN",)
    assert all(told.empty() for told in changes)
    assert written(env_file)["GMAIL_TOKEN"] == server.token("gmail")


def test_what_another_one_told_of_since_the_start_is_told_here_as_well(
    server: LocalVendo, env_file: Path
) -> None:
    changes = _Changes()
    may_send = threading.Event()

    class Slow(BlockingTransport):
        def send(self, request: Request) -> Response:
            assert may_send.wait(20)
            return super().send(request)

    def bring_up_to_date() -> None:
        reconciler.bootstrap(env_file=env_file, mapping=MAPPING, client=other)

    with server.client() as other, server.client(transport=Slow()) as slow:
        bring_up_to_date()
        with reconciler.start(env_file=env_file, mapping=MAPPING, on_change=changes, client=slow):
            server.rotate("gmail")
            bring_up_to_date()
            may_send.set()
            assert changes.next().changed == ("GMAIL_TOKEN",)


def test_a_file_that_somebody_deletes_comes_back_and_nobody_is_told(
    server: LocalVendo, env_file: Path
) -> None:
    changes = _Changes()
    with (
        server.client() as client,
        _Log("brought up to date") as first,
        reconciler.start(
            env_file=env_file, mapping=MAPPING, on_change=changes, client=client, poll_sec=OFTEN
        ),
    ):
        changes.next()
        first.wait()
        before = written(env_file)
        with _Log("brought up to date") as again:
            env_file.unlink()
            again.wait()
        assert written(env_file) == before
    with server.client() as client:
        assert not reconciler.bootstrap(
            env_file=env_file, mapping=MAPPING, on_change=changes, client=client
        )
    assert changes.empty()


#: Keeps a file with `on_change="restart"`, and ends in order when it is asked to.
_SUPERVISED = """
import signal, sys, threading
from vendo import reconciler

ended = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: ended.set())
keeping = reconciler.start(
    env_file=sys.argv[1], mapping={"GMAIL_TOKEN": "gmail"}, on_change="restart"
)
print("started", flush=True)
while not ended.wait(0.05):
    pass
keeping.stop()
print("ended in order", flush=True)
"""


def test_a_supervised_program_is_ended_when_something_changed_and_not_before(
    server: LocalVendo, env_file: Path
) -> None:
    environment = {**os.environ, **server.environment()}

    def program() -> subprocess.Popen[str]:
        return subprocess.Popen(
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
            server.wait_for_requests(1, "credentials")  # a look that found nothing
            assert process.poll() is None
            server.rotate("gmail")
            assert process.communicate(timeout=30)[0] == "ended in order\n"
            assert process.returncode == 0
        assert written(env_file) == {"GMAIL_TOKEN": server.token("gmail")}
        server.wait_for_streams(0)


def test_a_forked_child_leaves_the_keeping_to_its_parent(
    server: LocalVendo, env_file: Path
) -> None:
    program = """
import os, queue, sys, warnings
from vendo import reconciler

warnings.simplefilter("ignore", DeprecationWarning)  # of a fork with threads: what this is about
changes = queue.Queue()
keeping = reconciler.start(
    env_file=sys.argv[1], mapping={"GMAIL_TOKEN": "gmail"}, on_change=changes.put
)
changes.get(timeout=20)
print("kept", flush=True)
input()
child = os.fork()
if child == 0:
    running = keeping.is_running
    keeping.stop()
    os._exit(3 if running else 0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), keeping.is_running, flush=True)
print(changes.get(timeout=20).names, flush=True)
keeping.stop()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program, str(env_file)],
        env={**os.environ, **server.environment()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "kept\n"
        server.wait_for_streams(1)
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "0 True\n"
        server.rotate("gmail")  # the parent's stream is still there
        assert process.stdout.readline() == "('GMAIL_TOKEN',)\n"
        assert process.wait(timeout=30) == 0


def test_the_default_client_is_closed_with_it(
    server: LocalVendo, env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[vendo.Vendo] = []
    close = vendo.Vendo.close

    def watched(client: vendo.Vendo) -> None:
        closed.append(client)
        close(client)

    monkeypatch.setattr(vendo.Vendo, "close", watched)
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    reconciler.start(env_file=env_file, mapping=MAPPING).stop()
    assert len(closed) == 1


@pytest.mark.parametrize("poll_sec", [0, -1, float("nan"), float("inf"), "30", None, True])
def test_what_is_no_number_of_seconds_is_refused(env_file: Path, poll_sec: Any) -> None:
    with pytest.raises(vendo.ValidationError, match="poll_sec="):
        reconciler.start(env_file=env_file, mapping=MAPPING, poll_sec=poll_sec)


@pytest.mark.parametrize("call", [reconciler.start, reconciler.bootstrap])
def test_malformed_arguments_raise_before_a_thread_or_a_file_is_made(
    env_file: Path, call: Callable[..., object]
) -> None:
    for wrong in (
        {"mapping": {"A-B": "openai"}},
        {"on_change": "reboot"},
        {"reload_url": "http://127.0.0.1/"},
    ):
        with pytest.raises(vendo.ValidationError):
            call(**{"env_file": env_file, "mapping": MAPPING, **wrong})
    assert _threads() == []
    assert list(env_file.parent.iterdir()) == []
