"""OpenAI's responses of a model, whole or streamed."""

from __future__ import annotations

from vendo.testing._http.messages import Response, json_response
from vendo.testing._providers.bodies import fields_of
from vendo.testing._providers.streams import PIECES, TEXT, named_events

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from vendo.testing._http.messages import Json, Request

_PART = {"type": "output_text", "text": TEXT, "annotations": [], "logprobs": []}
_ITEM: Json = {"type": "message", "id": "msg_local", "role": "assistant"}
_DONE = {**_ITEM, "status": "completed", "content": [_PART]}
_PLACE = {"item_id": "msg_local", "output_index": 0, "content_index": 0}
_DETAILS = {
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens_details": {"reasoning_tokens": 0},
}
_USAGE = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2, **_DETAILS}


def respond(request: Request, _user: str | None, _rest: str) -> Response:
    """Return a response of a model, streamed if the request asks for that."""
    fields = fields_of(request)
    begun = {
        "id": "resp_local",
        "object": "response",
        "created_at": 1_777_680_000,
        "status": "in_progress",
        "model": fields.get("model", "local-model"),
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "output": [],
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
    }
    done = {**begun, "status": "completed", "output": [_DONE], "usage": _USAGE}
    if fields.get("stream") is not True:
        return json_response(done)
    events = enumerate(_events(begun, done))
    return named_events({**event, "sequence_number": number} for number, event in events)


def _events(begun: Json, done: Json) -> Iterator[dict[str, Json]]:
    item = {"output_index": 0, "item": {**_ITEM, "status": "in_progress", "content": []}}
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    yield {"type": "response.output_item.added", **item}
    yield {"type": "response.content_part.added", **_PLACE, "part": {**_PART, "text": ""}}
    for piece in PIECES:
        yield {"type": "response.output_text.delta", **_PLACE, "delta": piece, "logprobs": []}
    yield {"type": "response.output_text.done", **_PLACE, "text": TEXT, "logprobs": []}
    yield {"type": "response.content_part.done", **_PLACE, "part": _PART}
    yield {"type": "response.output_item.done", "output_index": 0, "item": _DONE}
    yield {"type": "response.completed", "response": done}
