"""OpenAI: the models, and a chat completion, whole or streamed."""

from __future__ import annotations

import json

from vendo.testing._http.messages import Response, json_response
from vendo.testing._providers.bodies import fields_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo.testing._http.messages import Json, Request

_CREATED = 1_777_680_000
_MODEL = {"id": "local-model", "object": "model", "created": _CREATED, "owned_by": "local"}
_PIECES = ("Hello", " from", " the", " local", " server.")
_TEXT = "".join(_PIECES)
_USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}


def _models(_request: Request, _user: str | None, _rest: str) -> Response:
    return json_response({"object": "list", "data": [_MODEL]})


def _completion(request: Request, _user: str | None, _rest: str) -> Response:
    fields = fields_of(request)
    common = {
        "id": "chatcmpl-local",
        "created": _CREATED,
        "model": fields.get("model", _MODEL["id"]),
    }
    if fields.get("stream") is True:
        return _stream(common)
    message = {"role": "assistant", "content": _TEXT, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return json_response(
        {**common, "object": "chat.completion", "choices": [choice], "usage": _USAGE}
    )


def _stream(common: Json) -> Response:
    deltas: list[tuple[dict[str, str], str | None]] = [
        ({"role": "assistant", "content": ""}, None),
        *(({"content": piece}, None) for piece in _PIECES),
        ({}, "stop"),
    ]
    chunks = [
        json.dumps(
            {
                **common,
                "object": "chat.completion.chunk",
                "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
            }
        )
        for delta, reason in deltas
    ]
    body = "".join(f"data: {chunk}\n\n" for chunk in (*chunks, "[DONE]"))
    return Response(200, body.encode(), {"Content-Type": "text/event-stream"})


ROUTES = {"GET /models": _models, "POST /chat/completions": _completion}
