"""Code blocks of a Markdown page, and the comments above them that say how to run them.

Every block of the pages at the top and below `docs/` runs unchanged, top to bottom, in one folder
for each page: `python` as a program, `sh` line by line, each line a command. `toml`, `json`, `ini`
and `dotenv` are parsed. A block runs in Vendo mode, with every provider connected. The hosts that
programs use (Vendo's and the providers') are served on this machine. Blocks of README.md run alone,
without variables and network.

A comment such as `<!-- run: oss, raises NotConnected -->` on the line above a block changes that.
Readers do not see it. Its parts are separated by commas:

Where it runs
- `oss`: without an API key, with the conventional variable of every provider set.
- `bare`: without an API key, and nothing set.
- `with NAME=VALUE`, `without NAME`: set or unset a variable for this block.
- `continues`: append this python block to the program of the python block before it.

What it does
- `file NAME`: the block is the text of that file (a path in the page's folder), in any language. It
  does not run; the blocks below import or start the file.
- `raises NAME`: the program ends with that error.
- `exits N`: the last command, or the program, ends with that status (default: 0).
- `until stopped`: interrupt it once it has printed something, or everything that the block below a
  command expects.
- `in background`: keep a command running to the end of the page, for the blocks below to use.
- `elsewhere`: CI or another test runs these commands; they do not run here.
- `emit KIND NAME=VALUE ...`: while it runs, send an event of that kind to each event stream that it
  opens.
- `printed`: a `text` block with everything that the block above it printed. The output of commands
  is compared line by line. For a program, white space and line breaks do not count, and an error
  is shown without its traceback.

In expected output `...` matches anything in a line, and any lines if it is a line of its own.
`export NAME=VALUE` and `cd FOLDER` in an `sh` block apply to the rest of the page. Commands that
install packages do not run; the extras that they name must exist.

A comment below a block can check that it works, without boring the reader. It is a python program
that continues the python block above it, or runs alone if there is none:

    <!-- check
    assert app.test_client().get("/").status_code == 200
    -->

A block that readers do not need can be such a comment as a whole, with its language. It is like the
same block in a fence. So a page can show a message without the program that prints it:

    <!-- run python: bare, raises NotConnected
    import vendo

    vendo.token("opnai")
    -->

    <!-- run: printed -->
    ```text
    vendo.errors.NotConnected: No credential for 'opnai': ...
    ```
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

ROOT = Path(__file__).parents[2]

_BLOCK = re.compile(
    r"(?:^ *<!-- run: (?P<how>[^\n]*?) -->\n+)?"
    r"^(?P<indent> *)```(?P<language>[a-z]+)[^\n]*\n(?P<text>.*?)^(?P=indent)```$"
    r"|^<!-- check\n(?P<check>.*?)^-->$"
    r"|^<!-- run (?P<hidden_language>[a-z]+):(?P<hidden_how>[^\n]*)\n(?P<hidden>.*?)^-->$",
    re.MULTILINE | re.DOTALL,
)
_COMMENT = re.compile(r"^ *<!-- run: ", re.MULTILINE)

_WORDS = frozenset(
    {
        *("oss", "bare", "with", "without", "continues"),
        *("file", "raises", "exits", "until", "in", "elsewhere", "emit", "printed"),
    }
)


@dataclass(frozen=True)
class Block:
    """One fenced block, or a check below one."""

    page: str
    line: int
    language: str
    text: str
    how: list[str] = field(default_factory=list)
    printed: str = ""  # the text of the `printed` block below it

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def is_run(self) -> bool:
        """Whether it is a program or commands, and runs itself."""
        runs = self.language in {"python", "sh"}
        return runs and not self.says("elsewhere") and self.option("file") is None

    def says(self, part: str) -> bool:
        """Return whether the comment has exactly this part."""
        return part in self.how

    def option(self, word: str) -> str | None:
        """Return the text after a word in the first part that begins with it, or None."""
        return next(iter(self.options(word)), None)

    def options(self, word: str) -> list[str]:
        """Return the text after a word in each part of the comment that begins with it."""
        parts = (part.partition(" ") for part in self.how)
        return [rest.strip() for first, _, rest in parts if first == word]


def pages() -> list[Path]:
    """Return every page of the manual and those at the top of the project."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page, in order."""
    return blocks_of(page.read_text(encoding="utf-8"), page.relative_to(ROOT).as_posix())


def blocks_of(text: str, page: str) -> list[Block]:
    """Return the blocks of a text.

    Raises:
        AssertionError: a fence does not end, or a comment has no block below it or an unknown word.
    """
    found: list[Block] = []
    fences = len(re.findall(r"^ *```[a-z]|^<!-- check$|^<!-- run [a-z]+:", text, re.MULTILINE))
    matches = list(_BLOCK.finditer(text))
    assert len(matches) == fences, f"{page}: a fence does not begin or end as it should"
    commented = sum(1 for match in matches if match["how"])
    assert commented == len(_COMMENT.findall(text)), f"{page}: a comment has no block below it"
    for match in matches:
        line = text.count("\n", 0, match.start("language") if match["language"] else match.start())
        parts = match["how"] or match["hidden_how"] or ""
        how = [part.strip() for part in parts.split(",") if part.strip()]
        unknown = [part for part in how if part.partition(" ")[0] not in _WORDS]
        assert not unknown, f"{page}:{line}: unknown words in the comment: {unknown}"
        if match["check"] is not None:
            how, language, body = ["continues"], "python", match["check"]
        elif match["hidden"] is not None:
            language, body = match["hidden_language"], match["hidden"]
        else:
            indent, language = len(match["indent"]), match["language"]
            body = "".join(line[indent:] for line in match["text"].splitlines(keepends=True))
        block = Block(page, line + 1, language, body, how)
        if block.says("printed"):
            assert found, f"{block}: no program or command above it"
            assert body.strip(), f"{block}: the expected output is empty"
            assert found[-1].is_run, f"{block}: no program or command above it"
            assert not found[-1].printed, f"{block}: the block above has expected output already"
            found[-1] = replace(found[-1], printed=body)
        else:
            found.append(block)
    return found
