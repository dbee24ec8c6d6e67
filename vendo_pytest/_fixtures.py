"""The objects that the fixtures return."""

from __future__ import annotations

from collections.abc import Sequence

import vendo.testing
from vendo_pytest import _optional
from vendo_pytest._suite import TestScope


class VendoToken:
    """Set the token of a provider for a test.

    The fixture `vendo_token` is one.

    Example:
        ```python
        import vendo
        from vendo_pytest import VendoToken

        def test_token(vendo_token: VendoToken) -> None:
            vendo_token("openai", "sk-test")
            assert vendo.token("openai") == "sk-test"
        ```
    """

    def __init__(self, test: TestScope) -> None:
        self._test = test

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __call__(self, slug: vendo.Slug | str, token: str | None = None) -> str:
        """Set `VENDO_TOKEN_<SLUG>` until the test ends. Both modes.

        Args:
            slug: the provider, of the catalog or not.
            token: the value. The default is a fake token, always the same for a slug.

        Returns:
            The value.

        Raises:
            TypeError: the token is not a str.
            ValueError: the token is blank.
            vendo.ValidationError: the slug is malformed, or the token contains a control character.

        Example:
            ```python
            import vendo

            def test_token(vendo_token):
                fake = vendo_token("openai")
                assert vendo.token("openai") == fake
            ```
        """
        __tracebackhide__ = True
        return self._test.give(slug, token)


class VendoTokens:
    """Set the tokens of several providers for a test.

    The fixture `vendo_tokens` is one.

    Example:
        ```python
        import vendo
        from vendo_pytest import VendoTokens

        def test_tokens(vendo_tokens: VendoTokens) -> None:
            vendo_tokens("stripe", openai="sk-test")
            assert vendo.token("openai") == "sk-test"
        ```
    """

    def __init__(self, test: TestScope) -> None:
        self._test = test

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __call__(self, *slugs: vendo.Slug | str, **tokens: str | None) -> dict[str, str]:
        """Set `VENDO_TOKEN_<SLUG>` for each provider until the test ends. Both modes.

        Args:
            slugs: providers with a fake token.
            tokens: providers with their tokens, None for a fake one.

        Returns:
            The values by slug.

        Raises:
            TypeError, ValueError, vendo.ValidationError: as for `VendoToken`.

        Example:
            ```python
            import vendo

            def test_tokens(vendo_tokens):
                found = vendo_tokens("stripe", "gmail")
                assert vendo.tokens(["stripe", "gmail"]) == found
            ```
        """
        __tracebackhide__ = True
        return self._test.give_all(slugs, tokens)


class VendoSession:
    """Make sessions with the fake providers of the test's server.

    The fixture `vendo_session` is one.

    Example:
        ```python
        from vendo_pytest import VendoSession

        def test_mail(vendo_session: VendoSession) -> None:
            gmail = vendo_session("gmail")
            assert gmail.get("/gmail/v1/users/me/profile").ok
        ```
    """

    def __init__(self, client: vendo.Vendo, server: vendo.testing.LocalVendo) -> None:
        self._client = client
        self._server = server
        self._made: list[_optional.requests.Session] = []

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __call__(
        self, slug: vendo.Slug | str, *, hosts: Sequence[str] = ()
    ) -> _optional.requests.Session:
        """Make a `requests.Session` that is authenticated. Vendo mode.

        A relative URL goes to the fake provider. The provider is connected if it is not yet. The
        session is closed when the test ends.

        Args:
            slug: the provider, of the catalog or not.
            hosts: further hosts to which the token may be sent.

        Returns:
            The session.

        Raises:
            vendo.MissingExtra: requests is not installed.
            vendo.ValidationError: the slug or a host is malformed.

        Example:
            ```python
            def test_mail(vendo_session):
                gmail = vendo_session("gmail")
                assert "@" in gmail.get("/gmail/v1/users/me/profile").json()["emailAddress"]
            ```
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
        """Close the sessions. The fixture does it when the test ends.

        Example:
            ```python
            def test_mail(vendo_session):
                assert vendo_session("gmail").get("/gmail/v1/users/me/profile").ok
                vendo_session.close()
            ```
        """
        for session in self._made:
            session.close()


class VendoUsage:
    """List the providers of the tokens that the code under test got.

    The fixture `vendo_usage` is one.

    Example:
        ```python
        import vendo
        from vendo_pytest import VendoUsage

        def test_usage(vendo_token, vendo_usage: VendoUsage) -> None:
            vendo_token("openai")
            vendo.token("openai")
            assert vendo_usage.slugs == ["openai"]
        ```
    """

    def __init__(self, test: TestScope) -> None:
        self._test = test

    def __repr__(self) -> str:
        return f"<VendoUsage: {', '.join(self.slugs) or 'none'}>"

    @property
    def slugs(self) -> list[str]:
        """The providers with a token used since the test began, without duplicates, in order."""
        return list(dict.fromkeys(slug for slug, _token in self._test.handed_out))

    def assert_used(self, *slugs: vendo.Slug | str) -> None:
        """Fail unless the code under test got a token of each of these providers.

        Args:
            slugs: the providers.

        Raises:
            AssertionError: the token of one of them was not used.

        Example:
            ```python
            import vendo

            def test_usage(vendo_token, vendo_usage):
                vendo_token("openai")
                vendo.token("openai")
                vendo_usage.assert_used("openai")
            ```
        """
        __tracebackhide__ = True
        used = self.slugs
        unused = [slug for slug in slugs if slug.lower() not in used]
        if unused:
            raise AssertionError(f"{_listed(unused)} not used; {_listed(used)} used.")

    def assert_unused(self, *slugs: vendo.Slug | str) -> None:
        """Fail if the code under test got a token of one of these providers.

        Args:
            slugs: the providers; without any, no token may be used at all.

        Raises:
            AssertionError: the token of one of them was used.

        Example:
            ```python
            def test_usage(vendo_token, vendo_usage):
                vendo_token("openai")
                vendo_usage.assert_unused()
            ```
        """
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
