"""Any value is read back unchanged by python-dotenv and a shell, or rejected."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.reading import by_dotenv, by_shell
from vendo import ValidationError
from vendo._protocol.secret import Secret
from vendo.reconciler._managed_block import parse, render
from vendo.reconciler._quoting import assignment, checked_name

_KEY = Secret("k" * 32)


def _read_back(values: dict[str, str]) -> tuple[dict[str, str | None], dict[str, str | None]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ".env"
        lines = {
            name: assignment(name, Secret(value), multiline=True) for name, value in values.items()
        }
        path.write_bytes(render(Secret(""), _KEY, lines).encode())
        return by_dotenv(path), by_shell(path, values)


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "plain-Value_1.2/3:4@5%6+7,8=9",
        "two words",
        "tab\there",
        "# not a comment",
        "a #b",
        "it's",
        'say "so"',
        """both ' and " """,
        "$HOME",
        "${HOME}",
        "${HOME:-x}",
        "it's ${HOME} and $HOME and $(id) and $",
        "$'",
        "back\\slash",
        "two\\\\slashes",
        "at the end\\",
        "at the end\\\\",
        "'\\",
        '\\"',
        "\\n is not a line break",
        "'\\n\\t\\$",
        "two\nlines",
        "it's\ntwo\n\nlines\n",
        "\\\n'",
        "`id`",
        "~/x",
        "~",
        "x:~",
        "!history",
        "*?[a]",
        "a;b&c|d<e>f(g)",
        "Grüße, 東京 🙂",
        "\u2028\u0085\x0b\x0c\x1c\x7f\x01",
        "\ufeff",
        "# <<< vendo\n",
        "X=1\nY=2",
        "export X",
        "=",
        "a=b=c",
    ],
)
def test_value_is_read_back_unchanged(value: str) -> None:
    expected = {"FIRST": value, "LAST": "end"}
    assert _read_back(expected) == (expected, expected)


# Mostly what is special to one of the two readers.
_PIECES = [*"'\"\\$`{}#~!:-=;&|<>()*?[] \n\tabn_é🙂", "${A}", "${A:-b}", "$A", "\\n", "\\'", "\n#"]
_SPECIAL = st.lists(st.sampled_from(_PIECES)).map("".join)
_WRITABLE = st.lists(st.sampled_from([piece for piece in _PIECES if piece != "`"])).map("".join)


@given(st.lists(_SPECIAL | st.text(), min_size=1, max_size=4))
@settings(deadline=None, max_examples=150)
@example(["\\'\"$", "${VENDO_NEVER_SET:-$}'"])
def test_any_text_is_read_back_unchanged_or_rejected(texts: list[str]) -> None:
    values = {}
    for number, text in enumerate(texts):
        try:
            assignment("A", Secret(text), multiline=True)
        except ValidationError:
            assert {"\0", "\r", "`"} & set(text) or any("\ud800" <= c <= "\udfff" for c in text)
        else:
            values[f"V{number}"] = text
    assert _read_back(values) == (values, values)


@given(st.dictionaries(st.sampled_from(["A", "B", "C"]), _WRITABLE))
@settings(deadline=None)
def test_block_is_parsed_as_it_was_rendered(values: dict[str, str]) -> None:
    lines = {
        name: assignment(name, Secret(value), multiline=True) for name, value in values.items()
    }
    text = render(Secret("FOREIGN=1\n"), _KEY, lines)
    parsed = parse(text)
    assert (parsed.foreign, parsed.key, parsed.lines) == ("FOREIGN=1\n", _KEY, lines)
    assert render(parsed.foreign, _KEY, parsed.lines) == text


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("a\0b", "a NUL character"),
        ("a\rb", "a carriage return"),
        ("a\ud800b", "half of a surrogate pair"),
        ("`'", "a backtick together with a quote"),
        ("`\\\\", "a backtick together with a quote"),
        ("`${HOME}", "a backtick together with a quote"),
        ("a\nLD_PRELOAD=/x.so", "a line break"),
    ],
)
def test_value_that_cannot_be_quoted_is_rejected_and_not_shown(value: str, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem) as caught:
        assignment("SECRET", Secret(f"sk-canary{value}"))
    assert "SECRET" in str(caught.value)
    assert "canary" not in f"{caught.value!r} {caught.value}"


@pytest.mark.parametrize("code", [10, 11, 12, 13, 28, 29, 30, 0x85, 0x2028, 0x2029])
def test_every_line_break_needs_permission(code: int) -> None:
    value = Secret(f"eu{chr(code)}LD_PRELOAD=/x.so")
    assert len(value.splitlines()) == 2
    with pytest.raises(ValidationError, match=r"REGION contains a") as caught:
        assignment("REGION", value)
    assert "x.so" not in f"{caught.value!r} {caught.value}"
    if code == 13:
        with pytest.raises(ValidationError, match="carriage return"):
            assignment("REGION", value, multiline=True)
    else:
        assert "multiline=['REGION']" in str(caught.value)
        assert _read_back({"REGION": value.reveal()})[0] == {"REGION": value.reveal()}


@given(st.text())
def test_value_without_permission_is_one_line_to_any_reader(text: str) -> None:
    try:
        line = assignment("A", Secret(text))
    except ValidationError:
        return
    assert len(line.splitlines()) == 1


def test_longest_value_is_what_one_variable_may_hold(tmp_path: Path) -> None:
    limit = 128 * 1024 - len("TOKEN=") - 1
    # Two bytes each: it is bytes that count.
    for text in ("x" * limit, "\u00e9" * (limit // 2)):
        (tmp_path / ".env").write_bytes(assignment("TOKEN", Secret(text)).encode())
        assert by_dotenv(tmp_path / ".env") == {"TOKEN": text}
    subprocess.run(["true"], env={"TOKEN": "x" * limit}, check=True)
    for text in ("x" * (limit + 1), "\u00e9" * (limit // 2 + 1)):
        with pytest.raises(ValidationError, match="TOKEN is longer than the 128 KiB"):
            assignment("TOKEN", Secret(text))


def test_value_is_quoted_only_if_it_has_to_be() -> None:
    assert assignment("K", Secret("sk-proj_A1.b/c:d@e")) == "K=sk-proj_A1.b/c:d@e"


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "A\n", "É", "A=B", 3, None])
def test_invalid_name_of_a_variable_is_rejected(name: object) -> None:
    with pytest.raises(ValidationError, match="name of a variable"):
        checked_name(name)
