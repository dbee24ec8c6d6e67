"""The script with the openai package, with the real package and a local server."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from examples.programs import ended
from manual.blocks import ROOT
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCAL = """\
No key is configured, so this uses a local Vendo and a fake OpenAI.

You:   Hello
Model: Hello from the local server.

Vendo rotates the key. The new one ends in XXXX, the client is the same.

You:   Hello
Model: Hello from the local server.

"""
ONCE = "You:   Good morning\nModel: Hello from the local server.\n\n"


def _without_key(printed: str) -> str:
    return re.sub(r"ends in [\w-]{4},", "ends in XXXX,", printed)


@pytest.fixture
def server() -> Iterator[LocalVendo]:
    with LocalVendo(["openai"]) as running:
        yield running


@pytest.mark.parametrize("arguments", [[], ["Hello"]])
def test_without_an_account_it_shows_a_rotation(arguments: list[str]) -> None:
    done = ended("openai_chat", "chat.py", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert _without_key(done.stdout) == LOCAL


def test_it_needs_no_proxy_of_the_environment() -> None:
    dead = "http://127.0.0.1:9"
    proxies = {"HTTP_PROXY": dead, "http_proxy": dead, "NO_PROXY": "", "no_proxy": ""}
    done = ended("openai_chat", "chat.py", variables=proxies)
    assert (done.returncode, done.stderr) == (0, "")
    assert _without_key(done.stdout) == LOCAL


def test_its_own_key_is_used(server: LocalVendo) -> None:
    variables = {
        "OPENAI_API_KEY": server.token("openai"),
        "OPENAI_BASE_URL": server.provider_url("openai"),
    }
    done = ended("openai_chat", "chat.py", "Good morning", variables=variables)
    assert (done.returncode, done.stdout, done.stderr) == (0, ONCE, "")
    assert [seen.path for seen in server.requests] == ["/providers/openai/responses"]


def test_a_connection_of_vendo_is_used(server: LocalVendo) -> None:
    variables = server.environment("openai")
    done = ended("openai_chat", "chat.py", "Good morning", "--model", "small", variables=variables)
    assert (done.returncode, done.stdout, done.stderr) == (0, ONCE, "")
    assert server.requests[-1].path == "/providers/openai/responses"
    assert '"small"' in server.requests[-1].body.decode()


def test_a_rejected_key_and_a_missing_connection_are_one_line(server: LocalVendo) -> None:
    variables = {"OPENAI_API_KEY": "sk-old", "OPENAI_BASE_URL": server.provider_url("openai")}
    done = ended("openai_chat", "chat.py", variables=variables)
    assert done.returncode == 1
    assert re.fullmatch(r"\nAuthenticationError: [^\n]+\n", done.stderr)

    server.disconnect("openai")
    done = ended("openai_chat", "chat.py", variables=server.environment("openai"))
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"\nNotConnected: [^\n]+ Fix: [^\n]+\n", done.stderr)


@pytest.mark.parametrize("page", ["docs/examples.md", "examples/openai_chat/README.md"])
def test_the_pages_show_what_it_prints(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    printed = _without_key("\n".join(line.removeprefix("    ") for line in text.splitlines()))
    assert LOCAL.strip() in printed
