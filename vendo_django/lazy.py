"""What `request.vendo` is until it is used: most requests never use their client."""

from __future__ import annotations

from django.http import HttpRequest

import vendo
from vendo import web
from vendo_django.identity import SentHeaders, sent_headers


class RequestClient(web.LazyProxy):
    """The client of a request's user, made when it is first used."""

    __slots__ = ("_headers", "_made", "_used")

    _headers: SentHeaders
    _made: vendo.Vendo | None
    _used: dict[str, None]

    @staticmethod
    def _class() -> type:
        return vendo.Vendo

    def __init__(self, request: HttpRequest, used: dict[str, None]) -> None:
        # Not the request: a circle of references is freed by the garbage collector alone.
        put = object.__setattr__  # every request does this, and most use no client
        put(self, "_headers", sent_headers(request))
        put(self, "_used", used)
        put(self, "_made", None)

    def _client(self) -> vendo.Vendo:
        if self._made is None:
            # The clients are imported for the first one.
            from vendo_django.clients import client, client_of_headers

            made = client_of_headers(client(), self._headers, self._used)
            object.__setattr__(self, "_made", made)
            return made
        return self._made
