"""An env file on disk: the lock of its writers, and the atomic replacement.

The new text is written to another file, which then replaces the env file in one step: a reader sees
the old or the new text, never a part of it. The other files are beside the env file, or beside the
target if it is a symbolic link. `_folder` has which of them may be used.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from vendo._protocol.secret import Secret
from vendo.errors import ValidationError, invalid
from vendo.reconciler._folder import Folder, folder_of

if sys.platform != "win32":
    import fcntl


#: Seconds. Another process holds the lock while it writes two small files.
_LOCK_TIMEOUT: Final = 10.0
_LOCK_PAUSE: Final = 0.02
#: Opening a pipe must not wait for its other end.
_READ: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)
_POSIX: Final = os.name == "posix"


class EnvFile:
    """The path of an env file, and its lock.

    Raises:
        ValidationError: the path is malformed.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        text = os.fspath(path) if isinstance(path, str | os.PathLike) else None
        if not isinstance(text, str) or not text or "\0" in text:
            raise invalid(
                "env_file= must be a path.",
                fix="Write env_file='.env'.",
            )
        # Absolute: the program may change its working directory.
        self.path: Path = Path(text).absolute()

    def __repr__(self) -> str:
        return f"<EnvFile {str(self.path)!r}>"

    @contextmanager
    def locked(self) -> Iterator[LockedEnvFile]:
        """Hold the lock of the file, which need not exist.

        Raises:
            ValidationError: the file or its folder cannot be read or written, another user may have
                put a file there, or another process holds the lock for too long.
        """
        try:
            with folder_of(self.path) as (folder, name):
                state = _lock(folder, f"{name}.vendo")
                try:
                    yield LockedEnvFile(folder, name, state)
                finally:
                    _unlock(state)
        except OSError as error:
            raise _failure(self.path, error) from None

    def check(self) -> None:
        """Check that the file can be read and replaced, without changing it.

        Raises:
            ValidationError: it cannot be.
        """
        with self.locked() as file:
            file.read()
            file.try_to_write()


class LockedEnvFile:
    """An env file with its lock held. Every method may raise `OSError`, as those of `Folder` do."""

    def __init__(self, folder: Folder, name: str, state: int) -> None:
        self._folder = folder
        self._name = name
        self._new = f"{name}.vendo-new"
        self._state = state

    def read(self) -> Secret:
        """Return the text with its line ends, empty if the file does not exist."""
        try:
            descriptor = self._folder.open(self._name, _READ)
        except FileNotFoundError:
            return Secret("")
        with os.fdopen(descriptor, "rb") as file:
            return Secret(file.read().decode("utf-8", "surrogateescape"))

    def is_private(self) -> bool:
        """Return True if only the owner can read it."""
        found = self._folder.stat(self._name)
        return found is not None and (not _POSIX or stat.S_IMODE(found.st_mode) == 0o600)

    def replace(self, text: Secret) -> None:
        """Replace the file by one with this text that only the owner can read."""
        descriptor = self._open_new()
        try:
            with os.fdopen(descriptor, "wb") as new:
                self._give_to_owner(descriptor)
                new.write(text.encode("utf-8", "surrogateescape"))
                new.flush()
                os.fsync(descriptor)
            self._folder.replace(self._name, self._new)
        except BaseException:
            self._delete_new()
            raise
        self._folder.sync()

    def try_to_write(self) -> None:
        """Create the new file and delete it again."""
        os.close(self._open_new())
        self._delete_new()

    def read_state(self) -> bytes:
        """Return the state file, which may be empty."""
        os.lseek(self._state, 0, os.SEEK_SET)
        size = os.fstat(self._state).st_size
        return os.read(self._state, size) if size else b""

    def write_state(self, data: bytes) -> None:
        """Overwrite the state file."""
        os.lseek(self._state, 0, os.SEEK_SET)
        written = os.write(self._state, data)
        os.ftruncate(self._state, written)
        if written < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(self._state)

    def _open_new(self) -> int:
        # A crash may have left one. The lock is held, so no other process is writing it.
        self._delete_new()
        return self._folder.open(self._new, os.O_WRONLY | os.O_CREAT | os.O_EXCL)

    def _delete_new(self) -> None:
        if self._folder.stat(self._new) is not None:
            self._folder.unlink(self._new)

    def _give_to_owner(self, descriptor: int) -> None:
        """Keep the owner of the file, where root updates the file of another user."""
        found = self._folder.stat(self._name)
        if found is None or not hasattr(os, "fchown"):
            return
        made = os.fstat(descriptor)
        if (made.st_uid, made.st_gid) != (found.st_uid, found.st_gid):
            with suppress(OSError):  # only root may, and in a container not to every user
                os.fchown(descriptor, found.st_uid, found.st_gid)


def _lock(folder: Folder, name: str) -> int:
    """Open and lock the lock file. Return its descriptor."""
    deadline = time.monotonic() + _LOCK_TIMEOUT
    while True:
        folder.stat(name)  # some systems open no file of another user there, and do not say why
        descriptor = folder.open(name, os.O_RDWR | os.O_CREAT)
        held = False
        try:
            held = _try_lock(descriptor) and _is_still(descriptor, folder, name)
        finally:
            if not held:
                os.close(descriptor)
        if held:
            return descriptor
        if time.monotonic() > deadline:
            raise OSError(errno.EAGAIN, "another process holds its lock")
        time.sleep(_LOCK_PAUSE)


def _try_lock(descriptor: int) -> bool:
    if sys.platform != "win32":  # Windows has no such locks
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _is_still(descriptor: int, folder: Folder, name: str) -> bool:
    """Return False if the lock file was deleted meanwhile, so that others lock a new one."""
    found = folder.stat(name)
    return found is not None and os.path.samestat(os.fstat(descriptor), found)


def _unlock(descriptor: int) -> None:
    try:
        if sys.platform != "win32":
            # Closing is not enough: a forked child has the descriptor too.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


def _failure(path: Path, error: OSError) -> ValidationError:
    reason = error.strerror or type(error).__name__
    return invalid(
        f"The env file {path} cannot be updated: {reason}.",
        fix=_fix(path, error.errno),
    )


def _fix(path: Path, number: int | None) -> str:
    if number in {errno.EBUSY, errno.EXDEV}:
        return f"Mount the folder {path.parent} instead of the file: it is replaced, not changed."
    if number in {errno.ENOENT, errno.ENOTDIR}:
        return f"Create the folder {path.parent}."
    if number in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return f"Let this process write to {path.parent}: the file is replaced by a new one."
    return f"Check {path} and its folder."
