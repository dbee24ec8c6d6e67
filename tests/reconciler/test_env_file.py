"""The file on disk: who may read it, what a crash leaves, and two who write it at once."""

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
from vendo.reconciler import _env_file
from vendo.reconciler._env_file import EnvFile

MAPPING = {"OPENAI_API_KEY": "openai"}
OSS = Vendo("byok")


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    return tmp_path / ".env"


def _bring_up_to_date(env_file: Path) -> None:
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


def test_nobody_else_can_read_it_whatever_the_umask_and_its_mode_before(env_file: Path) -> None:
    env_file.write_text("A=1\n")
    env_file.chmod(0o644)
    before = os.umask(0)
    try:
        _bring_up_to_date(env_file)
    finally:
        os.umask(before)
    assert _mode(env_file) == 0o600
    assert _mode(env_file.with_name(".env.vendo")) == 0o600


def test_a_mode_that_was_widened_is_put_right_without_telling_of_a_change(env_file: Path) -> None:
    _bring_up_to_date(env_file)
    env_file.chmod(0o640)
    assert reconciler.bootstrap(
        env_file=env_file, mapping=MAPPING, on_change=lambda _: 1 / 0, client=OSS
    )
    assert _mode(env_file) == 0o600


#: Ends right before the new file takes the place of the old one, by the signal that nothing can
#: catch.
_CRASHING = """
    import os, signal, sys
    from vendo import Vendo, reconciler

    def crash(event, arguments):
        if event == "os.rename" and str(arguments[1]) == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(crash)
    mapping = {"OPENAI_API_KEY": "openai"}
    reconciler.bootstrap(env_file=sys.argv[1], mapping=mapping, client=Vendo("byok"))
"""


def test_a_crash_before_the_replacement_leaves_the_old_file_and_nothing_in_the_way(
    env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env_file.write_text("A=1\n")
    _bring_up_to_date(env_file)
    before = env_file.read_bytes()
    process = _in_a_process(_CRASHING, env_file, OPENAI_API_KEY="sk-2")
    _, complaint = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL, complaint
    assert env_file.read_bytes() == before
    (left,) = (p for p in env_file.parent.iterdir() if p.name not in {".env", ".env.vendo"})
    assert _mode(left) == 0o600
    assert "sk-2" in left.read_text()

    monkeypatch.setenv("OPENAI_API_KEY", "sk-3")
    _bring_up_to_date(env_file)
    assert written(env_file) == {"A": "1", "OPENAI_API_KEY": "sk-3"}
    assert not left.exists()


def test_a_crash_at_the_very_first_time_leaves_no_file(env_file: Path) -> None:
    process = _in_a_process(_CRASHING, env_file)
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL
    assert not env_file.exists()
    _bring_up_to_date(env_file)
    assert written(env_file) == {"OPENAI_API_KEY": "sk-1"}


def test_a_write_that_fails_leaves_the_old_file_and_no_other(
    env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _bring_up_to_date(env_file)
    before = env_file.read_bytes()

    def no_space(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-2")
    with EnvFile(env_file).locked() as file, pytest.raises(OSError, match="No space"):
        file.replace("B=2\n")
    with pytest.raises(ValidationError, match="No space left on device"):
        _bring_up_to_date(env_file)
    assert env_file.read_bytes() == before
    assert sorted(p.name for p in env_file.parent.iterdir()) == [".env", ".env.vendo"]


def test_a_symbolic_link_stays_one_and_its_file_is_kept(tmp_path: Path, env_file: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    target = folder / "real.env"
    target.write_text("A=1\n")
    env_file.symlink_to("data/real.env")
    _bring_up_to_date(env_file)
    assert env_file.readlink() == Path("data/real.env")
    assert written(target) == {"A": "1", "OPENAI_API_KEY": "sk-1"}
    assert sorted(p.name for p in folder.iterdir()) == ["real.env", "real.env.vendo"]
    assert sorted(p.name for p in tmp_path.iterdir()) == [".env", "data"]


def test_a_link_that_leads_nowhere_yet_is_followed(tmp_path: Path, env_file: Path) -> None:
    env_file.symlink_to("later.env")
    _bring_up_to_date(env_file)
    assert env_file.is_symlink()
    assert written(tmp_path / "later.env") == {"OPENAI_API_KEY": "sk-1"}


def test_a_link_in_the_place_of_the_state_is_not_written_through(
    tmp_path: Path, env_file: Path
) -> None:
    precious = tmp_path / "precious"
    precious.write_text("do not touch")
    env_file.with_name(".env.vendo").symlink_to(precious)
    with pytest.raises(ValidationError, match="cannot be kept"):
        _bring_up_to_date(env_file)
    assert precious.read_text() == "do not touch"


def test_the_path_is_the_one_of_when_it_was_given(
    tmp_path: Path, env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    relative = EnvFile(".env")
    monkeypatch.chdir("/")
    assert relative.path == env_file
    assert repr(relative) == f"<EnvFile {str(env_file)!r}>"


@pytest.mark.parametrize("path", ["", "a\0b", 3, None, b".env"])
def test_what_is_no_path_is_refused(path: object) -> None:
    with pytest.raises(ValidationError, match="env_file= is no path"):
        EnvFile(path)  # type: ignore[arg-type]  # the point


def test_a_missing_folder_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "missing" / ".env"
    with pytest.raises(ValidationError, match="No such file") as caught:
        reconciler.start(env_file=path, mapping=MAPPING, client=OSS)
    assert caught.value.suggested_fix == f"Make the folder {path.parent} first."
    assert caught.value.__suppress_context__


def test_a_folder_or_a_pipe_is_no_env_file(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (folder, pipe):
        with pytest.raises(ValidationError, match="no regular file"):
            reconciler.start(env_file=path, mapping=MAPPING, client=OSS)


#: Gives root's rights away first, where there are any: root may write everywhere. Before that it
#: imports all that it needs, which may lie where only root can read.
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
def test_a_folder_that_may_not_be_written_is_one_clear_error(call: str) -> None:
    # pytest's own folders are closed to other users altogether.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        env_file = folder / ".env"
        env_file.write_text("A=1\n")
        folder.chmod(0o555)
        try:
            process = _in_a_process(_UNPRIVILEGED, env_file, call)
            said, complaint = process.communicate(timeout=30)
        finally:
            folder.chmod(0o755)
        assert said.startswith(f"The env file {env_file} cannot be kept: Permission denied."), (
            complaint
        )
        assert f"Let this process write in {folder}" in said
        assert env_file.read_text() == "A=1\n"


#: Nobody's, where files can be given away at all; else one's own.
_OTHER = 65534 if os.getuid() == 0 else os.getuid()


def test_a_file_that_root_keeps_for_a_user_stays_that_user_s(env_file: Path) -> None:
    env_file.write_text("A=1\n")
    os.chown(env_file, _OTHER, -1)
    _bring_up_to_date(env_file)
    assert (env_file.stat().st_uid, _mode(env_file)) == (_OTHER, 0o600)


def test_a_file_of_another_user_s_is_replaced_by_one_of_one_s_own() -> None:
    with tempfile.TemporaryDirectory() as name:
        env_file = Path(name) / ".env"
        env_file.write_text("A=1\n")
        env_file.parent.chmod(0o777)
        process = _in_a_process(_UNPRIVILEGED, env_file, "bootstrap", OPENAI_API_KEY="sk-1")
        said, _ = process.communicate(timeout=30)
        assert not said
        assert (env_file.stat().st_uid, _mode(env_file)) == (_OTHER, 0o600)
        assert written(env_file) == {"A": "1", "OPENAI_API_KEY": "sk-1"}


#: Waits for a line, so that several begin at once; then writes its own variable again and again.
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


def test_two_processes_that_write_at_once_leave_one_whole_file(env_file: Path) -> None:
    foreign = "".join(f"LINE_{number}='{number}'\n" for number in range(200))
    env_file.write_text(foreign)
    processes = [_in_a_process(_WRITING, env_file, name) for name in ("one", "two")]
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    seen = set()
    while any(process.poll() is None for process in processes):
        text = env_file.read_text()
        assert text.startswith(foreign)
        seen.add(text.count("OPENAI_API_KEY="))
    for process in processes:
        _, complaint = process.communicate(timeout=30)
        assert process.returncode == 0, complaint
    assert seen <= {0, 1}
    read = written(env_file)
    assert len(read) == 201
    assert read["OPENAI_API_KEY"] in {"sk-one-24", "sk-two-24"}
    assert sorted(p.name for p in env_file.parent.iterdir()) == [".env", ".env.vendo"]


def test_threads_that_write_at_once_take_turns(env_file: Path) -> None:
    begin = Barrier(8)

    def write(_: int) -> None:
        begin.wait()
        _bring_up_to_date(env_file)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    assert written(env_file) == {"OPENAI_API_KEY": "sk-1"}
    assert env_file.read_text().count("# >>> vendo") == 1


def test_a_lock_that_nobody_lets_go_of_is_one_clear_error(
    env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_env_file, "_LOCK_SECONDS", 0.05)
    with env_file.with_name(".env.vendo").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(ValidationError, match="another process holds its lock"):
            _bring_up_to_date(env_file)
    _bring_up_to_date(env_file)
    assert written(env_file) == {"OPENAI_API_KEY": "sk-1"}


def test_a_lock_file_that_was_deleted_by_somebody_locks_nobody_out(
    env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _bring_up_to_date(env_file)
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
    _bring_up_to_date(env_file)
    assert lock_file.exists()
    assert written(env_file) == {"OPENAI_API_KEY": "sk-2"}


#: Forks while it holds the lock, lets go of it, and locks again while the child still lives.
_FORKING = """
    import os, sys
    from vendo.reconciler._env_file import EnvFile

    file = EnvFile(sys.argv[1])
    read_end, write_end = os.pipe()
    with file.locked():
        child = os.fork()
        if child == 0:
            os.close(write_end)
            os.read(read_end, 1)  # until the parent is done
            os._exit(0)
    file.check()
    print("locked again")
    os.close(write_end)
    os.waitpid(child, 0)
"""


def test_a_child_that_was_forked_under_the_lock_does_not_hold_it(env_file: Path) -> None:
    said, complaint = _in_a_process(_FORKING, env_file).communicate(timeout=30)
    assert said == "locked again\n", complaint


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.EBUSY, "Mount its folder"),
        (errno.EXDEV, "Mount its folder"),
        (errno.EROFS, "Let this process write in {folder}"),
        (errno.ENOTDIR, "Make the folder {folder} first"),
        (errno.EIO, "Check {folder}/.env and its folder"),
    ],
)
def test_what_a_system_says_no_with_decides_what_is_advised(
    env_file: Path, monkeypatch: pytest.MonkeyPatch, number: int, advice: str
) -> None:
    def refuse(_self: Path, _target: Path) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(ValidationError, match=re.escape(os.strerror(number))) as caught:
        _bring_up_to_date(env_file)
    assert advice.format(folder=env_file.parent) in (caught.value.suggested_fix or "")
    assert not env_file.exists()


def test_a_state_that_was_written_in_part_is_an_error(
    env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    with EnvFile(env_file).locked() as file:
        monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:3]))
        with pytest.raises(OSError, match="No space left"):
            file.write_state(b"{}" * 10)
