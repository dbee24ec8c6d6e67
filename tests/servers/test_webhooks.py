"""Two processes that share a Redis handle each webhook once, and none is lost to a failure."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
import requests
from redis import Redis

from servers.gates import gate
from servers.sites import SITES
from support.redis_server import RedisServer, redis_server
from support.servers import serving
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.servers, pytest.mark.redis]

#: The application's own setting, and the variable.
URL_NAMES = ("SITE_REDIS_URL", "VENDO_REDIS_URL")


class Deployment:
    """Two processes of an application, with a Redis."""

    def __init__(
        self, command: list[str], redis: RedisServer, vendo: LocalVendo, folder: Path
    ) -> None:
        self.redis = redis
        self.sites: list[str] = []
        self._command = command
        self._vendo = vendo
        self._folder = folder
        self._log = folder / "handled"
        self._log.touch()

    def process(self, url_name: str = URL_NAMES[0]) -> Any:
        """Return a context in which a process serves."""
        folder = self._folder / uuid.uuid4().hex
        folder.mkdir()
        environment = {
            **self._vendo.environment(),
            "SITE_HANDLED": str(self._log),
            url_name: f"redis://127.0.0.1:{self.redis.port}/0",
        }
        return serving(self._command, environment, folder, options=())

    def deliver(self, site: str, event: str, **data: Any) -> requests.Response:
        headers, body = self._vendo.sign_webhook({"id": event, "data": data})
        return requests.post(f"{site}/api/vendo/webhook/", data=body, headers=headers, timeout=60)

    def count(self, event: str) -> int:
        """Return how often an event was handled."""
        return self._log.read_text().split().count(event)

    def assert_once(self) -> None:
        """Deliver an event to both, which handle it once."""
        event = new_event()
        assert [self.deliver(site, event).status_code for site in self.sites] == [200, 200]
        assert self.count(event) == 1


def new_event() -> str:
    return f"evt_{uuid.uuid4().hex}"


@pytest.fixture(scope="module", params=SITES)
def deployment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("webhooks")
    with redis_server(folder) as redis, LocalVendo() as vendo, ExitStack() as stack:
        deployment = Deployment(SITES[request.param], redis, vendo, folder)
        for name in URL_NAMES:
            deployment.sites.append(stack.enter_context(deployment.process(name)))
        yield deployment


def test_an_event_that_both_processes_get_is_handled_once(deployment: Deployment) -> None:
    deployment.assert_once()


def test_an_event_in_progress_is_409_in_the_other_process(deployment: Deployment) -> None:
    one, other = deployment.sites
    event = new_event()
    with gate() as held, ThreadPoolExecutor(1) as pool:
        first = pool.submit(deployment.deliver, one, event, gate=held.port)
        with held.holding():
            repeat = deployment.deliver(other, event)
        assert (repeat.status_code, repeat.headers["Retry-After"]) == (409, "10")
        assert first.result().status_code == 200

    assert deployment.deliver(other, event).status_code == 200
    assert deployment.count(event) == 1


def test_of_two_deliveries_at_the_same_time_one_is_handled(deployment: Deployment) -> None:
    with ThreadPoolExecutor(2) as pool:
        for event in [new_event() for _ in range(20)]:
            responses = pool.map(deployment.deliver, deployment.sites, [event, event])
            statuses = [response.status_code for response in responses]
            assert statuses in ([200, 200], [200, 409], [409, 200])
            assert deployment.count(event) == 1


def test_what_a_killed_process_was_handling_is_handled_by_the_other(
    deployment: Deployment,
) -> None:
    event = new_event()
    other = deployment.sites[0]
    with (
        Redis(port=deployment.redis.port) as redis,
        deployment.process() as victim,
        gate() as held,
        ThreadPoolExecutor(1) as pool,
    ):
        before = set(redis.keys())
        first = pool.submit(deployment.deliver, victim, event, gate=held.port)
        held.kill()
        with pytest.raises(requests.ConnectionError):
            first.result()

        assert deployment.deliver(other, event).status_code == 409
        # The lease ends by itself within a minute. Make it end now.
        (lease,) = set(redis.keys()) - before
        assert 0 < redis.ttl(lease) <= 60
        redis.expire(lease, 0)
        for _ in range(2):
            assert deployment.deliver(other, event).status_code == 200
            assert deployment.count(event) == 1


def test_while_redis_is_stopped_each_event_is_handled_and_then_once_again(
    deployment: Deployment,
) -> None:
    deployment.assert_once()  # both keep a connection
    deployment.redis.stop()
    try:
        event = new_event()
        for number, site in enumerate(deployment.sites, 1):
            begin = time.monotonic()
            assert deployment.deliver(site, event).status_code == 200
            assert time.monotonic() - begin < 5
            assert deployment.count(event) == number
    finally:
        deployment.redis.start()
    deployment.assert_once()


def test_a_redis_that_never_responds_delays_an_event_by_ten_seconds_at_most(
    deployment: Deployment,
) -> None:
    deployment.assert_once()  # both keep a connection
    event = new_event()
    with deployment.redis.halted(), ThreadPoolExecutor(2) as pool:
        begin = time.monotonic()
        responses = pool.map(deployment.deliver, deployment.sites, [event, event])
        assert [response.status_code for response in responses] == [200, 200]
        assert time.monotonic() - begin < 10
        assert deployment.count(event) == 2
    deployment.assert_once()


def test_where_redis_stops_while_an_event_is_handled_that_goes_on(deployment: Deployment) -> None:
    one, other = deployment.sites
    event = new_event()
    with gate() as held, ThreadPoolExecutor(1) as pool:
        first = pool.submit(deployment.deliver, one, event, gate=held.port)
        with held.holding():
            deployment.redis.stop()
        try:
            assert first.result().status_code == 200
        finally:
            deployment.redis.start()  # it has forgotten everything

    assert deployment.count(event) == 1
    assert deployment.deliver(other, event).status_code == 200
    deployment.assert_once()
