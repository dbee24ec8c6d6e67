"""The rows of connections and integrations (wire contract, "Platform API")."""

from __future__ import annotations

from vendo._catalog import catalog
from vendo.testing._state.connections import CONNECTED_AT
from vendo.testing._state.profiles import POOL, profile_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo.testing._http.messages import Json
    from vendo.testing._state.connections import Connection

_CONTEXTS = {
    "supabase": {"ref": "abcdefghijklmnopqrst"},
    "instagram": {"ig_user_id": "17840000000000000"},
}
_FEATURED = frozenset({"gmail", "openai", "slack"})
#: The status of what a user can still connect.
_TO_CONNECT = frozenset({"available", "pending_setup"})
#: What a row does not have before somebody has begun to connect the provider.
_OF_CONNECTED = (
    "id", "external_id", "context", "credential", "api_key", "base_url", "connected_at",
)  # fmt: skip


def connection_row(
    connection: Connection, *, sandbox: bool, api_key: str, base_url: str, setup_url: str
) -> dict[str, Json]:
    """Return a connection's row. With `sandbox`, it does not have an exclusive credential.

    Args:
        connection: a connection in any status.
        sandbox: the caller is a sandbox.
        api_key: the key that is locked to the connection.
        base_url: the address of the provider's proxy.
        setup_url: the link to the connect page.
    """
    slug, status = connection.slug, connection.status
    fields = available_row(slug, setup_url)
    fields |= {"id": connection.id, "external_id": f"ext_{connection.id[:8]}"}
    fields["profile"] = connection.profile
    if connection.profile == POOL:
        fields |= {"api_key": api_key, "base_url": base_url}
    if status not in _TO_CONNECT:
        fields |= {"setup_url": None, "connected_at": CONNECTED_AT}
    if status == "connected":
        fields["context"] = _CONTEXTS.get(slug)
    if status == "error":
        fields["error_message"] = "The provider did not issue a token."
    fields |= connection.fields | {"status": status}
    if status == "available":
        fields |= dict.fromkeys(_OF_CONNECTED)
    if sandbox and fields["exclusive"]:
        fields["credential"] = fields["api_key"] = None
    return {name: value for name, value in fields.items() if name not in connection.omitted}


def available_row(slug: str, setup_url: str) -> dict[str, Json]:
    """Return the row of a provider that nobody connected."""
    provider = catalog.provider(slug)
    return {
        "id": None,
        "external_id": None,
        "slug": slug,
        "display_name": provider.name if provider else slug,
        "category": provider.category if provider else "other",
        "profile": profile_of(slug),
        "status": "available",
        "metadata": {},
        "context": None,
        "credential": None,
        "api_key": None,
        "base_url": None,
        "setup_url": setup_url,
        "error_message": None,
        "connected_at": None,
        "env_bootstrap": _env_bootstrap(slug),
        "exclusive": False,
        "logo_url": None,
        "brand_color": None,
        "docs_url": provider.docs_url if provider else None,
    }


def _env_bootstrap(slug: str) -> dict[str, Json] | None:
    """Return the environment variables for a provider, or None outside the catalog."""
    provider = catalog.provider(slug)
    if provider is None:
        return None
    names = provider.variables[:1]
    return {
        "vars": [{"name": name, "value_from": "access_token"} for name in names],
        "restart": "gateway",
    }


def integration_row(slug: str, field: str) -> dict[str, Json]:
    """Return an integration's row. `field` is the name of the field with the slug."""
    provider = catalog.provider(slug)
    name = provider.name if provider else slug
    profile = profile_of(slug)
    return {
        field: slug,
        "name": name,
        "description": f"Use {name} with credentials that Vendo holds.",
        "category": provider.category if provider else "other",
        "logo_url": None,
        "brand_color": None,
        "docs_url": provider.docs_url if provider else None,
        "supported_profiles": [profile],
        "default_profile": profile,
        "enabled": True,
        "featured": slug in _FEATURED,
        "env_bootstrap": _env_bootstrap(slug),
    }
