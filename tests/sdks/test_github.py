"""PyGithub: the page's `Auth`, and its function that repeats a call with another token."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from threading import Barrier
from typing import TYPE_CHECKING, Any

import github
import pytest

import vendo
from sdks.checks import fetches, provider_texts
from sdks.errors_shown import error_texts
from sdks.recipes import recipe
from sdks.scenarios import Calls, Scenarios

if TYPE_CHECKING:
    from vendo.testing import LocalVendo

pytestmark = pytest.mark.sdk

THREADS = 8


def sdk(server: LocalVendo, source: vendo.Vendo, **settings: Any) -> github.Github:
    auth = recipe("PyGithub", "VendoAuth").VendoAuth()
    auth.source = source
    quick: dict[str, Any] = {"seconds_between_requests": None, "seconds_between_writes": None}
    base_url = server.provider_url("github")
    return github.Github(auth=auth, base_url=base_url, **{"retry": None, **quick, **settings})


def renewed(call: Callable[[], Any], source: vendo.Vendo) -> Any:
    return recipe("PyGithub", "VendoAuth").renewed(call, source)


class TestGithub(Scenarios):
    slug = "github"
    other = ("GET", "/user")
    unauthenticated = github.GithubException
    forbidden = github.GithubException
    streamed = "Local"

    def make(self, client: vendo.Vendo, stack: AsyncExitStack) -> Calls:
        gh = stack.enter_context(sdk(self.server, client))

        def read(name: str) -> object:
            return renewed(lambda: gh.get_repo(f"{name}/local"), client)

        def user() -> object:
            return renewed(lambda: gh.get_user().login, client)

        def issues() -> str:
            repo = renewed(lambda: gh.get_repo("local-owner/local"), client)
            return " ".join(renewed(lambda: [issue.title for issue in repo.get_issues()], client))

        return Calls(read, user, issues, [gh, gh.requester.auth])

    def error_body(self, reason: str) -> dict[str, Any]:
        return {"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest"}

    def shown_of(self, error: Exception) -> Iterable[object]:
        return error_texts(error)


def test_rotated_token_needs_no_second_call(server: LocalVendo, client: vendo.Vendo) -> None:
    with sdk(server, client) as gh:
        assert gh.get_user().login == "local-owner"
        server.rotate("github")
        client.invalidate("github")
        assert [repo.name for repo in gh.get_user().get_repos()] == ["local"]
    assert len(provider_texts(server, "github")) == 2


def test_call_alone_raises_the_sdks_error(server: LocalVendo, client: vendo.Vendo) -> None:
    with sdk(server, client) as gh:
        assert gh.get_user().login == "local-owner"
        server.expire("github")
        with pytest.raises(github.BadCredentialsException):
            _ = gh.get_user().login


def test_body_is_sent_again(server: LocalVendo, client: vendo.Vendo) -> None:
    with sdk(server, client) as gh:
        repo = gh.get_repo("local-owner/local")
        server.expire("github")
        assert renewed(lambda: repo.create_issue("Broken"), client).title == "Broken"
    assert sum("Broken" in text for text in provider_texts(server, "github")) == 2


def test_threads_repeat_their_calls_with_few_fetches(
    server: LocalVendo, client: vendo.Vendo
) -> None:
    barrier = Barrier(THREADS)

    def call(_: int) -> str:
        with sdk(server, client) as gh:
            barrier.wait(timeout=30)
            return str(renewed(lambda: gh.get_user().login, client))

    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(3):
            assert list(pool.map(call, range(THREADS))) == ["local-owner"] * THREADS
            server.expire("github")
    assert fetches(server) <= 10


def test_401_with_other_words_is_not_repeated(server: LocalVendo, client: vendo.Vendo) -> None:
    body = {"message": "Requires authentication", "status": "401"}
    server.respond("github", "GET", "/user", status=401, body=body)
    with sdk(server, client) as gh, pytest.raises(github.GithubException, match="Requires"):
        renewed(lambda: gh.get_user().login, client)
    assert len(provider_texts(server, "github")) == 1


def test_retries_are_those_of_the_sdk(server: LocalVendo, client: vendo.Vendo) -> None:
    server.fail("provider", status=502)
    with sdk(server, client) as gh, pytest.raises(github.GithubException):
        _ = gh.get_user().login
    server.fail("provider", status=502)
    retry = github.GithubRetry(total=1, backoff_factor=0)
    with sdk(server, client, retry=retry) as gh:
        assert gh.get_user().login == "local-owner"
    assert len(provider_texts(server, "github")) == 3
