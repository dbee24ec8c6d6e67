"""Webhooks of the platform: is one genuine, and what does it say. Both modes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, Self

from vendo._config import environment
from vendo._protocol.headers import read_header
from vendo._protocol.models import WebhookEvent
from vendo._protocol.webhook import (
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    check_age,
    event_of,
    is_signed,
    not_signed,
    raw_body,
    refusal,
    sent_at,
)
from vendo.errors import ValidationError, without_frames

#: Seconds; a time further away than that is none that could be checked.
_LONGEST_AGE = 1e12


class WebhooksAPI:
    """Verifies webhooks. It never changes, holds no connection, and serves any number of threads.

    Args:
        secret: the signing secret; or several while one replaces another, each of which is good.
            Without it, `VENDO_WEBHOOK_SECRET` as it stands at each `verify`.
        max_age_sec: seconds that a webhook may be old, or ahead of this machine's clock.

    Raises:
        ValidationError: `max_age_sec` is no number of seconds.
    """

    __slots__ = ("_max_age", "_secret")

    def __init__(
        self, secret: str | Iterable[str] | None = None, max_age_sec: float = 300.0
    ) -> None:
        # A generator would be used up by the first webhook.
        self._secret: object = secret
        # A mapping is none of several: its keys are names, which anybody can guess.
        if isinstance(secret, Iterable) and not isinstance(secret, str | bytes | Mapping):
            self._secret = tuple(secret)
        self._max_age = _checked_age(max_age_sec)

    def __repr__(self) -> str:
        source = environment.WEBHOOK_SECRET.name if self._secret is None else "a secret"
        return f"<WebhooksAPI with {source}, {self._max_age:g} s>"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # A pickle may be written anywhere. What comes out of it follows the environment.
        return type(self), (None, self._max_age)

    def verify(
        self, headers: object, body: object, *, max_age_sec: float | None = None
    ) -> WebhookEvent:
        """The event of a webhook, once its signature and its time are known to be good.

        A webhook may come more than once: drop an `id` that was seen before.

        Args:
            headers: the request's headers: any mapping, a `Headers` or `MultiDict` object, a list
                of pairs, or a WSGI environ.
            body: the request's body as it came: bytes, `bytearray`, `memoryview`, or its text.
            max_age_sec: seconds that it may be old or ahead; without it, what the object was made
                with.

        Raises:
            ValidationError: anything is wrong with it, or there is no secret to verify it with.
                Answer 400.
        """
        max_age = self._max_age if max_age_sec is None else _checked_age(max_age_sec)
        signature = _needed(headers, SIGNATURE_HEADER)
        timestamp = _needed(headers, TIMESTAMP_HEADER)
        raw = raw_body(body)
        moment = sent_at(timestamp)
        try:
            is_genuine = is_signed(signature, timestamp, raw, self._keys())
        except ValidationError as error:
            raise without_frames(error) from None  # debug pages show the variables of every frame
        if not is_genuine:
            raise not_signed(signature)
        check_age(moment, time.time(), max_age)
        return event_of(raw)

    def _keys(self) -> list[bytes]:
        secret = self._secret
        if secret is None:
            secret = environment.WEBHOOK_SECRET.get()
            if secret is None:
                raise _no_secret(f"{environment.WEBHOOK_SECRET.name} is not set")
        secrets = secret if isinstance(secret, tuple) else (secret,)
        if not secrets:
            raise _no_secret("the list of secrets is empty")
        return [_key(one) for one in secrets]


def _key(secret: object) -> bytes:
    """The key of a secret. None that anybody could guess: with an empty one, or zero bytes, which
    HMAC cannot tell from it, everybody's signature would be good.
    """
    if not isinstance(secret, str):
        raise _no_secret(f"a secret is of type {type(secret).__name__}, and it takes text")
    secret = secret.strip()
    if not secret:
        raise _no_secret("a secret is blank")
    if not secret.isprintable() and environment.has_control_character(secret):
        raise _no_secret("a secret has a control character inside")
    try:
        return secret.encode()
    except UnicodeEncodeError:
        pass  # raised below, where the encoder's own error does not carry the secret along
    raise _no_secret("a secret has a character that is none")


def _needed(headers: object, name: str) -> str:
    value = read_header(headers, name)
    if not value:
        raise refusal(
            f"it has no {name} header",
            "Give verify() the headers of the request as they came.",
        )
    return value


def _no_secret(problem: str) -> ValidationError:
    return ValidationError(
        "validation_failed",
        f"No webhook can be verified: {problem}.",
        suggested_fix=f"Set {environment.WEBHOOK_SECRET.name} to the endpoint's signing secret, "
        "or give secret= to WebhooksAPI.",
    )


def _checked_age(seconds: float) -> float:
    if (
        isinstance(seconds, bool)
        or not isinstance(seconds, int | float)
        or not 0 <= seconds <= _LONGEST_AGE
    ):
        raise ValidationError(
            "validation_failed", "max_age_sec= takes a number of seconds, 0 or more."
        )
    return float(seconds)
