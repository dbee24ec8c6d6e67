"""The resolution chain of a client, up to the point where a token must be fetched."""

from __future__ import annotations

from vendo._client.arguments import checked_slugs
from vendo._config import settings as _settings
from vendo._config.slugs import name_of
from vendo._protocol.secret import Secret, masked
from vendo._tokens.cache import shared
from vendo._tokens.resolver import cached, conventional, handed_out, override_of
from vendo.errors import VendoError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from vendo._config.settings import Scope, Settings
    from vendo._config.slugs import Name
    from vendo._protocol.steps import Flow
    from vendo._tokens.flights import CacheKey


class TokenChain:
    """Looks up tokens with the settings of a client, and drops them from the cache."""

    if TYPE_CHECKING:
        _settings: Settings

    def _reject(self, slug: str, token: str) -> None:
        """Have a token that the provider rejected fetched again; see `invalidate`."""
        scope = self._settings.scope()
        if scope is not None:
            shared.reject(self._key(scope, name_of(slug)), token)

    def _accept(self, slug: str, token: str) -> None:
        """Note that the provider accepted a token, which makes it a fallback in an outage."""
        scope = self._settings.scope()
        if scope is not None:
            shared.accept((*scope, self._settings.user, slug), token)

    def _key(self, scope: Scope, name: Name) -> CacheKey:
        return (*scope, self._settings.user, name.slug)

    def _look_up(self, slug: str) -> str | tuple[Scope, Name]:
        """Return the token of a slug, or the arguments of `_fetching` if it must be fetched.

        Raises:
            NotConnected: OSS mode, and no variable is set.
        """
        name = name_of(slug)
        token = override_of(name)
        if token is not None:
            return token
        settings = self._settings
        scope = settings.scope()
        if scope is not None:
            token = cached(name, (*scope, settings.user, name.slug))
            return (scope, name) if token is None else token
        token = conventional(name)
        if token is None:
            from vendo._tokens.hints import not_connected

            raise not_connected(name)
        return token

    def _fetching(self, scope: Scope, name: Name, rejected: str | None = None) -> Flow[str]:
        from vendo._tokens.refresh import obtain

        try:
            caller = self._settings.caller(scope[1])
            token = yield from obtain(shared, caller, self._key(scope, name), rejected)
        except VendoError as error:
            from vendo._tokens.hints import with_hints

            is_local = self._settings.local_server() is not None
            raise with_hints(error, name, is_local=is_local) from None
        return handed_out(name, token)

    def _resolving(self, slugs: Iterable[str]) -> Flow[dict[str, str | None]]:
        tokens: dict[str, Secret | None] = {}
        missing: dict[str, CacheKey] = {}
        scope: Scope | None = None
        is_scope_known = False
        for slug in checked_slugs(slugs):
            name = name_of(slug)
            tokens[slug] = masked(override_of(name))
            if tokens[slug] is not None:
                continue
            if not is_scope_known:
                # Not earlier: an override works without a well-formed key.
                scope, is_scope_known = self._settings.scope(), True
            if scope is None:
                tokens[slug] = masked(conventional(name))
            else:
                key = self._key(scope, name)
                tokens[slug] = masked(cached(name, key))
                if tokens[slug] is None:
                    missing[slug] = key
        if missing and scope is not None:
            from vendo._tokens.refresh import obtain_many

            caller = self._settings.caller(scope[1])
            fetched = yield from obtain_many(shared, caller, list(missing.values()))
            for slug, key in missing.items():
                token = tokens[slug] = fetched[key[3]]
                if token is not None:
                    handed_out(name_of(slug), token)
        return {slug: None if token is None else token.reveal() for slug, token in tokens.items()}

    def _forget(self, slug: str, before: float = float("inf")) -> None:
        """Drop the cached token of a slug if it was requested before a time, in Unix seconds."""
        name = name_of(slug)
        scope = self._settings.scope()
        if scope is not None:
            key = self._key(scope, name)
            shared.invalidate(lambda other: other == key, before)

    def _retire_tokens(self) -> None:
        """Drop the tokens of this closed client soon, but those that another client still uses."""
        scope, user = self._settings.last_scope(), self._settings.user
        if scope is not None:
            shared.retire(scope if user is None else (*scope, user))


def _drop_replaced(before: Scope, now: Scope | None) -> None:
    if now is None:
        shared.invalidate(lambda key: key[:2] == before)  # OSS mode does not use the cache
    else:
        shared.retire(before)


_settings.on_replaced = _drop_replaced
