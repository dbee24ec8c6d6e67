"""Extra `redis`: webhooks and events of several processes. What a server that is away means."""

from __future__ import annotations

from vendo import UpstreamConnectionError, Vendo
from vendo.web import RedisReplayCache, handle_once

AWAY = "redis://127.0.0.1:1/0"

handled: list[str] = []
handle_once(RedisReplayCache(AWAY), "evt_1", lambda: handled.append("evt_1"))
assert handled == ["evt_1"]

message = ""
try:
    Vendo(api_key="vendo_sk_not_a_secret").events.watch(redis_url=AWAY)
except UpstreamConnectionError as error:
    message = str(error)
assert "does not respond" in message
