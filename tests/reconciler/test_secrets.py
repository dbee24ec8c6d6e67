"""No failure of an update shows a value, a token or the reload URL in an error or a frame."""

from __future__ import annotations

import os
import traceback
from typing import TYPE_CHECKING, Any

import pytest

import vendo
from reconciler.hook import hook
from vendo import Vendo, reconciler

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OSS = Vendo("byok")
CANARY = "canary-0123456789"


def _shown(error: BaseException) -> Iterator[str]:
    """Yield the texts of an error and its causes, and the variables of all frames but ours."""
    link: BaseException | None = error
    while link is not None:
        yield f"{link!r} {link} {link.__dict__!r}"
        for frame, _ in traceback.walk_tb(link.__traceback__):
            if frame.f_code.co_filename != __file__:
                for name, value in frame.f_locals.items():
                    yield f"{frame.f_code.co_qualname}: {name} = {value!r}"
        link = link.__cause__ or link.__context__


def _check(env_file: Path, error: type[Exception], **arguments: Any) -> None:
    with pytest.raises(error) as caught:
        reconciler.bootstrap(
            env_file=env_file, client=OSS, **{"mapping": {"TOKEN": "openai"}, **arguments}
        )
    shown = [text for text in _shown(caught.value) if CANARY in text]
    assert not shown, "\n".join(shown)


def test_value_that_cannot_be_quoted_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", f"{CANARY}`'")

    _check(tmp_path / "env", vendo.ValidationError)


def test_full_disk_shows_no_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env_file = tmp_path / "env"
    env_file.write_text(f"FOREIGN={CANARY}\n")
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    reconciler.bootstrap(env_file=env_file, mapping={"TOKEN": "openai"}, client=OSS)
    monkeypatch.setenv("OPENAI_API_KEY", f"{CANARY}-2")

    def fail(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)

    _check(env_file, vendo.ValidationError)


def test_failing_handler_shows_no_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)

    def fail(_change: reconciler.Change) -> None:
        raise LookupError

    _check(tmp_path / "env", LookupError, on_change=fail)


@pytest.mark.parametrize("status", [302, 500])
def test_failing_hook_does_not_show_its_url(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    with hook() as received:
        received.statuses = [status]
        url = received.url.replace("canary", CANARY)

        _check(tmp_path / "env", vendo.UpstreamError, on_change="reload-hook", reload_url=url)

        assert received.posts.get(timeout=10)[0] == f"/reload?secret={CANARY}"


@pytest.mark.parametrize(
    "url", [f"https://me:{CANARY}@app.example.com", f"ftp://x/{CANARY}", f"https://x/{CANARY} y"]
)
def test_malformed_reload_url_is_not_shown(tmp_path: Path, url: str) -> None:
    _check(tmp_path / "env", vendo.ValidationError, on_change="reload-hook", reload_url=url)


def test_unreachable_hook_does_not_show_its_url(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    with hook() as received:
        url = received.url.replace("canary", CANARY)

    _check(tmp_path / "env", vendo.UpstreamError, on_change="reload-hook", reload_url=url)
