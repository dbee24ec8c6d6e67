"""Figures of a new process: what it imports, and how long it takes to its first token."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from benchmarks.harness import (
    Figure,
    clean_environment,
    exactly,
    running_service,
    seconds,
    spread,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

KEY = "vendo_sk_" + "k" * 32
_ROUNDS = 40

#: The same request by hand.
_BY_HAND = """
import http.client, json
kept = http.client.HTTPConnection({host!r}, {port})
headers = {{"Authorization": "Bearer {key}", "Accept": "application/json"}}
kept.request("GET", "/openai", headers=headers)
print(json.loads(kept.getresponse().read())["access_token"])
"""

#: Imports of a framework, what the adapter adds to them, and the limit in milliseconds.
_ADAPTERS = {
    "Flask": ("import flask", "from vendo_flask import FlaskVendo", 5.0),
    "FastAPI": (
        "import fastapi",
        "from vendo_starlette import VendoMiddleware, vendo_session",
        5.0,
    ),
}

#: A project with the apps of a new one, and then what `vendo_django` adds to its start.
_DJANGO = """
import django
from django.apps import apps
from django.conf import settings
names = ("admin", "auth", "contenttypes", "sessions", "messages", "staticfiles")
settings.configure(INSTALLED_APPS=["django.contrib." + name for name in names], SECRET_KEY="s")
django.setup()
from django.core.handlers.wsgi import WSGIHandler
WSGIHandler()
"""
_DJANGO_WITH_VENDO = """
from django.apps import AppConfig
AppConfig.create("vendo_django").ready()
from vendo_django.middleware import VendoMiddleware
"""


def figures() -> Iterator[Figure]:
    """Yield every figure."""
    yield from _import()
    yield _oss_token()
    yield from _vendo_tokens()
    for name, (before, line, limit) in _ADAPTERS.items():
        yield Figure(
            f"`{line}`",
            f"{name} alone",
            spread(more for [more] in _milliseconds((before, line))),
            limit,
            "ms more",
        )
    yield Figure(
        "`vendo_django` with its middleware, at the start of a project",
        "`django.setup()` alone",
        spread(more for [more] in _milliseconds((_DJANGO, _DJANGO_WITH_VENDO))),
        3.0,
        "ms more",
    )


def _import() -> Iterator[Figure]:
    yield Figure(
        "`import vendo`",
        "a bare interpreter",
        spread(one for [one] in _milliseconds(("", "import vendo"))),
        1.0,
        "ms more",
    )
    yield Figure(
        "modules that `import vendo` loads",
        "a bare interpreter",
        exactly(_modules("import vendo") - _modules("pass")),
        10,
        "more",
    )


def _modules(program: str) -> int:
    line = f"{program}\nimport sys; print(len(sys.modules))"
    return int(subprocess.check_output([sys.executable, "-c", line]))


def _oss_token() -> Figure:
    taken = _milliseconds(
        ("", "import vendo; vendo.token('openai')"),
        ("", "import decouple"),
        OPENAI_API_KEY="sk-benchmark",
    )
    return Figure(
        "import and first OSS `token()` in a new process",
        "`import decouple`",
        spread(one / other for one, other in taken),
        1.0,
    )


def _vendo_tokens() -> Iterator[Figure]:
    with running_service() as address:
        environment = {"VENDO_API_KEY": KEY, "VENDO_CREDENTIALS_URL": address.url}

        def running(*arguments: str) -> Callable[[], float]:
            return lambda: seconds(lambda: _run(arguments, environment))

        taken = _rounds(
            running("-c", "import vendo; print(vendo.token('openai'))"),
            running("-m", "vendo", "token", "openai"),
            running("-c", _BY_HAND.format(host=address.host, port=address.port, key=KEY)),
        )
    yield Figure(
        "a new process to its first token in Vendo mode",
        "the same with `http.client` and `json`",
        spread(one / by_hand for one, _, by_hand in taken),
        1.25,
    )
    yield Figure(
        "`python -m vendo token openai` in Vendo mode",
        "the same with `http.client` and `json`",
        spread(line / by_hand for _, line, by_hand in taken),
        1.3,
    )


def _milliseconds(*sides: tuple[str, str], **environment: str) -> list[list[float]]:
    """Return what some lines take in a new interpreter after others, for each round.

    It is the CPU time of these lines alone: it would take hundreds of rounds to tell a few
    milliseconds from the noise of whole processes.
    """

    def taking(before: str, lines: str) -> Callable[[], float]:
        program = (
            f"import time\n{before}\nbegin = time.process_time()\n{lines}\n"
            "print((time.process_time() - begin) * 1000)"
        )
        return lambda: float(_run(["-c", program], environment))

    return _rounds(*[taking(before, lines) for before, lines in sides])


def _rounds(*sides: Callable[[], float]) -> list[list[float]]:
    """Return the result of each side, for each round. The first rounds write compiled files."""
    return [[side() for side in sides] for _ in range(_ROUNDS + 2)][2:]


def _run(arguments: Sequence[str], environment: dict[str, str]) -> bytes:
    """Return the output of a new interpreter. It loads compiled files, as an installed package."""
    env = clean_environment(**environment)
    return subprocess.check_output([sys.executable, *arguments], env=env)
