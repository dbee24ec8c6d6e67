"""The data proxy's built-in actions, which return fixed data."""

from __future__ import annotations

import hashlib
import json

from vendo.testing._providers import mailbox
from vendo.testing._state.actions import PRICE, Action

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vendo.testing._http.messages import Json


def _fetch_emails(args: dict[str, Any]) -> Json:
    limit = args.get("max_results", 10)
    query = args.get("query", "")
    return {
        "messages": [
            {
                "messageId": message.id,
                "threadId": message.thread_id,
                "subject": message.subject,
                "sender": message.sender,
                "messageText": message.text,
                "labelIds": list(message.labels),
            }
            for message in mailbox.search(str(query))
        ][: limit if isinstance(limit, int) and limit > 0 else 10],
        "nextPageToken": None,
    }


def _send_email(args: dict[str, Any]) -> Json:
    digest = hashlib.sha256(json.dumps(args, sort_keys=True).encode()).hexdigest()[:16]
    return {"id": digest, "threadId": digest, "labelIds": ["SENT"]}


def _send_message(args: dict[str, Any]) -> Json:
    text = str(args.get("text", ""))
    return {
        "ok": True,
        "channel": args.get("channel"),
        "message": {"type": "message", "text": text},
    }


BUILT_IN = {
    "GMAIL_FETCH_EMAILS": Action("gmail", _fetch_emails, PRICE),
    "GMAIL_GET_PROFILE": Action("gmail", lambda _args: mailbox.profile(None), PRICE),
    "GMAIL_SEND_EMAIL": Action("gmail", _send_email, PRICE),
    "SLACK_SEND_MESSAGE": Action("slack", _send_message, PRICE),
}
