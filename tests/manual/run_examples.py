"""Run programs, each in a fork of this process: the imports that they share happen once.

    python run_examples.py programs.json

The file has the text of each program by name. Each program runs in a new folder below this one. If
it fails or takes longer than `SECONDS`, its name is printed, and its output. The exit status is 1
if any of them fails.
"""

from __future__ import annotations

import ast
import gc
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
    gc.freeze()  # each fork would look at every object at its end, and copy its memory
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
    """Return the packages that a program imports, and what they import when they are used."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {each.name.partition(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    if "asyncio" in found:
        found.add("aiohttp")
    if _is_test(text):
        found.add("pytest")
    return found - {"vendo_pytest"}  # pytest imports it as a plugin


def _is_test(text: str) -> bool:
    """Return whether a program defines a test."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    body = ast.parse(text).body
    return any(isinstance(each, functions) and each.name.startswith("test_") for each in body)


def _run(name: str, text: str, folder: Path, output: Path) -> int:
    """Run one program in this process, which is a fork."""
    signal.alarm(SECONDS)
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    folder.mkdir()
    os.chdir(folder)
    if _is_test(text):
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
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # those of this project's own tests
    return int(pytest.main(["-q", "-p", "no:cacheprovider", "-p", "vendo_pytest.plugin"]))


if __name__ == "__main__":
    sys.exit(main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
