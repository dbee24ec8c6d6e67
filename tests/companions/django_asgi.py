"""The Django site under ASGI: HTTP is Django's, WebSockets are consumers of Channels."""

from __future__ import annotations

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path

http = get_asgi_application()

from companions import consumers  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": http,
        "websocket": URLRouter(
            [
                path("ws/token/", consumers.Token.as_asgi()),
                path("ws/atoken/", consumers.AsyncToken.as_asgi()),
            ]
        ),
    }
)
