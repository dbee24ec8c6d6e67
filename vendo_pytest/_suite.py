"""What holds for one run of pytest, and what holds for the test that it is at."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

import pytest

import vendo.testing
from vendo import ValidationError
from vendo.testing import catalog_slugs, credential_variables, forget_tokens, override_variable
from vendo_pytest import _watch
from vendo_pytest._variables import Variables

_OWN_PREFIX = "VENDO_"


class Suite:
    """One run of pytest: what its ini file and command line say."""

    def __init__(self, config: pytest.Config) -> None:
        self.is_live: bool = _is_live(config)
        self._isolates: bool = config.getini("vendo_isolate") and not self.is_live
        self._has_guard: bool = config.getini("vendo_guard") and not self.is_live
        self._watch = _watch.Watch(self)
        self._variables = Variables()
        self._given: dict[str, str] = {}
        self._test: TestScope | None = None
        tokens = parsed_tokens(config.getini("vendo_tokens"))
        _watch.running.append(self)
        config.add_cleanup(self._end)
        if self._isolates:
            isolate(self._variables, kept=())
        for slug, token in tokens.items():
            name = override_variable(slug)
            self._given[name] = token
            self._variables.set(name, token)
        self.slugs: tuple[str, ...] = tuple(tokens)
        if self._has_guard:
            self._watch.install()

    def _end(self) -> None:
        self._watch.remove()
        self._variables.undo()
        _watch.running.remove(self)

    def header(self) -> str | None:
        """A line on what is in force; no value."""
        facts = []
        if self.is_live:
            facts.append("real credentials may be used (--vendo-live)")
        if self._has_guard:
            facts.append("guard")
        if self._isolates:
            facts.append("isolated environment")
        if self.slugs:
            facts.append(f"test tokens for {', '.join(self.slugs)}")
        return f"vendo: {', '.join(facts)}" if facts else None

    @property
    def guards(self) -> bool:
        """True where a credential that no test has given is not to be handed out now."""
        return self._has_guard and not (self._test is not None and self._test.is_live)

    @property
    def has_server(self) -> bool:
        """True where the present test talks to the local server."""
        return self._test is not None and self._test.server is not None

    def gave(self, slug: str, token: str) -> bool:
        """True for a token that the ini file or the present test has given for the slug."""
        name = override_variable(slug)
        given = {**self._given, **(self._test.given if self._test is not None else {})}
        return given.get(name, "").strip() == token

    def note(self, slug: str, token: str) -> None:
        """A token is handed out."""
        if self._test is not None:
            self._test.handed_out.append((slug, token))

    def enter(self, item: pytest.Item) -> TestScope:
        """Begin with a test: its isolation, then what its markers give."""
        is_live = item.get_closest_marker("vendo_live") is not None
        test = self._test = TestScope(self, is_live=is_live)
        if self._has_guard:
            self._watch.install()
        try:
            if test.is_live:
                test.variables.update(self._variables.removed)
            elif self._isolates:
                test.isolate()  # again: a program may have loaded a file of variables meanwhile
            for marker in reversed(list(item.iter_markers("vendo"))):  # the closest one wins
                test.give_all(marker.args, marker.kwargs)
        except BaseException:
            self.leave(test)
            raise
        return test

    def leave(self, test: TestScope) -> None:
        """End with a test."""
        test.variables.undo()
        self._test = None
        if not self._has_guard:
            self._watch.remove()

    def watch(self) -> None:
        """Note what is handed out from now on to the end of the test."""
        self._watch.install()

    @property
    def given(self) -> dict[str, str]:
        """The variables that the ini file's tokens are in."""
        return self._given


class TestScope:
    """One test: what was given to it, and what was handed out while it ran."""

    __test__ = False

    def __init__(self, suite: Suite, *, is_live: bool) -> None:
        self.suite: Suite = suite
        self.is_live: bool = is_live
        self.variables: Variables = Variables()
        self.given: dict[str, str] = {}
        self.handed_out: list[tuple[str, str]] = []
        self.server: vendo.testing.LocalVendo | None = None

    def give(self, slug: str, token: str | None) -> str:
        """Set `VENDO_TOKEN_<SLUG>` for the rest of the test.

        Raises:
            TypeError: the token is no text.
            ValueError: it is blank.
            ValidationError: the slug is malformed.
        """
        __tracebackhide__ = True
        name = override_variable(slug)
        token = fake_token(slug) if token is None else token
        if not isinstance(token, str):
            raise TypeError(f"The token for {slug!r} is of type {type(token).__name__}, not text.")
        if not token.strip():
            raise ValueError(
                f"The token for {slug!r} is blank, and a blank one counts as unset. Fix: leave it "
                "out for a fake one, or use the fixture vendo_isolated to be without any."
            )
        self.given[name] = token
        self.variables.set(name, token)
        return token

    def give_all(self, fakes: Iterable[str], tokens: Mapping[str, str | None]) -> dict[str, str]:
        """Give several: slugs with a fake token each, and slugs with their tokens."""
        __tracebackhide__ = True
        given = {slug: self.give(slug, None) for slug in fakes}
        return given | {slug: self.give(slug, token) for slug, token in tokens.items()}

    def isolate(self) -> None:
        """Take every credential but the given ones out of the environment."""
        isolate(self.variables, kept=(*self.suite.given, *self.given))

    def use(self, server: vendo.testing.LocalVendo) -> None:
        """Point the whole library at a local server, whoever calls it."""
        self.isolate()
        forget_tokens()
        self.variables.update(server.environment(*catalog_slugs()))
        self.server = server


def _is_live(config: pytest.Config) -> bool:
    # The first is there before the conftest files are read, the second for a plugin that one of
    # them has named.
    spaces = (config.known_args_namespace, config.option)
    return any(getattr(space, "vendo_live", False) for space in spaces)


def isolate(variables: Variables, kept: Iterable[str]) -> None:
    """Take `VENDO_*` and every variable of the catalog out of the environment."""
    kept, credentials = frozenset(kept), credential_variables()
    for name in list(os.environ):
        if (name in credentials or name.startswith(_OWN_PREFIX)) and name not in kept:
            variables.set(name, None)


def fake_token(slug: str) -> str:
    """A token that nobody takes for a real one; the same for the same slug."""
    return f"vendo-test-token-{slug.lower()}"


def parsed_tokens(lines: Iterable[str]) -> dict[str, str]:
    """What the ini option `vendo_tokens` lists: `slug = token` or a slug alone, one a line.

    Raises:
        pytest.UsageError: a line that is none of that. The text names the slug alone.
    """
    tokens: dict[str, str] = {}
    for line in lines:
        slug, equals, token = (part.strip() for part in line.partition("="))
        if slug.startswith("#"):
            continue
        try:
            override_variable(slug)
        except ValidationError as problem:
            raise pytest.UsageError(f"vendo_tokens: {problem}") from None
        if equals and not token:
            raise pytest.UsageError(
                f"vendo_tokens: nothing follows the = after {slug!r}. Fix: write a token, or the "
                "slug alone for a fake one."
            )
        tokens[slug.lower()] = token or fake_token(slug)
    return tokens
