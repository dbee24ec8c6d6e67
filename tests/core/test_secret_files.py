"""`<VARIABLE>_FILE` names a file that holds the value, in OSS mode and for the override."""

from __future__ import annotations

import os
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vendo
from support.imports import imported_after
from support.shown import texts_of
from vendo import NotConnected, ValidationError
from vendo._catalog import catalog
from vendo._config import secret_files
from vendo._config.environment import CredentialVariable, has_control_character
from vendo.testing import override_variable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CANARY = "canary-value-5f2c"
VARIABLE = "OPENAI_API_KEY_FILE"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of OpenAI's key, which is not there yet."""
    file = tmp_path / "openai"
    monkeypatch.setenv(VARIABLE, str(file))
    return file


def error_of(call: Callable[[], object], variable: str = VARIABLE) -> ValidationError:
    """Return the error of a call, after checking that it shows no value, and names the variable."""
    with pytest.raises(ValidationError) as caught:
        call()
    error = caught.value
    assert error.code == "validation_failed"
    assert variable in error.message
    assert error.suggested_fix
    assert not [text for text in texts_of(error) if CANARY in text]
    return error


def openai_error() -> ValidationError:
    return error_of(lambda: vendo.token("openai"))


CREDENTIALS = [
    (provider.slug, name)
    for provider in filter(None, map(catalog.provider, catalog.slugs()))
    for name in (*provider.variables, override_variable(provider.slug))
]


@pytest.mark.parametrize(("slug", "name"), CREDENTIALS, ids=[name for _, name in CREDENTIALS])
def test_each_variable_of_the_catalog_may_name_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slug: str, name: str
) -> None:
    (tmp_path / "secret").write_text("from a file\n")
    monkeypatch.setenv(f"{name}_FILE", str(tmp_path / "secret"))
    assert vendo.token(slug) == "from a file"


def test_no_variable_of_the_catalog_is_that_of_another_ones_file() -> None:
    names = {name for provider in catalog.slugs() for name in catalog.env_vars(provider)}
    assert not {f"{name}_FILE" for name in names} & names


def test_override_of_any_slug_may_name_a_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("mine")
    monkeypatch.setenv("VENDO_TOKEN_MY_TOOL_FILE", str(file))
    assert vendo.tokens(["my-tool", "my_tool"]) == {"my-tool": "mine", "my_tool": "mine"}


def test_variable_wins_over_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-variable")
    assert vendo.token("openai") == "sk-variable"  # the file is missing, and is not read
    file.write_text("sk-file")
    assert vendo.token("openai") == "sk-variable"


@pytest.mark.parametrize("blank", ["", " ", "\t", "\u00a0"])
def test_blank_variable_does_not_win(
    file: Path, monkeypatch: pytest.MonkeyPatch, blank: str
) -> None:
    file.write_text("sk-file")
    monkeypatch.setenv("OPENAI_API_KEY", blank)
    assert vendo.token("openai") == "sk-file"


def test_malformed_variable_is_an_error_although_there_is_a_file(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text("sk-file")
    monkeypatch.setenv("OPENAI_API_KEY", f"{CANARY}\n{CANARY}")
    assert "_FILE" not in str(error_of(lambda: vendo.token("openai"), "OPENAI_API_KEY"))


def test_files_count_in_the_catalogs_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "first").write_text("first")
    monkeypatch.setenv("NOTION_API_TOKEN", "second")
    assert vendo.token("notion") == "second"
    monkeypatch.setenv("NOTION_TOKEN_FILE", str(tmp_path / "first"))
    assert vendo.token("notion") == "first"


@pytest.mark.parametrize("blank", [b"", b" \t", b"\r\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_blank_file_counts_as_not_set(
    file: Path, monkeypatch: pytest.MonkeyPatch, blank: bytes
) -> None:
    file.write_bytes(blank)
    with pytest.raises(NotConnected) as caught:
        vendo.token("openai")
    assert f"the file of {VARIABLE} is empty" in caught.value.message
    assert vendo.token("openai", default="none") == "none"
    assert vendo.tokens(["openai"]) == {"openai": None}
    assert vendo.connections.list() == []
    assert [text for text in vendo.Vendo().check(["openai"]).problems if VARIABLE in text]
    monkeypatch.setenv("VENDO_TOKEN_OPENAI", "sk-override")
    assert vendo.token("openai") == "sk-override"


@pytest.mark.parametrize(
    "content",
    [b"sk-1", b"sk-1\n", b"sk-1\r\n", b" \tsk-1 \n\n", b"\xef\xbb\xbfsk-1\r\n", b"\n\nsk-1"],
)
def test_white_space_and_a_byte_order_mark_are_dropped(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert vendo.token("openai") == "sk-1"


@pytest.mark.parametrize("path", ["{file}", " {file}\n", "openai", "./openai"])
def test_path_may_be_relative_and_have_white_space_around_it(
    file: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    file.write_text("sk-1")
    monkeypatch.chdir(file.parent)
    monkeypatch.setenv(VARIABLE, path.format(file=file))
    assert vendo.token("openai") == "sk-1"


def test_path_may_be_of_bytes_that_are_not_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / os.fsdecode(b"\xff")
    path.write_text("sk-1")
    monkeypatch.setenv(VARIABLE, str(path))
    assert vendo.token("openai") == "sk-1"
    path.unlink()
    assert "/\\udcff') does not exist" in openai_error().message


def test_letters_outside_ascii_are_passed_on(file: Path) -> None:
    file.write_text("schlüssel\u00a0x", encoding="utf-8")
    assert vendo.token("openai") == "schlüssel\u00a0x"


# A changed file


def test_replaced_file_takes_effect_at_once(file: Path) -> None:
    for number in range(50):
        new = file.with_name("new")
        new.write_text(f"sk-{number}")
        new.replace(file)
        assert vendo.token("openai") == f"sk-{number}"


def test_rewrite_that_leaves_size_and_time_takes_effect_at_once(file: Path) -> None:
    file.write_text("sk-0")
    before = file.stat()
    for number in range(1, 10):
        file.write_text(f"sk-{number}")
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert vendo.token("openai") == f"sk-{number}"


def test_swapped_symlink_of_kubernetes_takes_effect_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "openai").symlink_to("..data/openai")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "openai"))
    for number in range(5):
        version = tmp_path / f"..2026_{number}"
        version.mkdir()
        (version / "openai").write_text(f"sk-{number}")
        (tmp_path / "..data_tmp").symlink_to(version.name)
        (tmp_path / "..data_tmp").replace(tmp_path / "..data")
        assert vendo.token("openai") == f"sk-{number}"


def test_file_that_was_deleted_may_come_back(file: Path) -> None:
    file.write_text("sk-1")
    assert vendo.token("openai") == "sk-1"
    file.unlink()
    openai_error()
    file.write_text("sk-2")
    assert vendo.token("openai") == "sk-2"


def test_threads_see_one_value_or_the_other(file: Path) -> None:
    values = {"a" * 5000, "b" * 9000}
    file.write_text("a" * 5000)

    def replace() -> set[str]:
        for number, value in enumerate([*values] * 100):
            new = file.with_name(f"new{number}")
            new.write_text(value)
            new.replace(file)
        return set()

    def read() -> set[str]:
        return {vendo.token("openai") for _ in range(500)}

    with ThreadPoolExecutor() as pool:
        seen = [pool.submit(read), pool.submit(replace), pool.submit(read)]
        assert set().union(*(future.result() for future in seen)) <= values


# A file that cannot be used


def loop(path: Path) -> None:
    path.symlink_to(path)


def below_a_file(path: Path) -> None:
    path.write_text(CANARY)
    os.environ[VARIABLE] = f"{path}/below"


def long_name(path: Path) -> None:
    os.environ[VARIABLE] = f"{path}/{'x' * 5000}"


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path.name)  # in the working directory: a longer one has no room


def written(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


LIMIT = secret_files.MAX_BYTES

BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: None, "does not exist"),
    "dangling": (lambda path: path.symlink_to("nowhere"), "does not exist"),
    "loop": (loop, "cannot be read (Too many levels of symbolic links)"),
    "below a file": (below_a_file, "cannot be read (Not a directory)"),
    "long name": (long_name, "cannot be read (File name too long)"),
    "folder": (lambda path: path.mkdir(), "is a directory"),
    "fifo": (os.mkfifo, "is not a regular file"),
    "socket": (listening, "is not a regular file"),
    "endless device": (lambda path: path.symlink_to("/dev/zero"), "is not a regular file"),
    "empty device": (lambda path: path.symlink_to("/dev/null"), "is not a regular file"),
    "huge": (written(CANARY.encode() * LIMIT), "is larger than 64 KiB"),
    "a byte too large": (written(b" " * (LIMIT + 1)), "is larger than 64 KiB"),
    "two lines": (written(f"{CANARY}\n{CANARY}\n".encode()), "contains a control character"),
    "lone cr": (written(f"{CANARY}\r{CANARY}".encode()), "contains a control character"),
    "null": (written(f"{CANARY}\0".encode()), "contains a control character"),
    "binary": (written(CANARY.encode() + b"\xff\xfe"), "contains bytes that cannot be decoded"),
    "utf-16": (written(CANARY.encode("utf-16")), "contains a control character"),
    "latin-1": (written(f"{CANARY}é".encode("latin-1")), "contains bytes that cannot be decoded"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_file_that_cannot_be_used_is_an_error_without_its_content(
    file: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    make, problem = BROKEN[kind]
    monkeypatch.chdir(file.parent)
    make(file)
    error = openai_error()
    assert f"The file of {VARIABLE} ({file}" in error.message
    assert problem in error.message
    assert len(error.message) < 500
    assert error_of(lambda: vendo.token("openai", default=None)).message == error.message
    assert error_of(lambda: vendo.tokens(["slack", "openai"])).message == error.message
    assert vendo.Vendo().check(["openai"]) == vendo.Health(False, (str(error),))
    [row] = vendo.connections.list()
    assert (row.slug, row.status, row.error_message) == ("openai", "error", error.message)
    monkeypatch.setenv("VENDO_TOKEN_OPENAI", "sk-override")
    assert vendo.token("openai") == "sk-override"


def test_file_without_permission_is_an_error(file: Path) -> None:
    file.write_text(CANARY)
    file.chmod(0)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65_534)
    try:
        error = openai_error()
    finally:
        if is_root:
            os.seteuid(0)
    assert "cannot be read (Permission denied)" in error.message


@pytest.mark.parametrize("blank", ["", "  ", "\n"])
def test_blank_path_is_an_error(monkeypatch: pytest.MonkeyPatch, blank: str) -> None:
    monkeypatch.setenv(VARIABLE, blank)
    assert openai_error().message == f"{VARIABLE} is blank, and must be the path of a file."


def test_path_with_a_null_character_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {VARIABLE: "/tmp/a\0b"})
    assert "null character" in openai_error().message


def test_path_in_a_folder_that_is_not_mounted_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "/not-mounted/openai")
    shown = f"The file of {VARIABLE} (/not-mounted/openai) does not exist."
    assert openai_error().message == shown


@pytest.mark.parametrize("value", [CANARY, f"{CANARY}/x"])
def test_credential_in_place_of_the_path_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, value)
    error = openai_error()
    assert error.message == f"The file of {VARIABLE} does not exist."
    assert "The value itself belongs into OPENAI_API_KEY." in str(error)


def test_value_of_the_largest_size_is_read(file: Path) -> None:
    file.write_text("x" * LIMIT)
    assert vendo.token("openai") == "x" * LIMIT


# Its surroundings


def test_environment_replaced_by_a_dict_is_read(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text("sk-file")
    environment = {VARIABLE: str(file)}
    monkeypatch.setattr(os, "environ", environment)
    assert vendo.token("openai") == "sk-file"
    environment["OPENAI_API_KEY"] = "sk-variable"
    assert vendo.token("openai") == "sk-variable"


def test_unloaded_dotenv_with_a_file_is_hinted_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text(f"{VARIABLE}=/run/secrets/openai\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotConnected, match=f"sets {VARIABLE}, but nothing has loaded it"):
        vendo.token("openai")


def test_module_is_imported_for_a_file_alone(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    lines = "import os, vendo; os.environ.update({}); vendo.token('openai')"
    value, path = {"OPENAI_API_KEY": "x"}, {VARIABLE: str(tmp_path / "secret")}
    module = secret_files.__name__
    assert module not in imported_after("", lines.format(value))
    imported = imported_after("", lines.format(path))
    assert module in imported
    assert not imported & {"pathlib", "json", "typing", "logging", "ssl", "asyncio"}


@given(
    st.one_of(
        st.binary(max_size=40),
        st.text(max_size=20).map(lambda text: text.encode("utf-8", "surrogatepass")),
    )
)
def test_any_content_is_stripped_an_error_or_unset(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "content"
    file.write_bytes(content)
    try:
        value = content.removeprefix(b"\xef\xbb\xbf").decode().strip()
    except UnicodeDecodeError:
        value = "\0"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VENDO_TEST_VALUE_FILE", str(file))
        variable = CredentialVariable("VENDO_TEST_VALUE")
        if has_control_character(value):
            with pytest.raises(ValidationError):
                variable.get()
            assert variable.has_value()
        else:
            assert variable.get() == (value or None)
            assert variable.has_value() is bool(value)
