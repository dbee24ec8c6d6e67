"""Notion: the bot of the token, and the pages that it sees."""

from __future__ import annotations

from vendo.testing._http.messages import Response, json_response
from vendo.testing._providers.bodies import fields_of

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

_PAGE = {
    "object": "page",
    "id": "00000000-0000-4000-8000-000000000002",
    "created_time": "2026-05-02T00:00:00.000Z",
    "archived": False,
    "parent": {"type": "workspace", "workspace": True},
    "properties": {},
    "url": "https://www.notion.so/local",
}


def _me(_request: Request, _user: str | None, _rest: str) -> Response:
    return json_response(_BOT)


def _users(_request: Request, _user: str | None, _rest: str) -> Response:
    page = {"object": "list", "results": [_BOT], "next_cursor": None, "has_more": False}
    return json_response({**page, "type": "user", "user": {}})


def _search(_request: Request, _user: str | None, _rest: str) -> Response:
    page = {"object": "list", "results": [_PAGE], "next_cursor": None, "has_more": False}
    return json_response({**page, "type": "page_or_data_source", "page_or_data_source": {}})


def _create(request: Request, _user: str | None, _rest: str) -> Response:
    given = fields_of(request)
    return json_response({**_PAGE, **{name: given.get(name) for name in ("parent", "properties")}})


ROUTES = {
    "GET /v1/users/me": _me,
    "GET /v1/users": _users,
    "POST /v1/search": _search,
    "POST /v1/pages": _create,
}
