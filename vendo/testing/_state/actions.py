"""The actions that the data proxy can execute."""

from __future__ import annotations

from dataclasses import dataclass

from vendo._protocol.json_object import json_object

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from vendo.testing._http.messages import Json

#: The price of one call, in micros.
PRICE = 1_000


@dataclass(frozen=True, slots=True)
class Action:
    """An action: `run(args)` returns the `data` of the response."""

    slug: str
    run: Callable[[dict[str, Any]], Json]
    micros: int


class Actions:
    """The built-in actions, and those that a test defines. Case does not count in their names."""

    def __init__(self, built_in: Mapping[str, Action]) -> None:
        self._actions = {action_id.upper(): action for action_id, action in built_in.items()}

    def define(self, action_id: str, action: Action) -> None:
        """Add an action, or replace the one of this name."""
        self._actions[action_id.upper()] = action

    def get(self, action_id: str) -> Action | None:
        """Return an action, or None."""
        return self._actions.get(action_id.upper())

    def slug_of(self, action_id: str) -> str:
        """Return the slug of the connection that an action needs."""
        action = self.get(action_id)
        return action.slug if action else toolkit_of(action_id)


def toolkit_of(action_id: str) -> str:
    """Return the toolkit in the name of an action: `gmail` for `GMAIL_FETCH_EMAILS`."""
    return action_id.partition("_")[0].lower()


def requested_action(body: bytes) -> tuple[str, dict[str, Any]] | None:
    """Return the name and the arguments of the action in a body, or None."""
    call = json_object(body)
    if call is None:
        return None
    action_id, args = call.get("action_id"), call.get("args", {})
    if not isinstance(action_id, str) or not action_id or not isinstance(args, dict):
        return None
    return action_id, args
