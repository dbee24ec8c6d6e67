"""Notion: the bot of the token."""

from __future__ import annotations

from vendo.testing._http.messages import Response, json_response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo.testing._http.messages import Request

_BOT = {
    "object": "user",
    "id": "00000000-0000-4000-8000-000000000001",
    "type": "bot",
    "name": "Local",
    "avatar_url": None,
    "bot": {"owner": {"type": "workspace", "workspace": True}, "workspace_name": "Local"},
}


def _me(_request: Request, _user: str | None, _rest: str) -> Response:
    return json_response(_BOT)


def _users(_request: Request, _user: str | None, _rest: str) -> Response:
    page = {"object": "list", "results": [_BOT], "next_cursor": None, "has_more": False}
    return json_response({**page, "type": "user", "user": {}})


ROUTES = {"GET /v1/users/me": _me, "GET /v1/users": _users}
