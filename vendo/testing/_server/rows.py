"""The rows of connections and integrations (wire contract, "Platform API")."""

from __future__ import annotations

from vendo._catalog import catalog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo.testing._http.messages import Json
    from vendo.testing._state.connections import Connection

_CONTEXTS = {
    "supabase": {"ref": "abcdefghijklmnopqrst"},
    "instagram": {"ig_user_id": "17840000000000000"},
}
_FEATURED = frozenset({"gmail", "openai", "slack"})


def connection_row(
    connection: Connection,
    *,
    sandbox: bool,
    api_key: str,
    base_url: str,
    setup_url: str,
) -> dict[str, Json]:
    """Return a connection's row. With `sandbox`, it does not have an exclusive credential."""
    slug = connection.slug
    provider = catalog.provider(slug)
    is_managed = connection.profile == "vendo_managed_pool"
    needs_setup = connection.status in {"available", "pending_setup"}
    fields: dict[str, Json] = {
        "id": None if connection.status == "available" else connection.id,
        "external_id": f"ext_{connection.id[:8]}",
        "slug": slug,
        "display_name": provider.name if provider else slug,
        "category": provider.category if provider else "other",
        "profile": connection.profile,
        "metadata": {},
        "context": _CONTEXTS.get(slug),
        "credential": None,
        "api_key": api_key if is_managed else None,
        "base_url": base_url if is_managed else None,
        "setup_url": setup_url if needs_setup else None,
        "error_message": "The provider did not issue a token."
        if connection.status == "error"
        else None,
        "connected_at": None if needs_setup else "2026-05-02T09:00:00Z",
        "env_bootstrap": _env_bootstrap(slug),
        "exclusive": False,
        "logo_url": None,
        "brand_color": None,
        "docs_url": provider.docs_url if provider else None,
    }
    fields |= connection.fields
    fields["status"] = connection.status
    if sandbox and fields["exclusive"]:
        fields["credential"] = fields["api_key"] = None
    return {name: value for name, value in fields.items() if name not in connection.omitted}


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
    return {
        field: slug,
        "name": name,
        "description": f"Use {name} with credentials that Vendo holds.",
        "category": provider.category if provider else "other",
        "logo_url": None,
        "brand_color": None,
        "docs_url": provider.docs_url if provider else None,
        "supported_profiles": ["user_oauth", "byok_static"],
        "default_profile": "user_oauth",
        "enabled": True,
        "featured": slug in _FEATURED,
        "env_bootstrap": _env_bootstrap(slug),
    }
