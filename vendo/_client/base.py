"""What the blocking and the asyncio client have in common: everything that does no I/O."""

from __future__ import annotations

from _thread import allocate_lock

from vendo._config.settings import API_VERSION, Settings
from vendo._config.slugs import name_of
from vendo._protocol import JWT_HEADER
from vendo._protocol.retry import RetryPolicy
from vendo._tokens.cache import shared
from vendo._tokens.resolver import conventional, handing_out, override_of
from vendo._transports.fork import on_fork
from vendo.errors import IdentityNotPresent, ValidationError, VendoError, without_frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    import vendo._types
    from vendo._config.settings import Scope
    from vendo._config.slugs import Name
    from vendo._protocol.calls import Caller
    from vendo._protocol.steps import Flow
    from vendo._tokens.cache import CacheKey
else:
    import vendo  # `_types` is imported when an annotation is read


class BaseClient:
    """Settings, scope and the resolution chain up to the point where something must be fetched."""

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        *,
        credentials_url: str | None = None,
        data_proxy_url: str | None = None,
        api_version: str = API_VERSION,
        timeout: float = 30.0,
        retry: RetryPolicy | None = None,
    ) -> None:
        self._settings = Settings(
            api_key,
            base_url,
            credentials_url,
            data_proxy_url,
            api_version=api_version,
            timeout=timeout,
            retry=retry,
        )
        self._user_jwt: str | None = None
        #: Stands for the user in the cache's keys, which outlive the request that brought the JWT.
        self._user: str | None = None
        #: The client whose connections this one uses: itself, unless it is scoped to a user.
        self._root = self
        self._begin_lock()

    def _begin_lock(self) -> None:
        """Have a lock around the transport, now and in each child."""
        self._renew_lock()
        on_fork(self, BaseClient._renew_lock)

    def _renew_lock(self) -> None:
        self._lock = allocate_lock()

    def __repr__(self) -> str:
        mode = "Vendo mode" if self.is_vendo_mode() else "OSS mode"
        user = ", for a user" if self._user else ""
        return f"<{type(self).__name__}, {mode}{user}>"

    def __copy__(self) -> vendo._types.Self:
        return self

    def __deepcopy__(self, _memo: dict[int, vendo._types.Any]) -> vendo._types.Self:
        return self

    @property
    def timeout(self) -> float:
        """Seconds that one call may take, its retries and pauses included."""
        return self._settings.timeout

    def is_vendo_mode(self) -> bool:
        """True where tokens come from Vendo, False where they come from the environment."""
        return self._settings.is_vendo_mode()

    def connect_url(
        self,
        slug: vendo._types.Slug | str,
        *,
        return_to: str | None = None,
        state: str | None = None,
    ) -> str:
        """The address at which a person connects a provider (Vendo mode).

        It holds the API key, as the platform asks for: redirect to it, and do not write it into
        pages or logs.

        Args:
            slug: the provider.
            return_to: the http(s) address to which the person comes back.
            state: a text that comes back with the person.

        Raises:
            VendoOnlyFeature: there is no API key.
            ValidationError: the slug, `return_to` or `state` is malformed.
        """
        from urllib.parse import quote, urlencode, urlsplit

        name = name_of(slug)
        self._settings.needed_key("connect_url")
        query = {}
        if return_to is not None:
            try:
                parts = urlsplit(return_to)
                is_address = parts.scheme in {"http", "https"} and bool(parts.hostname)
            except (ValueError, TypeError, AttributeError):  # or it is no text at all
                is_address = False
            if not is_address or not return_to.isprintable():
                raise ValidationError(
                    "validation_failed",
                    "return_to= is no absolute http(s) address.",
                    slug=name.slug,
                    suggested_fix="Give the whole address, such as https://app.example.com/done.",
                )
            query["return_to"] = return_to
        if state is not None:
            if not isinstance(state, str) or any("\ud800" <= c <= "\udfff" for c in state):
                raise ValidationError(
                    "validation_failed",
                    "state= is no text that an address can hold.",
                    slug=name.slug,
                    suggested_fix="Write bytes and numbers as text, in base64 for one.",
                )
            query["state"] = state
        base = self._settings.base_url()
        # Not before everything else went well: the variables of a failing frame may be shown.
        query = {"app_key": self._settings.needed_key("connect_url"), **query}
        return f"{base}/connections/connect/{quote(name.slug, safe='')}?{urlencode(query)}"

    def for_user(self, jwt: str) -> vendo._types.Self:
        """A client that acts for one user: it sends their JWT, and keeps their tokens apart.

        It is cheap, shares this client's connections, and needs no closing. Vendo mode.

        Args:
            jwt: the user's JWT, as the platform's proxy sends it.

        Raises:
            VendoOnlyFeature: there is no API key.
            IdentityNotPresent: the JWT is blank.
            ValidationError: it has white space or control characters inside.
        """
        try:
            self._settings.needed_key("for_user")
            jwt = _checked_jwt(jwt)
        except VendoError as error:
            del jwt  # debug pages show the variables of the frames of an error
            raise without_frames(error) from None
        from hashlib import sha256

        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin._user_jwt = jwt
        twin._user = sha256(jwt.encode()).hexdigest()
        return twin

    def for_request(self, headers: object) -> vendo._types.Self:
        """`for_user` with the JWT out of a request's headers (Vendo mode).

        Args:
            headers: any mapping of headers, a `Headers` or `MultiDict` object, or a WSGI environ;
                upper and lower case are the same.

        Raises:
            VendoOnlyFeature: there is no API key.
            IdentityNotPresent: the header is missing or blank.
        """
        try:
            self._settings.needed_key("for_request")
            return self.for_user(_jwt_of(headers))
        except VendoError as error:
            del headers  # as in `for_user`
            raise without_frames(error) from None

    def invalidate(self, slug: vendo._types.Slug | str) -> None:
        """Forget the cached token of a slug; the next call fetches a fresh one.

        A fetch that is under way does not bring the old one back. In OSS mode nothing is cached,
        and nothing happens.
        """
        name = name_of(slug)
        scope = self._settings.scope()
        if scope is not None:
            key = self._key(scope, name)
            shared.invalidate(lambda other: other == key)

    @property
    def webhooks(self) -> vendo._types.WebhooksAPI:
        """Verifies webhooks, with `VENDO_WEBHOOK_SECRET`. Both modes."""
        from vendo._client.webhooks import WebhooksAPI

        return WebhooksAPI()

    def _refused(self, slug: str, token: str) -> None:
        """A provider refused this token: it is not to be used again, unless it was replaced."""
        scope = self._settings.scope()
        if scope is not None:
            shared.refused(self._key(scope, name_of(slug)), token)

    def _key(self, scope: Scope, name: Name) -> CacheKey:
        return (*scope, self._user, name.slug)

    def _caller(self, api_key: str | None) -> Caller:
        return self._settings.caller(api_key, self._user_jwt)

    def _look_up(self, slug: str) -> str | tuple[Scope, Name]:
        """The token of a slug, or where there is none at hand what `_fetching` needs to get it.

        Raises:
            NotConnected: OSS mode, and nothing is set.
        """
        name = name_of(slug)
        token = override_of(name)
        if token is not None:
            return token
        scope = self._settings.scope()
        if scope is not None:
            token = shared.get((*scope, self._user, name.slug))
            if token is None:
                return scope, name
            try:
                return handing_out(name, token)
            except BaseException as error:  # noqa: BLE001  # raised again
                del scope, token
                raise without_frames(error) from None
        token = conventional(name)
        if token is None:
            from vendo._tokens.hints import not_connected

            raise not_connected(name)
        return token

    def _fetching(self, scope: Scope, name: Name) -> Flow[str]:
        from vendo._tokens.refresh import obtain

        try:
            key = self._key(scope, name)
            token = yield from obtain(shared, self._caller(scope[1]), key)
        except VendoError as error:
            from vendo._tokens.hints import improved

            raise improved(error, name) from None
        try:
            return handing_out(name, token)
        except BaseException as error:  # noqa: BLE001  # raised again
            del scope, key, token
            raise without_frames(error) from None

    def _resolving(self, slugs: Iterable[str]) -> Flow[dict[str, str | None]]:
        wanted = several(slugs)
        tokens: dict[str, str | None] = {}
        missing: dict[str, CacheKey] = {}
        scope: Scope | None = None
        is_scope_known = False
        token: str | None = None
        keys: list[CacheKey] | None = None
        fetched: dict[str, str | None] | None = None
        try:
            for slug in wanted:
                name = name_of(slug)
                token = override_of(name)
                if token is None:
                    if not is_scope_known:
                        # Not before: as for one token, an override asks for no well-formed key.
                        scope, is_scope_known = self._settings.scope(), True
                    if scope is None:
                        token = conventional(name)
                    else:
                        token = shared.get(self._key(scope, name))
                        if token is None:
                            missing[slug] = self._key(scope, name)
                        else:
                            handing_out(name, token)
                tokens[slug] = token
            if missing and scope is not None:
                from vendo._tokens.refresh import obtain_many

                keys = list(missing.values())
                fetched = yield from obtain_many(shared, self._caller(scope[1]), keys)
                for slug in missing:
                    token = tokens[slug] = fetched[missing[slug][3]]
                    if token is not None:
                        handing_out(name_of(slug), token)
        except BaseException as error:  # noqa: BLE001  # raised again
            scope = token = keys = fetched = None
            tokens.clear()
            missing.clear()
            raise without_frames(error) from None
        return tokens


def _checked_jwt(jwt: object) -> str:
    if not isinstance(jwt, str) or not jwt.strip():
        raise IdentityNotPresent(
            "identity_not_present",
            "The user's JWT is missing or blank.",
            suggested_fix=f"Give for_user() the {JWT_HEADER} header of a signed-in request.",
        )
    jwt = jwt.strip()
    if not jwt.isascii() or not jwt.isprintable() or " " in jwt:
        raise ValidationError(
            "validation_failed",
            "The user's JWT has white space or a character inside that no JWT has.",
        )
    return jwt


def _jwt_of(headers: object) -> str:
    from vendo._protocol.headers import read_header

    jwt = read_header(headers, JWT_HEADER)
    if not jwt or not jwt.strip():
        raise IdentityNotPresent(
            "identity_not_present",
            f"The request has no {JWT_HEADER} header.",
            suggested_fix="The platform's proxy sets it for signed-in people: check that the "
            "request came through it and that a person is signed in.",
        )
    return jwt


def several(slugs: Iterable[str]) -> list[str]:
    """The slugs that `tokens()` was given.

    Raises:
        ValidationError: a single text, whose letters would be taken for slugs, or nothing that
            can be iterated over.
    """
    if isinstance(slugs, str):
        raise ValidationError(
            "validation_failed",
            "tokens() takes several slugs, and was given one text.",
            suggested_fix=f"Write tokens([{slugs[:40]!r}]), or token({slugs[:40]!r}).",
        )
    try:
        return list(slugs)
    except TypeError:
        raise ValidationError(
            "validation_failed",
            f"tokens() takes several slugs, and was given a value of type {type(slugs).__name__}.",
            suggested_fix="Write tokens(['openai', 'slack']).",
        ) from None
