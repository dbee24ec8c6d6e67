"""Extra `http`: a session of requests."""

from __future__ import annotations

import requests

import vendo

with vendo.session("openai") as session:
    assert isinstance(session, requests.Session)
    request = session.prepare_request(requests.Request("GET", "https://api.openai.com/v1/models"))
    assert request.headers["Authorization"] == "Bearer sk-probe"
