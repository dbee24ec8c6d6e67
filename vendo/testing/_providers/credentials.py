"""Where a fake provider looks for the credential: the catalog's place, and others it documents."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote

from vendo._catalog import catalog
from vendo.testing._http.messages import decoded_pairs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from vendo.testing._http.messages import Headers, Request

_FORM = "application/x-www-form-urlencoded"

_BEARER = ("header", "Authorization: Bearer {token}")
_IN_FORM = ("form", "access_token")

#: The providers that take an access token of a Google account.
GOOGLE = ("gmail", "google", "googlecalendar", "googledocs", "googledrive", "googlesheets")

#: Places besides the catalog's, each a kind and a template. `Name: text {token}` is a header,
#: `user:password` HTTP basic authentication (`*` is any text), `form` names a field.
PLACES: dict[str, tuple[tuple[str, str], ...]] = {
    "anthropic": (_BEARER,),
    "bitbucket": (_IN_FORM,),
    "circleci": (("basic", "{token}:*"),),
    "deepgram": (_BEARER,),
    "digitalocean": (("basic", "{token}:*"),),
    "discord": (_BEARER,),
    "exa": (_BEARER,),
    "figma": (_BEARER,),
    "fly": (("header", "Authorization: FlyV1 {token}"),),
    "gemini": (_BEARER,),
    "github": (
        ("header", "Authorization: token {token}"),
        ("basic", "*:{token}"),
        ("basic", "{token}:*"),
    ),
    "gitlab": (("header", "PRIVATE-TOKEN: {token}"),),
    "heroku": (("basic", "*:{token}"),),
    "instagram": (_IN_FORM,),
    "klaviyo": (_BEARER,),
    "mailchimp": (("basic", "*:{token}"), _BEARER),
    "monday": (_BEARER,),
    "newrelic": (("header", "X-Api-Key: {token}"),),
    "pagerduty": (_BEARER,),
    "pipedrive": (_BEARER,),
    "qdrant": (_BEARER,),
    "replicate": (("header", "Authorization: Token {token}"),),
    "slack": (("form", "token"),),
    "snyk": (_BEARER,),
    "stripe": (("basic", "{token}:*"),),
    "whatsapp": (_IN_FORM,),
}


def found_in(slug: str, path: str, request: Request) -> tuple[list[str], str]:
    """Return the texts that may be the credential, and the path without a credential.

    Args:
        slug: the provider. Outside the catalog it accepts a bearer token.
        path: the path below the fake provider's address, percent-encoded.
        request: the complete request.
    """
    provider = catalog.provider(slug)
    if provider is None:
        return [*_in_header("Authorization", catalog.BEARER[1], request.headers)], path
    if provider.path:
        token, path = _in_path(provider.path, path)
        return [] if token is None else [token], path
    tokens = [*_in_the_catalogs_place(provider, request)]
    for kind, template in PLACES.get(slug, ()):
        tokens += _in_place(kind, template, request)
    tokens += _fields(request.parameters(), provider.query)
    return tokens, path


def headers_of(slug: str) -> set[str]:
    """Return the lower-case names of the headers that may contain the credential."""
    provider = catalog.provider(slug)
    names = {"authorization"} if provider is None else {"authorization", provider.header[0].lower()}
    for kind, template in PLACES.get(slug, ()):
        if kind == "header":
            names.add(template.partition(":")[0].lower())
    return names


def query_fields_of(slug: str) -> tuple[str, ...]:
    """Return the names of the fields of a query that may contain the credential."""
    provider = catalog.provider(slug)
    return provider.query if provider else ()


def form_fields_of(slug: str) -> set[str]:
    """Return the names of the fields of a form that may contain the credential."""
    return {name for place, name in PLACES.get(slug, ()) if place == "form"}


def form_of(request: Request) -> dict[str, str]:
    """Return the fields of a form in the body, or none if the body is something else."""
    if not request.headers.get("content-type", "").lower().startswith(_FORM):
        return {}
    return decoded_pairs(request.body.decode("utf-8", "replace"))


def _in_the_catalogs_place(provider: catalog.Provider, request: Request) -> Iterator[str]:
    if provider.basic is not None:
        yield from _in_basic(provider.basic, request.headers)
        return
    yield from _in_header(*provider.header, request.headers)
    if provider.key_prefix is not None:  # an API key stands alone, the token of a user need not
        for token in _in_header(provider.header[0], catalog.BEARER[1], request.headers):
            if not token.startswith(provider.key_prefix):
                yield token


def _in_place(kind: str, template: str, request: Request) -> Iterator[str]:
    if kind == "header":
        name, _, value = template.partition(": ")
        yield from _in_header(name, value, request.headers)
    elif kind == "basic":
        yield from _in_basic(template, request.headers)
    else:
        yield from _fields(form_of(request), [template])


def _fields(fields: Mapping[str, str], names: Iterable[str]) -> Iterator[str]:
    return (fields[name] for name in names if name in fields)


def _in_path(templates: tuple[str, ...], path: str) -> tuple[str | None, str]:
    for template in templates:
        before, _, after = template.partition("{token}")
        if path.startswith(before):
            segment, slash, rest = path[len(before) :].partition("/")
            token = unquote(segment)
            if token.endswith(after):
                return token.removesuffix(after), slash + rest
    return None, path


def _in_header(name: str, template: str, headers: Headers) -> Iterator[str]:
    scheme = template.partition("{token}")[0]
    value = headers.get(name, "")
    # The name of a scheme is read in any case.
    if value[: len(scheme)].lower() == scheme.lower() and len(value) > len(scheme):
        yield value[len(scheme) :].strip()


def _in_basic(template: str, headers: Headers) -> Iterator[str]:
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return
    try:
        pair = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, ValueError):
        return
    given, wanted = pair.partition(":"), template.partition(":")
    for text, other, mine, others in (
        (given[0], given[2], wanted[0], wanted[2]),
        (given[2], given[0], wanted[2], wanted[0]),
    ):
        if mine == "{token}" and others in {"*", other}:
            yield text
