"""Fields of pydantic-settings that take their value from vendo.

    class Settings(BaseSettings):
        openai: Annotated[SecretStr, FromVendo("openai")]

pydantic-settings is imported by `vendo_settings_source` alone: it may not be installed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

import vendo
from vendo import web
from vendo.web import optional


@dataclass(frozen=True, slots=True)
class FromVendo:
    """Mark a field as the credential of a provider: `Annotated[SecretStr, FromVendo("openai")]`.

    The class needs `vendo_settings_source` among its sources. Fields of nested models are left out.

    Attributes:
        slug: the provider.

    Raises:
        ValidationError: the slug is malformed.

    Example:
        ```python
        from typing import Annotated

        from pydantic import SecretStr
        from pydantic_settings import BaseSettings

        from vendo_starlette import FromVendo, vendo_settings_source

        class Settings(BaseSettings):
            openai: Annotated[SecretStr, FromVendo("openai")]

            @classmethod
            def settings_customise_sources(cls, settings_cls, **sources):
                return *sources.values(), vendo_settings_source(settings_cls)

        print(Settings().openai)
        ```
    """

    slug: web.Slug | str

    def __post_init__(self) -> None:
        object.__setattr__(self, "slug", web.checked_slug(self.slug))


def vendo_settings_source(
    settings_cls: type[optional.pydantic_settings.BaseSettings],
) -> optional.pydantic_settings.PydanticBaseSettingsSource:
    """Make the source of the fields that are marked with `FromVendo`. Both modes.

    Return it last from `settings_customise_sources`: arguments, variables and files then win, and
    nothing is fetched for a field that they set. Fields without a default take one request
    together, each other one takes one of its own. Without a credential a field has its default, or
    is missing. Every other error of `vendo.token` is raised when the settings are made. A value
    stays the same for the life of the settings, so it is for API keys: a token that expires belongs
    in a session.

    Args:
        settings_cls: the class of the settings. Its marked fields are of the type `SecretStr`.

    Returns:
        A source for pydantic-settings.

    Raises:
        ImportError: pydantic-settings is not installed.

    Example:
        ```python
        from typing import Annotated

        from pydantic import SecretStr
        from pydantic_settings import BaseSettings

        from vendo_starlette import FromVendo, vendo_settings_source

        class Settings(BaseSettings):
            stripe: Annotated[SecretStr | None, FromVendo("stripe")] = None

            @classmethod
            def settings_customise_sources(cls, settings_cls, **sources):
                return *sources.values(), vendo_settings_source(settings_cls)

        print(Settings().stripe)
        ```
    """
    from pydantic import SecretStr
    from pydantic_settings import PydanticBaseSettingsSource

    class VendoSettingsSource(PydanticBaseSettingsSource):
        def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
            key = _keys(field, field_name)[0]
            for mark in _marks(field):
                token = vendo.token(mark.slug, default=None)
                return None if token is None else SecretStr(token), key, False
            return None, key, False

        def __call__(self) -> dict[str, Any]:
            fields = {
                name: field
                for name, field in self.settings_cls.model_fields.items()
                if not self.current_state.keys() & {name, *_keys(field, name)}
            }
            required = (field for field in fields.values() if field.is_required())
            slugs = [mark.slug for field in required for mark in _marks(field)]
            if slugs:
                vendo.tokens(slugs)  # one request, whose tokens are cached
            found = (self.get_field_value(field, name) for name, field in fields.items())
            return {key: value for value, key, _ in found if value is not None}

    return VendoSettingsSource(settings_cls)


def _marks(field: Any) -> Iterator[FromVendo]:
    """Find the marks of a field, also in `Annotated[SecretStr, FromVendo("openai")] | None`."""
    annotation = _without_alias(field.annotation)
    for part in (*field.metadata, annotation, *map(_without_alias, get_args(annotation))):
        for mark in (part, *getattr(part, "__metadata__", ())):
            if isinstance(mark, FromVendo):
                yield mark


def _without_alias(annotation: Any) -> Any:
    """Return what a `type` statement gave a name."""
    return getattr(annotation, "__value__", annotation)


def _keys(field: Any, name: str) -> list[str]:
    """Return the names by which pydantic takes a field's value, the one to use first."""
    alias = field.validation_alias
    choices = getattr(alias, "choices", [alias])
    return [choice for choice in choices if isinstance(choice, str)] or [name]
