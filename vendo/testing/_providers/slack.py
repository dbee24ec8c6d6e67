"""Slack: the identity of the token, the channels in pages, and a message to a channel."""

from __future__ import annotations

from vendo.testing._http.messages import Response, json_response
from vendo.testing._providers.bodies import arguments_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo.testing._http.messages import Request

_BOT = {"user_id": "U00000001", "bot_id": "B00000001"}
_CHANNELS = ("general", "random", "local")


def _identity(_request: Request, user: str | None, _rest: str) -> Response:
    team = {"url": "https://local.slack.com/", "team": "Local", "team_id": "T00000001"}
    return json_response({"ok": True, **team, "user": user or "local-owner", **_BOT})


def _post(request: Request, _user: str | None, _rest: str) -> Response:
    fields = arguments_of(request)
    if not fields.get("channel"):
        return json_response({"ok": False, "error": "channel_not_found"})
    if not any(fields.get(name) for name in ("text", "blocks", "attachments")):
        return json_response({"ok": False, "error": "no_text"})
    message = {
        "type": "message",
        "user": _BOT["user_id"],
        "bot_id": _BOT["bot_id"],
        "text": fields.get("text", ""),
        "ts": "1777680000.000100",
    }
    return json_response(
        {"ok": True, "channel": fields["channel"], "ts": message["ts"], "message": message}
    )


def _channels(request: Request, _user: str | None, _rest: str) -> Response:
    fields = arguments_of(request)
    limit, cursor = str(fields.get("limit", "")), str(fields.get("cursor", ""))
    size = int(limit) if limit.isdecimal() and int(limit) else 100
    begin = int(cursor) if cursor.isdecimal() else 0
    end = begin + size
    channels = [
        {"id": f"C0000000{number}", "name": name, "is_channel": True, "is_archived": False}
        for number, name in enumerate(_CHANNELS, 1)
    ]
    following = {"next_cursor": str(end) if end < len(channels) else ""}
    return json_response(
        {"ok": True, "channels": channels[begin:end], "response_metadata": following}
    )


# Slack reads the arguments of each method from a query as well as from a body.
_METHODS = {"auth.test": _identity, "chat.postMessage": _post, "conversations.list": _channels}
ROUTES = {f"{verb} /{name}": route for name, route in _METHODS.items() for verb in ("GET", "POST")}
