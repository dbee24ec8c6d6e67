"""Telegram: the bot of the token, its messages, and a file."""

from __future__ import annotations

from vendo.testing._http.messages import Response, json_response
from vendo.testing._providers.bodies import arguments_of
from vendo.testing._providers.streams import TEXT

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


def _file(request: Request, _user: str | None, _rest: str) -> Response:
    file_id = arguments_of(request).get("file_id")
    found = {"file_id": file_id, "file_unique_id": file_id, "file_path": "documents/hello.txt"}
    return json_response({"ok": True, "result": found})


def _content(_request: Request, _user: str | None, _rest: str) -> Response:
    return Response(200, TEXT.encode(), {"Content-Type": "application/octet-stream"})


_METHODS = {
    "getMe": _me,
    "getFile": _file,
    "getUpdates": _updates,
    "sendMessage": _sent,
    "setWebhook": _done,
    "deleteWebhook": _done,
}
# Telegram's methods can be called with either.
ROUTES = {f"{verb} /{name}": route for name, route in _METHODS.items() for verb in ("GET", "POST")}
ROUTES["GET /documents/hello.txt"] = _content
