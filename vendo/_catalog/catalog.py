"""The bundled catalog: which variables contain a provider's credential, and how it is sent.

The rows are in `vendo._catalog.data`. A row becomes a `Provider` at its first look-up.
"""

from __future__ import annotations

from vendo._catalog.data import PROVIDERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, NoReturn

    from vendo._catalog.data import Row

BEARER = ("Authorization", "Bearer {token}")

#: The page of the manual about the SDKs of providers, and its section for all without one. It has
#: no public address yet: this is a file of the repository and of the source distribution.
_SDKS = "docs/provider-sdks.md"
_ANY_SDK = "any-sdk-on-requests-httpx-or-aiohttp"

#: A longer text is not taken for a typing error.
_LONGEST_TYPO = 40
#: The share of equal letters that makes a typing error likely, as difflib counts it.
_LIKENESS = 0.8

_mappingproxy = type(type.__dict__)  # `types` is not imported for one name


class Provider:
    """One row of the catalog, immutable.

    The credential goes into the `header`, unless there is a `basic` or a `path` template. In every
    template `{token}` is replaced by the credential.

    Attributes:
        slug: the argument of `vendo.token()`.
        name: the provider's display name.
        category: a word that groups providers, such as `ai` or `payments`.
        env_vars: the conventional variable, then the companions.
        variables: the variables that may contain the credential; the first match wins.
        companions: variables that belong to the credential, such as a signing secret.
        header: the name of the header and the template of its value.
        key_prefix: the prefix of the keys that use `header`, or None if all keys do; see
            `header_template`.
        basic: the template of `user:password` for HTTP basic authentication, or None.
        path: templates of the first part of a URL's path, if the credential goes there.
        extra_headers: headers to send where the caller sets none of that name.
        hosts: the only hosts that may see the credential; `*.example.com` is any host below it.
            Empty if each customer has a host of their own, which the caller names.
        base_url: what a relative URL is resolved against, without a trailing slash, or None if
            each customer has a host of their own.
        docs_url: the provider's page that shows how the credential is sent.
        rejections: the texts of `error` in a JSON body with status 200 that reject the credential,
            as a 401 does.
        other_headers: further headers in which the provider takes a credential.
        query: the fields of a query in which it does.
    """

    __slots__ = (
        "_row",
        "base_url",
        "basic",
        "category",
        "companions",
        "docs_url",
        "env_vars",
        "extra_headers",
        "header",
        "hosts",
        "key_prefix",
        "name",
        "other_headers",
        "path",
        "query",
        "rejections",
        "slug",
        "variables",
    )

    _row: Row
    slug: str
    name: str
    category: str
    env_vars: tuple[str, ...]
    variables: tuple[str, ...]
    companions: tuple[str, ...]
    header: tuple[str, str]
    key_prefix: str | None
    basic: str | None
    path: tuple[str, ...]
    extra_headers: Mapping[str, str]
    hosts: tuple[str, ...]
    base_url: str | None
    docs_url: str
    rejections: tuple[str, ...]
    other_headers: tuple[str, ...]
    query: tuple[str, ...]

    def __init__(self, slug: str, row: Row) -> None:
        env = row["env"]
        put = object.__setattr__
        put(self, "_row", row)
        put(self, "slug", slug)
        put(self, "name", row["name"])
        put(self, "category", row["category"])
        variables = env[:1] + row.get("alternatives", ())
        put(self, "variables", variables)
        put(self, "env_vars", variables + env[1:])
        put(self, "companions", env[1:])
        put(self, "header", row.get("header", BEARER))
        put(self, "key_prefix", row.get("key_prefix"))
        put(self, "basic", row.get("basic"))
        put(self, "path", row.get("path", ()))
        put(self, "extra_headers", _mappingproxy(row.get("extra_headers", {})))
        put(self, "hosts", row["hosts"])
        put(self, "base_url", row.get("base_url"))
        put(self, "docs_url", row["docs"])
        put(self, "rejections", row.get("rejections", ()))
        put(self, "other_headers", row.get("other_headers", ()))
        put(self, "query", row.get("query", ()))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"A catalog row cannot be changed ({name}).")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"A catalog row cannot be changed ({name}).")

    def __repr__(self) -> str:
        return f"<Provider {self.slug!r}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Provider):
            return NotImplemented
        return self.slug == other.slug and self._row == other._row

    def __hash__(self) -> int:
        return hash(self.slug)

    def __reduce__(self) -> tuple[Any, ...]:
        return Provider, (self.slug, self._row)

    @property
    def recipe(self) -> str:
        """The section of the manual that shows the provider's own SDK with vendo."""
        return f"{_SDKS}#{self._row.get('recipe', _ANY_SDK)}"

    def header_template(self, token: str) -> str:
        """Return the template of the header's value for this credential.

        With a `key_prefix`, a credential without it comes from an OAuth flow: a bearer token.
        """
        if self.key_prefix is None or token.startswith(self.key_prefix):
            return self.header[1]
        return BEARER[1]

    def as_dict(self) -> dict[str, Any]:
        """Return the row in types of JSON."""
        return {
            "slug": self.slug,
            "name": self.name,
            "category": self.category,
            "env_vars": list(self.env_vars),
            "variables": list(self.variables),
            "companions": list(self.companions),
            "header": list(self.header),
            "key_prefix": self.key_prefix,
            "basic": self.basic,
            "path": list(self.path),
            "extra_headers": dict(self.extra_headers),
            "hosts": list(self.hosts),
            "base_url": self.base_url,
            "docs_url": self.docs_url,
            "other_headers": list(self.other_headers),
            "query": list(self.query),
            "recipe": self.recipe,
            "rejections": list(self.rejections),
        }


_built: dict[str, Provider] = {}


def provider(slug: str) -> Provider | None:
    """Return the row for a slug in lower case, or None."""
    found = _built.get(slug)
    if found is None:
        row = PROVIDERS.get(slug)
        if row is not None:
            found = _built.setdefault(slug, Provider(slug, row))
    return found


def slugs() -> tuple[str, ...]:
    """Return every slug of the catalog, in alphabetical order."""
    return tuple(sorted(PROVIDERS))


_by_host: dict[str, str] = {}


def provider_at(host: str) -> Provider | None:
    """Return the provider with this host, in lower case, or None. Its proxy at Vendo counts."""
    if not _by_host:
        known: dict[str, str] = {}
        for slug, row in PROVIDERS.items():
            for name in (*row["hosts"], f"{slug}-proxy.vendo.run"):
                known.setdefault(name, slug)
        _by_host.update(known)  # at once, for other threads
    while host:
        found = _by_host.get(host)
        if found is not None:
            return provider(found)
        host = f"*.{host.removeprefix('*.').partition('.')[2]}".removesuffix("*.")
    return None


def env_vars(slug: str) -> list[str]:
    """Return the variables of a slug, then its companions; empty for an unknown slug."""
    found = provider(slug)
    return list(found.env_vars) if found else []


def nearest(text: str) -> str | None:
    """Return the slug that was probably meant, or None.

    Case, white space and punctuation do not count. The text may be a provider's name, one of its
    variables, or its slug with a typing error.
    """
    typed = _bare(text[: 2 * _LONGEST_TYPO])
    if not typed or len(typed) > _LONGEST_TYPO:
        return None
    meant: dict[str, str] = {}
    for slug, row in PROVIDERS.items():
        for known in (row["name"], *row["env"], *row.get("alternatives", ())):
            meant.setdefault(_bare(known), slug)
    by_slug = {_bare(slug): slug for slug in PROVIDERS}
    exact = by_slug.get(typed) or meant.get(typed)
    if exact is not None:
        return exact
    from difflib import get_close_matches

    close = get_close_matches(typed, by_slug, n=1, cutoff=_LIKENESS)
    return by_slug[close[0]] if close else None


def did_you_mean(text: str) -> str | None:
    """Return the question for a slug with a typing error, or None if nothing is close."""
    found = nearest(text)
    return None if found is None else f"Did you mean {found!r}?"


def _bare(text: str) -> str:
    return "".join(filter(str.isalnum, text.lower()))
