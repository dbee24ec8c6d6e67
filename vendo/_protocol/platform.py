"""The platform API (wire contract, "Platform API"): calls, and their responses."""

from __future__ import annotations

from urllib.parse import quote

from vendo._protocol.calls import call
from vendo._protocol.decoding import Fields, decode_json, malformed
from vendo._protocol.models import Balance, Connection, EnvBootstrap, EnvVar, Integration, SpendCaps
from vendo.errors import VendoError, invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeVar

    from vendo._protocol.calls import Caller
    from vendo._protocol.steps import Flow

    _T = TypeVar("_T")


def fetch_connections(caller: Caller, base_url: str, *, sandbox: bool) -> Flow[list[Connection]]:
    """Fetch the connections of this deployment."""
    query = "?sandbox=1" if sandbox else ""
    response = yield from call(caller, "GET", f"{base_url}/api/deployments/me/connections{query}")
    return _rows(decode_json(response), "connections", connection_of)


def fetch_integrations(caller: Caller, base_url: str) -> Flow[list[Integration]]:
    """Fetch all integrations of the platform."""
    response = yield from call(caller, "GET", f"{base_url}/api/integrations")
    return _rows(decode_json(response), "integrations", integration_of)


def fetch_integration(caller: Caller, base_url: str, slug: str) -> Flow[Integration | None]:
    """Fetch one integration of the platform; None if the slug is unknown."""
    url = f"{base_url}/api/integrations/{quote(slug, safe='')}"
    try:
        response = yield from call(caller, "GET", url, slug=slug)
    except VendoError as error:
        if error.status == 404:
            return None
        raise
    return integration_of(decode_json(response))


def fetch_balance(caller: Caller, base_url: str) -> Flow[Balance]:
    """Fetch the balance of the wallet."""
    response = yield from call(caller, "GET", f"{base_url}/api/billing/balance")
    fields = Fields(decode_json(response), "balance")
    return Balance(
        credits_remaining_micros=fields.required("credits_remaining_micros", int),
        currency=fields.optional("currency", str) or "USD",
        top_up_url=fields.address("top_up_url"),
    )


def fetch_spend_caps(caller: Caller, base_url: str) -> Flow[SpendCaps]:
    """Fetch the spend caps and what is used."""
    response = yield from call(caller, "GET", f"{base_url}/api/billing/spend-caps")
    fields = Fields(decode_json(response), "spend cap")
    return SpendCaps(
        daily_micros=fields.optional("daily_micros", int),
        monthly_micros=fields.optional("monthly_micros", int),
        used_today_micros=fields.required("used_today_micros", int),
        used_month_micros=fields.required("used_month_micros", int),
    )


def fetch_usage(caller: Caller, base_url: str, period: str) -> Flow[dict[str, Any]]:
    """Fetch the usage of a day or a month, in the backend's own form."""
    if not isinstance(period, str) or period not in {"day", "month"}:
        raise invalid(
            "period= must be 'day' or 'month'.", fix="Write billing.usage(period='month')."
        )
    response = yield from call(caller, "GET", f"{base_url}/api/billing/usage?period={period}")
    usage = decode_json(response)
    if not isinstance(usage, dict):
        raise malformed("has no usage object", response)
    return usage


def connection_of(data: object) -> Connection:
    """Make a Connection from its JSON. Unknown fields are ignored."""
    fields = Fields(data, "connection")
    slug = fields.required("slug", str)
    metadata = fields.optional("metadata", dict) or {}
    return Connection(
        slug=slug,
        status=fields.required("status", str),
        id=fields.optional("id", str),
        external_id=fields.optional("external_id", str),
        display_name=fields.optional("display_name", str),
        category=fields.optional("category", str),
        profile=fields.optional("profile", str),
        metadata=metadata,
        context=_context(fields.optional("context", dict), metadata, slug),
        credential=fields.optional("credential", dict),
        api_key=fields.optional("api_key", str),
        base_url=fields.address("base_url"),
        setup_url=fields.address("setup_url"),
        error_message=fields.optional("error_message", str),
        connected_at=fields.optional("connected_at", str),
        env_bootstrap=_env_bootstrap(fields),
        exclusive=fields.optional("exclusive", bool),
        logo_url=fields.address("logo_url"),
        brand_color=fields.optional("brand_color", str),
        docs_url=fields.address("docs_url"),
    )


def integration_of(data: object) -> Integration:
    """Make an Integration from its JSON. Without a key, the slug is called `provider`."""
    fields = Fields(data, "integration")
    return Integration(
        slug=fields.optional("slug", str) or fields.required("provider", str),
        name=fields.optional("name", str),
        description=fields.optional("description", str),
        category=fields.optional("category", str),
        logo_url=fields.address("logo_url"),
        brand_color=fields.optional("brand_color", str),
        docs_url=fields.address("docs_url"),
        supported_profiles=fields.strings("supported_profiles"),
        default_profile=fields.optional("default_profile", str),
        enabled=fields.optional("enabled", bool),
        featured=fields.optional("featured", bool),
        env_bootstrap=_env_bootstrap(fields),
    )


def _rows(data: object, name: str, read: Callable[[object], _T]) -> list[_T]:
    return [read(row) for row in Fields(data, "response").required(name, list)]


def _context(
    context: Mapping[str, Any] | None, metadata: Mapping[str, Any], slug: str
) -> Mapping[str, Any] | None:
    if context is not None:
        return context
    # Older backends keep the contexts of all slugs in the metadata.
    of_slugs = metadata.get("context")
    older = of_slugs.get(slug) if isinstance(of_slugs, dict) else None
    return older if isinstance(older, dict) else None


def _env_bootstrap(fields: Fields) -> EnvBootstrap | None:
    data = fields.optional("env_bootstrap", dict)
    if data is None:
        return None
    bootstrap = Fields(data, "env_bootstrap")
    variables = [Fields(row, "env_bootstrap variable") for row in bootstrap.required("vars", list)]
    return EnvBootstrap(
        vars=tuple(
            EnvVar(row.required("name", str), row.required("value_from", str)) for row in variables
        ),
        restart=bootstrap.optional("restart", str) or "none",
    )
