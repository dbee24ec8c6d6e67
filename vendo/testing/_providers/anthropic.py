"""Anthropic: the models, and a message, whole or streamed."""

from __future__ import annotations

from vendo.testing._http.messages import Response, json_response
from vendo.testing._providers.bodies import fields_of
from vendo.testing._providers.streams import PIECES, TEXT, named_events

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo.testing._http.messages import Json, Request

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
    fields = fields_of(request)
    message = {
        "id": "msg_local",
        "type": "message",
        "role": "assistant",
        "model": fields.get("model", _MODEL["id"]),
        "content": [{"type": "text", "text": TEXT}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
    if fields.get("stream") is True:
        return _stream(message)
    return json_response(message)


def _stream(message: Json) -> Response:
    empty = {**message, "content": [], "stop_reason": None}
    start = {"type": "content_block_start", "content_block": {"type": "text", "text": ""}}
    end = {"stop_reason": "end_turn", "stop_sequence": None}
    return named_events(
        [
            {"type": "message_start", "message": empty},
            {**start, "index": 0},
            {"type": "ping"},
            *(
                {
                    "type": "content_block_delta",
                    "index": 0,
                    "delta": {"type": "text_delta", "text": piece},
                }
                for piece in PIECES
            ),
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": end, "usage": {"output_tokens": 1}},
            {"type": "message_stop"},
        ]
    )


ROUTES = {"GET /v1/models": _models, "POST /v1/messages": _message}
