"""Sentry's report of a failed request contains no JWT and no key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.sentry import check_report

if TYPE_CHECKING:
    from vendo.testing import LocalVendo

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
    check_report(PROGRAM, vendo_mode)
