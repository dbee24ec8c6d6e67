"""Which code calls, also on an interpreter without frames."""

from __future__ import annotations

import pytest

from vendo import web
from vendo.web import _frames


def caller(depth: int) -> str:
    return web.calling_module(depth)


def test_the_calling_module_is_known() -> None:
    assert caller(1) == caller(2) == __name__
    assert caller(100_000) == ""


def test_a_warning_points_outside_of_the_packages() -> None:
    assert _frames.stack_level_outside({"elsewhere"}) == 1
    assert _frames.stack_level_outside({__name__.partition(".")[0]}) > 1


def test_without_frames_no_caller_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_frames, "currentframe", lambda: None)

    assert web.calling_module(1) == ""
    assert _frames.stack_level_outside({__name__}) == 1
