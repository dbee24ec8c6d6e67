"""Describe a name: its signature, its members, and the types that these name in turn."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import griffe

from support.public_api.names import Names, is_alias

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The special methods that callers use through syntax or a builtin.
_SPECIAL = frozenset(
    f"__{name}__"
    for name in (
        "call", "contains", "getitem", "iter", "len", "next", "enter", "aenter", "aiter", "anext",
    )
)  # fmt: skip
#: Modules that annotations name their types through, which says nothing to a caller.
_THROUGH = re.compile(r"\b(?:(?:vendo\.)?_types|_client|_tokens|optional)\.")
_NO_NAME = "met in the above, and not for import"


def described(package: str) -> str:
    """Return a section per module, then the types that have no public name."""
    names = Names(package)
    writer = _Writer(names)
    parts = []
    for module, own in names.of_module.items():
        lines = [line for name in own for line in writer.lines_of(module, name)]
        parts.append("\n".join([f"[{module}]", "", *lines]))
    unnamed = list(writer.lines_of_unnamed())
    if unnamed:
        parts.append("\n".join([f"[{_NO_NAME}]", "", *unnamed]))
    return "\n\n".join(parts) + "\n"


class _Writer:
    def __init__(self, names: Names) -> None:
        self._names = names
        #: The types without a public name that a signature names, by path.
        self._unnamed: dict[str, griffe.Object] = {}

    def lines_of(self, module: str, name: str) -> Iterator[str]:
        """Describe a public name; a second name of the same object refers to the first."""
        found = self._names[f"{module}.{name}"]
        first = self._names.public(found)
        if first == f"{module}.{name}":
            yield from self._object(found, name)
        else:
            yield f"{name}: {first}"

    def lines_of_unnamed(self) -> Iterator[str]:
        """Describe the unnamed types of all signatures so far, and those that these name."""
        lines: dict[tuple[str, str], list[str]] = {}
        while left := {(one.name, path) for path, one in self._unnamed.items()} - set(lines):
            for name, path in sorted(left):
                lines[name, path] = list(self._object(self._unnamed[path], name, is_unnamed=True))
        for key in sorted(lines):
            yield from lines[key]

    def _meet(self, annotation: griffe.Expr | str | None) -> None:
        for found in self._names.types_in(annotation):
            if self._names.public(found) is None:
                self._unnamed[found.path] = found

    def _object(
        self, named: griffe.Object, name: str, *, is_unnamed: bool = False
    ) -> Iterator[str]:
        if isinstance(named, griffe.Class):
            yield from self._class(named, name, is_unnamed=is_unnamed)
        elif isinstance(named, griffe.Function):
            yield from self._function(named, name)
        elif isinstance(named, griffe.Attribute):
            twin = self._names.twin(named)
            if twin is None:
                yield from self._attribute(named, name)
            else:
                yield from self._object(twin, name)

    def _class(self, cls: griffe.Class, name: str, *, is_unnamed: bool) -> Iterator[str]:
        bases = ", ".join(filter(None, map(self._base, cls.bases)))
        yield f"class {name}({bases})" if bases else f"class {name}"
        members = self._names.members(cls)
        constructor = members.get("__init__")
        made_of = constructor.parameters if isinstance(constructor, griffe.Function) else None
        if "dataclass" in cls.labels:
            made_of = cls.parameters
        if made_of is not None and not is_unnamed and not self._takes_unnamed(made_of):
            yield f"    {self._signature(made_of, is_bound=True)}"
        for key in sorted(members):
            if key in _SPECIAL or not key.startswith("_"):
                yield from (f"    {line}" for line in self._object(members[key], key))

    def _base(self, base: griffe.Expr | str) -> str | None:
        """Return a base that has a public name; the members of others count as the class's own."""
        found = self._names.type_of(base)
        return str(base) if found is None else self._names.public(found)

    def _takes_unnamed(self, parameters: griffe.Parameters) -> bool:
        """Return True if a required parameter has a type without a public name."""
        return any(
            self._names.public(found) is None
            for one in parameters
            if one.default is None
            for found in self._names.types_in(one.annotation)
        )

    def _function(self, function: griffe.Function, name: str) -> Iterator[str]:
        is_method = isinstance(function.parent, griffe.Class)
        is_bound = is_method and "staticmethod" not in function.labels
        word = "async def" if "async" in function.labels else "def"
        for one in function.overloads or [function]:
            self._meet(one.returns)
            signature = self._signature(one.parameters, is_bound=is_bound)
            yield f"{word} {name}{signature} -> {_shown(one.returns)}"

    def _signature(self, parameters: griffe.Parameters, *, is_bound: bool) -> str:
        kinds = griffe.ParameterKind
        texts = []
        has_star = False
        given = list(parameters)[is_bound:]
        for i, one in enumerate(given):
            self._meet(one.annotation)
            if one.kind is kinds.keyword_only and not has_star:
                texts.append("*")
            has_star |= one.kind in {kinds.keyword_only, kinds.var_positional}
            texts.append(self._parameter(one))
            is_last = i + 1 == len(given) or given[i + 1].kind is not kinds.positional_only
            if one.kind is kinds.positional_only and is_last:
                texts.append("/")
        return f"({', '.join(texts)})"

    def _parameter(self, one: griffe.Parameter) -> str:
        kinds = griffe.ParameterKind
        stars = "*" * (one.kind is kinds.var_positional) + "**" * (one.kind is kinds.var_keyword)
        text = f"{stars}{one.name}"
        if one.annotation is not None:
            text += f": {_shown(one.annotation)}"
        return text if one.default is None or stars else f"{text} = {self._value(one.default)}"

    def _value(self, default: griffe.Expr | str) -> str:
        """Return a default; for a constant, its value."""
        if isinstance(default, griffe.ExprName):
            try:
                constant = self._names[default.canonical_path]
            except KeyError:
                return str(default)
            if isinstance(constant, griffe.Attribute) and _is_constant(constant.value):
                return str(constant.value)
        return str(default)

    def _attribute(self, attribute: griffe.Attribute, name: str) -> Iterator[str]:
        annotation = attribute.annotation
        if is_alias(attribute):
            self._meet(attribute.value)
            yield f"type {name} = {attribute.value}"
        elif annotation is not None and str(annotation) != "Final":
            self._meet(annotation)
            word = "property " if "property" in attribute.labels else ""
            yield f"{word}{name}: {_shown(annotation)}"
        elif _is_constant(attribute.value):
            yield f"{name} = {attribute.value}"
        elif not isinstance(attribute.parent, griffe.Class):  # an attribute of a framework
            yield name


def _shown(annotation: griffe.Expr | str | None) -> str:
    """Return an annotation as a caller would write it."""
    return _THROUGH.sub("", str(annotation))


def _is_constant(value: griffe.Expr | str | None) -> bool:
    try:
        ast.literal_eval(str(value))
    except (ValueError, SyntaxError):
        return False
    return value is not None
