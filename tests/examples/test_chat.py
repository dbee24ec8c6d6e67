"""The script with the openai package, with the real package and a local server."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from examples.programs import ended
from manual.blocks import ROOT
from support.children import Child
from support.examples import FOLDER
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCAL = """\
No key is configured, so this uses a local Vendo and a fake OpenAI.

You:   Hello
Model: Hello from the local server.

Vendo rotates the key: it ends in XXXX now. The client stays the same.

You:   Hello
Model: Hello from the local server.

"""
ONCE = "You:   Good morning\nModel: Hello from the local server.\n\n"


def _without_key(printed: str) -> str:
    return re.sub(r"ends in [\w-]{4} now", "ends in XXXX now", printed)


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
    assert re.fullmatch(r"AuthenticationError: [^\n]+\n", done.stderr)

    server.disconnect("openai")
    done = ended("openai_chat", "chat.py", variables=server.environment("openai"))
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"NotConnected: [^\n]+ Fix: [^\n]+\n", done.stderr)


def test_it_ends_with_ctrl_c(server: LocalVendo) -> None:
    with (
        server.hold("provider") as gate,
        Child(
            [sys.executable, "-W", "error", "chat.py"],
            cwd=FOLDER / "openai_chat",
            env={**os.environ, **server.environment("openai")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        gate.wait_for(timeout=60)
        process.send_signal(signal.SIGINT)
        printed, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert printed == "You:   Hello\nModel: \nStopped.\n"


@pytest.mark.parametrize("page", ["docs/examples.md", "examples/openai_chat/README.md"])
def test_the_pages_show_what_it_prints(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    printed = _without_key("\n".join(line.removeprefix("    ") for line in text.splitlines()))
    assert LOCAL.strip() in printed
