"""Responses that are streams of events, sent at once: a fake model does not think."""

from __future__ import annotations

import json

from vendo.testing._http.messages import Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

#: What a fake model writes, in the pieces that a stream has.
PIECES = ("Hello", " from", " the", " local", " server.")
TEXT = "".join(PIECES)


def named_events(events: Iterable[Mapping[str, Any]]) -> Response:
    """Return a stream of events, each with its `type` as its name."""
    return event_stream(f"event: {event['type']}\ndata: {json.dumps(event)}" for event in events)


def event_stream(events: Iterable[str]) -> Response:
    """Return a stream of events that are written out."""
    body = "".join(f"{event}\n\n" for event in events)
    return Response(200, body.encode(), {"Content-Type": "text/event-stream"})
