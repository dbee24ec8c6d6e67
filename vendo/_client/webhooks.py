"""Webhooks of the platform: verification. Both modes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, Self

from vendo._config import environment
from vendo._protocol.headers import RequestHeaders
from vendo._protocol.models import WebhookEvent
from vendo._protocol.secret import Secret, masked
from vendo._protocol.webhook import (
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    check_age,
    event_of,
    not_signed,
    raw_body,
    rejected,
    sent_at,
    signing_key,
)
from vendo.errors import ValidationError, invalid

#: Seconds.
_MAX_AGE = 1e12


class WebhooksAPI:
    """Verify webhooks. Immutable, without connections, and safe to share by threads. Both modes.

    Args:
        secret: the signing secret, or several of them during a rotation. By default,
            `VENDO_WEBHOOK_SECRET`, read at each `verify`.
        max_age_sec: seconds that a webhook may be old, or ahead of this machine's clock.

    Raises:
        ValidationError: `max_age_sec` is not a number of seconds.

    Example:
        ```python
        import vendo

        webhooks = vendo.WebhooksAPI(["whsec_new", "whsec_old"], max_age_sec=60)
        ```
    """

    def __init__(
        self, secret: str | Iterable[str] | None = None, max_age_sec: float = 300.0
    ) -> None:
        # A tuple, since a generator would be empty after the first webhook. The keys of a mapping
        # are names, not secrets.
        if isinstance(secret, Iterable) and not isinstance(secret, str | bytes | Mapping):
            secret = tuple(masked(one) for one in secret)
        secret = masked(secret)
        self._secret: object = secret
        self._max_age = _checked_age(max_age_sec)

    def __repr__(self) -> str:
        source = environment.WEBHOOK_SECRET.name if self._secret is None else "a secret"
        return f"<WebhooksAPI with {source}, {self._max_age:g} s>"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # A pickle does not contain the secret. What is restored reads the environment.
        return type(self), (None, self._max_age)

    def verify(
        self, headers: object, body: object, *, max_age_sec: float | None = None
    ) -> WebhookEvent:
        """Verify the signature and the time of a webhook. Both modes.

        A webhook may be delivered more than once: ignore an `id` that was handled before.

        Args:
            headers: the request's headers: any mapping, a `Headers` or `MultiDict` object, a list
                of pairs, or a WSGI environ.
            body: the request's body as it came: bytes, `bytearray`, `memoryview`, or its text.
            max_age_sec: seconds that it may be old or ahead, in place of the object's.

        Returns:
            The event of the webhook.

        Raises:
            ValidationError: it is not genuine, too old or malformed, or no secret is set. Respond
                with 400.

        Example:
            ```python
            import vendo
            from vendo.testing import LocalVendo

            with LocalVendo() as server:
                headers, body = server.sign_webhook({"type": "connection.changed"})
                event = vendo.WebhooksAPI(server.webhook_secret).verify(headers, body)
                print(event.type)
            ```
        """
        return self._verified(headers, body, max_age_sec)[0]

    def _verified(
        self, headers: object, body: object, max_age_sec: float | None = None
    ) -> tuple[WebhookEvent, bytes]:
        """Return the event and the key that signed it."""
        headers = RequestHeaders(headers)
        max_age = self._max_age if max_age_sec is None else _checked_age(max_age_sec)
        signature = required(headers, SIGNATURE_HEADER)
        timestamp = required(headers, TIMESTAMP_HEADER)
        raw = raw_body(body)
        moment = sent_at(timestamp)
        key = masked(signing_key(signature, timestamp, raw, self._keys()))
        if key is None:
            raise not_signed(signature)
        check_age(moment, time.time(), max_age)
        return event_of(raw), key

    def _keys(self) -> list[bytes]:
        secret = self._secret
        if secret is None:
            secret = environment.WEBHOOK_SECRET.secret()
            if secret is None:
                raise _no_secret(f"{environment.WEBHOOK_SECRET.name} is not set")
        secrets = secret if isinstance(secret, tuple) else (secret,)
        if not secrets:
            raise _no_secret("the list of secrets is empty")
        return [_key(one) for one in secrets]


def _key(secret: object) -> bytes:
    """Return the key of a secret.

    A blank one is an error: anybody can sign with an empty key, or with zero bytes, which are the
    same to HMAC.
    """
    if not isinstance(secret, str):
        raise _no_secret(f"a secret is of type {type(secret).__name__}, not a str")
    secret = Secret(secret.strip())
    if not secret:
        raise _no_secret("a secret is blank")
    if not secret.isprintable() and environment.has_control_character(secret):
        raise _no_secret("a secret contains a control character")
    try:
        return secret.encode()
    except UnicodeEncodeError:
        pass  # raised below: the encoder's error contains the secret
    raise _no_secret("a secret contains half of a surrogate pair")


def required(headers: RequestHeaders, name: str) -> str:
    """Return a header of a webhook.

    Raises:
        ValidationError: it is missing or blank.
    """
    value = headers.get(name)
    if not value:
        raise rejected(f"it has no {name} header", "Pass verify() the headers of the request.")
    return value.reveal()


def _no_secret(problem: str) -> ValidationError:
    return invalid(
        f"No webhook can be verified: {problem}.",
        fix=f"Set {environment.WEBHOOK_SECRET.name} to the signing secret of the endpoint, or pass "
        "secret= to WebhooksAPI.",
    )


def _checked_age(seconds: float) -> float:
    if (
        isinstance(seconds, bool)
        or not isinstance(seconds, int | float)
        or not 0 <= seconds <= _MAX_AGE
    ):
        raise invalid(
            "max_age_sec= must be a number of seconds, 0 or more.", fix="Write max_age_sec=300."
        )
    return float(seconds)
