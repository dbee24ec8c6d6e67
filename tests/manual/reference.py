"""What the pages of the reference show: their `::: name` lines, and the docstrings behind these.

An example in a docstring is a program that runs as it is:

    Example:
        ```python
        import vendo

        print(len(vendo.token("openai")))
        ```

It runs in Vendo mode, with every provider connected. While it reads a stream of events, it gets an
event of `openai` again and again. If it defines a function whose name begins with `test_`, pytest
runs it.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import griffe
import yaml

from manual.blocks import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

_ERROR = "vendo.errors.VendoError"
_ENTRY = re.compile(r"^::: (\S+)\n((?:    .*\n)*)", re.MULTILINE)
_FENCE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Entry:
    """A `::: name` line of the reference, and what its options select."""

    name: str
    members: tuple[str, ...] | None
    inherited: bool

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Documented:
    """A function, a class or an attribute of the reference, under its public name."""

    name: str
    target: Any
    #: The class that it belongs to.
    owner: Documented | None = None

    @property
    def is_function(self) -> bool:
        return bool(self.target.is_function)

    @property
    def is_class(self) -> bool:
        return bool(self.target.is_class)

    @property
    def sections(self) -> dict[str, Any]:
        """The sections of the docstring by kind; that of an example is `example`."""
        found = {}
        if self.target.docstring is not None:
            for section in self.target.docstring.parse("google"):
                kind = section.kind.value
                found[section.value.kind if kind == "admonition" else kind] = section.value
        return found

    @property
    def parameters(self) -> list[str]:
        """The parameters of the function, or of the constructor of the class."""
        return [each.name for each in self.target.parameters if each.name not in {"self", "cls"}]

    @property
    def described(self) -> list[str]:
        """The parameters that the docstring describes."""
        return [row.name.lstrip("*") for row in self.sections.get("parameters", ())]

    @property
    def attributes(self) -> list[str]:
        """The attributes that the docstring describes."""
        return [row.name for row in self.sections.get("attributes", ())]

    @property
    def is_dataclass(self) -> bool:
        """Whether it is a dataclass: its attributes are described, and not its parameters."""
        return self.is_class and "dataclass" in self.target.labels

    @property
    def is_error(self) -> bool:
        return self.is_class and any(base.path == _ERROR for base in self.bases)

    @property
    def bases(self) -> list[Any]:
        """The class itself, and its base classes in these packages."""
        return [self.target, *self.target.mro()]

    @property
    def programs(self) -> list[str]:
        """The code of its examples."""
        example = self.sections.get("example")
        return [] if example is None else _FENCE.findall(example.contents + "\n")


@cache
def entries() -> list[Entry]:
    """Return the `::: name` lines of all pages of the reference."""
    found = []
    for page in sorted((ROOT / "docs" / "reference").glob("*.md")):
        for name, text in _ENTRY.findall(page.read_text(encoding="utf-8")):
            given = yaml.safe_load(textwrap.dedent(text)) or {}
            options = given.get("options", {})
            members = options.get("members")
            found.append(
                Entry(
                    name,
                    None if members is None else tuple(members),
                    bool(options.get("inherited_members")),
                )
            )
    return found


def module_of(name: str) -> str:
    """Return the public module of a name of the reference: `vendo.sso` of `vendo.sso.is_enabled`.

    A name of a private module belongs to the package.
    """
    found = _collection()
    parts = name.split(".")
    module = parts[0]
    for part in parts[1:]:
        if part.startswith("_") or not _target(found[f"{module}.{part}"]).is_module:
            break
        module = f"{module}.{part}"
    return module


def exported(module: str) -> list[str]:
    """Return the functions and classes of a module's `__all__`, each with its own path."""
    found = _collection()[module]
    targets = (
        _target(found.members[name]) for name in found.exports or () if name in found.members
    )
    return [target.path for target in targets if target.is_function or target.is_class]


def documented(entry: Entry) -> list[Documented]:
    """Return everything that one line of the reference shows, in the order of the source."""
    return list(_shown(entry.name, _target(_collection()[entry.name]), entry))


def _shown(
    name: str, target: Any, entry: Entry, owner: Documented | None = None
) -> Iterator[Documented]:
    if target.is_module:
        public = entry.members or target.exports or ()
        members = {each: target.members[each] for each in target.members if each in public}
    else:
        owner = Documented(name, target, owner)
        yield owner
        if not target.is_class:
            return
        members = target.all_members if entry.inherited else target.members
        if entry.members is not None:
            members = {each: members[each] for each in entry.members}
    for each, member in members.items():
        found = _target(member)
        is_selected = entry.members is not None or not each.startswith("_")
        if is_selected and not found.is_module:
            yield from _shown(f"{name}.{each}", found, entry, owner)


def _target(found: Any) -> Any:
    return found.final_target if found.is_alias else found


@cache
def _collection() -> Any:
    loader = griffe.GriffeLoader()
    for package in sorted({entry.name.partition(".")[0] for entry in entries()}):
        loader.load(package)
    loader.resolve_aliases()
    return loader.modules_collection
