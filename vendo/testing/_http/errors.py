"""Error responses, with the body that each surface documents (wire contract, "Errors")."""

from __future__ import annotations

from vendo.testing._http.messages import json_response, reason_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo.testing._http.messages import Json, Response

#: The status of each error code.
STATUS_OF_CODE = {
    "validation_failed": 400,
    "app_unknown": 401,
    "app_revoked": 401,
    "app_expired": 401,
    "connection_needs_reauth": 401,
    "balance_exhausted": 402,
    "binding_missing": 403,
    "connection_revoked": 403,
    "provider_unknown": 404,
    "idempotency_conflict": 409,
    "rate_limit_sse_streams": 429,
    "spend_cap_daily": 429,
    "spend_cap_monthly": 429,
    "upstream_rate_limited": 429,
    "profile_unsupported": 500,
    "upstream_error": 502,
}


class ApiError(Exception):
    """Respond to the request with this error code."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        slug: str | None = None,
        connect_url: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.slug = slug
        self.connect_url = connect_url
        self.retry_after = retry_after

    def response(self, surface: str) -> Response:
        """Return the error response."""
        return error_response(
            surface,
            STATUS_OF_CODE[self.code],
            self.code,
            self.message,
            slug=self.slug,
            connect_url=self.connect_url,
            retry_after=self.retry_after,
        )


def error_response(
    surface: str,
    status: int,
    code: str | None,
    message: str,
    *,
    slug: str | None = None,
    connect_url: str | None = None,
    retry_after: int | None = None,
) -> Response:
    """Return an error in the format of a surface: the credentials worker's, the platform's or a
    provider's.
    """
    headers = {}
    if code is not None:
        headers["Vendo_Error_Code"] = code
    if retry_after is not None:
        headers["Retry_After"] = str(retry_after)
    body: Json
    if surface == "credentials":
        body = {"error": reason_of(status), "detail": message}
    elif surface == "provider":
        body, headers = {"error": {"code": status, "message": message}}, {}
    else:
        detail = {
            "code": code,
            "message": message,
            "slug": slug,
            "connect_url": connect_url,
            "retry_after": retry_after,
        }
        body = {"error": {name: value for name, value in detail.items() if value is not None}}
    return json_response(body, status, **headers)
