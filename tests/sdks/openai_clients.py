"""Clients of OpenAI's package, which LangChain and LiteLLM use too."""

from __future__ import annotations

import openai

import vendo
from sdks.checks import DUMMY
from sdks.scenarios import Scenarios


class OpenAIScenarios(Scenarios):
    slug = "openai"
    other = ("GET", "/v1/models")
    unauthenticated: type[Exception] = openai.AuthenticationError
    forbidden: type[Exception] = openai.PermissionDeniedError


def blocking(client: vendo.Vendo, max_retries: int = 0) -> openai.OpenAI:
    return openai.OpenAI(
        api_key=DUMMY,
        http_client=openai.DefaultHttpxClient(auth=client.httpx_auth("openai", override=True)),
        max_retries=max_retries,
    )


def asynchronous(client: vendo.Vendo) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(
        api_key=DUMMY,
        http_client=openai.DefaultAsyncHttpxClient(auth=client.httpx_auth("openai", override=True)),
        max_retries=0,
    )
