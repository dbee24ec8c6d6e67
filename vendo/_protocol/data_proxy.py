"""The data proxy (wire contract, "Data proxy"): actions on connected accounts."""

from __future__ import annotations

import json

from vendo._protocol.calls import call
from vendo._protocol.codes import fix_for
from vendo._protocol.decoding import decode_json
from vendo._protocol.error_responses import Cleaner, body_of, error_of
from vendo.errors import NotConnected, UpstreamError, VendoError, invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from vendo._protocol.calls import Caller
    from vendo._protocol.steps import Flow, Response


def execute(
    caller: Caller,
    data_proxy_url: str,
    action: str,
    args: Mapping[str, Any] | None,
    idempotency_key: str | None,
) -> Flow[Any]:
    """Run an action and return its data."""
    if not isinstance(action, str) or not action.strip():
        raise invalid(
            "action= must be a string that is not blank.",
            fix="Write data.execute('GMAIL_FETCH_EMAILS', {'max_results': 10}).",
        )
    try:
        body = json.dumps({"action_id": action, "args": dict(args or {})}, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as problem:
        raise invalid(
            f"The arguments of {action} cannot be written as JSON ({type(problem).__name__}).",
            fix="Pass a mapping of texts, numbers, booleans, lists and mappings.",
        ) from None
    response = yield from call(
        caller,
        "POST",
        f"{data_proxy_url}/v1/execute",
        body=body.encode(),
        idempotency_key=idempotency_key,
        failure=_failure,
    )
    result = decode_json(response)
    return result["data"] if isinstance(result, dict) and "data" in result else result


def _failure(response: Response, *, slug: str | None, secrets: Iterable[str]) -> VendoError:
    """Make the error for a response. The data proxy has error bodies of its own, without codes."""
    error = error_of(response, slug=slug, secrets=secrets)
    body = body_of(response)
    if "vendo-error-code" in response.headers or not isinstance(body.get("error"), str):
        return error
    if response.status == 403 and body["error"] == "binding_missing":
        about = Cleaner(secrets)(body.get("toolkit")) or slug
        return NotConnected(
            "binding_missing",
            f"{about or 'The provider of this action'} is not connected.",
            status=403,
            slug=about,
            suggested_fix=fix_for("binding_missing", about),
        )
    return UpstreamError(
        "composio_error",
        error.message,
        status=response.status,
        retry_after=error.retry_after,
    )
