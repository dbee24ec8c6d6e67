"""Extra `redis`: webhooks are remembered in Redis, and a server that is away is not an error."""

from __future__ import annotations

from vendo.web import RedisReplayCache, handle_once

handled: list[str] = []
handle_once(RedisReplayCache("redis://127.0.0.1:1/0"), "evt_1", lambda: handled.append("evt_1"))
assert handled == ["evt_1"]
