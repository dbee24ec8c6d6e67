"""Telegram: the bot of the token."""

from __future__ import annotations

from vendo.testing._http.messages import Response, json_response
from vendo.testing._providers.bodies import arguments_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo.testing._http.messages import Request

_BOT = {
    "id": 10_000_001,
    "is_bot": True,
    "first_name": "Local",
    "username": "local_vendo_bot",
    "can_join_groups": True,
    "can_read_all_group_messages": False,
    "supports_inline_queries": False,
}


def _me(_request: Request, _user: str | None, _rest: str) -> Response:
    return json_response({"ok": True, "result": _BOT})


def _updates(_request: Request, _user: str | None, _rest: str) -> Response:
    return json_response({"ok": True, "result": []})


def _done(_request: Request, _user: str | None, _rest: str) -> Response:
    return json_response({"ok": True, "result": True})


def _sent(request: Request, _user: str | None, _rest: str) -> Response:
    given = arguments_of(request)
    message = {
        "message_id": 1,
        "date": 1_777_680_000,
        "from": _BOT,
        "chat": {"id": given.get("chat_id"), "type": "private"},
        "text": given.get("text", ""),
    }
    return json_response({"ok": True, "result": message})


_METHODS = {
    "getMe": _me,
    "getUpdates": _updates,
    "sendMessage": _sent,
    "setWebhook": _done,
    "deleteWebhook": _done,
}
# Telegram's methods can be called with either.
ROUTES = {f"{verb} /{name}": route for name, route in _METHODS.items() for verb in ("GET", "POST")}
