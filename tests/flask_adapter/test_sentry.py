"""Sentry's report of a failed request contains no JWT and no key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.sentry import reported

if TYPE_CHECKING:
    from vendo.testing import LocalVendo

JWT = "canary.of-a.user"
PROGRAM = """
from sentry_sdk.integrations.flask import FlaskIntegration
report([FlaskIntegration()])

import os
from flask import request
from flask_adapter.site import current_vendo, make_app

def fail():
    headers, environ = request.headers, request.environ
    current_vendo.token("gmail")
    raise ZeroDivisionError

app = make_app()
app.add_url_rule("/fail/", view_func=fail)
headers = {"X-Vendo-User-JWT": os.environ["JWT"]}
assert app.test_client().get("/fail/", headers=headers).status_code == 500
show()
"""


def test_sentry_reports_neither_the_jwt_nor_the_key(vendo_mode: LocalVendo) -> None:
    report = reported(PROGRAM, JWT=JWT, **vendo_mode.environment())

    assert "ZeroDivisionError" in report
    assert "X-Vendo-User-Jwt" in report
    for secret in (JWT, vendo_mode.api_key, vendo_mode.token("gmail", user=JWT)):
        assert secret not in report
