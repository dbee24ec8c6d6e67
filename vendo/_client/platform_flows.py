"""What the sub-APIs do, in either mode, as flows that the blocking and the asyncio client drive.

Nothing happens before a flow is driven: an error of the settings too comes out of the driver, where
a client rids it of the frames that have its key.
"""

from __future__ import annotations

from vendo._catalog import catalog
from vendo._config import environment
from vendo._config.slugs import checked_slug, name_of
from vendo._protocol import data_proxy, platform
from vendo._protocol.log import logger
from vendo._protocol.models import Connection
from vendo._tokens.single_flight import SharedCalls
from vendo.errors import UpstreamError, ValidationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from vendo._client.base import BaseClient
    from vendo._protocol.models import Balance, Integration, SpendCaps
    from vendo._protocol.steps import Flow

_shared_calls = SharedCalls()


def list_connections(client: BaseClient) -> Flow[list[Connection]]:
    """Every connection of this deployment, or in OSS mode what the environment resolves."""
    settings = client._settings
    key = settings.api_key()
    if key is None:
        return _of_environment()
    base_url = settings.base_url()
    sandbox = environment.SANDBOX.get() == "1"
    caller = client._caller(key)
    try:
        connections = yield from _shared_calls.join(
            (base_url, key, client._user, sandbox),
            lambda: platform.fetch_connections(caller, base_url, sandbox=sandbox),
            settings.timeout,
        )
    except UpstreamError as error:
        fall_back = environment.CONNECTIONS.get()
        if fall_back is None:
            raise
        logger.warning(
            "Could not list the connections (%s); using what VENDO_CONNECTIONS names.", error.code
        )
        return _of_platform_variable(fall_back)
    return list(connections)


def get_connection(client: BaseClient, slug: str) -> Flow[Connection | None]:
    """The connection of a slug, one that is connected before one that is not; None without any."""
    wanted = checked_slug(slug)
    rows = yield from list_connections(client)
    of_slug = [row for row in rows if row.slug == wanted]
    return min(of_slug, key=lambda row: not row.is_connected, default=None)


def connected_slugs(client: BaseClient) -> Flow[list[str]]:
    """The slugs with a connection of status `connected`, each once, in the order of the list."""
    rows = yield from list_connections(client)
    return list(dict.fromkeys(row.slug for row in rows if row.is_connected))


def list_integrations(client: BaseClient) -> Flow[list[Integration]]:
    """What the platform offers. A key is sent where there is one, and not needed."""
    settings = client._settings
    caller = client._caller(settings.api_key())
    return (yield from platform.fetch_integrations(caller, settings.base_url()))


def get_integration(client: BaseClient, slug: str) -> Flow[Integration | None]:
    """One provider of the platform, or None."""
    settings = client._settings
    caller = client._caller(settings.api_key())
    wanted = checked_slug(slug)
    return (yield from platform.fetch_integration(caller, settings.base_url(), wanted))


def balance(client: BaseClient) -> Flow[Balance]:
    """What is left in the wallet."""
    key = client._settings.needed_key("billing.balance")
    return (yield from platform.fetch_balance(client._caller(key), client._settings.base_url()))


def spend_caps(client: BaseClient) -> Flow[SpendCaps]:
    """The spend caps."""
    key = client._settings.needed_key("billing.spend_caps")
    return (yield from platform.fetch_spend_caps(client._caller(key), client._settings.base_url()))


def usage(client: BaseClient, period: str) -> Flow[dict[str, Any]]:
    """The usage of a day or a month."""
    caller = client._caller(client._settings.needed_key("billing.usage"))
    return (yield from platform.fetch_usage(caller, client._settings.base_url(), period))


def execute(
    client: BaseClient,
    action: str,
    args: Mapping[str, Any] | None,
    idempotency_key: str | None,
) -> Flow[Any]:
    """Run an action through the data proxy."""
    caller = client._caller(client._settings.needed_key("data.execute"))
    url = client._settings.data_proxy_url()
    return (yield from data_proxy.execute(caller, url, action, args, idempotency_key))


def _of_environment() -> list[Connection]:
    rows = []
    for slug in catalog.slugs():
        name = name_of(slug)
        try:
            # Not by the chain: an interceptor is told of what is handed out, and this is not.
            values = (variable.get() for variable in (name.override, *name.variables))
            if any(value is not None for value in values):
                rows.append(_row(slug, "connected"))
        except ValidationError as problem:
            rows.append(_row(slug, "error", problem.message))
    return rows


def _of_platform_variable(value: str) -> list[Connection]:
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
