"""Several workers with a Redis, as the page runs them: what they share, and what each renews."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import requests

from deployment.page import FRAMEWORKS, application, command
from support.connect_flow import query_of
from support.redis_server import redis_server
from support.servers import serving
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.servers, pytest.mark.redis]

WORKERS = 3


class Site(NamedTuple):
    """An application with several workers, and what it uses."""

    url: str
    vendo: LocalVendo
    events: Path

    def send(self, path: str, method: str = "GET", **options: Any) -> requests.Response:
        """Send a request over a connection of its own."""
        options = {"timeout": 30, "allow_redirects": False, **options}
        return requests.request(method, self.url + path, **options)

    def every_worker(self, send: Callable[[], requests.Response]) -> list[int]:
        """Send a request again until each worker has responded, and return the statuses."""
        workers: set[str] = set()
        statuses: list[int] = []
        with ThreadPoolExecutor(WORKERS * 2) as pool:
            while len(workers) < WORKERS:
                responses = list(pool.map(lambda _: send(), range(WORKERS * 2)))
                workers |= {response.headers["X-Worker"] for response in responses}
                statuses += [response.status_code for response in responses]
                assert len(statuses) < 3000, workers
        return statuses


@pytest.fixture(scope="module", params=FRAMEWORKS)
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("workers")
    events = folder / "events"
    events.touch()
    with redis_server(folder) as redis, LocalVendo(["gmail"]) as vendo:
        environment = {
            **vendo.environment(),
            "VENDO_REDIS_URL": f"redis://127.0.0.1:{redis.port}/0",
            "VENDO_TOKEN_SHOP_SECRET_KEY": "not-a-secret-" * 4,
            "SHOP_EVENTS": str(events),
        }
        how = command(request.param, workers=WORKERS)
        # gunicorn leaves its own socket open.
        with serving(how, environment, application(request.param, folder), options=()) as url:
            yield Site(url, vendo, events)


def test_a_webhook_is_handled_once_whichever_workers_get_it(site: Site) -> None:
    headers, body = site.vendo.sign_webhook({"id": "evt_once", "type": "t", "data": {}})
    statuses = site.every_worker(
        lambda: site.send("/api/vendo/webhook/", "POST", data=body, headers=headers)
    )
    assert set(statuses) <= {200, 409}
    assert site.events.read_text().split().count("evt_once") == 1


def test_a_way_back_works_once_in_whichever_worker(site: Site) -> None:
    leaving = site.send("/api/vendo/connect/slack/?next=/page/slack/")
    query = query_of(leaving.headers["Location"])
    path = f"/api/vendo/connect/done/?state={query['state']}&status=connected"
    statuses = site.every_worker(lambda: site.send(path, cookies=leaving.cookies))
    assert statuses.count(302) == 1
    assert set(statuses) == {302, 400}


def test_each_worker_renews_a_token_that_was_replaced(site: Site) -> None:
    old = site.vendo.token("gmail")
    assert set(site.every_worker(lambda: site.send("/mail/"))) == {200}
    site.vendo.rotate("gmail")
    site.vendo.clear_requests()
    assert set(site.every_worker(lambda: site.send("/mail/"))) == {200}
    assert site.vendo.token("gmail") != old
    # Each worker asked once, however often it was asked.
    assert site.vendo.count("credentials", "gmail") == WORKERS
