"""The profile of each provider: the kind of credential behind its connection (wire contract)."""

from __future__ import annotations

POOL = "vendo_managed_pool"
#: The data proxy runs the actions of these connections alone.
COMPOSIO = "composio_managed"
_APP_INSTALL = "oauth_app_install"
_STATIC = "byok_static"

PROFILES = (POOL, _STATIC, "user_oauth", _APP_INSTALL, "webhook_inbound", COMPOSIO)
#: Profiles with a credential that the worker does not hand out.
UNVENDED = frozenset({"user_oauth", "webhook_inbound"})

#: A user authorizes these; of the others they paste an API key. The catalog's rows do not show
#: it: both may be a bearer token.
_OAUTH = frozenset({
    "asana", "bitbucket", "box", "clickup", "dropbox", "figma", "github", "gitlab", "gmail",
    "google", "googlecalendar", "googledocs", "googledrive", "googlesheets", "hubspot",
    "instagram", "intercom", "linear", "linkedin", "microsoftgraph", "shopify", "slack", "spotify",
    "square", "supabase", "todoist", "twitter", "typeform", "whatsapp", "youtube", "zoom",
})  # fmt: skip

_BY_SLUG = {
    **dict.fromkeys(_OAUTH, COMPOSIO),
    **dict.fromkeys(
        ("openai", "anthropic", "openrouter", "gemini", "elevenlabs", "assemblyai", "muapi"), POOL
    ),
    "notion": _APP_INSTALL,
}


def profile_of(slug: str) -> str:
    """Return the profile of a provider's connection, unless a test sets another one."""
    return _BY_SLUG.get(slug, _STATIC)
