"""Code blocks of a Markdown page, with what a comment above them says of how to run them.

Every block of the pages at the top and below `docs/` is run as it stands, top to bottom, in one
folder a page: `python` as a program of its own, `sh` line by line, each line a command. `toml`,
`json`, `ini` and `dotenv` are parsed. A block runs in Vendo mode, with every provider connected,
unless it says otherwise. The hosts that programs name (Vendo's and the providers') answer on this
machine. Blocks of README.md run alone, with no variable and no network.

A comment such as `<!-- run: oss, raises NotConnected -->` on the line above a block, which readers
do not see, says otherwise. Its parts are separated by commas:

Where it runs
- `oss`: without an API key, with the conventional variable of every provider set.
- `bare`: without an API key, and nothing set.
- `with NAME=VALUE`, `without NAME`: a variable more or less, for this block.
- `continues`: a python block that goes on after the python block before it, in one program.

What becomes of it
- `file NAME`: the block is the text of that file (a path in the page's folder), and is not run by
  itself: the blocks below find the file, import it or start it. For any language.
- `raises NAME`: the program ends with that error.
- `exits N`: the last command, or the program, ends with that status (0 where nothing is said).
- `until stopped`: it goes on until it is interrupted: once it has printed something, or all that
  the block below a command expects.
- `in background`: a command that goes on to the end of the page, for the blocks below to talk to.
- `elsewhere`: commands that CI or another test runs, and that are not run here.
- `emit KIND NAME=VALUE ...`: while it runs, an event of that kind is sent to each event stream that
  it opens.
- `printed`: a `text` block that holds all that the block right above it printed. Commands are
  compared line by line. For a program white space and line breaks do not count, and an error that
  ended it is given without the traceback.

In expected output `...` stands for anything inside a line, and on a line of its own for any lines.
`export NAME=VALUE` and `cd FOLDER` in an `sh` block hold for the rest of the page. Commands that
install something are not run again; the extras they name have to exist.

What shows that a block works, and would only bore the reader, goes below it into a comment. It is
a python program that goes on after the python block above, or stands alone where there is none:

    <!-- check
    assert app.test_client().get("/").status_code == 200
    -->
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

ROOT = Path(__file__).parents[2]

_BLOCK = re.compile(
    r"(?:^ *<!-- run: (?P<how>[^\n]*?) -->\n+)?"
    r"^(?P<indent> *)```(?P<language>[a-z]+)[^\n]*\n(?P<text>.*?)^(?P=indent)```$"
    r"|^<!-- check\n(?P<check>.*?)^-->$",
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
        """Whether it is a program or commands, and runs where it stands."""
        runs = self.language in {"python", "sh"}
        return runs and not self.says("elsewhere") and self.option("file") is None

    def says(self, part: str) -> bool:
        """Whether the comment has a part that is just this."""
        return part in self.how

    def option(self, word: str) -> str | None:
        """What follows a word that begins a part of the comment; None without such a part."""
        return next(iter(self.options(word)), None)

    def options(self, word: str) -> list[str]:
        """What follows a word in each part of the comment that begins with it."""
        parts = (part.partition(" ") for part in self.how)
        return [rest.strip() for first, _, rest in parts if first == word]


def pages() -> list[Path]:
    """Every page of the manual, and the pages at the top of the project."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> list[Block]:
    """The blocks of a page, in order."""
    return blocks_of(page.read_text(encoding="utf-8"), page.relative_to(ROOT).as_posix())


def blocks_of(text: str, page: str) -> list[Block]:
    """The blocks of a text.

    Raises:
        AssertionError: a fence that does not end, a comment with no block below it or with a word
            that means nothing.
    """
    found: list[Block] = []
    fences = text.count("<!-- check\n") + len(re.findall(r"^ *```[a-z]", text, re.MULTILINE))
    matches = list(_BLOCK.finditer(text))
    assert len(matches) == fences, f"{page}: a block does not begin or end as it should"
    told = sum(1 for match in matches if match["how"])
    assert told == len(_COMMENT.findall(text)), f"{page}: a comment stands above no block"
    for match in matches:
        line = text.count("\n", 0, match.start("language") if match["language"] else match.start())
        how = [part.strip() for part in (match["how"] or "").split(",") if part.strip()]
        unknown = [part for part in how if part.partition(" ")[0] not in _WORDS]
        assert not unknown, f"{page}:{line}: nothing is known of {unknown}"
        if match["check"] is not None:
            how, language, body = ["continues"], "python", match["check"]
        else:
            indent, language = len(match["indent"]), match["language"]
            body = "".join(line[indent:] for line in match["text"].splitlines(keepends=True))
        block = Block(page, line + 1, language, body, how)
        if block.says("printed"):
            assert found, f"{block}: nothing above has printed it"
            assert body.strip(), f"{block}: nothing is expected"
            assert found[-1].is_run, f"{block}: nothing above has printed it"
            assert not found[-1].printed, f"{block}: the block above has its output already"
            found[-1] = replace(found[-1], printed=body)
        else:
            found.append(block)
    return found
