"""GitHub: the user of the token."""

from __future__ import annotations

from vendo.testing._http.messages import Response, json_response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo.testing._http.messages import Request


def _user(_request: Request, user: str | None, _rest: str) -> Response:
    login = user or "local-owner"
    return json_response(
        {
            "login": login,
            "id": 10_000_001,
            "node_id": "U_local",
            "type": "User",
            "site_admin": False,
            "name": "Local",
            "url": f"https://api.github.com/users/{login}",
            "html_url": f"https://github.com/{login}",
        }
    )


ROUTES = {"GET /user": _user}
