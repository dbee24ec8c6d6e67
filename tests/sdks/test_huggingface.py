"""huggingface_hub, whose calls share an HTTP client, for the Hub and for files elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import huggingface_hub
import pytest
from huggingface_hub.errors import HfHubHTTPError

import vendo
from sdks.checks import DUMMY, check_users_in_threads, fetches, provider_texts
from sdks.scenarios import Calls, Scenarios
from sessions.foreign import Foreign, Reply

if TYPE_CHECKING:
    import asyncio

    from vendo.testing import LocalVendo

pytestmark = pytest.mark.sdk

#: Before 1.0 it was built on requests.
IS_OLD = int(version("huggingface_hub").partition(".")[0]) < 1
ROUTER = "https://router.huggingface.co/v1"


def install(client: vendo.Vendo) -> None:
    """Let the calls with the dummy use the token of a client."""
    if IS_OLD:
        _install_session(client)
        return
    import httpx2

    auth = client.httpx_auth("huggingface", override=True)

    class Hub(httpx2.Client):
        def send(self, request: Any, **options: Any) -> Any:
            if request.headers.get("Authorization") == f"Bearer {DUMMY}":
                options["auth"] = auth
            return super().send(request, **options)

    huggingface_hub.set_client_factory(lambda: Hub(follow_redirects=True, timeout=None))


def _install_session(client: vendo.Vendo) -> None:
    import requests

    auth = client.auth("huggingface", override=True)

    class Hub(requests.Session):
        def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
            if request.headers.get("authorization") == f"Bearer {DUMMY}":
                request.auth = auth
            return super().prepare_request(request)

    old: Any = huggingface_hub
    old.configure_http_backend(Hub)


@pytest.fixture
def _restored() -> Iterator[None]:
    """Close the clients, and have the next ones be the package's own."""
    yield
    if IS_OLD:
        old: Any = huggingface_hub
        old.get_session().close()
        old.configure_http_backend()
    else:
        from huggingface_hub.utils._http import default_client_factory

        huggingface_hub.set_client_factory(default_client_factory)


def say(text: str, token: str = DUMMY, url: str = ROUTER) -> object:
    model = huggingface_hub.InferenceClient(base_url=url, token=token)
    return model.chat_completion([{"role": "user", "content": text}])


@pytest.mark.usefixtures("_restored")
class TestHuggingFace(Scenarios):
    slug = "huggingface"
    other = ("GET", "/api/whoami-v2")
    # The old `whoami` raises an error of requests.
    unauthenticated = OSError if IS_OLD else HfHubHTTPError
    forbidden = HfHubHTTPError

    def make(self, client: vendo.Vendo, stack: AsyncExitStack) -> Calls:
        install(client)
        api = huggingface_hub.HfApi(token=DUMMY)
        model = huggingface_hub.InferenceClient(base_url=ROUTER, token=DUMMY)

        def stream() -> str:
            chunks: Any = model.chat_completion([{"role": "user", "content": "Hello"}], stream=True)
            return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)

        return Calls(say, api.whoami, stream, [api, model])

    def test_users_at_once_have_their_own_tokens(self) -> None:
        install(self.client)
        # Nothing of vendo sends a request with a token of its own to the fake provider.
        url = f"{self.server.provider_url('huggingface')}/v1"

        def make(user: vendo.Vendo) -> Callable[[str], object]:
            return lambda text: say(text, user.token("huggingface"), url)

        check_users_in_threads(self.server, "huggingface", self.client, make, expire=False)

    def test_file_elsewhere_is_downloaded_without_the_token(self, tmp_path: Path) -> None:
        install(self.client)
        with Foreign() as elsewhere:
            elsewhere.replies["/file"] = Reply(200, {}, b"content")
            self.server.respond(
                "huggingface",
                "GET",
                "/ana/model/resolve/main/file.txt",
                status=302,
                headers={
                    "Location": f"{elsewhere.url}/file",
                    "X-Repo-Commit": "0" * 40,
                    "X-Linked-Etag": '"1"',
                    "X-Linked-Size": "7",
                },
            )
            self.server.expire("huggingface")
            path = huggingface_hub.hf_hub_download(
                "ana/model", "file.txt", token=DUMMY, cache_dir=tmp_path
            )
            assert Path(path).read_bytes() == b"content"
        assert {seen.headers["Authorization"] for seen in elsewhere.seen} == {None}


if not IS_OLD:  # it was built on aiohttp

    def test_asynchronous_model(
        server: LocalVendo, client: vendo.Vendo, runner: asyncio.Runner
    ) -> None:
        import httpx2
        from huggingface_hub.utils._http import default_async_client_factory

        auth = client.httpx_auth("huggingface", override=True)

        class Hub(httpx2.AsyncClient):
            async def send(self, request: Any, **options: Any) -> Any:
                if request.headers.get("Authorization") == f"Bearer {DUMMY}":
                    options["auth"] = auth
                return await super().send(request, **options)

        async def main() -> None:
            async with huggingface_hub.AsyncInferenceClient(base_url=ROUTER, token=DUMMY) as model:
                for _ in range(2):
                    await model.chat_completion([{"role": "user", "content": "Hello"}])
                    server.expire("huggingface")

        huggingface_hub.set_async_client_factory(lambda: Hub(follow_redirects=True, timeout=None))
        try:
            runner.run(main())
        finally:
            huggingface_hub.set_async_client_factory(default_async_client_factory)
        assert fetches(server) == 2


@pytest.mark.usefixtures("_restored")
def test_own_token_of_a_call_is_not_replaced(server: LocalVendo, client: vendo.Vendo) -> None:
    install(client)
    api = huggingface_hub.HfApi(server.provider_url("huggingface"), token="hf_other")
    with pytest.raises(OSError, match="Invalid user token"):
        api.whoami()
    assert ["hf_other" in text for text in provider_texts(server, "huggingface")] == [True]
