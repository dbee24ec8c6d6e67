"""What would go wrong later, said when the application starts or by `flask vendo doctor`.

Nothing here prints a credential.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from flask import Flask

from vendo import NotConnected, UpstreamError, ValidationError, Vendo, VendoError, sso
from vendo.web import is_missing
from vendo_flask import conf
from vendo_flask.current import app_client
from vendo_flask.links import BLUEPRINT


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong, or that may surprise, and what to do about it."""

    text: str
    fix: str | None = None
    is_wrong: bool = True


def check_start(app: Flask, client: Vendo) -> None:
    """Make sure that the key is well formed, and that the required slugs have credentials.

    A Vendo that does not answer keeps no application from starting: it is logged.

    Raises:
        NotConnected: some slugs have none; the text says of each what to do.
        VendoError: the key or an address is malformed, or Vendo refuses the key.
    """
    client.invalidate("openai")  # looks at the key and at the addresses, sends nothing
    required = conf.required(app)
    if not required:
        return
    try:
        client.tokens(required)  # one request for all of them
        missing = [f"{text} Fix: {fix}" if fix else text for text, fix in _missing(app, client)]
    except UpstreamError as error:
        app.logger.warning("The credentials of VENDO_REQUIRED were not checked: %s", error)
        return
    if missing:
        raise NotConnected("binding_missing", "\n".join(missing))


def findings(app: Flask) -> list[Finding]:
    """All there is to tell of the current application. In Vendo mode the backend is asked."""
    found = [Finding(text, fix) for text, fix in conf.problems(app)]
    try:
        found += [Finding(text, fix) for text, fix in _missing(app, app_client())]
    except VendoError as error:
        if error.message not in {finding.text for finding in found}:
            found.append(Finding(error.message, error.suggested_fix))
    name = app.extensions.get(BLUEPRINT)
    return found if name is None else [*found, *_of_views(app, name)]


def _of_views(app: Flask, name: str) -> Iterator[Finding]:
    if not _has_secret(app):
        yield Finding(
            "The webhook view has no secret, and refuses every webhook.",
            "Set VENDO_WEBHOOK_SECRET, or VENDO_WEBHOOK_SECRETS in app.config.",
            is_wrong=False,
        )
    rules = {rule.rule for rule in app.url_map.iter_rules(f"{name}.identity")}
    if sso.is_enabled() and sso.IDENTITY_ENDPOINT_PATH not in rules:
        yield Finding(
            f"The identity view is not at {sso.IDENTITY_ENDPOINT_PATH}, where the platform's "
            "pages look for it.",
            "Register the blueprint without url_prefix=.",
            is_wrong=False,
        )


def _missing(app: Flask, client: Vendo) -> Iterator[tuple[str, str | None]]:
    for slug in conf.required(app):
        try:
            client.token(slug)
        except VendoError as error:
            if not is_missing(error):
                raise  # the backend failed, which is another matter
            yield f"VENDO_REQUIRED names {slug!r}. {error.message}", error.suggested_fix


def _has_secret(app: Flask) -> bool:
    try:
        secrets = conf.webhook_secrets(app)
    except ValidationError:
        return True  # told as a problem of the configuration
    if secrets is not None:
        return bool(secrets)
    return bool(os.environ.get("VENDO_WEBHOOK_SECRET", "").strip())
