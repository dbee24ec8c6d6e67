"""Any value comes back the same by python-dotenv and by a shell, or is refused."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.reading import by_dotenv, by_shell
from vendo import ValidationError
from vendo.reconciler._contents import parsed, rendered
from vendo.reconciler._quoting import assignment, checked_name

_KEY = "k" * 32


def _read_back(values: dict[str, str]) -> tuple[dict[str, str | None], dict[str, str | None]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ".env"
        lines = {name: assignment(name, value) for name, value in values.items()}
        path.write_bytes(rendered("", _KEY, lines).encode())
        return by_dotenv(path), by_shell(path, values)


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "plain-Value_1.2/3:4@5%6+7,8=9",
        "two words",
        "tab\there",
        "# no comment",
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
        "\\n is no line break",
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
def test_a_value_comes_back_as_it_was(value: str) -> None:
    expected = {"FIRST": value, "LAST": "end"}
    assert _read_back(expected) == (expected, expected)


# What is special to one of the two readers, more often than it is in any text.
_PIECES = [*"'\"\\$`{}#~!:-=;&|<>()*?[] \n\tabn_é🙂", "${A}", "${A:-b}", "$A", "\\n", "\\'", "\n#"]
_SPECIAL = st.lists(st.sampled_from(_PIECES)).map("".join)
_WRITABLE = st.lists(st.sampled_from([piece for piece in _PIECES if piece != "`"])).map("".join)


@given(st.lists(_SPECIAL | st.text(), min_size=1, max_size=4))
@settings(deadline=None, max_examples=150)
@example(["\\'\"$", "${VENDO_NEVER_SET:-$}'"])
def test_any_text_comes_back_or_is_refused(texts: list[str]) -> None:
    values = {}
    for number, text in enumerate(texts):
        try:
            assignment("A", text)
        except ValidationError:
            assert {"\0", "\r", "`"} & set(text) or any("\ud800" <= c <= "\udfff" for c in text)
        else:
            values[f"V{number}"] = text
    assert _read_back(values) == (values, values)


@given(st.dictionaries(st.sampled_from(["A", "B", "C"]), _WRITABLE))
@settings(deadline=None)
def test_a_block_is_taken_apart_as_it_was_put_together(values: dict[str, str]) -> None:
    lines = {name: assignment(name, value) for name, value in values.items()}
    text = rendered("FOREIGN=1\n", _KEY, lines)
    taken = parsed(text)
    assert (taken.foreign, taken.key, taken.lines) == ("FOREIGN=1\n", _KEY, lines)
    assert rendered(taken.foreign, _KEY, taken.lines) == text


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("a\0b", "a NUL character"),
        ("a\rb", "a carriage return"),
        ("a\ud800b", "half of a surrogate pair"),
        ("`'", "a backtick together with a quote"),
        ("`\\\\", "a backtick together with a quote"),
        ("`${HOME}", "a backtick together with a quote"),
    ],
)
def test_a_value_that_no_form_fits_is_refused_without_being_shown(value: str, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem) as caught:
        assignment("SECRET", f"sk-canary{value}")
    assert "SECRET" in str(caught.value)
    assert "canary" not in f"{caught.value!r} {caught.value}"


def test_what_needs_no_quotes_has_none_for_readers_that_know_none() -> None:
    assert assignment("K", "sk-proj_A1.b/c:d@e") == "K=sk-proj_A1.b/c:d@e"


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "A\n", "É", "A=B", 3, None])
def test_what_a_shell_takes_for_no_variable_is_refused(name: object) -> None:
    with pytest.raises(ValidationError, match="name of a variable"):
        checked_name(name)
