"""OpenAI: the models; a chat completion and a response of a model, whole or streamed."""

from __future__ import annotations

import json

from vendo.testing._http.messages import Response, json_response
from vendo.testing._providers import openai_responses
from vendo.testing._providers.bodies import fields_of
from vendo.testing._providers.streams import PIECES, TEXT, event_stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo.testing._http.messages import Json, Request

_CREATED = 1_777_680_000
_MODEL = {"id": "local-model", "object": "model", "created": _CREATED, "owned_by": "local"}
_USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}


def _models(_request: Request, _user: str | None, _rest: str) -> Response:
    return json_response({"object": "list", "data": [_MODEL]})


def completion(request: Request, _user: str | None, _rest: str) -> Response:
    """Return a chat completion, streamed if the request asks for that."""
    fields = fields_of(request)
    common = {
        "id": "chatcmpl-local",
        "created": _CREATED,
        "model": fields.get("model", _MODEL["id"]),
    }
    if fields.get("stream") is True:
        return _stream(common)
    message = {"role": "assistant", "content": TEXT, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return json_response(
        {**common, "object": "chat.completion", "choices": [choice], "usage": _USAGE}
    )


def _stream(common: Json) -> Response:
    deltas: list[tuple[dict[str, str], str | None]] = [
        ({"role": "assistant", "content": ""}, None),
        *(({"content": piece}, None) for piece in PIECES),
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
    return event_stream(f"data: {chunk}" for chunk in (*chunks, "[DONE]"))


ROUTES = {
    "GET /models": _models,
    "POST /chat/completions": completion,
    "POST /responses": openai_responses.respond,
}
