"""A Redis with users of its own, and one with TLS."""

from __future__ import annotations

import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import trustme
from redis import Redis
from redis.exceptions import NoPermissionError

import vendo
from support.redis_server import redis_server
from support.watches import until_mode
from vendo import UpstreamConnectionError, ValidationError
from vendo._client import event_watch
from vendo._transports.redis_server import error_of
from vendo._transports.redis_server import redis_server as redis_server_of
from vendo.testing import LocalVendo
from vendo.web import RedisReplayCache, handle_once

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


pytestmark = pytest.mark.redis

USER, PASSWORD = "worker", "canary-password-83c1"
#: The rights that the error for a user without them says to give.
RIGHTS = re.findall(
    r"ACL SETUSER … (.*)\.$", error_of(NoPermissionError(), "The Redis URL").suggested_fix or ""
)[0].split()


@pytest.fixture(autouse=True)
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalVendo]:
    with LocalVendo(connections=["gmail"]) as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        yield server


@contextmanager
def redis_of_a_user(folder: Path, rights: list[str]) -> Iterator[str]:
    """Run a Redis whose user has these rights, and no other one has any. Yield the user's URL."""
    with redis_server(folder) as redis:
        with Redis(port=redis.port) as admin:
            admin.execute_command("ACL", "SETUSER", USER, "on", f">{PASSWORD}", *rights)
            admin.execute_command("ACL", "SETUSER", "default", "off")
        yield f"redis://{USER}:{PASSWORD}@127.0.0.1:{redis.port}/1"


def until_new(token: str) -> None:
    deadline = time.monotonic() + 60
    while vendo.token("gmail") != token:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_rights_of_the_fix_are_enough(
    server: LocalVendo, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        redis_of_a_user(tmp_path, RIGHTS) as url,
        vendo.events.watch(redis_url=url) as one,
    ):
        server.wait_for_streams(1)
        vendo.token("gmail")
        until_new(server.rotate("gmail"))
        server.expire("gmail")
        with vendo.session("gmail") as session:  # the others hear of its 401
            assert session.get("gmail/v1/users/me/profile").status_code == 200
        time.sleep(2.5)  # the lease is renewed, and the last event is noted
        until_new(server.rotate("gmail"))
        assert one.mode == "redis"
        assert server.open_streams == 1
    assert not caplog.records


@pytest.mark.parametrize("missing", RIGHTS)
def test_without_one_of_them_the_error_says_what_to_allow(missing: str, tmp_path: Path) -> None:
    rights = [each for each in RIGHTS if each != missing]
    with (
        redis_of_a_user(tmp_path, rights) as url,
        pytest.raises(ValidationError, match="may not use the keys of vendo") as caught,
    ):
        vendo.events.watch(redis_url=url)
    assert " ".join(RIGHTS) in (caught.value.suggested_fix or "")
    assert PASSWORD not in str(caught.value)


def test_a_user_of_other_keys_is_told_what_to_allow(tmp_path: Path) -> None:
    with (
        redis_of_a_user(tmp_path, ["~app:*", "+@all"]) as url,
        pytest.raises(ValidationError, match="may not use the keys of vendo"),
    ):
        vendo.events.watch(redis_url=url)


def test_a_user_who_may_not_lead_is_told_at_the_start(tmp_path: Path) -> None:
    with (
        redis_of_a_user(tmp_path, ["~vendo:*", "+@all", "-@scripting"]) as url,
        pytest.raises(ValidationError, match="may not use the keys of vendo"),
    ):
        vendo.events.watch(redis_url=url)


def test_a_user_without_a_right_password_is_told_so(tmp_path: Path) -> None:
    with (
        redis_of_a_user(tmp_path, RIGHTS) as url,
        pytest.raises(ValidationError, match="password"),
    ):
        vendo.events.watch(redis_url=url.replace(PASSWORD, "wrong"))


def test_the_rights_of_the_fix_are_enough_for_webhooks(tmp_path: Path) -> None:
    handled = []
    with redis_of_a_user(tmp_path, RIGHTS) as url:
        store = RedisReplayCache(url)
        assert store.add("vendo.webhook.1", "a lease", 60) == "a lease"
        assert store.renew("vendo.webhook.1", "a lease", 60)
        store.discard("vendo.webhook.1", "a lease")
        for _ in range(2):
            handle_once(store, "vendo.webhook.1", lambda: handled.append(1))
    assert handled == [1]


def test_rights_that_are_taken_away_are_logged_and_it_polls(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rights = [*RIGHTS, "+acl"]
    with redis_of_a_user(tmp_path, rights) as url, vendo.events.watch(redis_url=url) as watch:
        with Redis.from_url(url) as client:
            client.execute_command("ACL", "SETUSER", USER, "resetkeys")
            until_mode(watch, "polling")
            (record,) = caplog.records
            assert "may not use the keys of vendo" in record.getMessage()
            client.execute_command("ACL", "SETUSER", USER, "~vendo:*")
        until_mode(watch, "redis")


@pytest.fixture
def secure_port(tmp_path: Path) -> Iterator[int]:
    """The port of a Redis with TLS alone. The file `authority.pem` is what it is trusted for."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
        str(tmp_path / "server.pem")
    )
    with redis_server(tmp_path, is_tls=True) as redis:
        yield redis.port


def test_a_redis_with_tls_is_used(server: LocalVendo, secure_port: int, tmp_path: Path) -> None:
    authority = tmp_path / "authority.pem"
    url = f"rediss://127.0.0.1:{secure_port}/0?ssl_ca_certs={authority}"
    with vendo.events.watch(redis_url=url) as watch:
        server.wait_for_streams(1)
        vendo.token("gmail")
        until_new(server.rotate("gmail"))
        assert watch.mode == "redis"


@pytest.mark.parametrize("scheme", ["redis", "rediss"], ids=["plain", "another authority"])
def test_a_redis_that_is_not_trusted_is_an_error(scheme: str, secure_port: int) -> None:
    with pytest.raises(UpstreamConnectionError, match="does not respond") as caught:
        vendo.events.watch(redis_url=f"{scheme}://127.0.0.1:{secure_port}/0")
    assert "Check the URL" in (caught.value.suggested_fix or "")


def test_a_user_who_may_not_lead_is_logged_once_where_a_setting_asks(
    server: LocalVendo, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        redis_of_a_user(tmp_path, ["~vendo:*", "+@all", "-@scripting"]) as url,
        server.client() as client,
        event_watch.begin(client, redis_server_of(url)) as watch,
    ):
        until_mode(watch, "polling")
        time.sleep(2.5)  # it tries again each second
        assert watch.mode == "polling"
        assert server.count("events") == 0
    (record,) = caplog.records
    assert "may not use the keys of vendo" in record.getMessage()
