"""Extra `httpx`: an `auth=` for clients of httpx2."""

from __future__ import annotations

import httpx2

import vendo

auth = vendo.Vendo().httpx_auth("openai")
with httpx2.Client(auth=auth):
    flow = auth.sync_auth_flow(httpx2.Request("GET", "https://api.openai.com/v1/models"))
    assert next(flow).headers["Authorization"] == "Bearer sk-probe"
