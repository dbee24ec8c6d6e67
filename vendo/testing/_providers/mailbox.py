"""Five messages in the format of Google's mail API, for the fake Gmail."""

from __future__ import annotations

import base64
from dataclasses import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo.testing._http.messages import Json


@dataclass(frozen=True, slots=True)
class Message:
    """One message."""

    id: str
    thread_id: str
    sender: str
    subject: str
    text: str
    labels: tuple[str, ...]
    #: Unix seconds.
    at: int


_MESSAGES = (
    Message(
        "18f0a1b2c3d4e501", "18f0a1b2c3d4e501", "billing@example.com", "Your invoice for April",
        "The invoice for April is ready. The amount due is 42.00 USD.",
        ("INBOX", "UNREAD"), 1_777_712_400,
    ),
    Message(
        "18f0a1b2c3d4e502", "18f0a1b2c3d4e502", "calendar@example.com", "Reminder: weekly review",
        "The weekly review begins at 10:00 in the usual room.",
        ("INBOX",), 1_777_701_600,
    ),
    Message(
        "18f0a1b2c3d4e503", "18f0a1b2c3d4e503", "ci@example.com", "Build 1024 passed",
        "All 318 checks passed in 4 minutes.",
        ("INBOX", "CATEGORY_UPDATES"), 1_777_690_800,
    ),
    Message(
        "18f0a1b2c3d4e504", "18f0a1b2c3d4e502", "calendar@example.com", "Re: weekly review",
        "The review moves to 11:00, with thanks for your patience.",
        ("INBOX", "UNREAD"), 1_777_680_000,
    ),
    Message(
        "18f0a1b2c3d4e505", "18f0a1b2c3d4e505", "news@example.com", "The month in short",
        "Three articles that were read the most this month.",
        ("CATEGORY_PROMOTIONS",), 1_777_669_200,
    ),
)  # fmt: skip


def address_of(user: str | None) -> str:
    """Return the mail address of a user, or with None that of the deployment's account."""
    if user is None:
        return "owner@example.com"
    return user if "@" in user else f"{user}@example.com"


def profile(user: str | None) -> Json:
    """Return the body of `users/me/profile`."""
    return {
        "emailAddress": address_of(user),
        "messagesTotal": len(_MESSAGES),
        "threadsTotal": len({message.thread_id for message in _MESSAGES}),
        "historyId": "987654",
    }


def search(query: str) -> list[Message]:
    """Return the messages with every word of the query in sender, subject or text."""
    words = query.lower().split()
    return [
        message
        for message in _MESSAGES
        if all(
            word in f"{message.sender} {message.subject} {message.text}".lower() for word in words
        )
    ]


def listing(query: str, max_results: str, page_token: str) -> Json:
    """Return the body of `users/me/messages`."""
    found = search(query)
    size = int(max_results) if max_results.isdecimal() and int(max_results) > 0 else 100
    begin = int(page_token) if page_token.isdecimal() else 0
    page = found[begin : begin + size]
    body: dict[str, Json] = {"resultSizeEstimate": len(found)}
    if page:
        body["messages"] = [{"id": m.id, "threadId": m.thread_id} for m in page]
    if begin + size < len(found):
        body["nextPageToken"] = str(begin + size)
    return body


def message(message_id: str, user: str | None) -> Json | None:
    """Return the body of `users/me/messages/{id}`, or None if the id is unknown."""
    for found in _MESSAGES:
        if found.id == message_id:
            return _full(found, user)
    return None


def _full(found: Message, user: str | None) -> Json:
    data = found.text.encode()
    headers = {"From": found.sender, "To": address_of(user), "Subject": found.subject}
    return {
        "id": found.id,
        "threadId": found.thread_id,
        "labelIds": list(found.labels),
        "snippet": found.text[:80],
        "historyId": "987654",
        "internalDate": str(found.at * 1000),
        "sizeEstimate": len(data) + 200,
        "payload": {
            "mimeType": "text/plain",
            "headers": [{"name": name, "value": value} for name, value in headers.items()],
            "body": {"size": len(data), "data": base64.urlsafe_b64encode(data).decode()},
        },
    }
