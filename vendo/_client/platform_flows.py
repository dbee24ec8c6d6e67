"""What the sub-APIs do, in either mode, as flows that the blocking and the asyncio client drive.

Nothing happens before a flow is driven: errors of the settings come out of the driver, too.
"""

from __future__ import annotations

from vendo._catalog import catalog
from vendo._client.shared_calls import SharedCalls
from vendo._config import environment
from vendo._config.slugs import checked_slug, name_of
from vendo._protocol import data_proxy, platform
from vendo._protocol.log import logger
from vendo._protocol.models import Connection
from vendo.errors import UpstreamError, ValidationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from vendo._config.settings import Settings
    from vendo._protocol.models import Balance, Integration, SpendCaps
    from vendo._protocol.steps import Flow

_shared_calls = SharedCalls()


def list_connections(settings: Settings) -> Flow[list[Connection]]:
    """List the connections of this deployment; in OSS mode, what the environment resolves."""
    key = settings.api_key()
    if key is None:
        return _from_environment()
    base_url = settings.base_url()
    sandbox = environment.SANDBOX.get() == "1"
    caller = settings.caller(key)
    try:
        connections = yield from _shared_calls.join(
            (base_url, key, settings.user, sandbox),
            lambda: platform.fetch_connections(caller, base_url, sandbox=sandbox),
            settings.timeout,
        )
    except UpstreamError as error:
        fallback = environment.CONNECTIONS.get()
        if fallback is None:
            raise
        logger.warning(
            "Could not list the connections (%s); using VENDO_CONNECTIONS instead.", error.code
        )
        return _from_platform_variable(fallback)
    return list(connections)


def get_connection(settings: Settings, slug: str) -> Flow[Connection | None]:
    """Get the connection of a slug, a connected one first; None without any."""
    wanted = checked_slug(slug)
    rows = yield from list_connections(settings)
    of_slug = [row for row in rows if row.slug == wanted]
    return min(of_slug, key=lambda row: not row.is_connected, default=None)


def connected_slugs(settings: Settings) -> Flow[list[str]]:
    """List the slugs with a connection of status `connected`, each once, in the list's order."""
    rows = yield from list_connections(settings)
    return list(dict.fromkeys(row.slug for row in rows if row.is_connected))


def list_integrations(settings: Settings) -> Flow[list[Integration]]:
    """List the integrations of the platform. A key is optional."""
    caller = settings.caller(settings.api_key())
    return (yield from platform.fetch_integrations(caller, settings.base_url()))


def get_integration(settings: Settings, slug: str) -> Flow[Integration | None]:
    """Get one integration of the platform, or None. A key is optional."""
    caller = settings.caller(settings.api_key())
    wanted = checked_slug(slug)
    return (yield from platform.fetch_integration(caller, settings.base_url(), wanted))


def balance(settings: Settings) -> Flow[Balance]:
    """Get the balance of the wallet."""
    caller = settings.caller(settings.required_key("billing.balance"))
    return (yield from platform.fetch_balance(caller, settings.base_url()))


def spend_caps(settings: Settings) -> Flow[SpendCaps]:
    """Get the spend caps."""
    caller = settings.caller(settings.required_key("billing.spend_caps"))
    return (yield from platform.fetch_spend_caps(caller, settings.base_url()))


def usage(settings: Settings, period: str) -> Flow[dict[str, Any]]:
    """Get the usage of a day or a month."""
    caller = settings.caller(settings.required_key("billing.usage"))
    return (yield from platform.fetch_usage(caller, settings.base_url(), period))


def execute(
    settings: Settings,
    action: str,
    args: Mapping[str, Any] | None,
    idempotency_key: str | None,
) -> Flow[Any]:
    """Run an action through the data proxy."""
    caller = settings.caller(settings.required_key("data.execute"))
    url = settings.data_proxy_url()
    return (yield from data_proxy.execute(caller, url, action, args, idempotency_key))


def _from_environment() -> list[Connection]:
    rows = []
    for slug in catalog.slugs():
        name = name_of(slug)
        try:
            # Not through the resolver: an interceptor sees what is handed out, and this is not.
            values = (variable.get() for variable in (name.override, *name.variables))
            if any(value is not None for value in values):
                rows.append(_row(slug, "connected"))
        except ValidationError as problem:
            rows.append(_row(slug, "error", problem.message))
    return rows


def _from_platform_variable(value: str) -> list[Connection]:
    slugs = (slug.strip().lower() for slug in value.split(","))
    return [_row(slug, "connected") for slug in dict.fromkeys(slugs) if slug]


def _row(slug: str, status: str, error_message: str | None = None) -> Connection:
    provider = catalog.provider(slug)
    return Connection(
        slug=slug,
        status=status,
        display_name=provider.name if provider else None,
        category=provider.category if provider else None,
        docs_url=provider.docs_url if provider else None,
        error_message=error_message,
    )
