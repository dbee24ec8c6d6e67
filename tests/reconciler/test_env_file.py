"""The file on disk: modes, crashes, and concurrent writers."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from reconciler.reading import written
from vendo import ValidationError, Vendo, reconciler
from vendo._protocol.secret import Secret
from vendo.reconciler import _env_file
from vendo.reconciler._env_file import EnvFile

MAPPING = {"OPENAI_API_KEY": "openai"}
OSS = Vendo("byok")


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    return tmp_path / ".env"


def _update(env_file: Path) -> None:
    reconciler.bootstrap(env_file=env_file, mapping=MAPPING, client=OSS)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _in_a_process(program: str, *arguments: object, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)],
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_only_the_owner_can_read_the_file(env_file: Path) -> None:
    env_file.write_text("A=1\n")
    env_file.chmod(0o644)
    before = os.umask(0)
    try:
        _update(env_file)
    finally:
        os.umask(before)
    assert _mode(env_file) == 0o600
    assert _mode(env_file.with_name(".env.vendo")) == 0o600


def test_mode_is_restored_without_a_change(env_file: Path) -> None:
    _update(env_file)
    env_file.chmod(0o640)
    assert reconciler.bootstrap(
        env_file=env_file, mapping=MAPPING, on_change=lambda _: 1 / 0, client=OSS
    )
    assert _mode(env_file) == 0o600


#: Is killed right before the new file replaces the old one.
_CRASHING = """
    import os, signal, sys
    from vendo import Vendo, reconciler

    def crash(event, arguments):
        if event == "os.rename" and arguments[1] == os.path.basename(sys.argv[1]):
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(crash)
    mapping = {"OPENAI_API_KEY": "openai"}
    reconciler.bootstrap(env_file=sys.argv[1], mapping=mapping, client=Vendo("byok"))
"""


def test_crash_before_the_replacement_leaves_the_old_file(
    env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env_file.write_text("A=1\n")
    _update(env_file)
    before = env_file.read_bytes()
    process = _in_a_process(_CRASHING, env_file, OPENAI_API_KEY="sk-2")
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL, stderr
    assert env_file.read_bytes() == before
    (left,) = (p for p in env_file.parent.iterdir() if p.name not in {".env", ".env.vendo"})
    assert _mode(left) == 0o600
    assert "sk-2" in left.read_text()

    monkeypatch.setenv("OPENAI_API_KEY", "sk-3")
    _update(env_file)
    assert written(env_file) == {"A": "1", "OPENAI_API_KEY": "sk-3"}
    assert not left.exists()


def test_crash_in_the_first_update_leaves_no_file(env_file: Path) -> None:
    process = _in_a_process(_CRASHING, env_file)
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL
    assert not env_file.exists()
    _update(env_file)
    assert written(env_file) == {"OPENAI_API_KEY": "sk-1"}


def test_failed_write_leaves_the_old_file_and_no_other(
    env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _update(env_file)
    before = env_file.read_bytes()

    def no_space(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-2")
    with EnvFile(env_file).locked() as file, pytest.raises(OSError, match="No space"):
        file.replace(Secret("B=2\n"))
    with pytest.raises(ValidationError, match="No space left on device"):
        _update(env_file)
    assert env_file.read_bytes() == before
    assert sorted(p.name for p in env_file.parent.iterdir()) == [".env", ".env.vendo"]


def test_symbolic_link_is_kept_and_its_target_updated(tmp_path: Path, env_file: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    target = folder / "real.env"
    target.write_text("A=1\n")
    env_file.symlink_to("data/real.env")
    _update(env_file)
    assert env_file.readlink() == Path("data/real.env")
    assert written(target) == {"A": "1", "OPENAI_API_KEY": "sk-1"}
    assert sorted(p.name for p in folder.iterdir()) == ["real.env", "real.env.vendo"]
    assert sorted(p.name for p in tmp_path.iterdir()) == [".env", "data"]


def test_dangling_link_is_followed(tmp_path: Path, env_file: Path) -> None:
    env_file.symlink_to("later.env")
    _update(env_file)
    assert env_file.is_symlink()
    assert written(tmp_path / "later.env") == {"OPENAI_API_KEY": "sk-1"}


def test_link_in_place_of_the_state_file_is_not_followed(tmp_path: Path, env_file: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("do not touch")
    env_file.with_name(".env.vendo").symlink_to(precious)
    with pytest.raises(ValidationError, match="cannot be updated"):
        _update(env_file)
    assert precious.read_text() == "do not touch"


def test_relative_path_is_resolved_immediately(
    tmp_path: Path, env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    relative = EnvFile(".env")
    monkeypatch.chdir("/")
    assert relative.path == env_file
    assert repr(relative) == f"<EnvFile {str(env_file)!r}>"


@pytest.mark.parametrize("path", ["", "a\0b", 3, None, b".env"])
def test_invalid_path_is_rejected(path: object) -> None:
    with pytest.raises(ValidationError, match="env_file= must be a path"):
        EnvFile(path)  # type: ignore[arg-type]  # rejected


def test_missing_folder_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "missing" / ".env"
    with pytest.raises(ValidationError, match="No such file") as caught:
        reconciler.start(env_file=path, mapping=MAPPING, client=OSS)
    assert caught.value.suggested_fix == f"Create the folder {path.parent}."
    assert caught.value.__suppress_context__


def test_folder_or_pipe_is_rejected(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (folder, pipe):
        with pytest.raises(ValidationError, match="not a regular file"):
            reconciler.start(env_file=path, mapping=MAPPING, client=OSS)


#: Drops the rights of root, who may write everywhere. All imports come before that: perhaps only
#: root can read them.
_UNPRIVILEGED = """
    import os, sys, tempfile
    from vendo import ValidationError, Vendo, reconciler

    client = Vendo("byok")
    call = getattr(reconciler, sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        reconciler.bootstrap(env_file=f"{folder}/.env", mapping={"X": "openai"}, client=client)
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    try:
        call(env_file=sys.argv[1], mapping={"OPENAI_API_KEY": "openai"}, client=client)
    except ValidationError as error:
        print(error)
"""


@pytest.mark.parametrize("call", ["bootstrap", "start"])
def test_read_only_folder_is_an_error(call: str) -> None:
    # Other users cannot open the folders of pytest.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        env_file = folder / ".env"
        env_file.write_text("A=1\n")
        folder.chmod(0o555)
        try:
            process = _in_a_process(_UNPRIVILEGED, env_file, call)
            output, stderr = process.communicate(timeout=30)
        finally:
            folder.chmod(0o755)
        assert output.startswith(
            f"The env file {env_file} cannot be updated: Permission denied."
        ), stderr
        assert f"Let this process write to {folder}" in output
        assert env_file.read_text() == "A=1\n"


#: Another user, if the owner can be changed.
_OTHER = 65534 if os.getuid() == 0 else os.getuid()


def test_root_keeps_the_owner_of_the_file(env_file: Path) -> None:
    env_file.write_text("A=1\n")
    os.chown(env_file, _OTHER, -1)
    _update(env_file)
    assert (env_file.stat().st_uid, _mode(env_file)) == (_OTHER, 0o600)


def test_file_of_root_is_replaced() -> None:
    with tempfile.TemporaryDirectory() as name:
        env_file = Path(name) / ".env"
        env_file.write_text("A=1\n")
        env_file.parent.chmod(0o777)
        process = _in_a_process(_UNPRIVILEGED, env_file, "bootstrap", OPENAI_API_KEY="sk-1")
        output, _ = process.communicate(timeout=30)
        assert not output
        assert (env_file.stat().st_uid, _mode(env_file)) == (_OTHER, 0o600)
        assert written(env_file) == {"A": "1", "OPENAI_API_KEY": "sk-1"}


#: Waits for a line, so that several start together; then updates the file 25 times.
_WRITING = """
    import os, sys
    from vendo import Vendo, reconciler

    input()
    for turn in range(25):
        os.environ["OPENAI_API_KEY"] = f"sk-{sys.argv[2]}-{turn}"
        reconciler.bootstrap(
            env_file=sys.argv[1], mapping={"OPENAI_API_KEY": "openai"}, client=Vendo("byok")
        )
"""


def test_two_processes_that_write_concurrently_leave_one_whole_file(env_file: Path) -> None:
    foreign = "".join(f"LINE_{number}='{number}'\n" for number in range(200))
    env_file.write_text(foreign)
    processes = [_in_a_process(_WRITING, env_file, name) for name in ("one", "two")]
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    counts = set()
    while any(process.poll() is None for process in processes):
        text = env_file.read_text()
        assert text.startswith(foreign)
        counts.add(text.count("OPENAI_API_KEY="))
    for process in processes:
        _, stderr = process.communicate(timeout=30)
        assert process.returncode == 0, stderr
    assert counts <= {0, 1}
    read = written(env_file)
    assert len(read) == 201
    assert read["OPENAI_API_KEY"] in {"sk-one-24", "sk-two-24"}
    assert sorted(p.name for p in env_file.parent.iterdir()) == [".env", ".env.vendo"]


def test_threads_that_write_concurrently_take_turns(env_file: Path) -> None:
    begin = Barrier(8)

    def write(_: int) -> None:
        begin.wait()
        _update(env_file)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    assert written(env_file) == {"OPENAI_API_KEY": "sk-1"}
    assert env_file.read_text().count("# >>> vendo") == 1


def test_lock_that_is_not_released_is_an_error(
    env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_env_file, "_LOCK_TIMEOUT", 0.05)
    with env_file.with_name(".env.vendo").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(ValidationError, match="another process holds its lock"):
            _update(env_file)
    _update(env_file)
    assert written(env_file) == {"OPENAI_API_KEY": "sk-1"}


def test_deleted_lock_file_is_created_again(
    env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _update(env_file)
    lock_file = env_file.with_name(".env.vendo")
    try_lock = _env_file._try_lock
    deleted: list[Path] = []

    def locked_too_late(descriptor: int) -> bool:
        if not deleted:
            lock_file.unlink()
            deleted.append(lock_file)
        return try_lock(descriptor)

    monkeypatch.setattr(_env_file, "_try_lock", locked_too_late)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-2")
    _update(env_file)
    assert lock_file.exists()
    assert written(env_file) == {"OPENAI_API_KEY": "sk-2"}


#: Forks while it holds the lock, releases it, and locks again while the child still runs.
_FORKING = """
    import os, sys
    from vendo.reconciler._env_file import EnvFile

    file = EnvFile(sys.argv[1])
    read_end, write_end = os.pipe()
    with file.locked():
        child = os.fork()
        if child == 0:
            os.close(write_end)
            os.read(read_end, 1)  # until the parent has finished
            os._exit(0)
    file.check()
    print("locked again")
    os.close(write_end)
    os.waitpid(child, 0)
"""


def test_child_forked_under_the_lock_does_not_hold_it(env_file: Path) -> None:
    output, stderr = _in_a_process(_FORKING, env_file).communicate(timeout=30)
    assert output == "locked again\n", stderr


@pytest.mark.parametrize(
    ("number", "fix"),
    [
        (errno.EBUSY, "Mount the folder {folder}"),
        (errno.EXDEV, "Mount the folder {folder}"),
        (errno.EROFS, "Let this process write to {folder}"),
        (errno.ENOTDIR, "Create the folder {folder}"),
        (errno.EIO, "Check {folder}/.env and its folder"),
    ],
)
def test_fix_depends_on_the_system_error(
    env_file: Path, monkeypatch: pytest.MonkeyPatch, number: int, fix: str
) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(ValidationError, match=re.escape(os.strerror(number))) as caught:
        _update(env_file)
    assert fix.format(folder=env_file.parent) in (caught.value.suggested_fix or "")
    assert not env_file.exists()


def test_partly_written_state_is_an_error(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    with EnvFile(env_file).locked() as file:
        monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:3]))
        with pytest.raises(OSError, match="No space left"):
            file.write_state(b"{}" * 10)
