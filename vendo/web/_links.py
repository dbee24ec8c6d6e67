"""The arguments of the application's own link to connect a provider."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any


def argument_sets(slug: str, captured: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what the link's route may need, the fewest arguments first.

    A prefix of the route, such as `/<tenant>/`, needs arguments that the present page has too.

    Args:
        slug: the provider.
        captured: the arguments in the path of the present page.
    """
    others = {name: value for name, value in captured.items() if name != "slug"}
    for count in range(len(others) + 1):
        for names in combinations(others, count):
            yield {"slug": slug, **{name: others[name] for name in names}}
