"""No server lets a client name the user with a header that the platform's proxy does not strip."""

from __future__ import annotations

from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from support.servers import serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.servers

_WSGI = "servers.all_sites:wsgi"
_ASGI = "servers.all_sites:asgi"
_UVICORN = ["uvicorn", "--port={port}", "--log-level=warning"]
_HYPERCORN = ["hypercorn", "--bind=127.0.0.1:{port}"]
_GRANIAN = ["granian", "--port={port}", "--workers=1"]

#: They drop header names with underscores.
DROPPING = {
    "gunicorn": ["gunicorn", "--bind=127.0.0.1:{port}", _WSGI],
    "waitress": ["waitress", "--listen=127.0.0.1:{port}", _WSGI],
    "Werkzeug": ["flask", "--app=servers.all_sites:flask_app", "run", "--port={port}"],
    "gevent": ["servers.standalone", "gevent", "{port}"],
    "runserver": ["django", "runserver", "--noreload", "{port}"],
}
#: They read `X_Vendo_User_Id` as `X-Vendo-User-Id`.
MERGING = {
    "wsgiref": ["servers.standalone", "wsgiref", "{port}"],
    "hypercorn, WSGI": [*_HYPERCORN, f"wsgi:{_WSGI}"],
    "asgiref": [*_UVICORN, "--lifespan=off", "servers.all_sites:through_asgiref"],
    "a2wsgi": [*_UVICORN, "--lifespan=off", "servers.all_sites:through_a2wsgi"],
    "cheroot": ["cheroot", "--bind=127.0.0.1:{port}", _WSGI],
    "granian, WSGI": [*_GRANIAN, "--interface=wsgi", _WSGI],
    "uWSGI": [
        "servers.uwsgi", "--http-socket=127.0.0.1:{port}", f"--module={_WSGI}", "--need-app",
        "--die-on-term", "--disable-logging",
    ],
}  # fmt: skip
ASGI = {
    "uvicorn": [*_UVICORN, _ASGI],
    "hypercorn": [*_HYPERCORN, _ASGI],
    "granian": [*_GRANIAN, "--interface=asgi", _ASGI],
}

WSGI_SITES = ("django", "flask", "plain")
ASGI_SITES = ("django", "starlette", "plain")

#: What the proxy sends, and what a client adds.
PROPER = {
    "X-Vendo-User-Id": "usr_ada",
    "X-Vendo-User-Email": "ada@example.com",
    "X-Vendo-User-Name": "Ada",
    "X-Vendo-Tenant-Id": "ten_1",
    "X-Vendo-Role": "member",
}
_CEO = {**PROPER, "X-Vendo-User-Id": "usr_other", "X-Vendo-Role": "owner"}
SPELLINGS: dict[str, Callable[[str], str]] = {
    "X_Vendo_User_Id": lambda name: name.replace("-", "_"),
    "x_vendo_user_id": lambda name: name.replace("-", "_").lower(),
    "X-Vendo-User_Id": lambda name: "_".join(name.rsplit("-", 1)),
    "X_Vendo-User-Id": lambda name: name.replace("-", "_", 1),
}
FORGED = [[(spell(name), value) for name, value in _CEO.items()] for spell in SPELLINGS.values()]


def user_of(site: str, path: str, headers: list[tuple[str, str]]) -> str:
    """Return who the site thinks sends a request with exactly these headers."""
    connection = HTTPConnection(urlsplit(site).netloc, timeout=30)
    try:
        connection.putrequest("GET", f"/{path}/who/")
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        assert response.status == 200, (path, response.status)
        return response.read().decode()
    finally:
        connection.close()


def users(site: str, paths: tuple[str, ...], headers: list[tuple[str, str]]) -> set[str]:
    return {user_of(site, path, headers) for path in paths}


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Any]:
    """Return a function that runs a server behind the platform's proxy."""

    def run(command: list[str], **further: str) -> Any:
        environment = {
            "VENDO_API_KEY": "vendo_sk_" + "s" * 32,
            "VENDO_AUTH": "1",
            "DJANGO_SETTINGS_MODULE": "servers.django_settings",
            **further,
        }
        # Some servers leave their own sockets open.
        return serving(command, environment, tmp_path, options=())

    return run


def _record_count(folder: Path) -> int:
    return (folder / "server.log").read_text().count("may read the header X_Vendo_User_Id")


@pytest.mark.parametrize(
    ("command", "sites"),
    [(command, WSGI_SITES) for command in DROPPING.values()]
    + [(command, ASGI_SITES) for command in ASGI.values()],
    ids=[*DROPPING, *ASGI],
)
def test_the_proper_headers_alone_name_the_user(
    command: list[str], sites: tuple[str, ...], run: Callable[..., Any], tmp_path: Path
) -> None:
    proper = [*PROPER.items()]
    with run(command) as site:
        assert users(site, sites, []) == {"nobody"}
        assert users(site, sites, proper) == {"usr_ada"}
        for forged in FORGED:
            assert users(site, sites, forged) == {"nobody"}
            assert users(site, sites, forged + proper) == {"usr_ada"}
            assert users(site, sites, proper + forged) == {"usr_ada"}
    assert _record_count(tmp_path) == 0


@pytest.mark.parametrize("command", MERGING.values(), ids=MERGING)
def test_no_header_names_a_user_where_the_server_merges_names(
    command: list[str], run: Callable[..., Any], tmp_path: Path
) -> None:
    proper = [*PROPER.items()]
    with run(command) as site:
        assert users(site, WSGI_SITES, []) == {"nobody"}
        assert users(site, WSGI_SITES, proper) == {"nobody"}
        for forged in FORGED:
            for headers in (forged, forged + proper, proper + forged):
                assert users(site, WSGI_SITES, headers) == {"nobody"}
    assert _record_count(tmp_path) == 1


@pytest.mark.parametrize("command", MERGING.values(), ids=MERGING)
def test_the_application_can_say_that_its_server_drops_such_names(
    command: list[str], run: Callable[..., Any], tmp_path: Path
) -> None:
    with run(command, VENDO_TRUST_WSGI_HEADERS="1") as site:
        assert users(site, WSGI_SITES, []) == {"nobody"}
        assert users(site, WSGI_SITES, [*PROPER.items()]) == {"usr_ada"}
    assert _record_count(tmp_path) == 0
