"""Check that a tag may become a release, and print its release notes.

    python tests/packaging/release.py v1.2.3

The tag is the version with a `v` before it, and CHANGELOG.md has a dated section of that version.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
_VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)
_HEADING = re.compile(r"^## ([^\s,]+), (.+)$", re.MULTILINE)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def notes(tag: str, *, version_file: str, changelog: str) -> str:
    """Return the changelog's section of the release.

    Args:
        tag: the tag's name.
        version_file: the text of `vendo/__init__.py`.
        changelog: the text of `CHANGELOG.md`.

    Raises:
        ValueError: one of them is of another version, or the section has no date.
    """
    found = _VERSION.search(version_file)
    version = found[1] if found else ""
    if tag != f"v{version}":
        raise ValueError(f"The tag is {tag}, and vendo/__init__.py says {version}.")
    heading = _HEADING.search(changelog)
    if heading is None or heading[1] != version:
        raise ValueError(f"The first section of CHANGELOG.md is not of {version}.")
    if not _DATE.fullmatch(heading[2]):
        raise ValueError(f"CHANGELOG.md says {heading[2]!r} where the date of {version} belongs.")
    following = _HEADING.search(changelog, heading.end())
    text = changelog[heading.end() : following.start() if following else len(changelog)].strip()
    if not text:
        raise ValueError(f"CHANGELOG.md does not say what is new in {version}.")
    return f"{text}\n"


def main(tag: str) -> int:
    """Return 1 if the tag may not be released, with the reason on standard error."""
    try:
        text = notes(
            tag,
            version_file=(ROOT / "vendo" / "__init__.py").read_text(encoding="utf-8"),
            changelog=(ROOT / "CHANGELOG.md").read_text(encoding="utf-8"),
        )
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} TAG")
    sys.exit(main(sys.argv[1]))
