"""Every code block of the manual runs unchanged, with the hosts that it uses."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from manual.blocks import ROOT, blocks, blocks_of, pages
from manual.reader import Reader
from support.internet import internet
from vendo._catalog import catalog
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from manual.blocks import Block

README = ROOT / "README.md"
#: Its blocks run with the packages of all providers: see tests/sdks.
PROVIDER_SDKS = ROOT / "docs" / "provider-sdks.md"
#: Its blocks need packages that no other page does.
COMPANIONS = ROOT / "docs" / "companions.md"


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """A reader with an empty folder, every provider connected, and three environments."""
    slugs = catalog.slugs()
    folder = tmp_path / "reader"
    folder.mkdir()
    # The heartbeat notices a stream whose program has ended.
    backend = LocalVendo(connections=dict.fromkeys(slugs), heartbeat=0.1)
    with backend as server, internet(server) as net:
        base = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "LANG": "C.UTF-8",
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "NO_COLOR": "1",
            **net.environment,
        }
        oss = {
            variable: server.token(slug)
            for slug in slugs
            for variable in catalog.env_vars(slug)[:1]
        }
        vendo = {
            "VENDO_API_KEY": server.api_key,
            "VENDO_WEBHOOK_SECRET": server.environment()["VENDO_WEBHOOK_SECRET"],
        }
        environments = {"bare": base, "oss": {**base, **oss}, "vendo": {**base, **vendo}}
        with Reader(server, environments, folder) as reader:
            yield reader
        server.reset()  # end event streams now, not at their next heartbeat


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(
            page,
            id=page.relative_to(ROOT).as_posix(),
            marks=[pytest.mark.companions] if page == COMPANIONS else [],
        )
        for page in pages()
        if page not in {README, PROVIDER_SDKS}
    ],
)
def test_every_block_of_a_page_runs(page: Path, reader: Reader) -> None:
    for block in blocks(page):
        reader.read(block)


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Reader]:
    """A reader with an empty folder, no key, no variables, and only the loopback network."""
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.defpath}"}
    program = ROOT / "tests" / "support" / "newcomer.py"
    python = (sys.executable, "-u", "-P", "-W", "error", str(program))
    with Reader(LocalVendo(), {"vendo": environment}, tmp_path, python) as reader:
        yield reader


@pytest.mark.parametrize("block", blocks(README), ids=str)
def test_each_readme_block_runs_alone_without_key_and_network(
    block: Block, newcomer: Reader
) -> None:
    other = [part for part in block.how if not part.startswith(("raises ", "elsewhere"))]
    assert other == []
    newcomer.read(block)


IN_ONE_INTERPRETER = """
for text in {texts!r}:
    try:
        exec(text, globals())
    except Exception as error:
        print(f"{{type(error).__module__}}.{{type(error).__name__}}: {{error}}")
"""


def test_the_readme_blocks_run_in_one_interpreter(
    newcomer: Reader,
) -> None:
    python = [block for block in blocks(README) if block.language == "python"]
    program = IN_ONE_INTERPRETER.format(texts=[block.text for block in python])
    printed = "".join(block.printed for block in python)
    _read(f"```python{program}```\n\n<!-- run: printed -->\n```text\n{printed}```\n", newcomer)


@pytest.mark.parametrize(
    "program",
    [
        "import urllib.request\nurllib.request.urlopen('http://192.0.2.1')",
        "import socket\nsocket.create_connection(('vendo.run', 443))",
        "import aiohttp",
        "import os\nos.environ['HTTPS_PROXY']",
        "import vendo\nvendo.token('openai')",
    ],
)
def test_a_newcomer_has_no_network_extra_or_variable(program: str, newcomer: Reader) -> None:
    with pytest.raises(AssertionError, match="Traceback"):
        _read(f"```python\n{program}\n```\n", newcomer)


RIGHT = """
<!-- run: file lib/tool.py -->
```python
WORD = "hello"
```

```python
from lib.tool import WORD

print(WORD, "there")
```

<!-- run: printed -->
```text
hello
there
```

<!-- check
assert WORD == "hello"
-->

<!-- run: oss, without OPENAI_API_KEY, with TOOL=hammer, exits 3 -->
```sh
# a remark
export GREETING="good day"
echo "$GREETING, $TOOL"  # another
test -z "$VENDO_API_KEY$OPENAI_API_KEY" \\
    && printf 'a\\nb\\nc\\n'
exit 3
```

<!-- run: printed -->
```text
good day, ham...
a
...
```

```sh
cd lib
test "$GREETING" = "good day" && ls *.py
```

<!-- run: printed -->
```text
tool.py
```

<!-- run: elsewhere -->
```sh
rm -rf lib  # does not run
```

<!-- run: raises vendo.errors.NotConnected, bare -->
```python
import vendo

vendo.token("openai")
```

<!-- run: printed -->
```text
vendo.errors.NotConnected: No credential
for 'openai': ...
```

<!-- run: in background -->
```sh
echo started; sleep 600
```

<!-- run: printed -->
```text
started
```

<!-- run: until stopped -->
```python
import time

print("on and on")
time.sleep(600)
```

<!-- run: until stopped -->
```sh
echo one; sleep 0.1; echo two; sleep 600
```

<!-- run: printed -->
```text
one
two
```

<!-- run: emit billing.cap_warned window=daily -->
```python
import vendo

with vendo.events.subscribe() as events:
    print(next(events).data["window"])
```

<!-- run: printed -->
```text
daily
```

<!-- run ini: file hidden.ini
[tool]
word = hello
-->

<!-- run python: bare, raises NotConnected
import configparser

import vendo

words = configparser.ConfigParser()
assert words.read("hidden.ini")
vendo.token(words["tool"]["word"])
-->

<!-- run: printed -->
```text
vendo.errors.NotConnected: No credential for 'hello': ...
```

<!-- run sh: exits 3
exit 3
-->

1. In a list:

   ```toml
   name = "value"
   ```
"""


#: The expected output of the block above.
PRINTED = """
<!-- run: printed -->
```text
{}
```
"""


def test_a_page_runs_as_its_comments_say(reader: Reader) -> None:
    _read(RIGHT, reader)


@pytest.mark.parametrize(
    "page",
    [
        "```python\nimport no_such_module\n```\n",
        "```python\nimport warnings\n\nwarnings.warn('old')\n```\n",
        "<!-- run: raises KeyError -->\n```python\nraise ValueError\n```\n",
        "<!-- run: raises KeyError -->\n```python\npass\n```\n",
        "<!-- run: file a.py -->\n```python\ndef\n```\n",
        "```python\nn = 1\n```\n\n<!-- check\nassert n == 2\n-->\n",
        "```sh\necho 1\n```\n" + PRINTED.format("2"),
        "```sh\necho 1; echo 2\n```\n" + PRINTED.format("1"),
        "```sh\necho 1; echo 2\n```\n" + PRINTED.format("1 2"),
        "```sh\necho 1\necho 2\n```\n" + PRINTED.format("2"),
        "```sh\nexit 1\n```\n",
        "```sh\nfalse\ntrue\n```\n",
        "<!-- run: exits 1 -->\n```sh\nexit 2\n```\n",
        "<!-- run: exits 1 -->\n```sh\nfalse\ntrue\n```\n",
        "<!-- run: until stopped -->\n```sh\ntrue\n```\n",
        "<!-- run: until stopped -->\n```sh\necho 1\n```\n" + PRINTED.format("2"),
        "```sh\ncd nowhere\n```\n",
        '```sh\npip install "vendo-sdk[nosuch]"\n```\n',
        '<!-- run: elsewhere -->\n```sh\npip install -e ".[nosuch]"\n```\n',
        "```sh\n$ true\n```\n",
        "<!-- run: elsewhere -->\n```sh\n$ true\n```\n",
        "```python\nprint(1)\n```\n" + PRINTED.format("2"),
        "```python\nprint(1)\n```\n" + PRINTED.format("1") + PRINTED.format("1"),
        "```python\nprint()\n```\n" + PRINTED.format(""),
        "```json\n1\n```\n" + PRINTED.format("1"),
        PRINTED.format("1"),
        "```json\n{\n```\n",
        "```dotenv\nname value\n```\n",
        "```cobol\nSTOP RUN.\n```\n",
        "```python\npass\n",
        "<!-- run: quickly -->\n```python\npass\n```\n",
        "<!-- run: oss -->\n\nNo block.\n",
        "<!-- run python: raises KeyError\npass\n-->\n",
        "<!-- run sh:\nexit 1\n-->\n",
        "<!-- run sh:\necho 1\n-->\n" + PRINTED.format("2"),
        "<!-- run python: quickly\npass\n-->\n",
        "<!-- run python:\npass\n",
    ],
)
def test_an_invalid_page_fails(reader: Reader, page: str) -> None:
    with pytest.raises((AssertionError, SyntaxError, ValueError)):
        _read(page, reader)


def _read(page: str, reader: Reader) -> None:
    for block in blocks_of(page, "docs/page.md"):
        reader.read(block)
