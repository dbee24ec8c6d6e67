"""The interceptor on the resolution chain: it guards, and notes what was handed out."""

from __future__ import annotations

import os

from vendo.testing import install_interceptor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from vendo_pytest._suite import Suite

    class Interceptor(Protocol):
        """What `install_interceptor` takes."""

        def before_lookup(self, slug: str) -> None: ...
        def handed_out(self, slug: str, token: str) -> None: ...


class GuardError(RuntimeError):
    """The code under test asked for a credential, and no test has given one (ini `vendo_guard`).

    It is no `VendoError`, so that the code under test does not take it for a provider that is not
    connected.
    """

    __module__ = "vendo_pytest"  # where a test imports it from


class Watch:
    """Stands on the chain from `install` to `remove`, in front of whoever stood there before."""

    def __init__(self, suite: Suite) -> None:
        self._suite = suite
        self._before: Interceptor | None = None
        self.is_installed = False

    def install(self) -> None:
        """Take the place on the chain, again where something has taken it away meanwhile."""
        before = install_interceptor(self)
        if not self.is_installed:
            self._before = before
            self.is_installed = True

    def remove(self) -> None:
        """Leave the chain as it was found."""
        if self.is_installed:
            self.is_installed = False
            current = install_interceptor(self._before)
            if current is not self:
                install_interceptor(current)

    def before_lookup(self, slug: str) -> None:
        """No test token is set for this slug."""
        __tracebackhide__ = True
        if self._suite.guards and not any(suite.has_server for suite in running):
            raise GuardError(_REFUSAL.format(slug=slug))
        if self._before is not None:
            self._before.before_lookup(slug)

    def handed_out(self, slug: str, token: str) -> None:
        """A token is about to be handed out."""
        __tracebackhide__ = True
        if self._suite.guards and not _is_harmless(slug, token):
            raise GuardError(_REFUSAL.format(slug=slug))
        self._suite.note(slug, token)
        if self._before is not None:
            self._before.handed_out(slug, token)


#: The suites that run in this process, the outermost first: `pytester` runs one inside another.
running: list[Suite] = []


def _is_harmless(slug: str, token: str) -> bool:
    """True for a token that a test has given, and for one that came from the local server."""
    if any(suite.gave(slug, token) for suite in running):
        return True
    is_of_environment = any(value.strip() == token for value in os.environ.values())
    return not is_of_environment and any(suite.has_server for suite in running)


_REFUSAL = (
    "The code under test asked for a credential of {slug!r}, and the test has given none "
    '(vendo_guard). Fix: call vendo_token("{slug}") of that fixture, mark the test with '
    '@pytest.mark.vendo("{slug}"), list {slug} in the ini option vendo_tokens, or use the fixture '
    "vendo_server; to use the real credential, mark the test with vendo_live or run pytest with "
    "--vendo-live."
)
