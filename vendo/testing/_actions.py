"""The data proxy: actions that are executed with a connection, for money (wire contract)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from vendo.testing import _mailbox
from vendo.testing._errors import Refusal, error_response
from vendo.testing._http import Response, json_response

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from vendo.testing._connections import Connections
    from vendo.testing._http import Json, Request
    from vendo.testing._wallet import Wallet

#: What one call of a ready action costs.
PRICE = 1_000

_MOST_ANSWERS = 10_000


@dataclass(frozen=True, slots=True)
class Action:
    """Something that can be executed: `run(args)` gives the `data` of the answer."""

    slug: str
    run: Callable[[dict[str, Any]], Json]
    micros: int


def slug_of(action_id: str) -> str:
    """The toolkit of an action, by the convention of its name: GMAIL_FETCH_EMAILS is gmail's."""
    return action_id.partition("_")[0].lower()


def requested_action(body: bytes) -> tuple[str, dict[str, Any]] | None:
    """The action and its arguments, or None where the body asks for none."""
    try:
        call = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(call, dict):
        return None
    action_id, args = call.get("action_id"), call.get("args", {})
    if not isinstance(action_id, str) or not action_id or not isinstance(args, dict):
        return None
    return action_id, args


class Actions:
    """The actions that there are. Those that a test defines are gone after a reset."""

    def __init__(self) -> None:
        self._actions = dict(_READY)

    def define(self, action_id: str, action: Action) -> None:
        """Add an action, or put it in the place of the one of this name."""
        self._actions[action_id] = action

    def slug_of(self, action_id: str) -> str:
        """The slug whose connection an action needs."""
        action = self._actions.get(action_id)
        return action.slug if action else slug_of(action_id)

    def execute(
        self, request: Request, only: str | None, connections: Connections, wallet: Wallet
    ) -> Response:
        """Run what the request asks for and charge it. `only` is the one slug a key may reach."""
        call = requested_action(request.body)
        if call is None:
            return json_response({"error": "The body is {action_id: string, args: object}."}, 400)
        action_id, args = call
        action = self._actions.get(action_id)
        if action is None:
            return json_response({"error": f"There is no action {action_id[:100]}."}, 404)
        connection = connections.get(action.slug)
        if connection is not None and connection.status == "needs_reauth":
            raise Refusal(
                "connection_needs_reauth", "The person has to authorize again.", slug=action.slug
            )
        usable = connection is not None and connection.status == "connected"
        if not usable or only not in {None, action.slug}:
            return json_response({"error": "binding_missing", "toolkit": action.slug}, 403)
        wallet.check(action.micros)
        try:
            response = json_response({"data": action.run(args)})
        except Exception as error:  # noqa: BLE001  # a test's own function may raise anything
            problem = f"The action {action_id} failed with {type(error).__name__}."
            return json_response({"error": problem}, 502)
        wallet.spend(action.slug, action.micros)
        return response


class IdempotentAnswers:
    """What writes were answered, so that a repeated one is not done twice."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._entries: dict[str, _Entry] = {}

    def answer(self, request: Request, run: Callable[[], Response]) -> Response:
        """The answer of `run`, or the one given before under the same Idempotency-Key.

        What was not done (any answer but a success) is not kept: it may be tried again.
        """
        key = request.headers.get("idempotency-key")
        if not key:
            return run()
        with self._lock:
            entry = self._entries.setdefault(key, _Entry(_fingerprint(request)))
            if len(self._entries) > _MOST_ANSWERS:
                del self._entries[next(iter(self._entries))]
        if entry.fingerprint != _fingerprint(request):
            return error_response(
                "data", 409, "idempotency_conflict", "The key was used for another request."
            )
        with entry.lock:  # the first of two at once is executed, the second is told its answer
            if entry.answer is not None:
                kept = entry.answer
                headers = {**kept.headers, "Idempotency-Replayed": "true"}
                return Response(kept.status, kept.body, headers)
            response = run()
            if response.status < 300:
                entry.answer = response
            return response


class _Entry:
    __slots__ = ("answer", "fingerprint", "lock")

    def __init__(self, fingerprint: bytes) -> None:
        self.fingerprint = fingerprint
        self.lock = Lock()
        self.answer: Response | None = None


def _fingerprint(request: Request) -> bytes:
    who = (request.headers.get("authorization", ""), request.headers.get("x-vendo-user-jwt", ""))
    what = f"{request.method} {request.path} {who}".encode()
    return hashlib.sha256(what + b"\0" + request.body).digest()


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
            for message in _mailbox.search(str(query))
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


_READY = {
    "GMAIL_FETCH_EMAILS": Action("gmail", _fetch_emails, PRICE),
    "GMAIL_GET_PROFILE": Action("gmail", lambda _args: _mailbox.profile(None), PRICE),
    "GMAIL_SEND_EMAIL": Action("gmail", _send_email, PRICE),
    "SLACK_SEND_MESSAGE": Action("slack", _send_message, PRICE),
}
