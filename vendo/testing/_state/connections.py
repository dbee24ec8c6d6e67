"""The connections of the deployment, and the tokens that are issued for them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import RLock

from vendo._catalog import catalog
from vendo._config.slugs import checked_slug
from vendo._protocol.moments import Moment
from vendo.testing._http.errors import ApiError
from vendo.testing._state import profiles

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from vendo.testing._state.own_tokens import OwnTokens

STATUSES = ("connected", "available", "pending_setup", "needs_reauth", "error", "revoked")
#: Options of a connection besides the fields of the wire contract.
_OPTIONS = frozenset({"token", "lifetime", "omit"})
_FIELDS = frozenset({
    "status", "external_id", "display_name", "category", "profile", "metadata", "context",
    "credential", "api_key", "base_url", "setup_url", "error_message", "connected_at",
    "env_bootstrap", "exclusive", "logo_url", "brand_color", "docs_url",
})  # fmt: skip
#: When a connection was made, for its row.
CONNECTED_AT = "2026-05-02T09:00:00Z"
#: Seconds before its expiry at which a token is replaced, as an OAuth client does it. At most half
#: of its lifetime.
_EARLY = 300.0


@dataclass(slots=True)
class Issued:
    """A token that the worker handed out. `lifetime` is in seconds from `made`."""

    text: str = field(repr=False)
    user: str | None
    lifetime: float | None = None
    made: Moment = field(default_factory=Moment)

    @property
    def expires_on(self) -> float | None:
        """When it expires, in Unix seconds. A test may have set the wall clock back since."""
        if self.lifetime is None:
            return None
        return min(self.made.at + self.made.wall_offset, time.time()) + self.lifetime

    @property
    def is_replaced(self) -> bool:
        """True if it expires soon."""
        if self.lifetime is None:
            return False
        return self.made.age() >= self.lifetime - min(_EARLY, self.lifetime / 2)

    @property
    def is_expired(self) -> bool:
        return self.lifetime is not None and self.made.age() >= self.lifetime


class Connection:
    """The deployment's connection to one provider."""

    __slots__ = (
        "fields",
        "id",
        "lifetime",
        "omitted",
        "options",
        "replaced",
        "slug",
        "status",
        "token",
    )

    def __init__(self, slug: str, connection_id: str, options: Mapping[str, Any]) -> None:
        unknown = options.keys() - _OPTIONS - _FIELDS
        if unknown:
            known = ", ".join(sorted(_OPTIONS | _FIELDS))
            raise TypeError(f"Unknown connection option {min(unknown)!r}. Use one of: {known}.")
        profile = options.get("profile", profiles.profile_of(slug))
        if profile not in profiles.PROFILES:
            known = ", ".join(profiles.PROFILES)
            raise ValueError(f"Unknown profile {profile!r}. Use one of: {known}.")
        self.slug = slug
        self.id = connection_id
        self.status: str = checked_status(options.get("status", "connected"))
        self.token: str | None = options.get("token")
        self.lifetime: float | None = options.get("lifetime")
        self.omitted: frozenset[str] = frozenset(options.get("omit", ()))
        self.options = options
        #: How often its credential was replaced.
        self.replaced = 0
        self.fields = {name: value for name, value in options.items() if name in _FIELDS}

    @property
    def profile(self) -> str:
        """The kind of credential. It decides whether the worker hands it out."""
        return str(self.fields.get("profile", profiles.profile_of(self.slug)))


def checked_status(status: str) -> str:
    """Return the status of a connection.

    Raises:
        ValueError: the contract does not have this status.
    """
    if status not in STATUSES:
        raise ValueError(f"Unknown status {status!r}. Use one of: {', '.join(STATUSES)}.")
    return status


class Connections:
    """All connections by slug, and their valid tokens. Thread-safe."""

    def __init__(
        self,
        seeds: Mapping[str, Mapping[str, Any]],
        secret: bytes,
        own_tokens: OwnTokens,
        lifetime: float | None,
    ) -> None:
        self._secret = secret
        self._own_tokens = own_tokens
        self._lifetime = lifetime
        self._lock = RLock()
        self._by_slug: dict[str, Connection] = {}
        self._slugs = dict.fromkeys(catalog.slugs())
        self._counts: dict[str, int] = {}
        self._current: dict[tuple[str, str | None], Issued] = {}
        self._accepted: dict[tuple[str, str], Issued] = {}
        for slug, options in seeds.items():
            self.put(slug, options)

    def put(self, slug: str, options: Mapping[str, Any]) -> Connection:
        """Create or replace a connection."""
        slug = checked_slug(slug)
        with self._lock:
            options = {"lifetime": self._lifetime, **options}
            connection = Connection(slug, self._new_id(slug), options)
            self.expire_tokens(slug)
            if connection.token is not None:
                self._own_tokens.give(connection.token)
            self._by_slug[slug] = connection
            self._slugs[slug] = None
            return connection

    def remove(self, slug: str) -> Connection:
        """Remove a connection and reject its tokens from now on.

        Raises:
            KeyError: the provider is not connected.
        """
        with self._lock:
            connection = self.of(slug)
            del self._by_slug[slug]
            self.expire_tokens(slug)
            return connection

    def get(self, slug: str) -> Connection | None:
        """Return the connection of a slug in any status, or None."""
        return self._by_slug.get(slug)

    def of(self, slug: str) -> Connection:
        """Return the connection of a slug.

        Raises:
            KeyError: the provider is not connected.
        """
        connection = self._by_slug.get(slug)
        if connection is None:
            raise KeyError(f"{slug} is not connected. Fix: server.connect({slug!r})")
        return connection

    def all(self) -> list[Connection]:
        """Return every connection, oldest first."""
        with self._lock:
            return list(self._by_slug.values())

    def slugs(self) -> list[str]:
        """Return the slugs that the platform supports: the catalog's, then a test's own."""
        with self._lock:
            return list(self._slugs)

    def is_supported(self, slug: str) -> bool:
        """Return True for a slug that the platform supports, connected or not."""
        return slug in self._slugs

    def issue(self, slug: str, user: str | None) -> Issued:
        """Return the current token, and create one if it is missing or expires soon.

        Raises:
            ApiError: the connection does not have a token.
        """
        with self._lock:
            self._check_usable(slug)
            issued = self._current.get((slug, user))
            if issued is None or issued.is_replaced:
                issued = self._make(self._by_slug[slug], user)
            return issued

    def replace_credential(self, slug: str) -> None:
        """Reject the tokens of a slug. Its row says when the new credential came.

        Raises:
            KeyError: the provider is not connected.
        """
        with self._lock:
            connection = self.of(slug)
            connection.replaced += 1
            since = datetime.fromisoformat(CONNECTED_AT) + timedelta(seconds=connection.replaced)
            connection.fields["connected_at"] = as_rfc3339(since.timestamp())
            self.expire_tokens(slug)

    def expire_tokens(self, slug: str, user: str | None = None) -> None:
        """Reject the tokens of a slug, or only a user's. The next request gets a new one."""
        with self._lock:
            for key, issued in list(self._accepted.items()):
                if key[0] == slug and user in {None, issued.user}:
                    del self._accepted[key]
                    self._current.pop((slug, issued.user), None)

    def holder(self, slug: str, token: str) -> Issued | None:
        """Return the record of a valid token, or None if the provider has to reject it."""
        with self._lock:
            issued = self._accepted.get((slug, token))
            connection = self._by_slug.get(slug)
        if issued is None or connection is None or connection.status != "connected":
            return None
        return None if issued.is_expired else issued

    def _check_usable(self, slug: str) -> None:
        connection = self._by_slug.get(slug)
        if connection is None:
            if not self.is_supported(slug):
                raise ApiError("provider_unknown", "Unknown provider.", slug=slug)
            raise ApiError("binding_missing", "The provider is not connected.", slug=slug)
        if connection.profile in profiles.UNVENDED:
            raise ApiError("profile_unsupported", "This connection has no token.", slug=slug)
        if connection.status != "connected":
            code, message = _ERROR_OF_STATUS[connection.status]
            raise ApiError(code, message, slug=slug)

    def _make(self, connection: Connection, user: str | None) -> Issued:
        slug, text = connection.slug, None
        if user is None:  # a token that the test gives is the first one only
            text, connection.token = connection.token, None
        if text is None:
            number = self._count(f"token {slug} {user}")
            text = self._own_tokens.make(slug, user, number)
        issued = Issued(text, user, connection.lifetime)
        self._current[slug, user] = self._accepted[slug, text] = issued
        return issued

    def _new_id(self, slug: str) -> str:
        number = self._count(f"connection {slug}")
        return str(uuid.UUID(bytes=self._digest(f"id {slug} {number}")[:16], version=4))

    def _count(self, what: str) -> int:
        self._counts[what] = self._counts.get(what, 0) + 1
        return self._counts[what]

    def _digest(self, text: str) -> bytes:
        return hmac.digest(self._secret, text.encode(), "sha256")


_ERROR_OF_STATUS = {
    "available": ("binding_missing", "The provider is available, but not connected."),
    "pending_setup": ("binding_missing", "The setup of the connection is not complete."),
    "needs_reauth": ("connection_needs_reauth", "The user has to authorize again."),
    "error": ("upstream_error", "The provider issued no token."),
    "revoked": ("connection_revoked", "The connection was revoked."),
}


def as_rfc3339(moment: float) -> str:
    """Format Unix seconds as the backend does."""
    text = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def user_of(jwt: str | None) -> str | None:
    """Return the user of a JWT: its `sub`, unverified, or a digest if it is not a JWT."""
    if jwt is None or not jwt.strip():
        return None
    subject = _claims(jwt).get("sub")
    if isinstance(subject, str) and subject.strip():
        return subject
    return f"user-{hashlib.sha256(jwt.encode()).hexdigest()[:12]}"


def _claims(jwt: str) -> dict[str, Any]:
    parts = jwt.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def seeds_of(
    connections: Mapping[str, Mapping[str, Any] | None] | Iterable[str],
) -> dict[str, dict[str, Any]]:
    """Return `LocalVendo(connections=...)` as options by checked slug."""
    if isinstance(connections, str):
        raise TypeError(f"connections= must be a list. Fix: connections=[{connections!r}]")
    given = getattr(connections, "items", None)
    pairs = given() if given else ((slug, None) for slug in connections)
    return {checked_slug(slug): dict(options or {}) for slug, options in pairs}
