"""Figures of the providers' own SDKs: what our authentication adds to a call."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import openai

import vendo
from benchmarks.harness import Figure, microseconds_more, ratio, running_service

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "vendo_sk_" + "k" * 32


def figures() -> Iterator[Figure]:
    """Yield every figure."""
    with running_service() as address:
        os.environ["OPENAI_BASE_URL"] = address.url
        with vendo.Vendo(KEY, credentials_url=address.url) as client:
            provider = client.token_provider("openai")
            provider()  # fetches
            yield Figure(
                "`token_provider()`, cached",
                "`client.token()`",
                ratio(provider, lambda: client.token("openai")),
                1.3,
            )
            auth = client.httpx_auth("openai", override=True)
            with (
                openai.OpenAI(api_key="fixed", base_url=address.url) as fixed,
                openai.OpenAI(
                    api_key="unused",
                    base_url=address.url,
                    http_client=openai.DefaultHttpxClient(auth=auth),
                ) as ours,
            ):
                ours.models.list(), fixed.models.list()  # connect
                yield Figure(
                    "a call of the openai SDK with `override=True`",
                    "with a fixed key",
                    microseconds_more(ours.models.list, fixed.models.list),
                    30,
                    "µs more",
                )
        del os.environ["OPENAI_BASE_URL"]
