"""What other tools write of a request: an event of Sentry, a cassette of VCR.py."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sentry_sdk
import vcr  # type: ignore[import-untyped]
from sentry_sdk.integrations.aiohttp import AioHttpIntegration
from sentry_sdk.integrations.httpx import HttpxIntegration
from sentry_sdk.integrations.httpx2 import Httpx2Integration
from sentry_sdk.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from canary.search import Search


class Sentry:
    """Sentry with its integrations for the libraries of sessions. Nothing leaves the process."""

    def __init__(self) -> None:
        self._envelopes: list[Any] = []
        envelopes = self._envelopes

        class Kept(Transport):
            def capture_envelope(self, envelope: Any) -> None:
                envelopes.append(envelope)

        sentry_sdk.init(
            "http://key@127.0.0.1:9/1",
            transport=Kept,
            traces_sample_rate=1.0,
            send_default_pii=True,
            max_value_length=1_000_000,
            # Those that Sentry enables by itself, without the frameworks, which take seconds.
            auto_enabling_integrations=False,
            integrations=[AioHttpIntegration(), HttpxIntegration(), Httpx2Integration()],
        )

    @contextlib.contextmanager
    def watching(self, search: Search) -> Iterator[None]:
        """Trace a call, report its error, and search what Sentry would send."""
        with sentry_sdk.new_scope(), sentry_sdk.start_transaction(op="test", name="test"):
            try:
                yield
            except Exception as error:
                sentry_sdk.capture_exception(error)
                raise
            finally:
                sentry_sdk.capture_message("with the breadcrumbs so far")
        for envelope in self._envelopes:
            search.text("an event of Sentry", envelope.serialize().decode("utf-8", "replace"))
        self._envelopes.clear()


@contextlib.contextmanager
def recording(search: Search) -> Iterator[None]:
    """Record a call as the manual says, and search the file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cassette.yaml"
        try:
            with vcr.use_cassette(str(path), record_mode="all", filter_headers=["Authorization"]):
                yield
        finally:
            if path.exists():
                search.text("a cassette of VCR.py", path.read_text(encoding="utf-8"))
