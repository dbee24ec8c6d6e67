"""What the page docs/deployment.md says, and the small applications that follow it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from manual.blocks import ROOT, blocks

PAGE = ROOT / "docs" / "deployment.md"
FRAMEWORKS = ("django", "flask", "fastapi")
#: What the page adds behind nginx, and where.
_ADDITIONS = {
    "django/settings.py": "django/shop/settings.py",
    "flask/proxied.py": "flask/shop/__init__.py",
}
_APPLICATIONS = Path(__file__).parent / "apps"
#: A host of nobody, for a server that trusts no proxy.
NOBODY = "192.0.2.1"


def texts() -> dict[str, str]:
    """Return the blocks of the page that are files, by name."""
    page = blocks(PAGE)
    return {name: block.text for block in page if (name := block.option("file")) is not None}


def application(framework: str, folder: Path) -> Path:
    """Copy an application, and return its folder."""
    target = folder / framework
    shutil.copytree(_APPLICATIONS / framework, target, ignore=shutil.ignore_patterns("__pycache__"))
    return target


def proxied_application(framework: str, folder: Path) -> Path:
    """Copy an application, with what the page adds behind nginx."""
    target = application(framework, folder)
    for name, path in _ADDITIONS.items():
        if name.startswith(framework):
            with (folder / path).open("a") as file:
                file.write(f"\n{texts()[name]}")
    return target


def instructions(dockerfile: str) -> list[tuple[str, str]]:
    """Return the instructions of a Dockerfile, each with the text after it."""
    lines = dockerfile.replace("\\\n", "").splitlines()
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines if line)]


def command(framework: str, *, workers: int = 3, proxied: bool = False) -> list[str]:
    """Return the command of the image of a framework, for `serving`."""
    name = "Dockerfile" if framework == "django" else f"{framework}/Dockerfile"
    if proxied and framework == "fastapi":
        name = "fastapi/proxied"
    arguments: list[str] = json.loads(dict(instructions(texts()[name]))["CMD"])
    assert "--workers=3" in arguments
    here = {"0.0.0.0": "127.0.0.1", "8000": "{port}", "--workers=3": f"--workers={workers}"}
    return [replaced(part, here) for part in arguments]


def replaced(text: str, replacements: dict[str, str]) -> str:
    """Return a text with each key replaced by its value."""
    for shown, real in replacements.items():
        text = text.replace(shown, real)
    return text
