"""An env file on disk: the lock that its writers share, and the atomic replacement.

The new text is written beside the file and takes its place in one step, so that a reader sees the
old or the new one and never half of it. Where the env file is a symbolic link, all of that happens
beside the file that it leads to.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from vendo.errors import ValidationError

if sys.platform != "win32":
    import fcntl


#: Another process holds the lock for as long as it takes to write two small files.
_LOCK_SECONDS: Final = 10.0
_LOCK_PAUSE: Final = 0.02
_OPEN_FLAGS: Final = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
_POSIX: Final = os.name == "posix"


class EnvFile:
    """The path of an env file, and how it is locked.

    Raises:
        ValidationError: the path is none.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        text = os.fspath(path) if isinstance(path, str | os.PathLike) else None
        if not isinstance(text, str) or not text or "\0" in text:
            raise ValidationError(
                "validation_failed",
                "env_file= is no path.",
                suggested_fix="Give the path of the file to keep, such as env_file='.env'.",
            )
        # A program may go to another folder later.
        self.path: Path = Path(text).absolute()

    def __repr__(self) -> str:
        return f"<EnvFile {str(self.path)!r}>"

    @contextmanager
    def locked(self) -> Iterator[LockedEnvFile]:
        """Hold the lock of the file, which need not exist.

        Raises:
            ValidationError: the file or its folder cannot be read or written, or another process
                does not let go of the lock.
        """
        try:
            target = Path(os.path.realpath(self.path))
            state = _lock(target.with_name(f"{target.name}.vendo"))
            try:
                yield LockedEnvFile(target, state)
            finally:
                _unlock(state)
        except OSError as error:
            raise _refused(self.path, error) from None

    def check(self) -> None:
        """Find out whether the file can be read and replaced, and change nothing.

        Raises:
            ValidationError: it cannot.
        """
        with self.locked() as file:
            file.read()
            file.try_to_write()


class LockedEnvFile:
    """An env file whose lock is held. Every method may raise `OSError`."""

    def __init__(self, target: Path, state: int) -> None:
        self._target = target
        self._new = target.with_name(f"{target.name}.vendo-new")
        self._state = state

    def read(self) -> str:
        """The text, with its line ends as they are; empty where there is no file."""
        found = self._found()
        if found is None:
            return ""
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        return self._target.read_bytes().decode("utf-8", "surrogateescape")

    def is_private(self) -> bool:
        """True where nobody but the owner can read it."""
        found = self._found()
        return found is not None and (not _POSIX or stat.S_IMODE(found.st_mode) == 0o600)

    def replace(self, text: str) -> None:
        """Put a file with this text in its place, readable to the owner alone."""
        descriptor = self._open_new()
        try:
            with os.fdopen(descriptor, "wb") as new:
                self._give_to_owner(descriptor)
                new.write(text.encode("utf-8", "surrogateescape"))
                new.flush()
                os.fsync(descriptor)
            self._new.replace(self._target)
        except BaseException:
            self._new.unlink(missing_ok=True)
            raise
        self._sync_folder()

    def try_to_write(self) -> None:
        """Make the new file and take it away again."""
        os.close(self._open_new())
        self._new.unlink()

    def read_state(self) -> bytes:
        """What was last written with `write_state`, or nothing."""
        os.lseek(self._state, 0, os.SEEK_SET)
        size = os.fstat(self._state).st_size
        return os.read(self._state, size) if size else b""

    def write_state(self, data: bytes) -> None:
        """Remember this instead."""
        os.lseek(self._state, 0, os.SEEK_SET)
        written = os.write(self._state, data)
        os.ftruncate(self._state, written)
        if written < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(self._state)

    def _found(self) -> os.stat_result | None:
        try:
            return self._target.stat()
        except FileNotFoundError:
            return None

    def _open_new(self) -> int:
        # What a crash left behind: the lock is held, so nobody is writing it now.
        self._new.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _OPEN_FLAGS
        return os.open(self._new, flags, 0o600)

    def _give_to_owner(self, descriptor: int) -> None:
        """A file that root keeps for another user stays readable to that one."""
        found = self._found()
        if found is None or not hasattr(os, "fchown"):
            return
        made = os.fstat(descriptor)
        if (made.st_uid, made.st_gid) != (found.st_uid, found.st_gid):
            try:
                os.fchown(descriptor, found.st_uid, found.st_gid)
            except PermissionError:
                pass  # only root may give files away; ours is then readable to us

    def _sync_folder(self) -> None:
        if _POSIX:
            folder = os.open(self._target.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def _lock(path: Path) -> int:
    """The descriptor of the lock file, locked."""
    give_up_at = time.monotonic() + _LOCK_SECONDS
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _OPEN_FLAGS, 0o600)
        held = False
        try:
            held = _try_lock(descriptor) and _is_still(descriptor, path)
        finally:
            if not held:
                os.close(descriptor)
        if held:
            return descriptor
        if time.monotonic() > give_up_at:
            raise OSError(errno.EAGAIN, "another process holds its lock")
        time.sleep(_LOCK_PAUSE)


def _try_lock(descriptor: int) -> bool:
    if sys.platform != "win32":  # writers there are not kept apart
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _is_still(descriptor: int, path: Path) -> bool:
    """False where somebody deleted the lock file meanwhile: others will lock a new one."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _unlock(descriptor: int) -> None:
    try:
        if sys.platform != "win32":
            # Closing would not do: a child that was forked meanwhile has the descriptor as well.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


def _refused(path: Path, error: OSError) -> ValidationError:
    reason = error.strerror or type(error).__name__
    return ValidationError(
        "validation_failed",
        f"The env file {path} cannot be kept: {reason}.",
        suggested_fix=_fix(path, error.errno),
    )


def _fix(path: Path, number: int | None) -> str:
    if number in {errno.EBUSY, errno.EXDEV}:
        return f"Is {path} mounted by itself? Mount its folder: the file is replaced, not changed."
    if number in {errno.ENOENT, errno.ENOTDIR}:
        return f"Make the folder {path.parent} first."
    if number in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return (
            f"Let this process write in {path.parent}: the file is replaced by one made beside it."
        )
    return f"Check {path} and its folder."
