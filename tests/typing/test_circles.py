"""No module imports another one in a circle, for the sake of a type or otherwise."""

from __future__ import annotations

import grimp
import pytest

PACKAGES = ["vendo", "vendo_django", "vendo_flask", "vendo_pytest", "vendo_starlette"]


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """Every module with those that it imports, `TYPE_CHECKING` included."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    # The packages themselves name all that is public, for type checkers.
    modules = graph.modules - {*PACKAGES}
    return {name: graph.find_modules_directly_imported_by(name) & modules for name in modules}


def test_no_module_imports_itself_through_others(imports: dict[str, set[str]]) -> None:
    left = {name: set(found) for name, found in imports.items()}
    # A module that imports none of the others is in no circle: take these away, one by one.
    while ends := [name for name, found in left.items() if not found]:
        for name in ends:
            del left[name]
        for found in left.values():
            found.difference_update(ends)
    assert left == {}
