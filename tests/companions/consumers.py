"""Consumers of Channels. A text that they receive is the slug of the token to send."""

from __future__ import annotations

from typing import Any

from channels.generic.websocket import AsyncJsonWebsocketConsumer, JsonWebsocketConsumer

from vendo import VendoError, sso
from vendo.web import client_for_user, error_response, mask_jwt_of_scope, user_jwts
from vendo_django import aclient, client


def user_of(scope: dict[str, Any]) -> str | None:
    """Return the id of the user whom the platform's proxy names."""
    user = sso.identity_from_headers(scope["headers"])
    return user.user_id if user else None


def code_of(error: VendoError) -> int:
    """Return what closes the socket. Daphne sends codes for applications alone."""
    return 4000 + error_response(error).status


class Token(JsonWebsocketConsumer):
    """Runs in a thread."""

    def receive(self, text_data: str = "", **_: Any) -> None:
        mine = client_for_user(client(), user_jwts(self.scope["headers"]))
        try:
            self.send_json({"token": mine.token(text_data), "user": user_of(self.scope)})
        except VendoError as error:
            self.close(code_of(error), error.code)


class AsyncToken(AsyncJsonWebsocketConsumer):
    """Runs in the event loop. For `scope` it sends what an error report would show."""

    async def connect(self) -> None:
        mask_jwt_of_scope(self.scope)
        await self.accept()

    async def receive(self, text_data: str = "", **_: Any) -> None:
        if text_data == "scope":
            await self.send_json({"shown": repr(self.scope)})
            return
        mine = client_for_user(aclient(), user_jwts(self.scope["headers"]))
        try:
            await self.send_json(
                {"token": await mine.token(text_data), "user": user_of(self.scope)}
            )
        except VendoError as error:
            await self.close(code_of(error), error.code)
