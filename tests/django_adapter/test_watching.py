"""`VENDO["WATCH"]`: a process of Django watches events from its first request or token on."""

from __future__ import annotations

import io
import json
import logging
import sys
from typing import TYPE_CHECKING, Any
from unittest.mock import create_autospec

import pytest
from asgiref.sync import async_to_sync
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.core.signals import request_started
from django.test import AsyncClient, Client, override_settings

import vendo
from support.redis_server import redis_server
from support.servers import nowhere
from support.shown import texts_of
from support.watches import Watches, all_streams_open, until, watches
from vendo import Vendo
from vendo._client import app_watch
from vendo.testing import MockAsyncClient, MockClient
from vendo_django import client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from vendo.testing import LocalVendo

PASSWORD = "canary-password-19f4"
OPTION = "VENDO['REDIS_URL']"
#: Where the URL is set: in the setting or in the environment.
PLACES = pytest.mark.parametrize("place", [OPTION, "VENDO_REDIS_URL"])


@pytest.fixture(autouse=True)
def watched() -> Iterator[Watches]:
    with watches() as found:
        yield found
    request_started.disconnect(dispatch_uid="vendo_django.watching")


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Start a project that watches, with the URL of a Redis in a place, and more options."""
    changed: list[Any] = []

    def start(place: str = OPTION, url: Any = None, **setting: Any) -> None:
        if url is not None and place == OPTION:
            setting["REDIS_URL"] = url
        elif url is not None:
            monkeypatch.setenv(place, url)
        changed.append(override_settings(VENDO={"WATCH": True, **setting}))
        changed[-1].enable()
        apps.get_app_config("vendo_django").ready()

    yield start
    for each in reversed(changed):
        each.disable()


def url_of(place: str, port: int | None = None, login: str = "") -> str:
    """Return the URL of a Redis, of one that is away without a port. Each place has its own."""
    address = nowhere().partition("//")[2] if port is None else f"127.0.0.1:{port}"
    return f"redis://{login}{address}/{2 + int(place == OPTION)}"


def token() -> str:
    """Return what a request gets."""
    response = Client().get("/token/")
    assert response.status_code == 200, response.content
    return str(response.content.decode())


@pytest.mark.parametrize("value", ["yes", "1", "", 0, 1, 1.0, object(), []])
def test_an_option_of_a_wrong_type_stops_the_start(
    value: Any, start: Callable[..., None], vendo_mode: LocalVendo
) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        start(WATCH=value)
    assert str(caught.value).startswith("vendo: VENDO['WATCH'] must be True or False.")
    assert 'Write VENDO = {"WATCH": True}.' in str(caught.value)
    assert vendo_mode.requests == []


@pytest.mark.parametrize("value", [None, False])
def test_without_the_option_nothing_is_watched(
    value: Any, start: Callable[..., None], vendo_mode: LocalVendo, watched: Watches
) -> None:
    start(OPTION, url_of(OPTION), WATCH=value)
    assert token() == vendo_mode.token("gmail")
    assert watched.threads == []


@PLACES
@pytest.mark.parametrize(
    "url", ["nonsense", "http://h", f"http://:{PASSWORD}@h", f"redis://:{PASSWORD}@h:port"]
)
def test_a_malformed_url_is_one_error_at_the_start(
    url: str,
    place: str,
    start: Callable[..., None],
    vendo_mode: LocalVendo,
    watched: Watches,
) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        start(place, url)
    assert str(caught.value).startswith(f"vendo: The Redis URL in {place} is malformed.")
    assert "redis://127.0.0.1:6379/0" in str(caught.value)
    assert PASSWORD not in "".join(texts_of(caught.value))
    assert token() == vendo_mode.token("gmail")
    assert watched.threads == []


def test_a_url_that_is_not_text_is_one_error_at_the_start(
    start: Callable[..., None], vendo_mode: LocalVendo
) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        start(OPTION, 5)
    assert str(caught.value).startswith(f"vendo: {OPTION} must be a string.")


def test_a_blank_url_is_none(
    start: Callable[..., None], vendo_mode: LocalVendo, watched: Watches
) -> None:
    start(OPTION, "")
    assert token() == vendo_mode.token("gmail")
    vendo_mode.wait_for_streams(1, timeout=60)
    assert watched.modes == ["stream"]
    report = json.loads(doctor("--json"))
    assert (report["problems"], report["events"]) == ([], "stream")


@PLACES
def test_without_the_package_it_does_not_start(
    place: str,
    start: Callable[..., None],
    vendo_mode: LocalVendo,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    monkeypatch.setattr("vendo._config.extras.find_spec", lambda _: None)
    with pytest.raises(ImproperlyConfigured, match=r"vendo-sdk\[redis\]"):
        start(place, "redis://127.0.0.1:6379/0")


@pytest.mark.redis
@PLACES
@pytest.mark.parametrize("login", ["", f"someone:not-{PASSWORD}@"])
def test_a_password_that_is_not_accepted_is_logged_once(
    login: str,
    place: str,
    start: Callable[..., None],
    vendo_mode: LocalVendo,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    watched: Watches,
) -> None:
    with (
        redis_server(tmp_path, "--requirepass", PASSWORD) as redis,
        caplog.at_level(logging.DEBUG, "vendo"),
    ):
        start(place, url_of(place, redis.port, login))
        assert token() == vendo_mode.token("gmail")
        until(lambda: watched.modes == ["polling"])
        assert token() == vendo_mode.token("gmail")
        watched.stop()
    (record,) = [each for each in caplog.records if "Redis" in each.getMessage()]
    assert record.levelno == logging.WARNING
    assert f"The Redis URL in {place} has no password" in record.getMessage()
    assert PASSWORD not in caplog.text


@PLACES
def test_a_redis_that_is_away_is_logged_once(
    place: str,
    start: Callable[..., None],
    vendo_mode: LocalVendo,
    caplog: pytest.LogCaptureFixture,
    watched: Watches,
) -> None:
    with caplog.at_level(logging.DEBUG, "vendo"):
        start(place, url_of(place, login=f":{PASSWORD}@"))
        for _ in range(3):
            assert token() == vendo_mode.token("gmail")
        until(lambda: watched.modes == ["polling"])
    (record,) = [each for each in caplog.records if "Redis" in each.getMessage()]
    assert record.levelno == logging.WARNING
    assert f"the Redis URL in {place} does not respond" in record.getMessage()
    assert PASSWORD not in caplog.text
    assert vendo_mode.open_streams == 0


def test_in_oss_mode_nothing_starts(
    start: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    watched: Watches,
) -> None:
    monkeypatch.setenv("GMAIL_ACCESS_TOKEN", "ya29.mine")
    with caplog.at_level(logging.DEBUG, "vendo"):
        start(OPTION, url_of(OPTION))
        assert token() == "ya29.mine"
    assert watched.threads == []
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("kind", ["MockClient", "autospec"])
def test_a_mock_is_not_watched(
    kind: str,
    start: Callable[..., None],
    vendo_mode: LocalVendo,
    caplog: pytest.LogCaptureFixture,
    watched: Watches,
) -> None:
    tokens = {"gmail": "sk-test-mock"}
    mock: Any = MockClient(tokens)
    if kind == "autospec":
        mock = create_autospec(Vendo, instance=True)
        mock.token.return_value = "sk-test-mock"
    with caplog.at_level(logging.DEBUG, "vendo"):
        start(CLIENT=mock, ASYNC_CLIENT=MockAsyncClient(tokens))
        assert token() == "sk-test-mock"
        assert async_to_sync(AsyncClient().get)("/atoken/").content == b"sk-test-mock"
    assert watched.threads == []
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []
    assert vendo_mode.requests == []


def fail() -> Vendo:
    raise RuntimeError(PASSWORD)


def test_a_client_that_cannot_be_made_is_logged_once(
    start: Callable[..., None], caplog: pytest.LogCaptureFixture, watched: Watches
) -> None:
    with caplog.at_level(logging.DEBUG, "vendo"):
        start(CLIENT=fail)
        for _ in range(3):
            assert Client().get("/nowhere/").status_code == 404
    (record,) = [each for each in caplog.records if each.name == "vendo_web"]
    assert record.getMessage().startswith("Events are not watched: vendo: VENDO['CLIENT'] raised")
    assert PASSWORD not in caplog.text
    assert watched.threads == []


def test_it_begins_with_the_first_request(
    start: Callable[..., None], vendo_mode: LocalVendo, watched: Watches
) -> None:
    start()
    assert watched.threads == []
    assert vendo_mode.requests == []
    for _ in range(3):
        assert Client().get("/nowhere/").status_code == 404
        assert watched.threads == ["vendo-events"]
    vendo_mode.wait_for_streams(1, timeout=60)


def test_it_begins_with_the_first_request_of_asyncio(
    start: Callable[..., None], vendo_mode: LocalVendo, watched: Watches
) -> None:
    start()
    assert async_to_sync(AsyncClient().get)("/nowhere/").status_code == 404
    assert watched.threads == ["vendo-events"]
    vendo_mode.wait_for_streams(1, timeout=60)


def test_it_begins_with_the_first_token(
    start: Callable[..., None], vendo_mode: LocalVendo, watched: Watches
) -> None:
    start()
    client()
    assert watched.threads == []
    client().token("gmail")
    assert watched.threads == ["vendo-events"]
    vendo_mode.wait_for_streams(1, timeout=60)


def test_a_rotated_credential_reaches_the_project(
    start: Callable[..., None], vendo_mode: LocalVendo, watched: Watches
) -> None:
    start()
    assert token() == vendo_mode.token("gmail")
    vendo_mode.wait_for_streams(1, timeout=60)
    new = vendo_mode.rotate("gmail")
    until(lambda: token() == new)
    assert watched.modes == ["stream"]
    assert vendo_mode.count("events") == 1


@pytest.mark.redis
@PLACES
def test_with_redis_a_rotated_credential_reaches_the_project(
    place: str,
    start: Callable[..., None],
    vendo_mode: LocalVendo,
    redis_port: int,
    watched: Watches,
) -> None:
    start(place, url_of(place, redis_port))
    assert watched.threads == []
    assert token() == vendo_mode.token("gmail")
    vendo_mode.wait_for_streams(1, timeout=60)
    new = vendo_mode.rotate("gmail")
    until(lambda: token() == new)
    assert watched.modes == ["redis"]
    assert watched.threads == ["vendo-events", "vendo-events-leader"]


def test_a_watch_of_the_program_shares_its_stream(
    start: Callable[..., None], vendo_mode: LocalVendo, watched: Watches
) -> None:
    start()
    with vendo.events.watch() as watch:
        assert token() == vendo_mode.token("gmail")
        vendo_mode.wait_for_streams(1, timeout=60)
        assert watched.threads == ["vendo-events"]
        assert repr(watch) == "<EventWatch, running>"
    new = vendo_mode.rotate("gmail")
    until(lambda: token() == new)
    assert vendo_mode.count("events") == 1


def test_a_project_that_starts_again_after_a_stop_watches_again(
    start: Callable[..., None], vendo_mode: LocalVendo, watched: Watches
) -> None:
    for times in (1, 2):
        start()
        start()  # as with two calls of `django.setup`: one watch
        assert token() == vendo_mode.token("gmail")
        vendo_mode.wait_for_streams(1, timeout=60)
        assert watched.threads == ["vendo-events"]
        watched.stop()
        vendo_mode.wait_for_streams(0, timeout=60)
        assert token() == vendo_mode.token("gmail")
        assert vendo_mode.count("events") == times
        request_started.disconnect(dispatch_uid="vendo_django.watching")


def test_a_parent_that_only_starts_the_server_watches_nothing(
    start: Callable[..., None],
    vendo_mode: LocalVendo,
    monkeypatch: pytest.MonkeyPatch,
    watched: Watches,
) -> None:
    monkeypatch.setattr(sys, "argv", ["manage.py", "runserver"])
    start()
    assert token() == vendo_mode.token("gmail")
    assert watched.threads == []
    monkeypatch.setenv("RUN_MAIN", "true")
    start()
    assert token() == vendo_mode.token("gmail")
    assert watched.threads == ["vendo-events"]


def doctor(*arguments: str) -> str:
    out = io.StringIO()
    call_command("vendo", "doctor", *arguments, stdout=out)
    return out.getvalue()


def failing_doctor(*arguments: str) -> str:
    out = io.StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("vendo", "doctor", *arguments, stdout=out)
    assert caught.value.returncode == 1
    return out.getvalue()


def test_doctor_shows_a_stream(start: Callable[..., None], vendo_mode: LocalVendo) -> None:
    start()
    report = json.loads(doctor("--json"))
    assert (report["events"], report["problems"]) == ("stream", [])
    assert "\nEvents\n  stream  an event stream for each process\n" in doctor()


def test_doctor_shows_polling_while_all_streams_are_open(
    start: Callable[..., None], vendo_mode: LocalVendo
) -> None:
    start()
    with all_streams_open(vendo_mode):
        report = json.loads(doctor("--json"))
        page = doctor()
    assert (report["events"], report["problems"]) == ("polling", [])
    assert "\nEvents\n  polling  all five event streams are open" in page


@pytest.mark.redis
@PLACES
def test_doctor_shows_redis(
    place: str, start: Callable[..., None], vendo_mode: LocalVendo, redis_port: int
) -> None:
    start(place, url_of(place, redis_port))
    report = json.loads(doctor("--json"))
    assert (report["events"], report["problems"]) == ("redis", [])
    assert "\nEvents\n  redis  one event stream for all processes, through Redis\n" in doctor()


@PLACES
def test_a_redis_that_is_away_is_a_problem_for_the_doctor(
    place: str, start: Callable[..., None], vendo_mode: LocalVendo
) -> None:
    start(place, url_of(place, login=f":{PASSWORD}@"))
    report = json.loads(failing_doctor("--json"))
    (problem,) = report["problems"]
    assert f"the Redis URL in {place} does not respond" in problem["text"]
    assert problem["fix"].startswith("Check the URL")
    assert report["events"] is None
    page = failing_doctor()
    assert problem["text"] in page
    assert "\nEvents\n" not in page
    assert PASSWORD not in page + json.dumps(report)


@pytest.mark.redis
def test_a_redis_with_another_password_is_a_problem_for_the_doctor(
    start: Callable[..., None], vendo_mode: LocalVendo, tmp_path: Path
) -> None:
    with redis_server(tmp_path, "--requirepass", PASSWORD) as redis:
        start(OPTION, url_of(OPTION, redis.port, f":not-{PASSWORD}@"))
        report = json.loads(failing_doctor("--json"))
    (problem,) = report["problems"]
    assert f"The Redis URL in {OPTION} has no password" in problem["text"]
    assert "redis://user:password@host:6379/0" in problem["fix"]
    assert PASSWORD not in json.dumps(report)


def test_a_malformed_redis_url_is_told_once_by_the_doctor(vendo_mode: LocalVendo) -> None:
    with override_settings(VENDO={"REDIS_URL": f"canary://:{PASSWORD}@h"}):
        report = json.loads(failing_doctor("--json"))
    texts = [found["text"] for found in [*report["problems"], *report["checks"]]]
    assert len([text for text in texts if "Redis URL" in text]) == 1
    assert PASSWORD not in json.dumps(report)


@pytest.mark.usefixtures("vendo_mode")
def test_its_repr_has_no_secret(start: Callable[..., None]) -> None:
    before = app_watch._all()
    start(OPTION, url_of(OPTION, login=f":{PASSWORD}@"))
    (watch,) = [each for each in app_watch._all() if each not in before]
    assert repr(watch) == "<AppWatch, stopped>"
    token()
    until(lambda: repr(watch) == "<AppWatch, polling>")
