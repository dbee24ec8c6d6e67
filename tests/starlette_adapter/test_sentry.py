"""Sentry's report of a failed request contains no JWT and no key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.sentry import check_report

if TYPE_CHECKING:
    from vendo.testing import LocalVendo

PROGRAM = """
import os
from sentry_sdk.integrations.fastapi import FastApiIntegration
from sentry_sdk.integrations.starlette import StarletteIntegration
report([StarletteIntegration(), FastApiIntegration()])

from fastapi import Depends, FastAPI, Request
from starlette.testclient import TestClient
from vendo_starlette import VendoMiddleware, aclient, vendo_client

async def fail(request: Request):
    headers, scope = request.headers, request.scope
    await aclient(request).token("gmail")
    raise ZeroDivisionError

app = FastAPI()
app.add_api_route("/fail/", fail, dependencies=[Depends(vendo_client())])
if os.environ["WAY"] == "middleware":
    app.add_middleware(VendoMiddleware)
browser = TestClient(app, raise_server_exceptions=False)
headers = {"X-Vendo-User-JWT": os.environ["JWT"]}
assert browser.get("/fail/", headers=headers).status_code == 500
show()
"""


@pytest.mark.parametrize("way", ["middleware", "dependency"])
def test_sentry_reports_neither_the_jwt_nor_the_key(way: str, vendo_mode: LocalVendo) -> None:
    check_report(PROGRAM, vendo_mode, WAY=way)
