"""The data proxy: execute an action with a connection, and charge it (wire contract)."""

from __future__ import annotations

from vendo.testing._http.errors import ApiError
from vendo.testing._http.messages import json_response
from vendo.testing._state.actions import requested_action

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
    action = state.actions.get(action_id)
    if action is None:
        return json_response({"error": f"Unknown action {action_id[:100]}."}, 404)
    connection = state.connections.get(action.slug)
    if connection is not None and connection.status == "needs_reauth":
        raise ApiError(
            "connection_needs_reauth", "The user has to authorize again.", slug=action.slug
        )
    is_usable = connection is not None and connection.status == "connected"
    if not is_usable or only not in {None, action.slug}:
        return json_response({"error": "binding_missing", "toolkit": action.slug}, 403)
    state.wallet.check(action.micros)
    try:
        response = json_response({"data": action.run(args)})
    except Exception as error:  # noqa: BLE001  # a test's own function may raise anything
        problem = f"The action {action_id} failed with {type(error).__name__}."
        return json_response({"error": problem}, 502)
    state.wallet.spend(action.slug, action.micros)
    return response
