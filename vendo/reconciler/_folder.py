"""The folder of an env file, and which of its files may be used.

Where others may write to a folder, they can put a file, a link or another folder there under the
name that is looked for: their file would get the credentials, their link would lead elsewhere. So
the path is followed name by name, each in the opened folder before it, and what another user made
is used only where nobody but its owner could have put it.

Windows has neither these owners nor these descriptors. There a path is used as it is.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from vendo.errors import invalid

_HAS_DESCRIPTORS: Final = os.supports_dir_fd >= {
    os.open,
    os.stat,
    os.readlink,
    os.rename,
    os.unlink,
}
_FLAGS: Final = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
#: To pass through a folder one need not be allowed to read it. Not every system has such a flag.
_FOLDER_FLAGS: Final = (
    getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
)
#: As many as Linux follows.
_MAX_LINKS: Final = 40
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


class Folder:
    """An open folder. Every method may raise `OSError`.

    Those that return or open a file raise `ValidationError` if another user may have put it there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, _FOLDER_FLAGS) if _HAS_DESCRIPTORS else None

    def close(self) -> None:
        """Close it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def stat(self, name: str) -> os.stat_result | None:
        """Return the status of a file or a link, or None if there is none."""
        try:
            found = os.stat(self._at(name), dir_fd=self._descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None
        self._check(name, found)
        return found

    def open(self, name: str, flags: int) -> int:
        """Open a regular file that is not a link. A new one is readable by its owner alone."""
        descriptor = os.open(self._at(name), flags | _FLAGS, 0o600, dir_fd=self._descriptor)
        try:
            found = os.fstat(descriptor)
            self._check(name, found)
            _check_regular(found)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def replace(self, name: str, new: str) -> None:
        """Replace a file by the new one, which loses its own name."""
        folder = self._descriptor
        os.replace(self._at(new), self._at(name), src_dir_fd=folder, dst_dir_fd=folder)

    def unlink(self, name: str) -> None:
        """Delete a file."""
        os.unlink(self._at(name), dir_fd=self._descriptor)

    def sync(self) -> None:
        """Write the names of its files to the disk."""
        if self._descriptor is not None:
            readable = os.open(".", os.O_RDONLY, dir_fd=self._descriptor)
            try:
                os.fsync(readable)
            finally:
                os.close(readable)

    def enter(self, name: str) -> None:
        """Go to a folder in this one, to `..` or to `/`."""
        descriptor = os.open(name, _FOLDER_FLAGS | _FLAGS, dir_fd=self._descriptor)
        try:
            if name not in {"..", "/"}:
                self._check(name, os.fstat(descriptor))
        except BaseException:
            os.close(descriptor)
            raise
        self.close()
        self._descriptor = descriptor
        self.path = self.path.parent if name == ".." else self.path / name

    def link_at(self, name: str) -> tuple[str, int] | None:
        """Return the target and the owner of a link, or None if it is not a link."""
        found = self.stat(name)
        if found is None or not stat.S_ISLNK(found.st_mode):
            return None
        target = os.readlink(name, dir_fd=self._descriptor)
        again = self.stat(name)
        if again is None or not os.path.samestat(found, again):
            raise OSError(errno.EAGAIN, "a link on its path was replaced meanwhile")
        return target, found.st_uid

    def status(self) -> os.stat_result:
        """Return its own status."""
        return self.path.stat() if self._descriptor is None else os.fstat(self._descriptor)

    def _at(self, name: str) -> str:
        return str(self.path / name) if self._descriptor is None else name

    def _check(self, name: str, found: os.stat_result) -> None:
        if not _HAS_DESCRIPTORS:
            return
        status = self.status()
        owners = _trusted()
        if not status.st_mode & _OTHERS_WRITE:
            if status.st_uid in owners:
                return
            owners.add(status.st_uid)  # root works in the folders of other users
        if found.st_uid not in owners:
            problem = f"belongs to another user (uid {found.st_uid})"
        elif stat.S_ISREG(found.st_mode) and found.st_nlink > 1:
            problem = "is a hard link"  # which others may make of a file that is not theirs
        else:
            return
        path = self.path / name
        raise invalid(
            f"{path} {problem}, and another user may write to its folder.",
            fix=f"Keep the env file in a folder that only its owner may write to, or remove {path} "
            "if it should not be there.",
        )


@contextmanager
def folder_of(path: Path) -> Iterator[tuple[Folder, str]]:
    """Open the folder of a file, and yield it with the name of the file. Links are followed.

    Raises:
        OSError: the folder cannot be opened.
        ValidationError: a part of the path may have been put there by another user.
    """
    if not _HAS_DESCRIPTORS:
        target = Path(os.path.realpath(path))
        yield Folder(target.parent), target.name
        return
    folder = Folder(Path("/"))
    try:
        yield folder, _walk(folder, path)
    finally:
        folder.close()


def _walk(folder: Folder, path: Path) -> str:
    """Follow a path from `/` to the folder of its file. Return the name of the file there."""
    names = list(reversed(path.parts[1:]))
    owners: list[int] = []
    while names:
        name = names.pop()
        link = None if name == ".." else folder.link_at(name)
        if link is not None:
            target, owner = link
            owners.append(owner)
            if len(owners) > _MAX_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            names += reversed([part for part in target.split("/") if part not in {"", "."}])
            if target.startswith("/"):
                folder.enter("/")
        elif names or name == "..":
            folder.enter(name)
        else:
            _check_links(owners, folder, name)
            return name
    raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))


def _check_links(owners: list[int], folder: Folder, name: str) -> None:
    """Check that each link of another user leads to what is that user's own."""
    found = folder.stat(name)
    of_folder = folder.status().st_uid
    theirs = {of_folder, of_folder if found is None else found.st_uid}
    for owner in owners:
        if owner not in _trusted() | theirs:
            raise invalid(
                f"A link of another user (uid {owner}) leads to {folder.path / name}, which is not "
                "that user's.",
                fix=f"Write env_file={str(folder.path / name)!r} if that is the file to update.",
            )


def _check_regular(found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")


def _trusted() -> set[int]:
    """Return the users whose files may be used anywhere: root, and that of this process."""
    return {0} if sys.platform == "win32" else {0, os.geteuid()}
