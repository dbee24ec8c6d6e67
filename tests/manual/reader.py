"""Run a page block after block in a folder, as a reader would."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import sys
import tomllib
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING

from manual.blocks import ROOT
from manual.programs import SECONDS, Program, matches

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from manual.blocks import Block
    from vendo.testing import LocalVendo

#: Commands that install something: done already in this environment.
_INSTALLING = re.compile(r"(python3? -m )?(pip|venv|uv)\b|git clone|\. |source ")
_EXTRAS = re.compile(r"vendo-sdk\[([a-z,-]+)\]|\.\[([a-z,-]+)\]")
#: Languages that are not parsed.
_PLAIN = frozenset({"text", "html", "css", "javascript", "yaml", "dockerfile", "nginx"})


class Reader:
    """Run the blocks of a page, and keep their state from one to the next.

    Args:
        server: the local Vendo server behind the hosts that the page uses.
        environments: the variables of each mode, `vendo`, `oss` and `bare`.
        folder: the folder for the page's files.
        python: the command that runs a program, unbuffered, to read its output while it runs.
    """

    def __init__(
        self,
        server: LocalVendo,
        environments: Mapping[str, Mapping[str, str]],
        folder: Path,
        python: Sequence[str] = (sys.executable, "-u", "-W", "error"),
    ) -> None:
        self._server = server
        self._environments = environments
        self._exported: dict[str, str] = {}
        self._folder = folder
        self._python = python
        self._program = ""
        self._background: list[Program] = []

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        for program in self._background:
            program.interrupt()

    def read(self, block: Block) -> None:
        """Run a block.

        Raises:
            AssertionError: the result is not what the page shows.
        """
        name = block.option("file")
        if name is not None:
            (self._folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self._folder / name).write_text(block.text, encoding="utf-8")
        if not block.is_run:
            _check_text(block)
        elif block.language == "python":
            self._run_program(block)
        else:
            self._run_commands(block)

    def _run_program(self, block: Block) -> None:
        self._program = (self._program if block.says("continues") else "") + block.text
        (self._folder / "program.py").write_text(self._program, encoding="utf-8")
        status, printed = self._run(block, [*self._python, "program.py"], [])
        report = f"{block}\n{status}: {printed}"
        error = block.option("raises")
        if error is not None:
            last = (printed.strip().splitlines() or [""])[-1]
            assert status == 1, report
            assert re.match(rf"([\w.]+\.)?{re.escape(error)}\b", last), report
        else:
            assert status in {int(block.option("exits") or 0), None}, report
        if block.printed:
            seen = " ".join(_without_traceback(printed).split())
            assert matches(seen, [" ".join(block.printed.split())]), report

    def _run_commands(self, block: Block) -> None:
        expected = block.printed.splitlines()
        everything = ""
        commands = _commands(block)
        for number, command in enumerate(commands, 1):
            first, _, rest = command.partition(" ")
            if first == "export":
                for word in shlex.split(rest):
                    name, _, value = word.partition("=")
                    self._exported[name] = value
            elif first == "cd":
                self._folder /= rest
                assert self._folder.is_dir(), f"{block} {command}"
            else:
                status, printed = self._run(block, ["sh", "-c", command], expected)
                wanted = int(block.option("exits") or 0) if number == len(commands) else 0
                assert status in {wanted, None}, f"{block} {command}\n{status}: {printed}"
                everything += printed
        assert not expected or matches(everything, expected), f"{block}\n{everything}"

    def _run(
        self, block: Block, command: Sequence[str], expected: Sequence[str]
    ) -> tuple[int | None, str]:
        """Run a command, and return its status (None if it was interrupted) and its output."""
        if block.option("emit") and not self._background:
            # A stream of the block before may still be open; the event is not for it.
            self._server.wait_for_streams(0, timeout=SECONDS)
        program = Program(command, self._folder, self._environment(block))
        with self._emitting(block):
            if block.says("in background"):
                self._background.append(program)
                program.wait_for(expected)
                status = None
            elif block.says("until stopped"):
                program.wait_for(expected)
                program.interrupt()
                # A program may print KeyboardInterrupt; a command may not print a traceback.
                allowed = block.language == "python" and "KeyboardInterrupt" in program.printed
                assert allowed or "Traceback" not in program.printed, f"{block}\n{program.printed}"
                status = None
            else:
                status = program.wait()
        return status, program.printed

    def _environment(self, block: Block) -> dict[str, str]:
        mode = next((mode for mode in ("oss", "bare") if block.says(mode)), "vendo")
        environment = {**self._environments[mode], **self._exported}
        for given in block.options("with"):
            name, _, value = given.partition("=")
            environment[name] = value
        for name in block.options("without"):
            del environment[name]
        return environment

    @contextmanager
    def _emitting(self, block: Block) -> Iterator[None]:
        """Send the block's event to the stream that its program opens."""
        event = block.option("emit")
        if event is None:
            yield
            return
        kind, *fields = event.split()

        def send() -> None:
            self._server.wait_for_streams(1, timeout=SECONDS)
            self._server.emit(kind, **dict(field.split("=", 1) for field in fields))

        thread = Thread(target=send)
        thread.start()
        try:
            yield
        finally:
            thread.join()


def _without_traceback(printed: str) -> str:
    """Return the output; after a traceback, only the error."""
    if "Traceback (most recent call last):" not in printed:
        return printed
    lines = printed.splitlines()
    last = max(number for number, line in enumerate(lines) if line.startswith("  "))
    return "\n".join(lines[last + 1 :])


def _commands(block: Block) -> list[str]:
    """Return the commands of an `sh` block, without comments and installations."""
    lines = block.text.replace("\\\n", "").splitlines()
    prompts = [line for line in lines if line.startswith("$ ")]
    assert not prompts, f"{block}: readers would copy the prompt too: {prompts}"
    commands = [_installed(re.sub(r"(^|\s+)# .*$", "", line).strip()) for line in lines]
    return [command for command in commands if command]


def _installed(line: str) -> str:
    """Return a line without installations, after checking that their extras exist."""
    left = []
    for command in line.split(" && "):
        if _INSTALLING.match(command):
            _check_extras(command)
        else:
            left.append(command)
    return " && ".join(left)


def _check_extras(command: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for match in _EXTRAS.finditer(command):
        named = set((match[1] or match[2]).split(","))
        assert named <= set(project["optional-dependencies"]), command


def _check_text(block: Block) -> None:
    if block.language == "python":
        compile(block.text, str(block), "exec")
    elif block.language == "sh":
        _commands(block)
    elif block.language == "toml":
        tomllib.loads(block.text)
    elif block.language == "json":
        json.loads(block.text)
    elif block.language == "ini":
        configparser.ConfigParser().read_string(block.text)
    elif block.language == "dotenv":
        for line in block.text.splitlines():
            assert re.match(r"#|$|(export )?[A-Z][A-Z0-9_]*=", line), f"{block}: {line}"
    else:
        assert block.language in _PLAIN, f"{block}: unknown language {block.language}"
