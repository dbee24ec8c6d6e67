"""Telegram: the bot of the token."""

from __future__ import annotations

from vendo.testing._http.messages import Response, json_response

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


# Telegram's methods can be called with either.
ROUTES = {"GET /getMe": _me, "POST /getMe": _me}
