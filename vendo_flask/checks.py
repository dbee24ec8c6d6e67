"""Problems that would show up later, reported at the start or by `flask vendo doctor`.

No text contains a credential.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flask import Flask
from werkzeug.local import LocalProxy

from vendo import (
    NotConnected,
    RateLimited,
    UpstreamError,
    ValidationError,
    Vendo,
    VendoError,
    sso,
)
from vendo.web import (
    ReplayStore,
    check_client,
    checked_slug,
    has_webhook_secret,
    impatient,
    invalid,
    is_missing,
    is_slug,
)
from vendo_flask import settings
from vendo_flask.clients import EXTENSION, app_client, application_client
from vendo_flask.connect import VIEWS, Views
from vendo_flask.webhooks import STORE, chosen_store, is_alone, replay_store


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem, or with `is_wrong=False` a warning, and what to do about it."""

    text: str
    fix: str | None = None
    is_wrong: bool = True


def check_start(app: Flask, client: Vendo, store: ReplayStore) -> None:
    """Validate the configuration, and make sure that the required slugs have credentials.

    An application starts also while Vendo does not respond: that is logged. So are options that
    have no effect.

    Raises:
        NotConnected: slugs have no credential; the text names each with what to do.
        VendoError: an option is unknown or malformed, and the text names all of these; or Vendo
            rejects the key.
    """
    unknown = {
        problem.text: f"{problem.text} Fix: {problem.fix}" for problem in settings.problems(app)
    }
    malformed = [e for e in _malformed(app, client, store) if e.message not in unknown]
    if len(malformed) == 1 and not unknown:
        raise malformed[0]
    if unknown or malformed:
        raise invalid("\n".join([*unknown.values(), *map(str, malformed)]))
    for finding in _without_effect(app):
        app.logger.warning("%s Fix: %s", finding.text, finding.fix)
    check_client(client)
    required = settings.required(app)
    if not required:
        return
    client = impatient(application_client(client))
    try:
        client.tokens(required)  # one request for all of them
        missing = [f"{text} Fix: {fix}" if fix else text for text, fix in _missing(app, client)]
    except (RateLimited, UpstreamError) as error:
        app.logger.warning("The credentials of VENDO_REQUIRED were not checked: %s", error)
        return
    if missing:
        raise NotConnected("binding_missing", "\n".join(missing))


def findings(app: Flask) -> list[Finding]:
    """Return all problems of the current application. In Vendo mode this sends requests."""
    client, store = app.extensions[EXTENSION], app.extensions[STORE]
    texts: dict[str, str | None] = {found.text: found.fix for found in settings.problems(app)}
    texts.update((e.message, e.suggested_fix) for e in _malformed(app, client, store))
    try:
        texts.update(_missing(app, app_client()))
    except VendoError as error:
        texts[error.message] = error.suggested_fix
    found = [*(Finding(text, fix) for text, fix in texts.items()), *_without_effect(app)]
    views: list[Views] = app.extensions.get(VIEWS, [])
    return [*found, *_of_views(app, views)] if views else found


def _malformed(app: Flask, client: Vendo, store: ReplayStore) -> Iterator[VendoError]:
    """Yield the error of each option whose value cannot be used."""
    if isinstance(client, LocalProxy):  # made of the options, unlike a mock
        yield from settings.readable_client_options(app)[0].problems(settings.client_label).values()
    try:
        chosen_store(app, store)
    except VendoError as error:
        yield error
    try:
        required = settings.required(app)
    except ValidationError as error:
        yield error
        return
    for slug in required:
        try:
            checked_slug(slug)
        except ValidationError as error:
            yield error.replace(message=f"VENDO_REQUIRED: {error.message}")


def _without_effect(app: Flask) -> Iterator[Finding]:
    for name in settings.without_effect(app):
        yield Finding(
            f'app.config["{name}"] has no effect: {name} is read from the environment alone.',
            f"Set the environment variable {name}, for a .env file with dotenv.load_dotenv().",
            is_wrong=False,
        )


def _of_views(app: Flask, views: list[Views]) -> Iterator[Finding]:
    is_vendo_mode = _is_vendo_mode()  # in OSS mode there is nothing to connect
    if is_vendo_mode and not sso.is_enabled() and any(one.may_connect is None for one in views):
        yield Finding(
            "The connect view is closed: no rule lets users connect providers.",
            "Write blueprint(may_connect=…), with a function of request and slug. All who can open "
            "the view hold the API key.",
            is_wrong=False,
        )
    if is_vendo_mode and _remembers_alone(app) and _has_secret(app):
        yield Finding(
            "Two processes may handle one webhook: the replay store is in memory or in files.",
            "Set VENDO_REDIS_URL, or give FlaskVendo a cache= of Redis or Memcached.",
            is_wrong=False,
        )
    if not _has_secret(app):
        yield Finding(
            "The webhook view has no secret, and rejects every webhook.",
            "Set VENDO_WEBHOOK_SECRET, or VENDO_WEBHOOK_SECRETS in app.config.",
            is_wrong=False,
        )
    rules = {rule.rule for one in views for rule in app.url_map.iter_rules(f"{one.name}.identity")}
    if sso.is_enabled() and sso.IDENTITY_ENDPOINT_PATH not in rules:
        yield Finding(
            f"The identity view is not at {sso.IDENTITY_ENDPOINT_PATH}, the path that the "
            "platform's pages use.",
            "Register the blueprint without url_prefix=.",
            is_wrong=False,
        )


def _is_vendo_mode() -> bool:
    try:
        return app_client().is_vendo_mode()
    except VendoError:
        return False  # reported above


def _remembers_alone(app: Flask) -> bool:
    try:
        return is_alone(replay_store(app))
    except VendoError:
        return False  # reported above


def _missing(app: Flask, client: Vendo) -> Iterator[tuple[str, str | None]]:
    for slug in filter(is_slug, settings.required(app)):
        try:
            client.token(slug)
        except VendoError as error:
            if not is_missing(error):
                raise  # the backend failed, which is a finding of its own
            yield f"VENDO_REQUIRED names {slug!r}. {error.message}", error.suggested_fix


def _has_secret(app: Flask) -> bool:
    try:
        return has_webhook_secret(settings.webhook_secrets(app))
    except ValidationError:
        return True  # reported as a problem of the configuration
