"""The name of each figure, in the order of a run. A run that yields others is an error."""

from __future__ import annotations

NAMES: dict[str, tuple[str, ...]] = {
    "startup": (
        "`import vendo`",
        "modules that `import vendo` loads",
        "import and first OSS `token()` in a new process",
        "a new process to its first token in Vendo mode",
        "`python -m vendo token openai` in Vendo mode",
        "`from vendo_flask import FlaskVendo`",
        "`from vendo_starlette import VendoMiddleware, vendo_session`",
        "`vendo_django` with its middleware, at the start of a project",
    ),
    "core": (
        "`token()` in OSS mode",
        "`token()` cached in Vendo mode",
        "cold fetch on a kept connection, plain",
        "cold fetch on a kept connection, TLS",
        "`session.get`",
        "200 threads, one cold token: requests",
        "200 threads, one cold token: time",
        "50 threads, 50 cold tokens",
        "20 000 users' tokens of 100 characters, 9992 stay cached",
    ),
    "peers": (
        "`token()` in OSS mode, beside decouple",
        "`token()` cached in Vendo mode, beside google-auth",
        "`token()` cached in Vendo mode, beside azure-identity",
    ),
    "aio": (
        "calls a second over threads, 50 in flight, 20 ms each",
        "calls a second over aiohttp, 50 in flight, 20 ms each",
        "1 000 tasks, one cold token, over threads: requests",
        "1 000 tasks, one cold token, over threads: time",
        "1 000 tasks, one cold token, over aiohttp: requests",
        "1 000 tasks, one cold token, over aiohttp: time",
        "`await client.token()`, cached",
        "`session.get` of an aiohttp session, 50 in flight, 20 ms each",
        "from cancelling a loop over events to its end, over threads",
        "from cancelling a loop over events to its end, over aiohttp",
    ),
    "platform": (
        "events read a second on one core",
        "an event in a line of 4 MiB, in pieces of 512 bytes",
        "verifying a webhook of 1023 bytes",
    ),
    "fleet": (
        "from a change to the last of 40 processes that learns of it, over Redis",
        "memory of a process that watches events over Redis",
        "threads of a process that watches events over Redis",
        "`token()` cached in a process that watches events over Redis",
    ),
    "sdks": (
        "`token_provider()`, cached",
        "a call of the openai SDK with `override=True`",
    ),
    "django_adapter": (
        "Django: a request through `VendoMiddleware` that uses nothing",
        "Django: `request.vendo.token()` cached",
        "Django: the first `request.vendo.token()` of a request, cached",
        "Django: the first `request.vendo.token()` of a request for its user, cached",
        "Django: a masked value in a template",
    ),
    "flask_adapter": (
        "Flask: a request that uses nothing",
        "Flask: a request with one cached `current_vendo.token()`",
        "Flask: a request with one cached `current_vendo.token()` for its user",
        "Flask: `current_vendo.token()` cached",
    ),
    "pytest_plugin": (
        "pytest: a run of one empty test with the plugin",
        "pytest: modules that the plugin loads in addition to its own",
        "pytest: a test with `vendo_server`",
        "pytest: a reset of the server",
    ),
    "starlette_adapter": (
        "Starlette: a request through `VendoMiddleware` that uses nothing",
        "Starlette: the first `request.state.vendo.token()` of a request, cached",
        "FastAPI: a request with `Depends(vendo_token(…))`, cached",
        "Starlette: a session for a request: `vendo_session`",
        "Starlette: a session for a request: `vendo_async_session`",
        "Starlette: a session for a request: `vendo_httpx`",
    ),
}
