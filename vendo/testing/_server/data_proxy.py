"""The data proxy: execute an action with a connection, and charge it (wire contract)."""

from __future__ import annotations

from vendo.testing._http.errors import ApiError
from vendo.testing._http.messages import json_response
from vendo.testing._state.actions import requested_action
from vendo.testing._state.profiles import COMPOSIO

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo.testing._http.messages import Request, Response
    from vendo.testing._state.state import State


def execute(request: Request, state: State, only: str | None) -> Response:
    """Run the requested action. `only` is the one slug that the key may use, or None for all.

    Raises:
        ApiError: the connection or the wallet does not allow it.
    """
    call = requested_action(request.body)
    if call is None:
        return json_response({"error": "The body is {action_id: string, args: object}."}, 400)
    action_id, args = call
    # The binding first: without it, nothing tells whether the action exists.
    slug = state.actions.slug_of(action_id)
    connection = state.connections.get(slug)
    if (
        connection is None
        or connection.profile != COMPOSIO
        or connection.status not in {"connected", "needs_reauth"}
        or only not in {None, slug}
    ):
        return json_response({"error": "binding_missing", "toolkit": slug}, 403)
    if connection.status == "needs_reauth":
        raise ApiError("connection_needs_reauth", "The user has to authorize again.", slug=slug)
    action = state.actions.get(action_id)
    if action is None:
        return json_response({"error": f"Unknown action {action_id[:100]}."}, 404)
    state.wallet.check(action.micros)
    try:
        response = json_response({"data": action.run(args)})
    except Exception as error:  # noqa: BLE001  # a test's own function may raise anything
        problem = f"The action {action_id} failed with {type(error).__name__}."
        return json_response({"error": problem}, 502)
    state.wallet.spend(slug, action.micros)
    return response
