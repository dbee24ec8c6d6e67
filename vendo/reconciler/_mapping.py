"""Check `mapping=`: from the variables of the env file to the sources of their values."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeGuard

from vendo._config.slugs import checked_slug
from vendo._protocol.log import logger
from vendo._protocol.models import EnvBootstrap, EnvVar
from vendo.errors import ValidationError, invalid
from vendo.reconciler._quoting import checked_name
from vendo.reconciler._steering import may_name

#: Names of the platform for the credential itself.
_CREDENTIAL: Final = frozenset(
    {
        *("access_token", "token", "credential.access_token"),
        *("credential.bot_token", "credential.api_key"),
    }
)
#: Fields of a connection that are values.
_FIELDS: Final = frozenset({"api_key", "base_url", "display_name", "external_id", "id"})
#: Fields of a connection that are mappings of values.
_OBJECTS: Final = frozenset({"context", "credential", "metadata"})


@dataclass(frozen=True, slots=True)
class Source:
    """The source of a value.

    Attributes:
        slug: the provider.
        path: empty for the credential, else the path of a field of its connection, such as
            `("context", "ref")`.
    """

    slug: str
    path: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ".".join((self.slug, *self.path))


#: A function of the caller that returns a value: a text, or None.
Function: TypeAlias = Callable[[], object]


def sources_of(mapping: object) -> dict[str, Source | Function]:
    """Return the sources by variable, in the order of the mapping.

    Raises:
        ValidationError: the mapping, a variable, a slug or a field is malformed.
    """
    if not isinstance(mapping, Mapping):
        raise invalid(
            "mapping= must be a mapping or a function that returns one, not a value of type "
            f"{type(mapping).__name__}.",
            fix="Write mapping={'OPENAI_API_KEY': 'openai'}, or use the mapping of "
            "catalog_default().",
        )
    sources: dict[str, Source | Function] = {}
    # What the caller names comes first: a backend does not replace it.
    for name, source in _rows(sorted(mapping.items(), key=lambda row: not _is_own(row[1]))):
        if sources.setdefault(name, source) != source:
            logger.warning("An env_bootstrap names %s too, which stays %s.", name, sources[name])
    return sources


def multiline_of(names: object, known: Collection[str] | None) -> frozenset[str]:
    """Return the variables of `multiline=`.

    `known` are the variables of the mapping, or None if a function returns them.

    Raises:
        ValidationError: it is not a collection of variables of the mapping.
    """
    if isinstance(names, str | bytes) or not isinstance(names, Collection):
        raise invalid(
            f"multiline= must be a collection of variables, not a value of type "
            f"{type(names).__name__}.",
            fix="Write multiline=['PRIVATE_KEY'].",
        )
    for name in names:
        checked_name(name)
        if known is not None and name not in known:
            raise invalid(
                f"multiline= names {name[:80]}, which is not a variable of mapping=.",
                fix=f"Remove {name[:80]} from multiline=, or add it to the mapping.",
            )
    return frozenset(names)


def source_at(slug: str, value_from: str) -> Source | None:
    """Return the source for `value_from` of a connection, or None if it is not a known field."""
    path = tuple(value_from.split("."))
    if value_from in _CREDENTIAL:
        return Source(slug)
    if value_from == "credential.vendo_sk":  # the key that is locked to the connection
        return Source(slug, ("api_key",))
    is_field = len(path) == 1 and path[0] in _FIELDS
    is_inside = len(path) > 1 and path[0] in _OBJECTS and all(path)
    return Source(slug, path) if is_field or is_inside else None


def chosen_by_backend(slug: str, variable: EnvVar) -> tuple[str, Source] | None:
    """Return a variable that an `env_bootstrap` names and its source, or log why it is left out."""
    try:
        name = checked_name(variable.name)
    except ValidationError:
        logger.warning(
            "The env_bootstrap of %s names %r, which is not the name of a variable.",
            slug,
            variable.name[:80],
        )
        return None
    source = source_at(slug, variable.value_from)
    if source is None:
        # A newer platform may have sources that this version does not know.
        logger.warning("A variable of %s has a source that this version does not know.", slug)
        return None
    return (name, source) if may_name(slug, name, source.path) else None


def _is_function(value: object) -> TypeGuard[Function]:
    return callable(value) and not isinstance(value, Mapping)


def _is_own(value: object) -> bool:
    """Return whether the caller names the variable of this value."""
    return isinstance(value, str) or _is_function(value)


def _rows(rows: Iterable[tuple[object, object]]) -> Iterator[tuple[str, Source | Function]]:
    """Yield the variables: those that the caller names, and those of each `env_bootstrap`."""
    for key, value in rows:
        if _is_function(value):
            name = checked_name(key)
            if inspect.iscoroutinefunction(value):
                raise invalid(
                    f"mapping= has a coroutine function for {name}.",
                    fix="Write a function that returns the value.",
                )
            yield name, value
        elif isinstance(value, str):
            slug, dot, value_from = value.partition(".")
            slug = checked_slug(slug)
            yield checked_name(key), _source(slug, value_from) if dot else Source(slug)
        else:
            # An `env_bootstrap`: the key is the slug.
            slug = checked_slug(key)
            for variable in _bootstrap(slug, value):
                chosen = chosen_by_backend(slug, variable)
                if chosen is not None:
                    yield chosen


def _source(slug: str, value_from: str) -> Source:
    source = source_at(slug, value_from)
    if source is None:
        raise invalid(
            f"mapping= names {value_from[:80]!r} of {slug}, which is not a field of a connection.",
            slug=slug,
            fix=f"Write {slug!r} for the credential, or one of "
            f"{', '.join(sorted(f'{slug}.{field}' for field in _FIELDS))}, "
            f"{', '.join(sorted(f'{slug}.{name}.<name>' for name in _OBJECTS))}.",
        )
    return source


def _bootstrap(slug: str, value: object) -> tuple[EnvVar, ...]:
    if isinstance(value, EnvBootstrap):
        return value.vars
    rows: Any = value.get("vars") if isinstance(value, Mapping) else None
    if isinstance(rows, list | tuple):
        try:
            variables = tuple(EnvVar(row["name"], row["value_from"]) for row in rows)
        except (TypeError, KeyError):
            variables = None
        if variables is not None and all(isinstance(v.value_from, str) for v in variables):
            return variables
    raise invalid(
        f"mapping= has a value for {slug} that is not a text, a function or an env_bootstrap.",
        slug=slug,
        fix="Write {'OPENAI_API_KEY': 'openai'}, or {'openai': connection.env_bootstrap}.",
    )
