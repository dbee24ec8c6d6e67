"""Check the addresses of the backend, proxies and certificates."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from vendo._catalog import catalog
from vendo._config import environment
from vendo._config.addresses import origin_in
from vendo._config.slugs import is_slug
from vendo._reports.report import Address
from vendo._sessions.base_urls import catalog_base_url
from vendo._transports.routes import route_of
from vendo.errors import ValidationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo import Vendo
    from vendo._reports.report import Given, Report

PLATFORM = "platform API"
CREDENTIALS = "credentials worker"
DATA_PROXY = "data proxy"

#: The option of each surface, and its variables. The first that is set wins.
_SURFACES = {
    PLATFORM: ("base_url", (environment.BASE_URL, environment.API_URL)),
    CREDENTIALS: ("credentials_url", (environment.CREDENTIALS_URL,)),
    DATA_PROXY: ("data_proxy_url", (environment.DATA_PROXY_URL,)),
}

_PROXY_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
_FILE_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_PLAIN_VARIABLES = ("NO_PROXY", "SSL_CERT_DIR")
#: Variables that requests to Vendo ignore, and what uses them; see `vendo._transports.proxies`.
_USERS = {
    "HTTP_PROXY": "your own HTTP clients only",  # vendo uses plain http for loopback alone
    "ALL_PROXY": "requests sessions and httpx only",
    "REQUESTS_CA_BUNDLE": "requests sessions only",
    "CURL_CA_BUNDLE": "requests sessions only",
}


def check_addresses(report: Report, client: Vendo, given: Given) -> None:
    """Add the addresses of the backend."""
    for surface, (argument, variables) in _SURFACES.items():
        if argument in given.malformed:
            continue
        try:
            url = getattr(client._settings, argument)()
            names = [v.name for v in variables if v.get()] or ["default"]
            source = given.sources.get(argument, names[0])
            *_, proxy = route_of(url)
        except ValidationError as error:
            report.failed(error)
            continue
        shown = f"{proxy.host}:{proxy.port}" if proxy else None
        report.addresses.append(Address(surface, url, source, shown))


def check_provider_addresses(report: Report) -> None:
    """Add the addresses of providers that the environment sets, in the catalog or configured."""
    configured = [found.slug for found in report.credentials]
    configured += [row.slug for row in report.connections if is_slug(row.slug)]
    for slug in dict.fromkeys((*catalog.slugs(), *configured)):
        variable = environment.base_url_variable(slug)
        try:
            url = origin_in(variable, catalog_base_url(catalog.provider(slug)))
        except ValidationError as error:
            report.failed(error)
            continue
        if url is not None:
            report.provider_urls[variable.name] = shown_address(url)


def check_proxies(report: Report) -> None:
    """Add the variables of proxies and certificates, without passwords."""
    for name in _PROXY_VARIABLES:
        for spelling in (name, name.lower()):
            value = os.environ.get(spelling)
            if value:
                report.network[spelling] = shown_address(value)
    for name in _PLAIN_VARIABLES:
        for spelling in (name, name.lower()):
            value = os.environ.get(spelling)
            if value:
                report.network[spelling] = value
    for name in _FILE_VARIABLES:
        value = os.environ.get(name)
        if value:
            report.network[name] = value
            if not Path(value).exists():
                report.problem(
                    f"The file of {name} does not exist.",
                    f"Set {name} to a file of certificates, or unset it.",
                )


def used_by(variable: str) -> str:
    """Return what uses a variable that vendo ignores; empty for one that vendo uses too."""
    return _USERS.get(variable.upper(), "")


def shown_address(value: str) -> str:
    """Return scheme, host and port of an address: the rest may contain a password or a token."""
    try:
        parts = urlsplit(value if "://" in value else f"//{value}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host:
        return "(malformed)"
    scheme = f"{parts.scheme}://" if parts.scheme else ""
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}{host}{f':{port}' if port else ''}"
