"""The control surface: `python -m vendo server` changes a running server through it.

It is no part of the platform: it is not counted in `requests`, and faults leave it alone. Each
command is a POST of a JSON object with the server's app key, and does what a method of `Controls`
does. A status of 400 means bad input, 409 that it cannot be done now; nothing has changed then.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any, TypeAlias

from vendo._catalog import catalog
from vendo._config.slugs import checked_slug
from vendo._protocol.json_object import json_object
from vendo.errors import ValidationError
from vendo.testing._http.messages import Json, json_response
from vendo.testing._server.controls import Controls
from vendo.testing._server.service import CONTROL_PREFIX
from vendo.testing._state.connections import checked_status
from vendo.testing._state.state import bearer_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo.testing._http.messages import Request, Response

_Fields: TypeAlias = dict[str, Any]

#: Digits of a number: `int` refuses those with thousands in words of its own.
_MOST_DIGITS = 18
#: Arguments of `Controls.emit`, which takes the event's data as keywords.
_RESERVED = frozenset({"self", "kind"})


class Rejected(Exception):
    """The command is not carried out, for this reason."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class ControlSurface:
    """The commands of one server."""

    def __init__(self, controls: Controls, api_key: str) -> None:
        self._controls = controls
        self._api_key = api_key

    def respond(self, request: Request) -> Response:
        """Carry out a command."""
        try:
            self._check(request)
            response = json_response(self._done(request))
        except Rejected as error:
            response = json_response({"error": str(error)}, error.status)
            if error.status == 405:
                response.headers["Allow"] = "POST"
        # By this the command line knows that it is no other program's response.
        response.headers["Server"] = "LocalVendo"
        return response

    def _check(self, request: Request) -> None:
        """Check who sends the request, and how.

        Raises:
            Rejected: it is not a program with the server's key that sends JSON.
        """
        if "origin" in request.headers:  # no page needs it, not even the server's own
            raise Rejected(403, "The control surface is not for web pages.")
        if request.method != "POST":
            raise Rejected(405, "The control surface accepts POST alone.")
        key = bearer_of(request.headers)
        if not hmac.compare_digest(key.encode("utf-8", "replace"), self._api_key.encode()):
            raise Rejected(401, "VENDO_API_KEY is not the key of this server.")
        media_type = request.headers.get("content-type", "").partition(";")[0]
        if media_type.strip().lower() != "application/json":
            raise Rejected(415, "The control surface accepts application/json alone.")

    def _done(self, request: Request) -> Json:
        command = _COMMANDS.get(request.path.removeprefix(CONTROL_PREFIX))
        if command is None:
            raise Rejected(404, "The server does not have this command.")
        fields = json_object(request.body)
        if fields is None:
            raise Rejected(400, "The command needs a JSON object.")
        try:
            return command(self._controls, fields)
        except KeyError as error:
            # Without the fix, which is a line of Python.
            raise Rejected(409, str(error.args[0]).partition(" Fix:")[0]) from None
        except (TypeError, ValueError, ValidationError) as error:
            raise Rejected(400, str(error)) from None


def _connect(controls: Controls, fields: _Fields) -> Json:
    slug = _known_slug(controls, fields)
    controls._service.state.connect_again(slug)
    return _connection(controls, slug)


def _disconnect(controls: Controls, fields: _Fields) -> Json:
    slug = _known_slug(controls, fields)
    controls.disconnect(slug)
    return _connection(controls, slug)


def _rotate(controls: Controls, fields: _Fields) -> Json:
    slug = _known_slug(controls, fields)
    _check_token(controls, slug)
    controls.rotate(slug)
    return _connection(controls, slug)


def _expire(controls: Controls, fields: _Fields) -> Json:
    slug = _known_slug(controls, fields)
    _check_token(controls, slug)
    controls.expire(slug)
    return _connection(controls, slug)


def _status(controls: Controls, fields: _Fields) -> Json:
    slug = _known_slug(controls, fields)
    controls.set_status(slug, _text(fields, "status"))
    return _connection(controls, slug)


def _balance(controls: Controls, fields: _Fields) -> Json:
    micros = _micros(fields, "micros")
    controls.set_balance(micros)
    return {"credits_remaining_micros": micros}


def _caps(controls: Controls, fields: _Fields) -> Json:
    wallet = controls._service.state.wallet
    before = wallet.caps()
    daily, monthly = (
        _cap(fields, window) if window in fields else before[f"{window}_micros"]
        for window in ("daily", "monthly")
    )
    controls.set_caps(daily, monthly)
    return wallet.caps()


def _emit(controls: Controls, fields: _Fields) -> Json:
    kind, given = _text(fields, "type"), _data(fields)
    wanted = _EVENTS.get(kind)
    if wanted is None:
        raise ValueError(f"Unknown event {kind[:60]!r}. Use one of: {', '.join(_EVENTS)}.")
    for name in sorted(_RESERVED & given.keys()):
        raise ValueError(f"{name} cannot be a field of the event's data.")
    for name in wanted:
        if name not in given:
            raise ValueError(f"{kind} needs {name}=VALUE.")
    given = _converted(controls, kind, given)
    return {"id": controls.emit(kind, **_completed(controls, given)), "type": kind}


def _webhook(controls: Controls, fields: _Fields) -> Json:
    kind, given = _text(fields, "type"), _data(fields)
    connected = controls._service.state.connections.all()
    if kind.startswith("connection.") and connected:
        given.setdefault("slug", connected[0].slug)
    given = _completed(controls, _converted(controls, kind, given))
    headers, body = controls.sign_webhook({"type": kind, "data": given})
    return {"headers": headers, "body": body.decode()}


def _fail(controls: Controls, fields: _Fields) -> Json:
    status = _whole_number(fields.get("status", 500), "status")
    times = _whole_number(fields.get("times", 1), "times")
    if not 400 <= status <= 599:
        raise ValueError("status must be between 400 and 599.")
    if times < 1:
        raise ValueError("times must be at least 1.")
    controls.fail(_text(fields, "surface"), status, times=times)
    return {"surface": fields["surface"], "status": status, "times": times}


def _reset(controls: Controls, _fields: _Fields) -> Json:
    controls._service.reset()
    return {"connected": [row.slug for row in controls._service.state.connections.all()]}


_COMMANDS: dict[str, Callable[[Controls, _Fields], Json]] = {
    "connect": _connect,
    "disconnect": _disconnect,
    "rotate": _rotate,
    "expire": _expire,
    "status": _status,
    "balance": _balance,
    "caps": _caps,
    "emit": _emit,
    "webhook": _webhook,
    "fail": _fail,
    "reset": _reset,
}

#: The events of the contract, each with the fields that it must have.
_EVENTS = {
    "connection.connected": ("slug",),
    "connection.disconnected": ("slug",),
    "connection.changed": ("slug",),
    "connection.status_changed": ("slug", "status"),
    "billing.usage_recorded": ("provider", "micros"),
    "billing.balance_changed": ("remaining_micros",),
    "billing.cap_warned": ("window", "pct"),
    "billing.cap_tripped": ("window",),
}


def _window(_controls: Controls, fields: _Fields, name: str) -> Json:
    if fields[name] not in {"daily", "monthly"}:
        raise ValueError(f"{name} must be daily or monthly.")
    return fields[name]


def _converted(controls: Controls, kind: str, data: _Fields) -> _Fields:
    """Check the fields that the contract has for an event, and convert them to its types."""
    known = [name for name in _EVENTS.get(kind, ()) if name in data]
    return {**data, **{name: _FIELDS[name](controls, data, name) for name in known}}


def _known_slug(controls: Controls, fields: _Fields, name: str = "slug") -> str:
    slug = checked_slug(fields.get(name))
    if not controls._service.state.connections.is_supported(slug):
        question = catalog.did_you_mean(slug) or "Run python -m vendo catalog for the list."
        raise ValueError(f"The server does not know the provider {slug!r}. {question}")
    return slug


def _check_token(controls: Controls, slug: str) -> None:
    try:
        controls.token(slug)
    except ValueError as error:  # the connection has another status
        raise Rejected(409, str(error)) from None


def _connection(controls: Controls, slug: str) -> Json:
    found = controls._service.state.connections.get(slug)
    return {"slug": slug, "status": "available" if found is None else found.status}


def _completed(controls: Controls, data: _Fields) -> _Fields:
    """Add the id of the connection that an event is about."""
    if "slug" in data and "connection_id" not in data:
        slug = data["slug"] = _known_slug(controls, data)
        found = controls._service.state.connections.get(slug)
        data["connection_id"] = None if found is None else found.id
    return data


def _text(fields: _Fields, name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} must be a text.")
    return value


def _data(fields: _Fields) -> _Fields:
    data = fields.get("data", {})
    if not isinstance(data, dict):
        raise TypeError("data must be an object.")
    return dict(data)


def _whole_number(value: object, name: str) -> int:
    text = str(value)
    digits = text.removeprefix("-")
    is_number = digits.isascii() and digits.isdecimal() and len(digits) <= _MOST_DIGITS
    if isinstance(value, bool) or not is_number:
        raise ValueError(f"{name} must be a whole number, not {text[:40]!r}.")
    return int(text)


def _micros(fields: _Fields, name: str) -> int:
    micros = _whole_number(fields.get(name), name)
    if micros < 0:
        raise ValueError(f"{name} must not be negative.")
    return micros


def _cap(fields: _Fields, name: str) -> int | None:
    return None if fields[name] is None else _micros(fields, name)


#: How the fields of an event are checked.
_FIELDS: dict[str, Callable[[Controls, _Fields, str], Json]] = {
    "slug": _known_slug,
    "provider": _known_slug,
    "status": lambda _controls, fields, name: checked_status(_text(fields, name)),
    "micros": lambda _controls, fields, name: _micros(fields, name),
    "remaining_micros": lambda _controls, fields, name: _micros(fields, name),
    "pct": lambda _controls, fields, name: _micros(fields, name),
    "window": _window,
}
