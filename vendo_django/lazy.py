"""What `request.vendo` is until it is used: most requests never use their client."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

import vendo
from vendo import web
from vendo_django.identity import sent_headers


class RequestClient(web.LazyProxy):
    """The client of a request's user, made when it is first used."""

    __slots__ = ("_headers", "_made", "_used")

    _headers: dict[str, Any] | list[tuple[bytes, bytes]]
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
            from vendo_django.clients import client  # the clients are imported for the first one

            own = client()
            made = web.client_for_user(own, web.user_jwts(self._headers))
            object.__setattr__(self, "_made", made)
            if made is not own or own.is_vendo_mode():
                self._used.update(dict.fromkeys(web.VARY_ON_CLIENT))
            return made
        return self._made
