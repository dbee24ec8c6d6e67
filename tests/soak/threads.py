"""The thread workers of a run: blocking clients and their sessions."""

from __future__ import annotations

import copy
import pickle
import threading
from random import Random
from typing import TYPE_CHECKING

import httpx2

import vendo
from soak.world import SLUGS, a_body

if TYPE_CHECKING:
    from collections.abc import Callable

    from soak.world import World
    from vendo import Vendo


class ThreadWorker:
    """One thread, whose acts and users are drawn from its own seed."""

    def __init__(self, world: World, root: Vendo, number: int) -> None:
        self._world = world
        self._root = root
        self._random = Random(f"{world.seed} thread {number}")
        self._httpx = httpx2.Client(timeout=5.0)
        self._acts: tuple[tuple[int, str, Callable[[], None]], ...] = (
            (40, "token", self._token),
            (10, "tokens", self._tokens),
            (12, "session", self._session),
            (8, "httpx", self._httpx_request),
            (5, "invalidate", self._invalidate),
            (6, "connections", self._connections),
            (3, "billing", lambda: self._check(self._client().billing.balance().currency == "USD")),
            (4, "data", self._data),
            (2, "events", self._events),
            (2, "copy", self._copied),
            (1, "client", self._short_lived),
            (1, "close", self._root.close),
        )
        self.thread = threading.Thread(target=self._run, name=f"soak {number}")

    def _run(self) -> None:
        world, weights = self._world, [act[0] for act in self._acts]
        with self._httpx:
            while not world.ended.wait(self._random.random() * 0.03):
                _, what, act = self._random.choices(self._acts, weights)[0]
                with world.attempt(what):
                    act()

    def _client(self) -> Vendo:
        self._jwt = self._random.choice(self._world.jwts)
        return self._root if self._jwt is None else self._root.for_user(self._jwt)

    def _slug(self) -> str:
        return self._random.choice(SLUGS)

    def _check(self, is_true: bool) -> None:
        if not is_true:
            self._world.findings.blame("A result differs from the backend's")

    def _token(self) -> None:
        client, slug = self._client(), self._slug()
        self._world.check_token(client.token(slug), slug, self._jwt)

    def _tokens(self) -> None:
        client, slugs = self._client(), self._random.sample(SLUGS, self._random.randint(1, 4))
        for slug, token in client.tokens(slugs).items():
            if token is not None:
                self._world.check_token(token, slug, self._jwt)

    def _session(self) -> None:
        client, slug = self._client(), self._slug()
        content, body = a_body(self._random)
        url = f"{self._world.server.provider_url(slug)}/soak"
        with client.session(slug) as session:
            response = session.post(url, data=body, timeout=5.0)
            status, received = response.status_code, response.content
        self._world.check_response(status, received, content, self._jwt, "A session's request")

    def _httpx_request(self) -> None:
        client, slug = self._client(), self._slug()
        content, body = a_body(self._random)
        url = f"{self._world.server.provider_url(slug)}/soak"
        response = self._httpx.post(url, content=body, auth=client.httpx_auth(slug))
        self._world.check_response(
            response.status_code, response.content, content, self._jwt, "httpx's request"
        )

    def _invalidate(self) -> None:
        client, slug = self._client(), self._slug()
        client.invalidate(slug)
        self._world.check_token(client.token(slug), slug, self._jwt)

    def _connections(self) -> None:
        client = self._client()
        rows = client.connections.list()
        self._check(all(row.slug in SLUGS for row in rows if row.is_connected))

    def _data(self) -> None:
        self._client().data.execute("GMAIL_FETCH_EMAILS", {"max_results": 1})

    def _events(self) -> None:
        seen: list[str | None] = []
        with self._root.events.subscribe(max_backoff_sec=0.2) as events:
            end = threading.Timer(self._random.random() * 2, events.close)
            end.start()
            try:
                for event in events:
                    self._check("." in event.type or event.id is None)
                    seen.append(event.id)
            finally:
                end.cancel()
                end.join()
        named = [event_id for event_id in seen if event_id is not None]
        self._check(len(named) == len(set(named)))

    def _copied(self) -> None:
        client, slug = self._client(), self._slug()
        twin = copy.deepcopy(client) if self._random.random() < 0.5 else client
        if self._jwt is None:
            kept = pickle.dumps(client)
            self._world.findings.look_at("a pickled client", kept.decode("latin-1"))
            with pickle.loads(kept) as other:
                self._world.check_token(other.token(slug), slug, None)
        self._world.check_token(twin.token(slug), slug, self._jwt)

    def _short_lived(self) -> None:
        slug = self._slug()
        with vendo.Vendo(**self._world.settings) as client:
            self._world.check_token(client.token(slug), slug, None)
