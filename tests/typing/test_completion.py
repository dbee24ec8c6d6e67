"""An editor completes slugs: what a real language server offers between the quotes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

import pytest

MAIL = {"postmark", "resend", "sendgrid"}
CALLS = [
    ("from vendo_django import token", 'token("")', None),
    ("from vendo_django import tokens", 'tokens("")', None),
    ("from vendo_django import tokens", 'tokens("openai", "")', None),
    ("from vendo_django import mailer", 'mailer("")', MAIL),
    ("from vendo_django import email_settings", 'email_settings("")', MAIL),
]


def ask(server: subprocess.Popen[bytes], method: str, params: dict[str, Any], number: int) -> Any:
    """Send a request, and return its result. What the server asks gets an empty one."""
    assert server.stdin is not None
    assert server.stdout is not None
    send(server.stdin, {"id": number, "method": method, "params": params})
    while True:
        message = receive(server.stdout)
        if message.get("id") == number and "method" not in message:
            return message["result"]
        if "id" in message:  # the server asks for settings, or reports progress
            asked = message.get("params", {})
            send(server.stdin, {"id": message["id"], "result": [{}] * len(asked.get("items", []))})


def send(stream: IO[bytes], message: dict[str, Any]) -> None:
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    stream.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    stream.flush()


def receive(stream: IO[bytes]) -> dict[str, Any]:
    length = 0
    while (line := stream.readline()) != b"\r\n":
        assert line, "the language server ended"
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    found: dict[str, Any] = json.loads(stream.read(length))
    return found


@pytest.fixture(scope="module")
def completions(tmp_path_factory: pytest.TempPathFactory) -> list[set[str]]:
    """Return the strings that are offered for each of `CALLS`."""
    folder = tmp_path_factory.mktemp("project")
    uri = (folder / "settings.py").as_uri()
    lines = [line for call in CALLS for line in call[:2]]
    scripts = str(Path(sys.executable).parent)  # the packages of this environment
    with subprocess.Popen(
        [Path(scripts, "basedpyright-langserver"), "--stdio"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=folder,
        env={**os.environ, "PATH": scripts + os.pathsep + os.environ["PATH"]},
    ) as process:
        try:
            assert process.stdin is not None
            root = {"uri": folder.as_uri(), "name": "project"}
            capabilities = {"workspace": {"configuration": True, "workspaceFolders": True}}
            ask(
                process,
                "initialize",
                {"processId": None, "capabilities": capabilities, "workspaceFolders": [root]},
                1,
            )
            document = {"uri": uri, "languageId": "python", "version": 1, "text": "\n".join(lines)}
            send(process.stdin, {"method": "initialized", "params": {}})
            send(
                process.stdin,
                {"method": "textDocument/didOpen", "params": {"textDocument": document}},
            )
            return [
                offered(process, uri, line, text.index('""') + 1)
                for line, text in enumerate(lines)
                if '""' in text
            ]
        finally:
            process.kill()


def offered(process: subprocess.Popen[bytes], uri: str, line: int, character: int) -> set[str]:
    position = {"line": line, "character": character}
    found = ask(
        process,
        "textDocument/completion",
        {"textDocument": {"uri": uri}, "position": position},
        line + 2,
    )
    return {item["label"].strip("\"'") for item in found["items"]}


@pytest.mark.parametrize("index", range(len(CALLS)))
def test_slugs_are_completed(index: int, completions: list[set[str]]) -> None:
    expected = CALLS[index][2]
    if expected is not None:
        assert completions[index] == expected
    else:
        assert completions[index] > {"openai", "gmail", "googledrive", *MAIL}
