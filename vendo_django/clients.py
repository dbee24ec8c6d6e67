"""The process's clients: one for blocking code, one for asyncio, as the settings say."""

from __future__ import annotations

from typing import Any, TypeAlias

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from vendo import AsyncVendo, Vendo, aio
from vendo.errors import AuthError, ValidationError
from vendo.web import StandIn
from vendo_django import conf
from vendo_django.requests import scoped, sent_headers

TYPE_CHECKING = False

_Values: TypeAlias = tuple[str | None, str | None, float | None]

# By the settings that they were made of, and never more than those of the present settings. Without
# a lock, which a forked worker could inherit: whoever comes second takes the first one's client.
_blocking: dict[_Values, Vendo] = {}
_asynchronous: dict[_Values, AsyncVendo] = {}


def client(request: HttpRequest | None = None) -> Vendo:
    """The client of the process, as the setting `VENDO` and the environment say. Both modes.

    It is made when it is first asked for, and made anew when the settings change. Its connections
    are shared by all that is made from it.

    Args:
        request: scopes the client to the person whose JWT the request carries, if it does; the
            result is the same as `request.vendo`, and works without the middleware.

    Raises:
        ImproperlyConfigured: the settings or the key are malformed.
    """
    values = conf.client_values()
    made = _blocking.get(values)
    if made is None:
        made = _blocking.setdefault(values, _checked(Vendo, values))
        for other in list(_blocking):
            # Another thread may be here as well, and may have taken it out.
            if other != values and (old := _blocking.pop(other, None)) is not None:
                old.close()
    return made if request is None else scoped(made, sent_headers(request))


def aclient(request: HttpRequest | None = None) -> AsyncVendo:
    """The same for asyncio: its methods are to be awaited. Both modes.

    Raises:
        ImproperlyConfigured: the settings or the key are malformed.
    """
    values = conf.client_values()
    made = _asynchronous.get(values)
    if made is None:
        made = _asynchronous.setdefault(values, _checked(aio.client, values))
        for other in list(_asynchronous):
            if other != values:
                _asynchronous.pop(other, None)  # its connections are closed with their event loop
    return made if request is None else scoped(made, sent_headers(request))


class RequestClient(StandIn):
    """`request.vendo`: the client for the request's person, made when it is first used."""

    __slots__ = ("_headers", "_made")

    def __init__(self, request: HttpRequest) -> None:
        # Not the request: it holds this one, and would be freed by the garbage collector alone.
        self._headers = sent_headers(request)
        self._made: Vendo | None = None

    def _client(self) -> Vendo:
        if self._made is None:
            self._made = scoped(client(), self._headers)
        return self._made

    if not TYPE_CHECKING:

        @property
        def __class__(self):  # noqa: ANN204  # isinstance() asks for it
            return Vendo


def _checked(make: Any, values: _Values) -> Any:
    api_key, base_url, timeout = values
    settings = {} if timeout is None else {"timeout": timeout}
    try:
        return make(api_key, base_url, **settings)
    except (AuthError, ValidationError) as error:
        raise ImproperlyConfigured(f"vendo: {error}") from None
