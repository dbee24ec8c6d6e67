"""Find the public names of a package in its sources.

Nothing is imported: the result does not depend on the Python version or installed frameworks.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import griffe

if TYPE_CHECKING:
    from collections.abc import Iterator

    Named = griffe.Object | griffe.Alias

#: Objects that a project names by path, in settings or URLs, and no `__all__` has.
NAMED_BY_PATH = {
    "vendo_django": (
        "vendo_django.backends.VendoIdentityBackend",
        "vendo_django.mail.EmailBackend",
        "vendo_django.middleware.VendoIdentityMiddleware",
        "vendo_django.middleware.VendoMiddleware",
    ),
}


class Names:
    """The names of one package, and the types that its annotations mean."""

    def __init__(self, package: str) -> None:
        loader = griffe.GriffeLoader(search_paths=[_folder("vendo")], allow_inspection=False)
        for name in ("vendo", package):
            loader.load(name, submodules=True)
        loader.resolve_aliases(external=False)
        self._collection = loader.modules_collection
        self._packages = {"vendo", package}
        #: Module -> its public names, in order.
        self.of_module: dict[str, list[str]] = {}
        #: The path of a definition -> the first public name it has.
        self._public: dict[str, str] = {}
        for name in sorted(self._packages):
            for module in _public_modules(self._collection[name]):
                names = sorted(str(export) for export in module.exports or ())
                for one in names:
                    if not module[one].is_module and one != "__version__":
                        self._add(module.path, one, is_listed=name == package)
        for path in NAMED_BY_PATH.get(package, ()):
            home, _, one = path.rpartition(".")
            self._add(home, one, is_listed=True)

    def _add(self, module: str, name: str, *, is_listed: bool) -> None:
        self._public.setdefault(self[f"{module}.{name}"].path, f"{module}.{name}")
        if is_listed:
            self.of_module.setdefault(module, []).append(name)

    def __getitem__(self, path: str) -> griffe.Object:
        """Return the definition at a path; KeyError if these packages have none."""
        try:
            found = self._collection[path]
            return found.final_target if isinstance(found, griffe.Alias) else found
        except griffe.AliasResolutionError:  # it is another package's
            raise KeyError(path) from None

    def public(self, definition: griffe.Object) -> str | None:
        """Return the name under which it can be imported, or None."""
        return self._public.get(definition.path)

    def types_in(self, annotation: griffe.Expr | str | None) -> Iterator[griffe.Object]:
        """Return the classes and aliases of these packages that an annotation names."""
        if annotation is None or isinstance(annotation, str):
            return
        for part in annotation.iterate(flat=True):
            found = self.type_of(part) if isinstance(part, griffe.ExprName) else None
            if found is not None:
                yield found

    def type_of(self, name: griffe.Expr | str) -> griffe.Object | None:
        """Return the class or alias of a name, if it belongs to these packages."""
        path = name if isinstance(name, str) else name.canonical_path
        if path.partition(".")[0] not in self._packages:
            return None
        try:
            found = self[path]
        except KeyError:
            return None
        if isinstance(found, griffe.Attribute) and is_alias(found):
            return None if str(found.value) == "Any" else found
        return found if isinstance(found, griffe.Class) else None

    def members(self, cls: griffe.Class) -> dict[str, griffe.Object]:
        """Return the members of a class, and those of its bases without a public name."""
        members: dict[str, griffe.Object] = {}
        for base in reversed(cls.bases):
            found = self.type_of(base)
            if isinstance(found, griffe.Class) and self.public(found) is None:
                members.update(self.members(found))
        for name, member in cls.members.items():
            members[name] = member.final_target if isinstance(member, griffe.Alias) else member
        return members

    def twin(self, attribute: griffe.Attribute) -> griffe.Object | None:
        """Return the client's member that a module name refers to: `token = _client.token`."""
        value = attribute.value
        if not isinstance(value, griffe.ExprAttribute) or len(value.values) != 2:
            return None
        try:
            client = self[value.canonical_path.rpartition(".")[0]]
        except KeyError:
            return None
        cls = self._type_of_value(client)
        return self.members(cls).get(str(value.values[1])) if cls is not None else None

    def _type_of_value(self, named: griffe.Object) -> griffe.Class | None:
        if not isinstance(named, griffe.Attribute):
            return None
        kind = named.annotation
        if kind is None and isinstance(named.value, griffe.ExprCall):
            made_by = self[named.value.canonical_path]
            kind = made_by.returns if isinstance(made_by, griffe.Function) else None
        found = self.type_of(kind) if kind is not None else None
        return found if isinstance(found, griffe.Class) else None


def is_alias(attribute: griffe.Attribute) -> bool:
    """True for `Name: TypeAlias = …`."""
    return str(attribute.annotation).endswith("TypeAlias")


def _public_modules(module: griffe.Module) -> Iterator[griffe.Module]:
    if module.exports is not None:
        yield module
    for name, member in sorted(module.members.items()):
        if isinstance(member, griffe.Module) and not name.startswith("_"):
            yield from _public_modules(member)


def _folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise LookupError(f"{package} is not installed")
    return Path(spec.origin).parents[1]
