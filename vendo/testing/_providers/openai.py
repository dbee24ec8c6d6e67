"""OpenAI: the models, embeddings; a chat completion and a response, whole or streamed."""

from __future__ import annotations

import base64
import json
import struct

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

_VECTOR = (0.5, -0.25, 0.125)


def _models(_request: Request, _user: str | None, _rest: str) -> Response:
    return json_response({"object": "list", "data": [_MODEL]})


def _embeddings(request: Request, _user: str | None, _rest: str) -> Response:
    fields = fields_of(request)
    given = fields.get("input", "")
    # A list of numbers is one text too: its tokens.
    is_one = isinstance(given, str) or all(isinstance(one, int) for one in given)
    vector: Json = _VECTOR
    if fields.get("encoding_format") == "base64":
        vector = base64.b64encode(struct.pack(f"<{len(_VECTOR)}f", *_VECTOR)).decode()
    data = [
        {"object": "embedding", "index": index, "embedding": vector}
        for index in range(1 if is_one else len(given))
    ]
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    model = fields.get("model", _MODEL["id"])
    return json_response({"object": "list", "data": data, "model": model, "usage": usage})


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
    "POST /embeddings": _embeddings,
    "POST /responses": openai_responses.respond,
}
