"""Gmail: the profile, the messages of `mailbox`, and one that is sent."""

from __future__ import annotations

from vendo.testing._http.messages import Response, json_response
from vendo.testing._providers import mailbox

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo.testing._http.messages import Request

_ROOT = "/gmail/v1/users/me"


def _profile(_request: Request, user: str | None, _rest: str) -> Response:
    return json_response(mailbox.profile(user))


def _messages(request: Request, _user: str | None, _rest: str) -> Response:
    query = request.parameters()
    return json_response(
        mailbox.listing(query.get("q", ""), query.get("maxResults", ""), query.get("pageToken", ""))
    )


def _message(_request: Request, user: str | None, message_id: str) -> Response:
    found = mailbox.message(message_id, user)
    return _missing(_request, user, "") if found is None else json_response(found)


def _missing(_request: Request, _user: str | None, _rest: str) -> Response:
    problem = {"code": 404, "message": "Requested entity was not found.", "status": "NOT_FOUND"}
    return json_response({"error": problem}, 404)


def _send(_request: Request, _user: str | None, _rest: str) -> Response:
    return json_response({"id": "sent-1", "threadId": "sent-1", "labelIds": ["SENT"]})


ROUTES = {
    f"GET {_ROOT}/profile": _profile,
    f"GET {_ROOT}/messages": _messages,
    f"GET {_ROOT}/messages/*": _message,
    f"GET {_ROOT}/*": _missing,
    f"POST {_ROOT}/messages/send": _send,
}
