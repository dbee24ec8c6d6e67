"""Errors on their way from another process of a pool."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING

import pytest

from support.in_workers import lookup, throw
from vendo import errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vendo.testing import LocalVendo

# A fork of a process with threads is a warning.
SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(1, SPAWN) as pool:
        yield pool


@pytest.mark.parametrize("name", errors.__all__)
def test_executor_gives_the_error_to_the_parent(name: str, pool: ProcessPoolExecutor) -> None:
    cls = getattr(errors, name)
    error = cls("some_code", "What happened.", 418, "gmail", None, 1.5, "Do this.")
    with pytest.raises(cls) as caught:
        pool.submit(throw, error).result(60)
    assert caught.value.__dict__ == error.__dict__
    assert caught.value.args == error.args


def test_pool_gives_the_error_of_a_call_to_the_parent(vendo_mode: LocalVendo) -> None:
    with SPAWN.Pool(1) as pool:
        assert pool.apply_async(lookup, ["gmail"]).get(60) == vendo_mode.token("gmail")
        with pytest.raises(errors.NotConnected) as caught:
            pool.apply_async(lookup, ["github"]).get(60)
    error = caught.value
    assert (error.slug, error.code) == ("github", "binding_missing")
    assert errors.NotConnected(*error.args).__dict__ == error.__dict__
