from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from support.ways import WAYS, Way, run
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Makes a call with a client of each kind in turn, with the server's settings.
Call: TypeAlias = Callable[..., Any]


@pytest.fixture(autouse=True)
def _empty_environment(vendo_isolated: None) -> None:
    """Remove the machine's credentials and addresses."""


@pytest.fixture
def server() -> Iterator[LocalVendo]:
    with LocalVendo(connections=["gmail", "openai", "slack"]) as server:
        yield server


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    """Each kind of client in turn."""
    way: Way = request.param
    return way


@pytest.fixture
def call(server: LocalVendo, way: Way) -> Call:
    """`call(lambda client: client.billing.balance())`, with settings where they matter."""
    return lambda use, **settings: run(way, {**server._addresses(), **settings}, use)
