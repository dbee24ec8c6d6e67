"""Test tokens: the fake one of a slug, and those that a test or the ini file gives."""

from __future__ import annotations

from collections.abc import Iterable
from unicodedata import category

import pytest

from vendo import ValidationError
from vendo.testing import override_variable


def fake_token(slug: str) -> str:
    """Return a token that is clearly not real, always the same for a slug."""
    return f"vendo-test-token-{slug.lower()}"


def checked_token(slug: str, token: str) -> str:
    """Return a token as `vendo.token` does, without white space at its ends.

    Raises:
        TypeError: the token is not a str.
        ValueError: the token is blank.
        ValidationError: the token contains what no environment variable can.
    """
    __tracebackhide__ = True
    if not isinstance(token, str):
        raise TypeError(f"The token for {slug!r} must be a str, not {type(token).__name__}.")
    token = token.strip()
    if not token:
        raise ValueError(
            f"The token for {slug!r} is blank. Fix: leave it out for a fake token, or use the "
            "fixture vendo_isolated for a test without tokens."
        )
    _check_characters(slug, token)
    return token


def _check_characters(slug: str, token: str) -> None:
    __tracebackhide__ = True
    if {"Cc", "Cs", "Zl", "Zp"}.intersection(map(category, token)):
        raise ValidationError(
            "validation_failed",
            f"The token for {slug!r} contains a control character, such as a line break, or a "
            "lone surrogate.",
            slug=slug,
            suggested_fix="Write the token alone, on one line.",
        )


def parsed_tokens(lines: Iterable[str]) -> dict[str, str]:
    """Parse the ini option `vendo_tokens`: lines of `slug = token`, or of a slug for a fake token.

    Raises:
        pytest.UsageError: a line is malformed. The text has the slug, not the token.
    """
    tokens: dict[str, str] = {}
    for line in lines:
        slug, equals, token = (part.strip() for part in line.partition("="))
        if slug.startswith("#"):
            continue
        try:
            override_variable(slug)
            _check_characters(slug, token)
        except ValidationError as problem:
            raise pytest.UsageError(f"vendo_tokens: {problem}") from None
        if equals and not token:
            raise pytest.UsageError(
                f"vendo_tokens: {slug!r} has no token after the =. Fix: write a token, or only the "
                "slug for a fake token."
            )
        tokens[slug.lower()] = token or fake_token(slug)
    return tokens
