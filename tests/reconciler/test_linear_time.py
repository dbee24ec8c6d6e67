"""Values and files of any form take linear time.

Each text is so long that the square of its length is more steps than the whole test run has time
for, so that a quadratic step is not a matter of measuring.
"""

from __future__ import annotations

import pytest

from vendo import ValidationError
from vendo._protocol.secret import Secret
from vendo.reconciler._managed_block import disown, new_key, parse, render
from vendo.reconciler._quoting import assignment

KEY = "k" * 32
VALUES = [
    "${",
    "${a",
    "${:",
    "${:-",
    "${a:-b}",
    "$",
    "\\",
    "'",
    '"',
    "\\\\'",
    "\n'",
    "a",
    "é",
    "A='\n",
]
FILES = [
    f"# >>> vendo {KEY}\n",
    f"# <<< vendo {KEY}\n",
    f"# >>> vendo {KEY}\n# <<< vendo {KEY}\n",
    f"# >>> vendo {KEY}\n# >>> vendo {KEY}\n# <<< vendo {KEY}\n",
    f"# >>> vendo {'k' * 80}\n",
    "# >>> vendo ",
    "A=1\n",
    "A='\n",
    "A='x'y\n",
    'A="\n',
    'A="\\\n',
    'A="\\"',
    "A",
    "A=",
    "\n",
    "\r",
    "\\",
]


@pytest.mark.parametrize("unit", VALUES)
def test_value_of_any_form_takes_linear_time(unit: str) -> None:
    value = Secret((unit * 131_000)[: 131_000 // len(unit.encode()[:4])])
    try:
        line = assignment("TOKEN", value, multiline=True)
    except ValidationError:
        line = Secret("TOKEN=1")
    key = new_key()
    text = render(Secret(""), key, {"TOKEN": line})
    assert parse(text).lines == {"TOKEN": line}


@pytest.mark.parametrize("inside", [False, True], ids=["outside", "inside"])
@pytest.mark.parametrize("unit", FILES)
def test_file_of_any_form_takes_linear_time(unit: str, *, inside: bool) -> None:
    text = unit * (1024 * 1024 // len(unit))
    if inside:
        own = "o" * 32
        text = f"# >>> vendo {own}\n{text}\n# <<< vendo {own}\n"
    foreign = disown(parse(Secret(text)), lambda _name, _line: False).foreign
    assert parse(render(foreign, new_key(), {})).lines == {}
