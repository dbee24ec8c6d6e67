"""What names a request. Each genuine response carries it, so that a mix-up shows."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

#: They match `soak.findings.SECRET`, as tokens and JWTs do.
KEYS = {name: f"vendo_sk_canarykeycanarykeycanarykeycan{name}" for name in ("01", "02")}
USERS = {"nobody": None} | {f"user{n}": f"user{n}.canary.jwt" for n in range(4)}
SLUGS = ("gmail", "openai", "slack", "anthropic", *(f"stuff{n}" for n in range(12)))

#: Of a response to the request itself.
GENUINE = "genuine"
#: Of a further one, which no caller may see.
EXTRA = "extra"

_serials = itertools.count(1)


class Asked(NamedTuple):
    """Who asks for what."""

    kind: str
    slugs: tuple[str, ...]
    user: str
    key: str

    @property
    def is_stream(self) -> bool:
        return self.kind == "events"

    def content(self, role: str) -> bytes:
        """Return the body of a response."""
        stamps = [stamp(slug, self.user, self.key, role) for slug in self.slugs]
        if self.kind == "token":
            made: object = _credential(stamps[0])
        elif self.kind == "tokens":
            pairs = zip(self.slugs, stamps, strict=True)
            made = {"tokens": {slug: _credential(text) for slug, text in pairs}}
        elif self.kind == "connections":
            pairs = zip(self.slugs, stamps, strict=True)
            made = {
                "connections": [
                    {"slug": slug, "status": "connected", "display_name": text}
                    for slug, text in pairs
                ]
            }
        elif self.kind == "usage":
            made = {"stamp": stamps[0]}
        else:
            return b"".join(_event(text) for text in stamps)
        return json.dumps(made).encode()


def stamp(slug: str, user: str, key: str, role: str) -> str:
    return f"{slug}|{user}|{key}|{role}|{next(_serials)}"


def is_for(text: str, slug: str, user: str, key: str) -> bool:
    """Return True if a stamp is of a response to just this request."""
    return text.startswith(f"{slug}|{user}|{key}|{GENUINE}|")


def asked(head: str) -> Asked:
    """Read the head of a request.

    Raises:
        ValueError: it is not one.
    """
    line, *fields = head.split("\r\n")
    method, target, version = line.split(" ")
    if (method, version) != ("GET", "HTTP/1.1"):
        raise ValueError(line)
    headers = {name.lower(): value.strip() for name, _, value in (f.partition(":") for f in fields)}
    key = headers["authorization"][-2:]
    user = headers.get("x-vendo-user-jwt", "nobody").partition(".")[0]
    parts = urlsplit(target)
    if parts.path == "/_bulk":
        return Asked("tokens", tuple(parse_qs(parts.query)["slugs"][0].split(",")), user, key)
    kinds = {
        "/api/deployments/me/connections": "connections",
        "/api/deployments/me/events": "events",
        "/api/billing/usage": "usage",
    }
    kind = kinds.get(parts.path)
    if kind is None:
        return Asked("token", (unquote(parts.path[1:]),), user, key)
    return Asked(kind, SLUGS[:1] if kind == "usage" else SLUGS[:4], user, key)


#: In front of the stamp in a token, so that a token that leaks is found.
TOKEN_PREFIX = "canary."


def _credential(text: str) -> dict[str, str]:
    expires = datetime.now(UTC) + timedelta(hours=1)
    return {"access_token": TOKEN_PREFIX + text, "expires_at": expires.isoformat()}


def _event(text: str) -> bytes:
    data = json.dumps({"slug": text.partition("|")[0], "stamp": text})
    return f"id: {text.rpartition('|')[2]}\nevent: connection.changed\ndata: {data}\n\n".encode()
