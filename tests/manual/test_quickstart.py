"""Every line of the platform's Python quickstart works, with the hosts that it uses."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from support.children import Child
from support.internet import internet
from vendo._catalog import catalog
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def server() -> Iterator[LocalVendo]:
    """Start a platform with the quickstart's connections: all but telegram."""
    with LocalVendo(connections=["openai", "slack", "gmail"]) as server:
        yield server


@pytest.fixture
def environment(server: LocalVendo) -> Iterator[dict[str, str]]:
    """Return an environment in which a program reaches Vendo's and the providers' hosts."""
    with internet(server) as net:
        kept = {k: v for k, v in os.environ.items() if k in {"PATH", "PYTHONPATH", "HOME"}}
        yield {**kept, **net.environment}


def _run(program: str, environment: dict[str, str], *, fails: bool = False) -> str:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode != 0) is fails, done.stdout + done.stderr
    return done.stderr if fails else done.stdout


def test_oss_mode_reads_the_conventional_variables(environment: dict[str, str]) -> None:
    printed = _run(
        "import vendo\n"
        'openai_key = vendo.token("openai")\n'
        'bot_token = vendo.token("telegram")\n'
        "print(openai_key, bot_token, vendo.is_vendo_mode())",
        {**environment, "OPENAI_API_KEY": "sk-mine", "TELEGRAM_BOT_TOKEN": "12345:abcde"},
    )

    assert printed == "sk-mine 12345:abcde False\n"


def test_an_env_file_works_without_a_key(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "# no key\nOPENAI_API_KEY=sk-mine\nTELEGRAM_BOT_TOKEN=12345:abcde\n",
        encoding="utf-8",
    )
    program = 'import vendo; print(vendo.token("openai"), vendo.token("telegram"))'
    vendo_command = [sys.executable, "-m", "vendo", "--env-file", ".env", "run", "--"]
    done = subprocess.run(
        [*vendo_command, sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (done.stdout, done.stderr, done.returncode) == ("sk-mine 12345:abcde\n", "", 0)


def test_vendo_mode_uses_the_same_call(environment: dict[str, str], server: LocalVendo) -> None:
    printed = _run(
        "import vendo\n"
        'openai_key = vendo.token("openai")\n'
        "connections = vendo.connections.list()\n"
        "balance = vendo.billing.balance()\n"
        'print(f"{balance.credits_remaining_micros / 1_000_000:.4f} USD remaining")\n'
        "print(openai_key, len(connections), vendo.is_vendo_mode())",
        {**environment, "VENDO_API_KEY": server.api_key},
    )

    rows = len(catalog.slugs())
    assert printed == f"5.0000 USD remaining\n{server.token('openai')} {rows} True\n"
    sent = {request.headers.get("authorization") for request in server.requests}
    assert sent == {f"Bearer {server.api_key}"}
    assert server.api_key.startswith("vendo_sk_")


def test_bulk_tokens_are_none_for_unconnected_slugs(
    environment: dict[str, str], server: LocalVendo
) -> None:
    printed = _run(
        'import vendo\nprint(vendo.tokens(["openai", "slack", "telegram"]))',
        {**environment, "VENDO_API_KEY": server.api_key},
    )

    expected = {
        "openai": server.token("openai"),
        "slack": server.token("slack"),
        "telegram": None,
    }
    assert printed == f"{expected}\n"


SESSION_PROGRAM = """
import vendo

sess = vendo.session("gmail")
for line in "once", "again":
    resp = sess.get("https://gmail.googleapis.com/gmail/v1/users/me/profile")
    print(line, resp.status_code, "@" in resp.json()["emailAddress"], flush=True)
    input()
"""


def test_a_session_uses_the_providers_address_and_outlives_its_token(
    environment: dict[str, str], server: LocalVendo
) -> None:
    with Child(
        [sys.executable, "-X", "dev", "-W", "error", "-c", SESSION_PROGRAM],
        env={**environment, "VENDO_API_KEY": server.api_key},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdout
        first = program.stdout.readline()
        server.expire("gmail")
        rest, errors = program.communicate("\n\n", timeout=60)

    assert (first, rest, errors) == ("once 200 True\n", "again 200 True\n", "")
    assert server.count("credentials", "gmail") == 2


def test_a_session_uses_the_variable_without_a_key(
    environment: dict[str, str], server: LocalVendo
) -> None:
    printed = _run(
        "import vendo\n"
        'sess = vendo.session("gmail")\n'
        'resp = sess.get("https://gmail.googleapis.com/gmail/v1/users/me/profile")\n'
        "print(resp.status_code)",
        {**environment, "GMAIL_ACCESS_TOKEN": server.token("gmail")},
    )

    assert printed == "200\n"
    assert server.count("credentials") == 0


ASYNC_PROGRAM = """
import asyncio
from vendo import AsyncVendo

async def main():
    async with AsyncVendo() as client:
        token = await client.token("openai")
        connections = await client.connections.list()
        print(token, len(connections))

asyncio.run(main())
"""


@pytest.mark.parametrize("hidden", ["", "import sys; sys.modules['aiohttp'] = None\n"])
def test_async_usage_works_with_and_without_aiohttp(
    environment: dict[str, str], server: LocalVendo, hidden: str
) -> None:
    printed = _run(hidden + ASYNC_PROGRAM, {**environment, "VENDO_API_KEY": server.api_key})

    assert printed == f"{server.token('openai')} {len(catalog.slugs())}\n"


def test_the_async_client_needs_a_key(environment: dict[str, str]) -> None:
    errors = _run(ASYNC_PROGRAM, environment, fails=True)

    assert errors.strip().splitlines()[-1].startswith("vendo.errors.AuthError: ")


@pytest.mark.parametrize("with_key", [False, True])
def test_an_override_wins_in_either_mode(
    environment: dict[str, str], server: LocalVendo, with_key: bool
) -> None:
    key = {"VENDO_API_KEY": server.api_key} if with_key else {}
    printed = _run(
        'import vendo\nprint(vendo.token("mytool"))',
        {**environment, **key, "VENDO_TOKEN_MYTOOL": "sk-test"},
    )

    assert printed == "sk-test\n"
