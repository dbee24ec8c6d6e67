"""A Redis that cannot be used: one error at the start, or one log record and polling later."""

from __future__ import annotations

import logging
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

import vendo
from support.redis_server import RedisServer, redis_server
from support.servers import nowhere
from support.watches import until, until_mode
from vendo import UpstreamConnectionError, ValidationError
from vendo._client import leadership, redis_bus, watched_tokens
from vendo._tokens import entry
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


PASSWORD = "canary-password-19f4"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalVendo]:
    with LocalVendo(connections=["gmail"]) as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        yield server


def url_of(redis: RedisServer, login: str = "") -> str:
    return f"redis://{login}127.0.0.1:{redis.port}/0"


@pytest.mark.parametrize(
    "url", ["nonsense", "http://127.0.0.1:6379", "redis://127.0.0.1:port", "", "redis://[::1"]
)
@pytest.mark.usefixtures("server")
def test_a_malformed_url_is_an_error(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError, match=r"Redis URL in redis_url=.*malformed") as caught:
        vendo.events.watch(redis_url=url)
    assert "redis://127.0.0.1:6379/0" in (caught.value.suggested_fix or "")
    if url:
        monkeypatch.setenv("VENDO_REDIS_URL", url)
        with pytest.raises(ValidationError, match="Redis URL in VENDO_REDIS_URL"):
            vendo.events.watch()


@pytest.mark.usefixtures("server")
def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    monkeypatch.setattr("vendo._config.extras.find_spec", lambda _: None)
    with pytest.raises(vendo.MissingExtra, match="redis") as caught:
        vendo.events.watch(redis_url="redis://127.0.0.1:6379/0")
    assert "vendo-sdk[redis]" in (caught.value.suggested_fix or "")


@pytest.mark.usefixtures("server")
def test_a_redis_that_is_away_is_an_error_at_the_start() -> None:
    url = nowhere().replace("http", "redis")
    with pytest.raises(UpstreamConnectionError, match="does not respond"):
        vendo.events.watch(redis_url=url)


@pytest.mark.redis
@pytest.mark.parametrize("login", ["", ":wrong@", f"someone:{PASSWORD}-not@"])
@pytest.mark.usefixtures("server")
def test_a_password_that_is_not_accepted_is_an_error(login: str, tmp_path: Path) -> None:
    with (
        redis_server(tmp_path, "--requirepass", PASSWORD) as redis,
        pytest.raises(ValidationError, match="password") as caught,
    ):
        vendo.events.watch(redis_url=url_of(redis, login))
    assert PASSWORD not in str(caught.value)
    assert "wrong" not in str(caught.value)


@pytest.mark.redis
@pytest.mark.usefixtures("server")
def test_the_right_password_is_accepted(tmp_path: Path) -> None:
    with (
        redis_server(tmp_path, "--requirepass", PASSWORD) as redis,
        vendo.events.watch(redis_url=url_of(redis, f":{PASSWORD}@")) as watch,
    ):
        assert watch.mode == "redis"


@pytest.mark.redis
@pytest.mark.parametrize("command", ["XADD", "XREAD", "XRANGE"])
@pytest.mark.usefixtures("server")
def test_a_redis_without_streams_is_an_error(command: str, tmp_path: Path) -> None:
    with (
        redis_server(tmp_path, "--rename-command", command, "") as redis,
        pytest.raises(ValidationError, match=r"no streams.*5\.0"),
    ):
        vendo.events.watch(redis_url=url_of(redis))


@pytest.mark.redis
def test_a_redis_that_fails_later_is_logged_once_and_used_again(
    server: LocalVendo,
    redis: RedisServer,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(redis_bus, "_PATIENCE", 0.1)
    monkeypatch.setattr(watched_tokens, "MISSED_SECONDS", 0.1)
    with vendo.events.watch(redis_url=url_of(redis)) as watch:
        old = vendo.token("gmail")
        with caplog.at_level(logging.INFO, "vendo"):
            redis.stop()
            until_mode(watch, "polling")
            new = server.rotate("gmail")
            until(lambda: vendo.token("gmail") == new)
            redis.start()
            until_mode(watch, "redis")
    records = [each.getMessage() for each in caplog.records if "Redis" in each.getMessage()]
    assert len(records) == 2, records
    assert "does not respond" in records[0]
    assert "back" in records[1]
    assert old != new


@pytest.mark.redis
def test_a_rejected_key_ends_the_watch(
    server: LocalVendo, redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    with vendo.events.watch(redis_url=url_of(redis)) as watch:
        server.wait_for_streams(1)
        server.revoke_key()
        server.stop()  # ends the stream, which the leader opens again
        server.start()
        until_mode(watch, "stopped")
        assert not watch.is_running
    (record,) = [each for each in caplog.records if each.levelname == "ERROR"]
    assert record.getMessage().startswith("Watching events has stopped: ")
    assert record.exc_info is None


@pytest.mark.redis
@pytest.mark.parametrize(
    "options", ["protocol=3", "max_connections=1", "socket_timeout=0.1", "decode_responses=true"]
)
def test_options_of_the_url_break_nothing(
    options: str, server: LocalVendo, redis: RedisServer
) -> None:
    with vendo.events.watch(redis_url=f"{url_of(redis)}?{options}") as watch:
        server.wait_for_streams(1)
        vendo.token("gmail")
        for _ in range(3):
            server.rotate("gmail")
            until(lambda: vendo.token("gmail") == server.token("gmail"))
        assert watch.mode == "redis"
        assert server.open_streams == 1


@pytest.mark.redis
@pytest.mark.usefixtures("server")
def test_a_database_that_is_not_there_is_an_error(redis: RedisServer) -> None:
    url = url_of(redis).removesuffix("/0")
    with pytest.raises(ValidationError, match="names a database"):
        vendo.events.watch(redis_url=f"{url}/99")
    with pytest.raises(ValidationError, match="malformed"):
        vendo.events.watch(redis_url=f"{url}/sessions")


def test_a_server_that_is_no_redis_is_an_error(server: LocalVendo) -> None:
    with pytest.raises(ValidationError, match="is no Redis"):
        vendo.events.watch(redis_url=server.url.replace("http", "redis"))


@pytest.mark.redis
def test_nothing_secret_goes_over_redis(server: LocalVendo, redis: RedisServer) -> None:
    import redis as library

    with vendo.events.watch(redis_url=url_of(redis)):
        server.wait_for_streams(1)
        token = vendo.token("gmail")
        server.rotate("gmail")
        new = server.token("gmail")
        until(lambda: vendo.token("gmail") == new)
        client = library.Redis(port=redis.port)
        everything = ""
        for name in client.keys("*"):
            kind = client.type(name)
            value = client.xrange(name) if kind == b"stream" else client.get(name)
            everything += f"{name!r} {value!r}"
            assert 0 < client.ttl(name) <= leadership.KEPT_SECONDS
        client.close()
    assert "gmail" in everything
    for secret in (token, new, server.api_key):
        assert secret not in everything


@pytest.mark.redis
def test_what_others_write_there_is_ignored(server: LocalVendo, redis: RedisServer) -> None:
    import redis as library

    with vendo.events.watch(redis_url=url_of(redis)) as watch:
        server.wait_for_streams(1)
        vendo.token("gmail")
        client = library.Redis(port=redis.port)
        (name,) = client.keys("vendo:*:changes")
        changes: list[dict[Any, Any]] = [
            {"x": "y"},
            {b"\xff": b"\xff\xfe", "kind": b"\xff"},
            {"kind": "connection.changed", "slug": "../" * 1000},
            {"kind": "token.rejected", "slug": "gmail", "user": "x" * 100_000},
            {"kind": "connection.disconnected", "slug": ""},
        ]
        for fields in changes:
            client.xadd(name, fields)
        client.close()
        asked = server.count("credentials")
        new = server.rotate("gmail")
        until(lambda: vendo.token("gmail") == new)
        assert watch.is_running
        assert watch.mode == "redis"
        assert server.count("credentials") == asked + 1


@pytest.mark.redis
@pytest.mark.parametrize("differs", ["key", "backend"])
def test_two_apps_share_nothing_in_one_redis(differs: str, redis: RedisServer) -> None:
    import redis as library

    key = "vendo_sk_" + "b" * 32
    with (
        LocalVendo(connections=["gmail"], api_key=key) as one,
        LocalVendo(connections=["gmail"], api_key=key if differs == "backend" else None) as other,
        one.client() as ours,
        other.client() as theirs,
        ours.events.watch(redis_url=url_of(redis)),
        theirs.events.watch(redis_url=url_of(redis)),
        library.Redis(port=redis.port) as client,
    ):
        assert (one.api_key == other.api_key) is (differs == "backend")
        one.wait_for_streams(1)
        other.wait_for_streams(1)  # each has a leader
        kept = theirs.token("gmail")
        ours.token("gmail")
        asked = other.count("credentials")
        for _ in range(2):
            new = one.rotate("gmail")
            deadline = time.monotonic() + 60
            while ours.token("gmail") != new:
                assert theirs.token("gmail") == kept
                assert time.monotonic() < deadline
                time.sleep(0.01)
        assert other.count("credentials") == asked

        found = client.keys("vendo:*:changes")
        assert len(found) == 2
        kinds = [{values[b"kind"] for _, values in client.xrange(name)} for name in found]
        assert {b"begun"} in kinds  # nobody wrote into the other's
        assert {b"begun", b"connection.changed"} in kinds


@pytest.mark.redis
@pytest.mark.parametrize("after", [0.0, 2.5])
def test_a_change_after_a_rejection_is_not_missed(
    after: float, server: LocalVendo, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entry, "LATER", (0.5, 1.0))
    with vendo.events.watch(redis_url=url_of(redis)), vendo.session("gmail") as session:
        server.wait_for_streams(1)
        vendo.token("gmail")
        server.expire("gmail")
        assert session.get("gmail/v1/users/me/profile").status_code == 200  # with another token
        time.sleep(after)
        new = server.rotate("gmail")
        until(lambda: vendo.token("gmail") == new)
