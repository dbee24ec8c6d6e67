"""Write the files again: `python -m support.public_api` in the folder `tests`."""

from __future__ import annotations

import sys

from support.public_api.listing import FOLDER, listing, packages


def main() -> int:
    """Write one file per package, and remove those of packages that are gone."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    texts = {f"{package}.txt": listing(package) for package in packages()}
    for file in FOLDER.iterdir():
        if file.name not in texts:
            file.unlink()
    for name, text in texts.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
