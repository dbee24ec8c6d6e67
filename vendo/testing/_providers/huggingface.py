"""Hugging Face: the user of the token, and a chat completion of its router."""

from __future__ import annotations

from vendo.testing._http.messages import Response, json_response
from vendo.testing._providers import openai

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo.testing._http.messages import Request


def _whoami(_request: Request, user: str | None, _rest: str) -> Response:
    token = {"displayName": "local", "role": "read", "createdAt": "2026-05-02T00:00:00.000Z"}
    return json_response(
        {
            "type": "user",
            "id": "local",
            "name": user or "local-owner",
            "fullname": "Local",
            "isPro": False,
            "orgs": [],
            "auth": {"type": "access_token", "accessToken": token},
        }
    )


ROUTES = {
    "GET /api/whoami-v2": _whoami,
    "POST /v1/chat/completions": openai.completion,
}
