"""The names of the server's surfaces, by which faults and gates choose requests."""

from __future__ import annotations

SURFACES = ("credentials", "api", "data", "events", "provider", "pages", "any")


def checked_surface(surface: str) -> str:
    """Return the name of a surface.

    Raises:
        ValueError: the name is unknown.
    """
    if surface not in SURFACES:
        raise ValueError(f"Unknown surface {surface!r}. Use one of: {', '.join(SURFACES)}.")
    return surface


def is_match(surface: str, slug: str | None, of_surface: str, of_slug: str | None) -> bool:
    """Return True if a fault or gate for `surface` and `slug` concerns this request."""
    return surface in {"any", of_surface} and slug in {None, of_slug}
