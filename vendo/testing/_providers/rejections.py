"""How each provider rejects a credential, in its own words and shape."""

from __future__ import annotations

from dataclasses import dataclass, field

from vendo._catalog import catalog
from vendo.testing._http.errors import error_response
from vendo.testing._http.messages import json_response
from vendo.testing._providers.credentials import GOOGLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo.testing._http.messages import Json, Response


@dataclass(frozen=True, slots=True)
class Rejection:
    """The response to a missing, unknown or expired credential."""

    body: Json
    status: int = 401
    headers: dict[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """Return a new response."""
        response = json_response(self.body, self.status)
        response.headers |= self.headers
        return response


_GOOGLE = Rejection(
    {
        "error": {
            "code": 401,
            "message": "Request had invalid authentication credentials.",
            "errors": [
                {
                    "message": "Invalid Credentials",
                    "domain": "global",
                    "reason": "authError",
                    "location": "Authorization",
                    "locationType": "header",
                }
            ],
            "status": "UNAUTHENTICATED",
        }
    },
    headers={
        "WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", error="invalid_token"'
    },
)


def _openai(message: str) -> Rejection:
    problem = {
        "message": message,
        "type": "invalid_request_error",
        "param": None,
        "code": "invalid_api_key",
    }
    return Rejection({"error": problem})


_REJECTIONS = {
    **dict.fromkeys(GOOGLE, _GOOGLE),
    "anthropic": Rejection(
        {
            "type": "error",
            "error": {"type": "authentication_error", "message": "invalid x-api-key"},
            "request_id": "req_local",
        }
    ),
    "discord": Rejection({"message": "401: Unauthorized", "code": 0}),
    "gemini": _GOOGLE,
    "github": Rejection(
        {
            "message": "Bad credentials",
            "documentation_url": "https://docs.github.com/rest",
            "status": "401",
        }
    ),
    "gitlab": Rejection({"message": "401 Unauthorized"}),
    "groq": _openai("Invalid API Key"),
    "huggingface": Rejection({"error": "Invalid username or password."}),
    "mailchimp": Rejection(
        {
            "type": "https://mailchimp.com/developer/marketing/docs/errors/",
            "title": "API Key Invalid",
            "status": 401,
            "detail": "Your API key may be invalid.",
            "instance": "local",
        },
        headers={"WWW-Authenticate": 'Basic realm="mailchimp API"'},
    ),
    "mailgun": Rejection(
        {"message": "Forbidden"}, headers={"WWW-Authenticate": 'Basic realm="MG API"'}
    ),
    "notion": Rejection(
        {
            "object": "error",
            "status": 401,
            "code": "unauthorized",
            "message": "API token is invalid.",
            "request_id": "00000000-0000-4000-8000-000000000000",
        }
    ),
    "openai": _openai("Incorrect API key provided."),
    "slack": Rejection({"ok": False, "error": "invalid_auth"}, status=200),
    "stripe": Rejection(
        {"error": {"message": "Invalid API Key provided.", "type": "invalid_request_error"}},
        headers={"WWW-Authenticate": 'Basic realm="Stripe"'},
    ),
    "telegram": Rejection({"ok": False, "error_code": 401, "description": "Unauthorized"}),
    "youtube": _GOOGLE,
}


def of(slug: str) -> Response:
    """Return a provider's response to a credential that it does not accept."""
    known = _REJECTIONS.get(slug)
    if known is not None:
        return known.response()
    response = error_response("provider", 401, None, "The credential is missing or expired.")
    provider = catalog.provider(slug)
    response.headers["WWW-Authenticate"] = "Basic" if provider and provider.basic else "Bearer"
    return response
