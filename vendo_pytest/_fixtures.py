"""The objects that the fixtures return."""

from __future__ import annotations

from collections.abc import Sequence

import vendo.testing
from vendo_pytest import _optional
from vendo_pytest._suite import TestScope


class VendoToken:
    """`vendo_token("openai", "sk-test")`: set the token of a provider for this test."""

    def __init__(self, test: TestScope) -> None:
        self._test = test

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __call__(self, slug: vendo.Slug | str, token: str | None = None) -> str:
        """Set `VENDO_TOKEN_<SLUG>` until the test ends, and return its value.

        Args:
            slug: the provider, of the catalog or not.
            token: the value. The default is a fake token, always the same for a slug.

        Raises:
            TypeError: the token is not a str.
            ValueError: the token is blank.
            vendo.ValidationError: the slug is malformed, or the token contains a control character.
        """
        __tracebackhide__ = True
        return self._test.give(slug, token)


class VendoTokens:
    """`vendo_tokens("stripe", openai="sk-test")`: set the tokens of several providers."""

    def __init__(self, test: TestScope) -> None:
        self._test = test

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __call__(self, *slugs: vendo.Slug | str, **tokens: str | None) -> dict[str, str]:
        """Set `VENDO_TOKEN_<SLUG>` for each until the test ends, and return the values by slug.

        Args:
            slugs: providers with a fake token.
            tokens: providers with their tokens, None for a fake one.

        Raises:
            TypeError, ValueError, vendo.ValidationError: as for `VendoToken`.
        """
        __tracebackhide__ = True
        return self._test.give_all(slugs, tokens)


class VendoSession:
    """`vendo_session("gmail")`: create a session with the server's fake provider."""

    def __init__(self, client: vendo.Vendo, server: vendo.testing.LocalVendo) -> None:
        self._client = client
        self._server = server
        self._made: list[_optional.requests.Session] = []

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __call__(
        self, slug: vendo.Slug | str, *, hosts: Sequence[str] = ()
    ) -> _optional.requests.Session:
        """Return an authenticated `requests.Session`, closed when the test ends.

        A relative URL goes to the fake provider. The provider is connected if it is not yet.

        Args:
            slug: the provider, of the catalog or not.
            hosts: further hosts to which the token may be sent.

        Raises:
            vendo.MissingExtra: requests is not installed.
            vendo.ValidationError: the slug or a host is malformed.
        """
        slug = slug.lower()
        is_known = self._is_known(slug)
        base_url = self._server.provider_url(slug) if is_known else None
        session = self._client.session(slug, hosts=hosts, base_url=base_url)
        self._made.append(session)
        if not is_known:
            self._server.connect(slug)
        return session

    def _is_known(self, slug: str) -> bool:
        try:
            self._server.token(slug)
        except KeyError:
            return False
        except ValueError:
            pass  # connected, but for example with the status `needs_reauth`
        return True

    def close(self) -> None:
        """Close the sessions."""
        for session in self._made:
            session.close()


class VendoUsage:
    """The providers of the tokens that the code under test got."""

    def __init__(self, test: TestScope) -> None:
        self._test = test

    def __repr__(self) -> str:
        return f"<VendoUsage: {', '.join(self.slugs) or 'none'}>"

    @property
    def slugs(self) -> list[str]:
        """The providers with a token used since the test began, without duplicates, in order."""
        return list(dict.fromkeys(slug for slug, _token in self._test.handed_out))

    def assert_used(self, *slugs: vendo.Slug | str) -> None:
        """Fail unless the code under test got a token of each of these providers."""
        __tracebackhide__ = True
        used = self.slugs
        unused = [slug for slug in slugs if slug.lower() not in used]
        if unused:
            raise AssertionError(f"{_listed(unused)} not used; {_listed(used)} used.")

    def assert_unused(self, *slugs: vendo.Slug | str) -> None:
        """Fail if the code under test got a token of one of these providers, by default of any."""
        __tracebackhide__ = True
        used = [slug for slug in self.slugs if not slugs or slug in map(str.lower, slugs)]
        if used:
            raise AssertionError(f"{_listed(used)} used, and should not have been.")


def _listed(slugs: Sequence[str]) -> str:
    """`no token was`, `the token of openai was`, `the tokens of gmail and openai were`."""
    if not slugs:
        return "no token was"
    names = " and ".join(filter(None, [", ".join(slugs[:-1]), slugs[-1]]))
    return (
        f"the token{'s' if len(slugs) > 1 else ''} of {names} {'were' if len(slugs) > 1 else 'was'}"
    )
