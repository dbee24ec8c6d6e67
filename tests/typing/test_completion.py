"""An editor completes slugs: what a real language server offers between the quotes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.language_server import completions

if TYPE_CHECKING:
    from pathlib import Path

IMPORTS = [
    "import vendo, vendo_django, vendo_flask, vendo_pytest",
    "from fastapi import Depends, FastAPI",
    "from vendo_starlette import *",
    "from vendo.testing import LocalVendo",
    "app: FastAPI",
]
CALLS = [
    'vendo.token("")',
    'vendo.token("", default=None)',
    'vendo.tokens([""])',
    'vendo.session("")',
    'vendo.aio.session("")',
    'vendo.Vendo().check([""])',
    'vendo_django.token("")',
    'vendo_django.token("", default=None)',
    'vendo_django.tokens("openai", "")',
    'vendo_django.client().session("")',
    'Depends(vendo_token(""))',
    'Depends(vendo_token("", default=None))',
    'vendo_session("")',
    'vendo_async_session("", hosts=["example.com"])',
    'vendo_httpx("")',
    'FromVendo("")',
    'VendoSettings(required=[""])',
    'VendoSettings(required=["openai", ""])',
    'aclient(app).token("")',
    'aclient(app).check([""])',
    'client(app).session("")',
    'vendo_flask.FlaskVendo().token("")',
    'vendo_flask.current_vendo.session("")',
    'def test_a(vendo_token: vendo_pytest.VendoToken): vendo_token("")',
    'def test_b(vendo_usage: vendo_pytest.VendoUsage): vendo_usage.assert_used("")',
    'LocalVendo([""])',
    'LocalVendo().token("")',
]
MAIL = {"postmark", "resend", "sendgrid"}
MAIL_CALLS = ['vendo_django.mailer("")', 'vendo_django.email_settings("")']


def test_slugs_are_completed(tmp_path: Path) -> None:
    found = completions([*IMPORTS, *CALLS, *MAIL_CALLS], tmp_path)
    offered = dict(zip([*CALLS, *MAIL_CALLS], map(set, found), strict=True))
    lacking = [call for call in CALLS if not offered[call] > {"openai", "gmail", *MAIL}]
    assert lacking == []
    assert [offered[call] for call in MAIL_CALLS] == [MAIL] * 2
