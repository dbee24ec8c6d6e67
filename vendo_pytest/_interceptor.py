"""The interceptor on the resolution chain: the guard, and the record of tokens."""

from __future__ import annotations

import os

from vendo.testing import Withheld, install_interceptor, is_local_token

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Interceptor(Protocol):
        """The argument of `install_interceptor`."""

        def before_lookup(self, slug: str) -> None: ...
        def handed_out(self, slug: str, token: str) -> None: ...

    class Run(Protocol):
        """A run of pytest; see `vendo_pytest._suite.Suite`."""

        @property
        def guards(self) -> bool: ...
        @property
        def server(self) -> str | None: ...
        @property
        def keeps_local(self) -> bool: ...
        @property
        def moment(self) -> str | None: ...
        def gave(self, slug: str, token: str) -> bool: ...
        def had(self, slug: str, token: str) -> bool: ...
        def note(self, slug: str, token: str) -> None: ...


class GuardError(Withheld):
    """Stand for a credential that the test did not provide (`vendo_guard`), or for a real provider.

    It is raised where the code under test requests such a credential, or the address of a real
    provider. It is not a `VendoError`, so the code under test does not handle it like a provider
    that is not connected.

    Example:
        ```python
        import socket

        import pytest
        from vendo_pytest import GuardError

        def test_guard(vendo_server):
            with pytest.raises(GuardError):
                socket.getaddrinfo("api.openai.com", 443)
        ```
    """

    __module__ = "vendo_pytest"  # where a test imports it from


class RunInterceptor:
    """The interceptor from `install` to `remove`. It calls the earlier interceptor, if any."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._before: Interceptor | None = None
        self.is_installed = False

    def install(self) -> None:
        """Install the interceptor, also if another one has replaced it."""
        before = install_interceptor(self)
        if not self.is_installed:
            self._before = before
            self.is_installed = True

    def remove(self) -> None:
        """Restore the earlier interceptor."""
        if self.is_installed:
            self.is_installed = False
            current = install_interceptor(self._before)
            if current is not self:
                install_interceptor(current)

    def before_lookup(self, slug: str) -> None:
        """Check the lookup of a slug without a test token."""
        __tracebackhide__ = True
        if self._run.guards and not any(run.server for run in running):
            raise self._error(slug)
        if self._before is not None:
            self._before.before_lookup(slug)

    def handed_out(self, slug: str, token: str) -> None:
        """Check and record a token before it is returned."""
        __tracebackhide__ = True
        if self._run.guards and not _is_harmless(slug, token):
            raise self._error(slug)
        self._run.note(slug, token)
        if self._before is not None:
            self._before.handed_out(slug, token)

    def _error(self, slug: str) -> GuardError:
        return GuardError(
            f"The code under test requested a credential of {slug!r}, but the test does not "
            f"provide one (vendo_guard). Fix: {_fix(slug, self._run.moment)}"
        )


#: The runs of this process, outermost first: `pytester` runs pytest inside pytest.
running: list[Run] = []


def _is_harmless(slug: str, token: str) -> bool:
    """Return True for a token that a test provides, or that a local server of it issued.

    A token that passed may do so until the test ends: a cache outlives a server and its reset.
    """
    if any(run.gave(slug, token) for run in running):
        return True
    if not any(run.server for run in running):
        return False
    # One that a server made may be in a variable too. One that a test gave it must not be real.
    is_made = token.startswith(f"local_{slug}_")
    if not is_made and any(value.strip() == token.strip() for value in os.environ.values()):
        return False
    return is_local_token(token) or any(run.had(slug, token) for run in running)


def _fix(slug: str, moment: str | None) -> str:
    """Return what is possible at this moment: the scope of a fixture, or None outside of tests."""
    if moment is None:
        return (
            f"{slug} in the ini option vendo_tokens: no test has begun, so no fixture or marker "
            f"applies. Or request it in a function that a test calls. {real(moment)}"
        )
    if moment == "function":
        return (
            f'vendo_token("{slug}") in the test, or {slug} in the ini option vendo_tokens, or the '
            f"fixture vendo_server, also for a LocalVendo of your own. {real(moment)}"
        )
    return (
        f'{slug} in the ini option vendo_tokens, or @pytest.mark.vendo("{slug}") on the tests, or '
        f"the fixture vendo_session_server: a fixture of the scope {moment} cannot use those of a "
        f"test. {real(moment)}"
    )


def real(moment: str | None, what: str = "the real credential") -> str:
    """Return how what is real may be used at this moment."""
    marked = {"function": "test", "class": "class", "module": "module"}.get(moment or "")
    mark = f"mark the {marked} with vendo_live or " if marked else ""
    return f"For {what}, {mark}run pytest with --vendo-live."
