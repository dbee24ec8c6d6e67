"""The tests' application, for this process and for real servers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from flask import (
    Flask,
    Response,
    current_app,
    jsonify,
    render_template_string,
    stream_with_context,
)

from vendo.errors import NotConnected, RateLimited
from vendo_flask import FlaskVendo, blueprint, current_vendo, vendo_identity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from flask.typing import ResponseReturnValue


def make_app(
    environment: Mapping[str, str] | None = None,
    *,
    errors: bool = False,
    cache: Any = None,
    views: bool = True,
    may_connect: Any = lambda request, slug: True,
    **config: Any,
) -> Flask:
    app = Flask("site")
    app.config.update(environment or {})
    app.config.update(config)
    FlaskVendo(app, errors=errors, cache=cache)
    if views:
        app.register_blueprint(blueprint(may_connect=may_connect))
    for path, view in VIEWS.items():
        app.add_url_rule(path, view_func=view, methods=["GET", "POST"])
    return app


def token() -> str:
    return current_vendo.token("gmail")


async def atoken() -> str:
    await asyncio.sleep(0)
    return await asyncio.to_thread(current_vendo.token, "gmail")


def optional() -> Response:
    return jsonify(
        current_vendo.token("sentry", default=None), current_vendo.token("gmail", default=None)
    )


def health() -> ResponseReturnValue:
    health = current_app.extensions["vendo"].check(["gmail", "openai"])
    return {"ok": health.ok}, 200 if health.ok else 503


def identity() -> Response:
    who = vendo_identity()
    return jsonify(identity=who and who.user_id, name=vendo_identity.name if vendo_identity else "")


def stream() -> Response:
    def pieces() -> Iterator[str]:
        for _ in range(3):
            yield current_vendo.token("gmail") + "\n"

    return Response(stream_with_context(pieces()))


def kept_stream() -> Response:
    client = current_vendo._get_current_object()
    return Response(client.token("gmail") + "\n" for _ in range(3))


def profile() -> ResponseReturnValue:
    response: dict[str, Any] = (
        current_vendo.session("gmail").get("gmail/v1/users/me/profile").json()
    )
    return response


def limited() -> str:
    raise RateLimited("upstream_rate_limited", "Slow down.", retry_after=3)


def unconnected() -> str:
    raise NotConnected("binding_missing", "Not connected.", slug="slack")


async def aunconnected() -> str:
    raise NotConnected("binding_missing", "Not connected.", slug="slack")


def personal() -> str:
    return vendo_identity.email


def who() -> str:
    return vendo_identity.email if vendo_identity else "nobody"


def public() -> str:
    return "public"


def broken() -> str:
    raise ZeroDivisionError


def page() -> str:
    return render_template_string("{{ vendo_connect_button('gmail') }}")


VIEWS: dict[str, Callable[[], Any]] = {
    "/token/": token,
    "/atoken/": atoken,
    "/optional/": optional,
    "/health/": health,
    "/identity/": identity,
    "/stream/": stream,
    "/kept-stream/": kept_stream,
    "/profile/": profile,
    "/limited/": limited,
    "/unconnected/": unconnected,
    "/aunconnected/": aunconnected,
    "/personal/": personal,
    "/broken/": broken,
    "/who/": who,
    "/public/": public,
    "/page/": page,
}
