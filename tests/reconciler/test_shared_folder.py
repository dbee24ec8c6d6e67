"""In a folder that others may write to, nothing of another user is used."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.owners import MALLORY, TRUDY, chowned, give
from reconciler.reading import written
from vendo import ValidationError, Vendo, reconciler
from vendo.reconciler._env_file import EnvFile
from vendo.reconciler._folder import folder_of

MAPPING = {"OPENAI_API_KEY": "openai"}
OSS = Vendo("byok")
GiveTo = Callable[..., None]


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder that every user can open."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    with tempfile.TemporaryDirectory() as name:
        path = Path(name).resolve()
        path.chmod(0o755)
        yield path


@pytest.fixture
def give_to(monkeypatch: pytest.MonkeyPatch) -> GiveTo:
    """Return a function that gives a file to another user."""

    def give_it(path: Path, owner: int = MALLORY) -> None:
        give(path, owner, monkeypatch)

    return give_it


def _update(env_file: Path) -> None:
    reconciler.bootstrap(env_file=env_file, mapping=MAPPING, client=OSS)


def _refused(env_file: Path, *, because: str) -> None:
    """Check that both calls are refused, and say what to do."""
    before = {
        path: (path.lstat().st_ino, path.is_file() and path.read_bytes())
        for path in env_file.parent.rglob("*")
    }
    for call in (reconciler.bootstrap, reconciler.start):
        with pytest.raises(ValidationError, match=because) as caught:
            call(env_file=env_file, mapping=MAPPING, client=OSS)
        assert caught.value.suggested_fix
    for path, (inode, data) in before.items():
        assert (path.lstat().st_ino, path.is_file() and path.read_bytes()) == (inode, data)


def _put(path: Path, text: str = "A=1\n") -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize("mode", [0o1777, 0o777, 0o775, 0o757])
@pytest.mark.parametrize("name", [".env", ".env.vendo", ".env.vendo-new"])
def test_file_of_another_user_is_refused(
    folder: Path, give_to: GiveTo, name: str, mode: int
) -> None:
    give_to(_put(folder / name))
    folder.chmod(mode)
    _refused(folder / ".env", because=f"{name} belongs to another user")


@pytest.mark.parametrize("target", ["mine.env", "missing.env"])
def test_link_of_another_user_is_refused(folder: Path, give_to: GiveTo, target: str) -> None:
    _put(folder / "mine.env")
    (folder / ".env").symlink_to(target)
    give_to(folder / ".env")
    folder.chmod(0o1777)
    _refused(folder / ".env", because=r"\.env belongs to another user")
    assert not (folder / "missing.env").exists()


def test_target_of_a_link_is_checked_in_its_own_folder(folder: Path, give_to: GiveTo) -> None:
    shared = folder / "shared"
    give_to(_put(shared / "their.env"))
    shared.chmod(0o1777)
    (folder / ".env").symlink_to("shared/their.env")
    _refused(folder / ".env", because=r"their\.env belongs to another user")


def test_folder_of_another_user_on_the_way_is_refused(folder: Path, give_to: GiveTo) -> None:
    (folder / "app").mkdir()
    give_to(folder / "app")
    folder.chmod(0o1777)
    _refused(folder / "app" / ".env", because=f"{folder}/app belongs to another user")


def test_link_to_a_folder_by_another_user_is_refused(folder: Path, give_to: GiveTo) -> None:
    (folder / "real").mkdir()
    (folder / "app").symlink_to("real")
    give_to(folder / "app")
    folder.chmod(0o1777)
    _refused(folder / "app" / ".env", because=f"{folder}/app belongs to another user")


@pytest.mark.parametrize("name", [".env", ".env.vendo"])
def test_hard_link_is_refused(folder: Path, name: str) -> None:
    shared = folder / "shared"
    shared.mkdir()
    (shared / name).hardlink_to(_put(folder / "precious"))
    shared.chmod(0o1777)
    _refused(shared / ".env", because=f"{name} is a hard link")


def test_own_files_in_a_shared_folder_are_updated(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.chmod(0o1777)
    (folder / ".env").symlink_to("real.env")
    _update(folder / ".env")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-2")
    _update(folder / ".env")
    assert written(folder / "real.env") == {"OPENAI_API_KEY": "sk-2"}


@pytest.mark.parametrize("owner_of_folder", [None, MALLORY])
def test_file_in_a_folder_that_its_owner_alone_may_write_to_is_updated(
    folder: Path, give_to: GiveTo, monkeypatch: pytest.MonkeyPatch, owner_of_folder: int | None
) -> None:
    env_file = _put(folder / "app" / ".env")
    give_to(env_file)
    if owner_of_folder:
        give_to(env_file.parent, owner_of_folder)
    for key in ("sk-1", "sk-2"):
        monkeypatch.setenv("OPENAI_API_KEY", key)
        _update(env_file)
        assert written(env_file) == {"A": "1", "OPENAI_API_KEY": key}


def test_third_users_file_in_a_users_folder_is_refused(folder: Path, give_to: GiveTo) -> None:
    env_file = _put(folder / "app" / ".env")
    give_to(env_file.parent)
    give_to(env_file, TRUDY)
    _refused(env_file, because=r"\.env belongs to another user")


def test_hard_link_in_a_users_folder_is_refused(folder: Path, give_to: GiveTo) -> None:
    (folder / "app").mkdir()
    (folder / "app" / ".env.vendo").hardlink_to(_put(folder / "precious"))
    give_to(folder / "app")
    _refused(folder / "app" / ".env", because=r"\.env\.vendo is a hard link")


def test_users_link_leads_to_that_users_files_alone(folder: Path, give_to: GiveTo) -> None:
    app, other = folder / "app", folder / "other"
    for path in (app, other):
        path.mkdir()
    give_to(app)
    give_to(_put(app / "own.env"))
    _put(other / "precious")
    targets = {
        "good": "own.env",
        "new": "new.env",
        "bad": "../other/precious",
        "away": "../other/x",
    }
    for name, target in targets.items():
        (app / name).symlink_to(target)
        give_to(app / name)
    _update(app / "good")
    _update(app / "new")
    assert written(app / "own.env")["OPENAI_API_KEY"] == "sk-1"
    assert written(app / "new.env")["OPENAI_API_KEY"] == "sk-1"
    _refused(app / "bad", because="A link of another user")
    _refused(app / "away", because="A link of another user")
    assert [path.name for path in other.iterdir()] == ["precious"]


def test_file_that_is_planted_after_the_check_is_not_followed(folder: Path) -> None:
    precious = _put(folder / "precious", "do not touch")
    with folder_of(folder / ".env") as (opened, name):
        for planted in (name, f"{name}.vendo", f"{name}.vendo-new"):
            (folder / planted).symlink_to(precious)
            with pytest.raises(OSError, match="symbolic links"):
                opened.open(planted, os.O_RDWR | os.O_CREAT)
    assert precious.read_text() == "do not touch"


def test_folder_that_is_exchanged_after_the_check_is_not_written_to(folder: Path) -> None:
    (folder / "app").mkdir()
    with EnvFile(folder / "app" / ".env").locked() as file:
        (folder / "app").rename(folder / "moved")
        (folder / "app").mkdir()
        file.try_to_write()
        file.write_state(b"{}")
    assert [path.name for path in (folder / "moved").iterdir()] == [".env.vendo"]
    assert not list((folder / "app").iterdir())


def test_links_are_followed_as_the_system_does(folder: Path) -> None:
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "up").symlink_to("a/b/..")
    (folder / "absolute").symlink_to(folder / "up" / "." / "b")
    (folder / "a" / ".env").symlink_to(folder / "absolute" / ".." / "real.env")
    path = folder / "up" / ".." / "a" / ".env"
    _update(path)
    assert path.resolve() == folder / "a" / "real.env"
    assert written(folder / "a" / "real.env") == {"OPENAI_API_KEY": "sk-1"}


@pytest.mark.parametrize("path", ["/", "..", "a/..", "loop", "loop/.env"])
def test_path_without_a_file_is_an_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    (folder / "a").mkdir()
    (folder / "loop").symlink_to("loop")
    monkeypatch.chdir(folder)
    with pytest.raises(ValidationError, match=r"Is a directory|Too many levels|symbolic links"):
        _update(Path(path))


#: As another user than root if it can be. All imports come before that.
_UNPRIVILEGED = """
import os, sys, tempfile
from contextlib import suppress
from vendo import ValidationError, Vendo, reconciler

client = Vendo("byok")
with tempfile.TemporaryDirectory() as folder:
    reconciler.bootstrap(env_file=f"{folder}/.env", mapping={"X": "openai"}, client=client)
with suppress(OSError):
    os.setgid(65534)
    os.setuid(65534)
for env_file in sys.argv[1:]:
    try:
        reconciler.bootstrap(env_file=env_file, mapping={"K": "openai"}, client=client)
    except ValidationError as error:
        print(error.message)
    else:
        print("updated")
"""


def test_another_user_than_root_is_protected_as_well(folder: Path) -> None:
    shared = folder / "shared"
    _put(shared / "their.env")
    if not chowned(shared / "their.env", MALLORY):
        (shared / "their.env.vendo").hardlink_to(_put(folder / "precious"))
    shared.chmod(0o1777)
    files = [shared / "their.env", shared / "own.env"]
    done = subprocess.run(
        [sys.executable, "-c", _UNPRIVILEGED, *files],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    refused, updated = done.stdout.splitlines()
    assert "another user may write to its folder" in refused, done.stderr
    assert updated == "updated"
