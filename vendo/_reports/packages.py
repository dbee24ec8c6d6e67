"""Check what is installed: Python, the packages of the extras, the adapters."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from vendo import __version__
from vendo._reports.report import Adapter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo._reports.report import Report

#: Distribution -> the extra that installs it.
EXTRAS = {
    "requests": "http",
    "aiohttp": "async",
    "httpx2": "httpx",
    "httpx": "httpx",
    "python-dotenv": "dotenv",
}
#: Adapter -> its frameworks, its environment variables, the command that checks its settings.
_ADAPTERS: dict[str, tuple[tuple[str, ...], tuple[str, ...], str | None]] = {
    "vendo_django": (
        ("django",),
        ("DJANGO_SETTINGS_MODULE", "VENDO_DJANGO_BUILD"),
        "python manage.py vendo doctor",
    ),
    "vendo_flask": (("flask",), ("FLASK_APP",), "flask vendo doctor"),
    "vendo_starlette": (("starlette", "fastapi"), (), None),
    "vendo_pytest": (("pytest",), ("PYTEST_DISABLE_PLUGIN_AUTOLOAD",), None),
}


def check_versions(report: Report) -> None:
    """Add the version of Python, of vendo, and of the packages of its extras."""
    report.versions = {
        "vendo-sdk": __version__,
        "Python": f"{platform.python_version()} ({platform.python_implementation()})",
        "platform": platform.platform(),
    }
    report.packages = {package: _version(package) for package in EXTRAS}


def check_adapters(report: Report, running: str | None) -> None:
    """Add the adapters with an installed framework, without importing them.

    `running` is the adapter whose own command runs now.
    """
    for name, (frameworks, variables, command) in _ADAPTERS.items():
        versions = {name: found for name in frameworks if (found := _version(name)) is not None}
        if versions and find_spec(name) is not None:
            settings = {
                variable: _without_arguments(value)
                for variable in variables
                if (value := os.environ.get(variable, "").strip())
            }
            further = None if name == running else command
            report.adapters.append(Adapter(name, versions, settings, further))


def _without_arguments(value: str) -> str:
    # FLASK_APP may call a factory with a password.
    return value.partition("(")[0]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        # A vendored folder may be without what a package says of itself.
        module = package.removeprefix("python-")
        return None if find_spec(module) is None else "of an unknown version"
