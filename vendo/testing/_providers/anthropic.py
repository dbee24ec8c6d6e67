"""Anthropic: the models, and a message."""

from __future__ import annotations

from vendo.testing._http.messages import Response, json_response
from vendo.testing._providers.bodies import fields_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo.testing._http.messages import Request

_MODEL = {
    "id": "local-model",
    "type": "model",
    "display_name": "Local",
    "created_at": "2026-05-02T00:00:00Z",
}


def _models(_request: Request, _user: str | None, _rest: str) -> Response:
    page = {"data": [_MODEL], "has_more": False, "first_id": _MODEL["id"], "last_id": _MODEL["id"]}
    return json_response(page)


def _message(request: Request, _user: str | None, _rest: str) -> Response:
    return json_response(
        {
            "id": "msg_local",
            "type": "message",
            "role": "assistant",
            "model": fields_of(request).get("model", _MODEL["id"]),
            "content": [{"type": "text", "text": "Hello from the local server."}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 1, "output_tokens": 1},
        }
    )


ROUTES = {"GET /v1/models": _models, "POST /v1/messages": _message}
