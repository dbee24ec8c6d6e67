"""Run programs, each in a fork of this process: the imports that they share happen once.

    python run_examples.py programs.json

The file has the text of each program by name. Each program runs in a new folder below this one. If
it fails or takes longer than `SECONDS`, its name is printed, and its output. The exit status is 1
if any of them fails.
"""

from __future__ import annotations

import ast
import importlib
import json
import linecache
import os
import signal
import sys
from pathlib import Path
from types import ModuleType

#: The longest time that one program may take.
SECONDS = 20


def main(programs: dict[str, str]) -> int:
    """Run the programs, and return the exit status."""
    for name in sorted({each for text in programs.values() for each in _imported(text)}):
        importlib.import_module(name)
    failed = 0
    for number, (name, text) in enumerate(programs.items()):
        output = Path(f"output{number}")
        child = os.fork()
        if not child:
            return _run(name, text, Path(f"work{number}"), output)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status:
            failed = 1
            reason = f"signal {-status}" if status < 0 else f"exit status {status}"
            sys.stdout.write(f"{name}: {reason}\n{output.read_text(encoding='utf-8')}\n")
            sys.stdout.flush()
    return failed


def _imported(text: str) -> set[str]:
    """Return the packages that a program imports. pytest is started without its modules."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {each.name.partition(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found - {"pytest", "vendo_pytest"}


def _run(name: str, text: str, folder: Path, output: Path) -> int:
    """Run one program in this process, which is a fork."""
    signal.alarm(SECONDS)
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    folder.mkdir()
    os.chdir(folder)
    if any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
        for node in ast.parse(text).body
    ):
        return _run_pytest(text)
    file = f"<the example of {name}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    code = compile(text, file, "exec", dont_inherit=True)
    main = sys.modules["__main__"] = ModuleType("__main__")
    exec(code, vars(main))
    return 0


def _run_pytest(text: str) -> int:
    import pytest

    Path("test_example.py").write_text(text, encoding="utf-8")
    Path("pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    return int(pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:asyncio", "-p", "no:django"]))


if __name__ == "__main__":
    sys.exit(main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
