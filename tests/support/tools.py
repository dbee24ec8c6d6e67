"""The tools that some tests need and a fresh machine may lack."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass

#: Names the tools whose absence is a failure, as in `browser,redis`. CI sets it.
REQUIRE = "VENDO_TESTS_REQUIRE"


@dataclass(frozen=True)
class Tool:
    """Programs, and where they come from."""

    programs: tuple[str, ...]
    install: str

    @property
    def is_installed(self) -> bool:
        return all(map(shutil.which, self.programs))


#: Marker -> what a test with that marker needs.
TOOLS = {
    "browser": Tool(
        ("chromium", "chromedriver"), "install Debian's packages chromium and chromium-driver"
    ),
    "nginx": Tool(("nginx",), "install Debian's package nginx-light"),
    "redis": Tool(("redis-server",), "install Debian's package redis-server"),
}


def required(value: str | None = None) -> set[str]:
    """Return the tools that must be installed.

    Args:
        value: what to read in place of the environment variable.

    Raises:
        ValueError: it names a tool that no test needs.
    """
    text = os.environ.get(REQUIRE, "") if value is None else value
    names = {name.strip() for name in text.split(",")} - {""}
    unknown = sorted(names - set(TOOLS))
    if unknown:
        raise ValueError(
            f"{REQUIRE} names {', '.join(unknown)}. Fix: use {', '.join(sorted(TOOLS))}."
        )
    return names
