"""Ask the language server of an editor what it offers at a place of a program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Seconds after which a server that hangs is ended.
_LIMIT = 600.0


def completions(
    lines: Sequence[str], folder: Path, settings: Mapping[str, Any] | None = None
) -> list[list[str]]:
    """Return what an editor offers within the last quotes of each line that has empty ones.

    Args:
        lines: the program.
        folder: where it is written.
        settings: a `pyrightconfig.json`.
    """
    program = folder / "program.py"
    program.write_text("\n".join(lines), encoding="utf-8")
    (folder / "pyrightconfig.json").write_text(json.dumps(settings or {}), encoding="utf-8")
    scripts = str(Path(sys.executable).parent)  # it looks for packages where `python` does
    with subprocess.Popen(
        [str(Path(scripts, "basedpyright-langserver")), "--stdio"],
        cwd=folder,
        env={**os.environ, "PATH": scripts + os.pathsep + os.environ["PATH"]},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        limit = Timer(_LIMIT, process.kill)
        limit.start()
        try:
            server = _Server(process)
            server.open(program)
            places = [(number, line.rfind('""')) for number, line in enumerate(lines)]
            return [
                server.completions(program, number, column + 1)
                for number, column in places
                if column >= 0
            ]
        finally:
            limit.cancel()
            process.kill()


class _Server:
    """A connection to a language server: JSON-RPC over its pipes."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._input, self._output = process.stdin, process.stdout
        self._number = 0

    def open(self, program: Path) -> None:
        """Open a program in its folder."""
        folder = {"uri": program.parent.as_uri(), "name": "program"}
        self._call("initialize", processId=None, capabilities={}, workspaceFolders=[folder])
        self._notify("initialized")
        document = {"uri": program.as_uri(), "languageId": "python", "version": 1}
        self._notify(
            "textDocument/didOpen",
            textDocument={**document, "text": program.read_text(encoding="utf-8")},
        )

    def completions(self, program: Path, line: int, character: int) -> list[str]:
        """Return what is offered at a place, without quotes."""
        result = self._call(
            "textDocument/completion",
            textDocument={"uri": program.as_uri()},
            position={"line": line, "character": character},
        )
        return [item["label"].strip("\"'") for item in (result or {"items": []})["items"]]

    def _call(self, method: str, **params: Any) -> Any:
        self._number += 1
        self._send({"id": self._number, "method": method, "params": params})
        while True:
            message = self._read()
            if "method" not in message and message.get("id") == self._number:
                return message["result"]
            if "method" in message and "id" in message:  # it asks for settings of the editor
                self._send({"id": message["id"], "result": None})

    def _notify(self, method: str, **params: Any) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._input.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._input.flush()

    def _read(self) -> dict[str, Any]:
        length = 0
        while line := self._output.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        assert length, "The language server has ended."
        message: dict[str, Any] = json.loads(self._output.read(length))
        return message
