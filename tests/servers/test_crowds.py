"""Requests that are served at the same time over one connection know nothing of each other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from servers import CROWD
from servers.http2 import get_at_once
from support.servers import serving
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.servers


@pytest.mark.parametrize("app", ["app", "on_sharing_server"])
def test_no_request_of_a_crowd_over_http2_reads_another_users_state(
    app: str, tmp_path: Path
) -> None:
    users = [f"usr_{number}" for number in range(CROWD)]
    requests = [
        (
            f"/crowded/?number={number}",
            {
                "X-Vendo-User-Id": user,
                "X-Vendo-User-Email": f"{user}@example.com",
                "X-Vendo-Tenant-Id": "ten_1",
                "X-Vendo-Role": "member",
                "X-Vendo-User-JWT": f"{user}.one.jwt",
            },
        )
        for number, user in enumerate(users)
    ]
    command = ["hypercorn", "--bind=127.0.0.1:{port}", f"servers.starlette_site:{app}"]
    with LocalVendo(["gmail"]) as server:
        environment = {**server.environment("gmail"), "VENDO_AUTH": "1"}
        with serving(command, environment, tmp_path) as site:
            responses = [(status, json.loads(body)) for status, body in get_at_once(site, requests)]
        for number, (user, response) in enumerate(zip(users, responses, strict=True)):
            token = server.token("gmail", user=f"{user}.one.jwt")
            assert response == (
                b"200",
                {
                    "user": user,
                    "number": str(number),
                    "token": token,
                    "token in thread": token,
                },
            )
