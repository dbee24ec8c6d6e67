"""The one setting, `VENDO`, read at each use so that `override_settings` takes effect at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from vendo_django.masked import MaskedStr


def _is_texts(value: object) -> bool:
    return (
        isinstance(value, Sequence | set | frozenset)
        and not isinstance(value, str | bytes)
        and all(isinstance(item, str) and item.strip() for item in value)
    )


_TEXT = (lambda value: isinstance(value, str), "a text")
_TEXTS = (_is_texts, "a list of texts, none of them blank")

#: Key -> what its value is: the test, and the words for it.
_KINDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "API_KEY": _TEXT,
    "BASE_URL": _TEXT,
    "REQUIRED": _TEXTS,
    "TEMPLATE_TOKENS": _TEXTS,
    "WEBHOOK_SECRETS": (
        lambda value: _is_texts([value] if isinstance(value, str) else value),
        "a text or a list of texts, none of them blank",
    ),
    "ERRORS": (lambda value: isinstance(value, bool), "True or False"),
    "TIMEOUT": (
        lambda value: (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and 0 < value < float("inf")
        ),
        "a number of seconds greater than 0",
    ),
}


def _options() -> Mapping[str, Any]:
    value = getattr(settings, "VENDO", None)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ImproperlyConfigured("The setting VENDO is a dictionary.")
    return value


def _get(key: str, default: Any = None) -> Any:
    value = _options().get(key)
    if value is None:
        return default
    is_fit, words = _KINDS[key]
    if not is_fit(value):
        del value  # it may be a key all the same, and debug pages show the variables of frames
        raise ImproperlyConfigured(f"VENDO[{key!r}] is to be {words}.")
    return value


def client_values() -> tuple[str | None, str | None, float | None]:
    """What makes a client: the key, the address and the time-out, None where not set."""
    base_url, timeout = _get("BASE_URL"), _get("TIMEOUT")
    key = _get("API_KEY")
    # Masked: where no client can be made of it, debug pages show the variables of the frames.
    return None if key is None else MaskedStr(key), base_url, timeout


def required() -> list[str]:
    """The slugs that the project cannot do without."""
    return list(_get("REQUIRED", ()))


def template_tokens() -> frozenset[str]:
    """The slugs whose credential may be printed on a page, in lower case."""
    return frozenset(slug.lower() for slug in _get("TEMPLATE_TOKENS", ()))


def webhook_secrets() -> list[str] | None:
    """The secrets that sign webhooks; None where the environment has it."""
    value = _get("WEBHOOK_SECRETS")
    if value is None:
        return None
    return [value] if isinstance(value, str) else list(value)


def answers_errors() -> bool:
    """Whether the middleware turns vendo's errors into responses."""
    return bool(_get("ERRORS"))


def problems() -> Iterator[tuple[str, str, str | None]]:
    """What is wrong with the setting: `"key"` or `"value"`, the words, and a hint. No values."""
    try:
        options = _options()
    except ImproperlyConfigured as error:
        yield "value", str(error), 'VENDO = {"REQUIRED": ["openai"]}, for one.'
        return
    for key, value in options.items():
        if key not in _KINDS:
            close = get_close_matches(str(key).upper(), _KINDS, n=1)
            hint = f"Did you mean {close[0]!r}?" if close else f"It has {', '.join(_KINDS)}."
            yield "key", f"The setting VENDO has no key {key!r}.", hint
        elif value is not None and not _KINDS[key][0](value):
            yield "value", f"VENDO[{key!r}] is to be {_KINDS[key][1]}.", None
