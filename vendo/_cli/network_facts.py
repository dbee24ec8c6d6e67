"""Where the backend is said to be, and what stands between: addresses, proxies, trust."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from vendo._catalog import catalog
from vendo._cli.facts import Address
from vendo._config import environment
from vendo._protocol.origins import origin_of
from vendo._transports.proxies import proxy_for
from vendo.errors import ValidationError

if TYPE_CHECKING:
    from vendo import Vendo
    from vendo._cli.facts import Facts

PLATFORM = "platform API"
CREDENTIALS = "credentials worker"
DATA_PROXY = "data proxy"

#: The variables that may name each surface, the first that is set wins.
_VARIABLES = {
    PLATFORM: (environment.BASE_URL, environment.API_URL),
    CREDENTIALS: (environment.CREDENTIALS_URL,),
    DATA_PROXY: (environment.DATA_PROXY_URL,),
}

_PROXY_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
_FILE_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_PLAIN_VARIABLES = ("NO_PROXY", "SSL_CERT_DIR")
#: Who goes by a variable that calls to Vendo do not go by; see `vendo._transports.proxies`.
_READERS = {
    "HTTP_PROXY": "clients of your own only",  # ours speak plain http with this machine alone
    "ALL_PROXY": "sessions of requests, and httpx, only",
    "REQUESTS_CA_BUNDLE": "sessions of requests only",
    "CURL_CA_BUNDLE": "sessions of requests only",
}


def add_addresses(facts: Facts, client: Vendo) -> None:
    """The surfaces of the backend, and each provider's own address that the environment gives."""
    settings = client._settings
    urls = {
        PLATFORM: settings.base_url,
        CREDENTIALS: settings.credentials_url,
        DATA_PROXY: settings.data_proxy_url,
    }
    for surface, url_of in urls.items():
        try:
            url = url_of()
            source = next((v.name for v in _VARIABLES[surface] if v.get()), "default")
            proxy = proxy_for(*origin_of(url))
        except ValidationError as error:
            facts.failed(error)
            continue
        way = f"{proxy.host}:{proxy.port}" if proxy else None
        facts.addresses.append(Address(surface, url, source, way))
    for slug in catalog.slugs():
        variable = environment.base_url_variable(slug)
        try:
            value = variable.get()
        except ValidationError as error:
            facts.failed(error)
            continue
        if value is not None:
            facts.provider_urls[variable.name] = shown_address(value)


def add_network(facts: Facts) -> None:
    """The variables that say how the network is reached, without the passwords in them."""
    for name in _PROXY_VARIABLES:
        for spelling in (name, name.lower()):
            value = os.environ.get(spelling)
            if value:
                facts.network[spelling] = shown_address(value)
    for name in _PLAIN_VARIABLES:
        for spelling in (name, name.lower()):
            value = os.environ.get(spelling)
            if value:
                facts.network[spelling] = value
    for name in _FILE_VARIABLES:
        value = os.environ.get(name)
        if value:
            facts.network[name] = value
            if not Path(value).exists():
                facts.problem(
                    f"{name} names a file that does not exist.",
                    f"Set {name} to a file of certificates, or leave it out.",
                )


def reader_of(variable: str) -> str:
    """Who alone goes by a variable of the network; empty for one that everything goes by."""
    return _READERS.get(variable.upper(), "")


def shown_address(value: str) -> str:
    """Scheme, host and port of an address. Some hold a password, or a token in the path."""
    try:
        parts = urlsplit(value if "://" in value else f"//{value}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host:
        return "(no address)"
    scheme = f"{parts.scheme}://" if parts.scheme else ""
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}{host}{f':{port}' if port else ''}"
