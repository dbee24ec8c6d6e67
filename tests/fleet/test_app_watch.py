"""`AppWatch`: what the adapters start, and what `python -m vendo doctor` says of it."""

from __future__ import annotations

import gc
import json
import logging
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any
from unittest.mock import create_autospec

import pytest

import vendo
from cli.command import Shell, problems
from support.flows import JWT
from support.redis_server import redis_server
from support.servers import nowhere
from support.shown import texts_of
from support.watches import Watches, all_streams_open, until, watches
from vendo import MissingExtra, ValidationError, Vendo, web
from vendo._client import app_watch
from vendo._client.watched_tokens import WatchedTokens
from vendo._config.api_keys import PLACEHOLDER_KEY
from vendo.testing import LocalVendo, MockAsyncClient, MockClient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PASSWORD = "canary-password-19f4"
PLACE = "config['REDIS_URL']"


@pytest.fixture(autouse=True)
def _environment(vendo_isolated: None) -> None:
    """Remove the machine's own variables."""


@pytest.fixture(autouse=True)
def watched() -> Iterator[Watches]:
    with watches() as found:
        yield found


@pytest.fixture
def server() -> Iterator[LocalVendo]:
    with LocalVendo(connections=["gmail"]) as server:
        yield server


@pytest.fixture
def client(server: LocalVendo) -> Iterator[Vendo]:
    with server.client() as client:
        yield client


def away(login: str = "") -> str:
    """Return the URL of a Redis that is away."""
    return f"redis://{login}{nowhere().partition('//')[2]}/6"


def watching(client: Any, url: str | None = None) -> web.AppWatch:
    return web.AppWatch(lambda: client, url, PLACE)


@pytest.mark.parametrize(
    "url", ["nonsense", "http://h", "", f"http://:{PASSWORD}@h", f"redis://:{PASSWORD}@h:port"]
)
def test_a_malformed_url_is_an_error(url: str, client: Vendo) -> None:
    with pytest.raises(ValidationError) as caught:
        watching(client, url)
    assert str(caught.value).startswith(f"The Redis URL in {PLACE} is malformed.")
    assert PASSWORD not in "".join(texts_of(caught.value))


@pytest.mark.parametrize("url", [f"http://:{PASSWORD}@h", f"redis://:{PASSWORD}@h:port"])
def test_no_frame_of_a_program_s_watch_shows_a_password(
    url: str, client: Vendo, server: LocalVendo
) -> None:
    for each in (client, server.async_client(transport="threads")):
        with pytest.raises(ValidationError) as caught:
            each.events.watch(redis_url=url)
        assert PASSWORD not in "".join(texts_of(caught.value))


@pytest.mark.parametrize("url", [5, b"redis://h", object()])
def test_a_url_of_a_wrong_type_is_an_error(url: Any, client: Vendo) -> None:
    with pytest.raises(ValidationError, match=r"must be a str\."):
        watching(client, url)


def test_without_the_package_a_url_is_an_error(
    client: Vendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    monkeypatch.setattr("vendo._config.extras.find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"vendo-sdk\[redis\]"):
        watching(client, "redis://127.0.0.1:6379/0")


@pytest.mark.redis
@pytest.mark.parametrize("login", ["", f"someone:not-{PASSWORD}@"])
def test_the_check_raises_if_the_password_is_not_accepted(
    login: str, client: Vendo, tmp_path: Path, watched: Watches
) -> None:
    with redis_server(tmp_path, "--requirepass", PASSWORD) as redis:
        watch = watching(client, f"redis://{login}127.0.0.1:{redis.port}/0")
        with pytest.raises(ValidationError) as caught:
            watch.check()
    assert str(caught.value).startswith(f"The Redis URL in {PLACE} has no password")
    assert PASSWORD not in "".join(texts_of(caught.value))
    assert watched.threads == []


@pytest.mark.redis
def test_the_check_of_a_good_redis_starts_nothing(
    client: Vendo, server: LocalVendo, redis_port: int, watched: Watches
) -> None:
    watching(client, f"redis://127.0.0.1:{redis_port}/6").check()
    assert watched.threads == []
    assert server.requests == []


def test_a_redis_that_is_away_is_logged_once(
    client: Vendo, server: LocalVendo, caplog: pytest.LogCaptureFixture
) -> None:
    watch = watching(client, away(f":{PASSWORD}@"))
    with caplog.at_level(logging.DEBUG, "vendo"):
        watch.check()
        watch.begin()
        until(lambda: watch.mode == "polling")
        assert client.token("gmail") == server.token("gmail")
        watch.stop()
    (record,) = [each for each in caplog.records if "Redis" in each.getMessage()]
    assert f"the Redis URL in {PLACE} does not respond" in record.getMessage()
    assert PASSWORD not in caplog.text


@pytest.mark.parametrize("is_placeholder", [True, False])
def test_in_oss_mode_nothing_starts(
    is_placeholder: bool, caplog: pytest.LogCaptureFixture, watched: Watches
) -> None:
    watch = watching(Vendo(PLACEHOLDER_KEY if is_placeholder else None))
    with caplog.at_level(logging.DEBUG, "vendo"):
        watch.check()
        watch.begin()
    assert watch.mode == "stopped"
    assert watched.threads == []
    assert caplog.records == []


@pytest.mark.parametrize(
    "mock",
    [
        MockClient({"gmail": "sk-test"}),
        MockClient({"gmail": "sk-test"}, vendo_mode=False),
        MockClient({"gmail": "sk-test"}).for_user(JWT),
        MockAsyncClient({"gmail": "sk-test"}),
        create_autospec(Vendo, instance=True),
        create_autospec(vendo.AsyncVendo, instance=True),
        object(),
    ],
    ids=lambda mock: type(mock).__name__,
)
def test_a_mock_is_not_watched(
    mock: Any, caplog: pytest.LogCaptureFixture, watched: Watches
) -> None:
    watch = watching(mock)
    with caplog.at_level(logging.DEBUG, "vendo"):
        watch.check()
        watch.begin()
        if isinstance(mock, Vendo):
            mock.token("gmail")
    assert watch.mode == "stopped"
    assert watched.threads == []
    assert caplog.records == []


def test_a_client_that_cannot_be_made_is_logged_once(
    server: LocalVendo, caplog: pytest.LogCaptureFixture, watched: Watches
) -> None:
    def fail() -> Vendo:
        raise ValueError("it cannot be made")

    watch = web.AppWatch(fail, None, PLACE)
    with caplog.at_level(logging.DEBUG, "vendo"), server.client() as other:
        watch.begin()
        watch.begin()
        assert other.token("gmail") == server.token("gmail")
    assert [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING] == [
        "Events are not watched: it cannot be made"
    ]
    assert watched.threads == []


def test_it_tries_again_with_a_later_token(
    client: Vendo, server: LocalVendo, watched: Watches, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_watch, "_PAUSE", 0.0)
    makes = iter([ValueError("not yet")])

    def make() -> Vendo:
        for error in makes:
            raise error
        return client

    watch = web.AppWatch(make, None, PLACE)
    watch.begin()
    assert watch.mode == "stopped"
    client.token("gmail")
    server.wait_for_streams(1, timeout=60)
    assert watched.modes == ["stream"]


def test_one_thread_runs_however_many_begin(
    client: Vendo, server: LocalVendo, watched: Watches
) -> None:
    watch = watching(client)
    barrier = Barrier(20)

    def begin(number: int) -> None:
        barrier.wait(60)
        if number % 2:
            watch.begin()
        else:
            client.token("gmail")

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(begin, range(20)))
    assert watched.threads == ["vendo-events"]
    server.wait_for_streams(1, timeout=60)
    watch.stop()
    server.wait_for_streams(0, timeout=60)
    assert server.count("events") == 1
    assert watched.threads == []


def test_it_begins_with_a_token_of_its_own_key(
    client: Vendo, server: LocalVendo, watched: Watches
) -> None:
    watch = watching(client)
    with LocalVendo(["gmail"]) as another, another.client() as other:
        other.token("gmail")
        assert (watch.mode, watched.threads) == ("stopped", [])
        client.for_user(JWT).token("gmail")
        assert (watch.mode, watched.threads) == ("stream", ["vendo-events"])
        server.wait_for_streams(1, timeout=60)
        assert another.open_streams == 0


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_process_that_serves_nothing_stops_before_it_forks(
    client: Vendo, server: LocalVendo, watched: Watches
) -> None:
    watch = watching(client)
    client.token("gmail")  # as while `gunicorn --preload` loads an application
    server.wait_for_streams(1)
    os.waitpid(os.fork() or os._exit(0), 0)
    assert (watch.mode, watched.threads) == ("stopped", [])
    server.wait_for_streams(0, timeout=60)
    client.for_user(JWT).token("gmail")  # it is no such process, after all
    server.wait_for_streams(1, timeout=60)
    watch.begin()
    os.waitpid(os.fork() or os._exit(0), 0)
    assert watch.mode == "stream"


def test_it_begins_when_a_key_appears(
    server: LocalVendo, watched: Watches, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Vendo()
    watch = watching(client)
    watch.begin()
    assert (watch.mode, watched.threads) == ("stopped", [])
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    client.token("gmail")
    server.wait_for_streams(1, timeout=60)
    assert watched.modes == ["stream"]


def test_it_goes_over_to_another_key(client: Vendo, server: LocalVendo, watched: Watches) -> None:
    with LocalVendo(["gmail"]) as another, another.client() as other:
        present = [client]
        watch = web.AppWatch(lambda: present[0], None, PLACE)
        watch.begin()
        server.wait_for_streams(1, timeout=60)
        for now, open_, closed in ((other, another, server), (client, server, another)):
            present[0] = now
            now.token("gmail")
            open_.wait_for_streams(1, timeout=60)
            closed.wait_for_streams(0, timeout=60)
            now.invalidate("gmail")
        assert watched.modes == ["stream"]


def test_the_tokens_of_a_key_that_replaces_another_one_are_watched(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    client = Vendo()
    tokens = WatchedTokens(client)
    for key in (server.api_key, f"vendo_sk_{'b' * 32}"):
        monkeypatch.setenv("VENDO_API_KEY", key)
        assert (*(client._settings.scope() or ()), None, "gmail") in tokens
    monkeypatch.delenv("VENDO_API_KEY")
    assert (server.url, server.api_key, None, "gmail") not in tokens


def test_those_of_one_key_share_a_stream(
    client: Vendo, server: LocalVendo, watched: Watches
) -> None:
    with server.client() as other, client.events.watch() as third:
        one, two = watching(client), watching(other)
        one.begin()
        two.begin()
        server.wait_for_streams(1, timeout=60)
        assert watched.threads == ["vendo-events"]
        one.stop()
        one.stop()
        assert (one.mode, two.mode, third.mode) == ("stopped", "stream", "stream")
        third.stop()
        assert client.token("gmail") == server.token("gmail")
        new = server.rotate("gmail")
        until(lambda: client.token("gmail") == new)
        two.stop()
        server.wait_for_streams(0, timeout=60)
    assert server.count("events") == 1


def test_those_of_two_keys_have_a_stream_each(
    client: Vendo, server: LocalVendo, watched: Watches
) -> None:
    with LocalVendo(["gmail"]) as another, another.client() as other:
        one, two = watching(client), watching(other)
        one.begin()
        two.begin()
        for each in (server, another):
            each.wait_for_streams(1, timeout=60)
        one.stop()
        server.wait_for_streams(0, timeout=60)
        assert other.token("gmail") == another.token("gmail")
        new = another.rotate("gmail")
        until(lambda: other.token("gmail") == new)
        two.stop()
    assert watched.threads == []


@pytest.mark.redis
def test_with_one_redis_a_rotated_credential_is_noticed(
    client: Vendo, server: LocalVendo, redis_port: int, watched: Watches
) -> None:
    watch = watching(client, f"redis://127.0.0.1:{redis_port}/6")
    watch.check()
    watch.begin()
    server.wait_for_streams(1, timeout=60)
    assert client.token("gmail") == server.token("gmail")
    new = server.rotate("gmail")
    until(lambda: client.token("gmail") == new)
    assert watch.mode == "redis"
    watch.stop()
    server.wait_for_streams(0, timeout=60)
    until(lambda: watched.threads == [])


def test_a_rejected_key_ends_it_and_is_logged_once(
    client: Vendo, server: LocalVendo, caplog: pytest.LogCaptureFixture, watched: Watches
) -> None:
    server.revoke_key()
    watch = watching(client)
    with caplog.at_level(logging.DEBUG, "vendo"):
        watch.begin()
        until(lambda: watched.threads == [])
        watch.begin()
    assert watched.threads == []
    assert len([each for each in caplog.records if each.levelno == logging.ERROR]) == 1
    assert server.api_key not in caplog.text
    watch.stop()


def test_one_that_nobody_has_begins_nothing(
    client: Vendo, server: LocalVendo, watched: Watches
) -> None:
    watching(client)
    gc.collect()
    assert client.token("gmail") == server.token("gmail")
    assert watched.threads == []


def test_no_repr_has_a_secret(client: Vendo, server: LocalVendo) -> None:
    watch = watching(client, away(f":{PASSWORD}@"))
    assert repr(watch) == "<AppWatch, stopped>"
    watch.begin()
    until(lambda: repr(watch) == "<AppWatch, polling>")
    with client.events.watch() as other:
        assert repr(other) == "<EventWatch, running>"
        server.wait_for_streams(1, timeout=60)
    assert repr(other) == "<EventWatch, stopped>"
    shown = "".join([*texts_of(watch), *texts_of(other), repr(vars(watch)), repr(vars(other))])
    assert PASSWORD not in shown
    assert server.api_key not in shown


# python -m vendo doctor


@pytest.fixture
def shell(tmp_path: Path, server: LocalVendo) -> Shell:
    shell = Shell(tmp_path)
    shell.env.update(server.environment())
    return shell


def report_of(shell: Shell, *, status: int = 0) -> dict[str, Any]:
    done = shell.vendo("doctor", "--json")
    assert (done.returncode, done.stderr) == (status, ""), done.stdout
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_doctor_shows_a_stream_and_leaves_none_open(shell: Shell, server: LocalVendo) -> None:
    assert report_of(shell)["events"] == "stream"
    server.wait_for_streams(0, timeout=60)
    page = shell.vendo("doctor").stdout
    assert "\nEvents\n  stream  an event stream for each process\n" in page


def test_doctor_shows_polling_while_all_streams_are_open(shell: Shell, server: LocalVendo) -> None:
    with all_streams_open(server):
        assert report_of(shell)["events"] == "polling"
        done = shell.vendo("doctor")
    assert done.returncode == 0
    assert (
        "\nEvents\n  polling  all five event streams are open: every 30 s it asks for the "
        "connections\n"
    ) in done.stdout


@pytest.mark.redis
def test_doctor_shows_redis(shell: Shell, server: LocalVendo, redis_port: int) -> None:
    shell.env["VENDO_REDIS_URL"] = f"redis://127.0.0.1:{redis_port}/6"
    assert report_of(shell)["events"] == "redis"
    page = shell.vendo("doctor").stdout
    assert "\nEvents\n  redis  one event stream for all processes, through Redis\n" in page
    assert server.count("events") == 0


def test_doctor_says_nothing_of_events_in_oss_mode(shell: Shell, server: LocalVendo) -> None:
    shell.env["VENDO_API_KEY"] = ""
    assert report_of(shell)["events"] is None
    assert "\nEvents\n" not in shell.vendo("doctor").stdout
    assert server.requests == []


def told_of(shell: Shell) -> tuple[str, str]:
    """Return the one problem and its fix, which the text and the JSON have both."""
    report = report_of(shell, status=1)
    (problem,) = report["problems"]
    assert report["events"] is None
    done = shell.vendo("doctor")
    assert done.returncode == 1
    assert problems(done.stdout) == {problem["text"]: problem["fix"]}
    assert PASSWORD not in done.stdout + done.stderr + json.dumps(report)
    return problem["text"], problem["fix"]


def test_a_redis_that_is_away_is_a_problem(shell: Shell) -> None:
    shell.env["VENDO_REDIS_URL"] = away(f":{PASSWORD}@")
    text, fix = told_of(shell)
    assert "the Redis URL in VENDO_REDIS_URL does not respond" in text
    assert fix == "Check the URL, and that Redis is running and can be reached from here."


def test_a_redis_is_checked_before_anything_is_connected(shell: Shell, server: LocalVendo) -> None:
    server.disconnect("gmail")
    shell.env["VENDO_REDIS_URL"] = away()
    assert "the Redis URL in VENDO_REDIS_URL does not respond" in told_of(shell)[0]


def test_a_redis_is_checked_while_the_backend_is_away(shell: Shell, server: LocalVendo) -> None:
    server.stop()
    shell.env["VENDO_REDIS_URL"] = away()
    texts = [problem["text"] for problem in report_of(shell, status=1)["problems"]]
    assert len([text for text in texts if "Redis" in text]) == 1
    assert len(texts) == len(set(texts)) == 4  # the others are those of the three surfaces


@pytest.mark.parametrize("url", [f"http://:{PASSWORD}@h", f"redis://:{PASSWORD}@h:port"])
def test_a_malformed_url_is_a_problem(url: str, shell: Shell) -> None:
    shell.env["VENDO_REDIS_URL"] = url
    text, fix = told_of(shell)
    assert text == "The Redis URL in VENDO_REDIS_URL is malformed."
    assert "redis://127.0.0.1:6379/0" in fix


@pytest.mark.redis
def test_a_redis_with_another_password_is_a_problem(shell: Shell, tmp_path: Path) -> None:
    with redis_server(tmp_path, "--requirepass", PASSWORD) as redis:
        shell.env["VENDO_REDIS_URL"] = f"redis://:not-{PASSWORD}@127.0.0.1:{redis.port}/0"
        text, fix = told_of(shell)
    assert text.startswith("The Redis URL in VENDO_REDIS_URL has no password")
    assert "redis://user:password@host:6379/0" in fix


def test_the_missing_package_is_a_problem(shell: Shell) -> None:
    shell.hide("redis")
    shell.env["VENDO_REDIS_URL"] = "redis://127.0.0.1:6379/0"
    text, fix = told_of(shell)
    assert "redis" in text
    assert "vendo-sdk[redis]" in fix
