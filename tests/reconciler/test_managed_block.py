"""Foreign lines are kept, wherever they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.reading import by_dotenv, written
from vendo import Vendo, reconciler

if TYPE_CHECKING:
    from pathlib import Path

MAPPING = {"OPENAI_API_KEY": "openai"}


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    return tmp_path / ".env"


def _update(env_file: Path, mapping: dict[str, str] = MAPPING) -> None:
    reconciler.bootstrap(env_file=env_file, mapping=mapping, client=Vendo("byok"))


@pytest.mark.parametrize(
    "foreign",
    [
        b"A=1\n",
        b"A=1\n\n\n",
        b"\n\nA=1\n",
        b"# a comment\n\n  export B='two\nlines' # more\n",
        b"\xef\xbb\xbfA=1\n",
        b"A=1\r\nB=2\r\n",
        b"A=\xff\xfe not utf-8\n",
        b"no assignment at all\n",
        b"C=x\\\n",
        b"OPENAI_API_KEY=mine\n",
    ],
)
def test_foreign_lines_are_kept_byte_for_byte(env_file: Path, foreign: bytes) -> None:
    env_file.write_bytes(foreign)
    for _ in range(3):
        _update(env_file)
        assert env_file.read_bytes().startswith(foreign + b"\n# >>> vendo ")
        _update(env_file, {})
        assert b"sk-1" not in env_file.read_bytes()


def test_last_line_without_line_end_gets_one(env_file: Path) -> None:
    env_file.write_bytes(b"A=1")
    _update(env_file)
    assert env_file.read_bytes().startswith(b"A=1\n\n# >>>")
    assert written(env_file) == {"A": "1", "OPENAI_API_KEY": "sk-1"}


def test_line_that_ends_in_a_backslash_does_not_include_the_block(env_file: Path) -> None:
    env_file.write_bytes(b"A=1\\\n")
    _update(env_file)
    assert written(env_file, "OPENAI_API_KEY") == {"OPENAI_API_KEY": "sk-1"}


def test_earlier_line_of_the_same_variable_is_kept_and_overridden(env_file: Path) -> None:
    env_file.write_text("OPENAI_API_KEY=example\n")
    _update(env_file)
    assert written(env_file) == {"OPENAI_API_KEY": "sk-1"}
    assert env_file.read_text().startswith("OPENAI_API_KEY=example\n")


def test_lines_below_the_block_are_moved_above_it(env_file: Path) -> None:
    env_file.write_text("A=1\n")
    _update(env_file)
    with env_file.open("a") as file:
        file.write("OPENAI_API_KEY=later\nB=2")
    _update(env_file)
    assert env_file.read_text().startswith("A=1\nOPENAI_API_KEY=later\nB=2\n\n# >>> vendo")
    assert written(env_file) == {"A": "1", "B": "2", "OPENAI_API_KEY": "sk-1"}


def test_foreign_lines_inside_the_block_are_kept(env_file: Path) -> None:
    _update(env_file)
    text = env_file.read_text().replace("OPENAI", "# mine\nMINE=1\nexport X=2\nOPENAI", 1)
    env_file.write_text(text)
    _update(env_file)
    assert written(env_file) == {"MINE": "1", "X": "2", "OPENAI_API_KEY": "sk-1"}
    above, _, block = env_file.read_text().partition("# >>> vendo")
    assert sorted(above.split("\n")) == ["", "", "# mine", "MINE=1", "export X=2"]
    assert "mine" not in block.lower()


def test_edited_value_is_restored(env_file: Path) -> None:
    _update(env_file)
    right = env_file.read_bytes()
    env_file.write_bytes(right.replace(b"sk-1", b"sk-2"))
    _update(env_file)
    assert env_file.read_bytes() == right


def test_edited_line_is_kept_when_the_mapping_drops_it(env_file: Path) -> None:
    _update(env_file)
    env_file.write_bytes(env_file.read_bytes().replace(b"sk-1", b"mine"))
    _update(env_file, {})
    assert written(env_file) == {"OPENAI_API_KEY": "mine"}


@pytest.mark.parametrize("state", [None, b"", b"{", b"[]", b'{"version": 1}', b"\xff" * 100])
def test_without_state_the_whole_block_is_ours(env_file: Path, state: bytes | None) -> None:
    _update(env_file)
    state_file = env_file.with_name(".env.vendo")
    if state is None:
        state_file.unlink()
    else:
        state_file.write_bytes(state)
    _update(env_file, {})
    assert written(env_file) == {}


@pytest.mark.parametrize("damage", [{"lines": [1]}, {"told": {"A": 1}}, {"told": []}])
def test_malformed_state_counts_as_none(env_file: Path, damage: dict[str, object]) -> None:
    import json

    _update(env_file)
    state_file = env_file.with_name(".env.vendo")
    state_file.write_text(json.dumps(json.loads(state_file.read_text()) | damage))
    _update(env_file, {})
    assert written(env_file) == {}


def test_lost_state_is_created_again(env_file: Path) -> None:
    _update(env_file)
    env_file.with_name(".env.vendo").unlink()
    _update(env_file)  # writes only the state
    _update(env_file, {})
    assert written(env_file) == {}


def test_block_of_another_file_is_taken_over(env_file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.env"
    _update(other)
    _update(env_file)
    env_file.write_bytes(other.read_bytes())  # restored from a backup
    _update(env_file, {})
    assert written(env_file) == {}


def test_changed_line_ends_are_restored(env_file: Path) -> None:
    _update(env_file)
    right = env_file.read_bytes()
    env_file.write_bytes(right.replace(b"\n", b"\r\n"))
    _update(env_file)
    assert env_file.read_bytes() == right


def test_block_without_closing_mark_is_foreign(env_file: Path) -> None:
    _update(env_file)
    text = env_file.read_text()
    env_file.write_text(text[: text.index("# <<<")])
    _update(env_file)
    assert by_dotenv(env_file) == {"OPENAI_API_KEY": "sk-1"}
    assert env_file.read_text().count("# >>> vendo") == 2
    assert env_file.read_text().count("# <<< vendo") == 1
