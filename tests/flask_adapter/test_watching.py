"""`VENDO_WATCH`: an application of Flask watches events from its first request or token on."""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING, Any
from unittest.mock import create_autospec

import pytest
from flask import Flask

from flask_adapter.site import make_app
from support.redis_server import redis_server
from support.servers import nowhere
from support.shown import texts_of
from support.watches import Watches, all_streams_open, until, watches
from vendo import MissingExtra, ValidationError, Vendo
from vendo.testing import LocalVendo, MockClient
from vendo_flask import FlaskVendo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PASSWORD = "canary-password-19f4"
OPTION = 'app.config["VENDO_REDIS_URL"]'
#: Where the URL is set: in the options or in the environment.
PLACES = pytest.mark.parametrize("place", [OPTION, "VENDO_REDIS_URL"])


@pytest.fixture(autouse=True)
def watched() -> Iterator[Watches]:
    with watches() as found:
        yield found


def watching(
    place: str = OPTION, url: Any = None, monkeypatch: pytest.MonkeyPatch | None = None
) -> Flask:
    """Make an application that watches, with the URL of a Redis in this place."""
    if url is None:
        return make_app(VENDO_WATCH=True)
    if place == OPTION:
        return make_app(VENDO_WATCH=True, VENDO_REDIS_URL=url)
    assert monkeypatch
    monkeypatch.setenv(place, url)
    return make_app(VENDO_WATCH=True)


def url_of(place: str, port: int | None = None, login: str = "") -> str:
    """Return the URL of a Redis, of one that is away without a port. Each place has its own."""
    address = nowhere().partition("//")[2] if port is None else f"127.0.0.1:{port}"
    return f"redis://{login}{address}/{int(place == OPTION)}"


def token_of(app: Flask) -> str:
    """Return what a request gets."""
    response = app.test_client().get("/token/")
    assert response.status_code == 200, response.text
    return response.text


@pytest.mark.parametrize("value", ["yes", 2, -1, 1.0, object(), [], "on"])
def test_an_option_of_a_wrong_type_stops_the_start(value: Any, vendo_mode: LocalVendo) -> None:
    with pytest.raises(ValidationError) as caught:
        make_app(VENDO_WATCH=value)
    assert 'app.config["VENDO_WATCH"] must be True or False.' in str(caught.value)
    assert 'Write app.config["VENDO_WATCH"] = True.' in str(caught.value)
    assert vendo_mode.requests == []


@pytest.mark.parametrize("value", [None, False, "", "  ", "0", "false", 0])
def test_without_the_option_nothing_is_watched(
    value: Any, vendo_mode: LocalVendo, watched: Watches
) -> None:
    app = make_app(VENDO_WATCH=value, VENDO_REDIS_URL=url_of(OPTION))
    assert token_of(app) == vendo_mode.token("gmail")
    assert watched.threads == []
    assert "vendo_watch" not in app.extensions


@pytest.mark.parametrize("text", ["1", "true", "True", '"1"'])
def test_the_option_may_come_from_the_environment(
    text: str, vendo_mode: LocalVendo, monkeypatch: pytest.MonkeyPatch, watched: Watches
) -> None:
    monkeypatch.setenv("FLASK_VENDO_WATCH", text)
    app = Flask("prefixed")
    app.config.from_prefixed_env()
    FlaskVendo(app)
    app.test_client().get("/")
    vendo_mode.wait_for_streams(1, timeout=60)
    assert watched.threads == ["vendo-events"]


@pytest.mark.parametrize("text", ["yes", "2", "null-and-void"])
def test_other_text_of_the_environment_stops_the_start(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLASK_VENDO_WATCH", text)
    app = Flask("prefixed")
    app.config.from_prefixed_env()
    with pytest.raises(ValidationError, match="VENDO_WATCH"):
        FlaskVendo(app)


@PLACES
@pytest.mark.parametrize(
    "url", ["nonsense", "http://h", f"http://:{PASSWORD}@h", f"redis://:{PASSWORD}@h:port"]
)
def test_a_malformed_url_is_one_error_at_the_start(
    url: str,
    place: str,
    vendo_mode: LocalVendo,
    monkeypatch: pytest.MonkeyPatch,
    watched: Watches,
) -> None:
    with pytest.raises(ValidationError) as caught:
        watching(place, url, monkeypatch)
    assert str(caught.value).startswith(f"The Redis URL in {place} is malformed.")
    assert "redis://127.0.0.1:6379/0" in str(caught.value)
    assert PASSWORD not in "".join(texts_of(caught.value))
    assert watched.threads == []
    assert vendo_mode.requests == []


def test_a_url_that_is_not_text_is_one_error_at_the_start(vendo_mode: LocalVendo) -> None:
    with pytest.raises(ValidationError) as caught:
        watching(OPTION, 5)
    assert str(caught.value).startswith(f"{OPTION} must be a string.")


def test_a_blank_url_is_none(vendo_mode: LocalVendo, watched: Watches) -> None:
    app = watching(OPTION, "")
    assert token_of(app) == vendo_mode.token("gmail")
    vendo_mode.wait_for_streams(1, timeout=60)
    assert watched.modes == ["stream"]
    report = json.loads(app.test_cli_runner().invoke(args=["vendo", "doctor", "--json"]).output)
    assert (report["problems"], report["events"]) == ([], "stream")


@PLACES
def test_without_the_package_it_does_not_start(
    place: str, vendo_mode: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    monkeypatch.setattr("vendo._config.extras.find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"vendo-sdk\[redis\]"):
        watching(place, "redis://127.0.0.1:6379/0", monkeypatch)


@pytest.mark.redis
@PLACES
@pytest.mark.parametrize("login", ["", f"someone:not-{PASSWORD}@"])
def test_a_password_that_is_not_accepted_is_one_error_at_the_start(
    login: str,
    place: str,
    vendo_mode: LocalVendo,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    watched: Watches,
) -> None:
    with (
        redis_server(tmp_path, "--requirepass", PASSWORD) as redis,
        pytest.raises(ValidationError) as caught,
    ):
        watching(place, url_of(place, redis.port, login), monkeypatch)
    assert str(caught.value).startswith(f"The Redis URL in {place} has no password")
    assert PASSWORD not in "".join(texts_of(caught.value))
    assert watched.threads == []


@PLACES
def test_a_redis_that_is_away_is_logged_once(
    place: str,
    vendo_mode: LocalVendo,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    watched: Watches,
) -> None:
    with caplog.at_level(logging.DEBUG, "vendo"):
        app = watching(place, url_of(place, login=f":{PASSWORD}@"), monkeypatch)
        for _ in range(3):
            assert token_of(app) == vendo_mode.token("gmail")
        until(lambda: watched.modes == ["polling"])
    (record,) = [each for each in caplog.records if "Redis" in each.getMessage()]
    assert record.levelno == logging.WARNING
    assert f"the Redis URL in {place} does not respond" in record.getMessage()
    assert PASSWORD not in caplog.text
    assert vendo_mode.open_streams == 0


def test_in_oss_mode_nothing_starts(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, watched: Watches
) -> None:
    monkeypatch.setenv("GMAIL_ACCESS_TOKEN", "ya29.mine")
    with caplog.at_level(logging.DEBUG):
        app = watching(OPTION, url_of(OPTION))
        assert token_of(app) == "ya29.mine"
    assert watched.threads == []
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("moment", ["before init_app", "after init_app"])
@pytest.mark.parametrize("kind", ["MockClient", "autospec"])
def test_a_mock_is_not_watched(
    kind: str,
    moment: str,
    vendo_mode: LocalVendo,
    caplog: pytest.LogCaptureFixture,
    watched: Watches,
) -> None:
    mock: Any = MockClient({"gmail": "sk-test-mock"})
    if kind == "autospec":
        mock = create_autospec(Vendo, instance=True)
        mock.token.return_value = "sk-test-mock"
        mock.for_request.return_value = mock
    app = Flask("mocked")
    app.config["VENDO_WATCH"] = True
    app.add_url_rule("/token/", view_func=lambda: app.extensions["vendo"].token("gmail"))
    if moment == "before init_app":
        app.extensions["vendo"] = mock
    FlaskVendo(app)
    app.extensions["vendo"] = mock
    with caplog.at_level(logging.DEBUG):
        assert token_of(app) == "sk-test-mock"
    assert watched.threads == []
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []
    assert vendo_mode.requests == []


def test_it_begins_with_the_first_request(vendo_mode: LocalVendo, watched: Watches) -> None:
    app = watching()
    assert watched.threads == []
    assert vendo_mode.requests == []
    for _ in range(3):
        assert app.test_client().get("/nowhere/").status_code == 404
        assert watched.threads == ["vendo-events"]
    vendo_mode.wait_for_streams(1, timeout=60)


def test_it_begins_with_the_first_token(vendo_mode: LocalVendo, watched: Watches) -> None:
    app = watching()
    app.extensions["vendo"].token("gmail")
    assert watched.threads == ["vendo-events"]
    vendo_mode.wait_for_streams(1, timeout=60)


def test_a_rotated_credential_reaches_the_application(
    vendo_mode: LocalVendo, watched: Watches
) -> None:
    app = watching()
    assert token_of(app) == vendo_mode.token("gmail")
    vendo_mode.wait_for_streams(1, timeout=60)
    new = vendo_mode.rotate("gmail")
    until(lambda: token_of(app) == new)
    assert watched.modes == ["stream"]
    assert vendo_mode.count("events") == 1


@pytest.mark.redis
@PLACES
def test_with_redis_a_rotated_credential_reaches_the_application(
    place: str,
    vendo_mode: LocalVendo,
    redis_port: int,
    monkeypatch: pytest.MonkeyPatch,
    watched: Watches,
) -> None:
    app = watching(place, url_of(place, redis_port), monkeypatch)
    assert watched.threads == []
    assert token_of(app) == vendo_mode.token("gmail")
    vendo_mode.wait_for_streams(1, timeout=60)
    new = vendo_mode.rotate("gmail")
    until(lambda: token_of(app) == new)
    assert watched.modes == ["redis"]
    assert watched.threads == ["vendo-events", "vendo-events-leader"]


def test_applications_with_one_key_share_a_stream(server: LocalVendo, watched: Watches) -> None:
    one, two = (make_app(server.environment(), VENDO_WATCH=True) for _ in range(2))
    assert token_of(one) == token_of(two) == server.token("gmail")
    server.wait_for_streams(1, timeout=60)
    assert watched.threads == ["vendo-events"]
    one.extensions["vendo_watch"].stop()
    new = server.rotate("gmail")
    until(lambda: token_of(two) == new)
    two.extensions["vendo_watch"].stop()
    server.wait_for_streams(0, timeout=60)
    assert server.count("events") == 1
    assert watched.threads == []


def test_applications_with_two_keys_have_a_stream_each(
    server: LocalVendo, watched: Watches
) -> None:
    with LocalVendo(["gmail"]) as another:
        servers = (server, another)
        apps = [make_app(each.environment(), VENDO_WATCH=True) for each in servers]
        apps[0].extensions["vendo"].token("gmail")
        assert watched.threads == ["vendo-events"]  # a token of one key begins no other's
        assert another.requests == []
        for app, each in zip(apps, servers, strict=True):
            assert token_of(app) == each.token("gmail")
            each.wait_for_streams(1, timeout=60)
        assert watched.threads == ["vendo-events"] * 2
        new = another.rotate("gmail")
        until(lambda: token_of(apps[1]) == new)
        assert token_of(apps[0]) == server.token("gmail")
        watched.stop()


def test_an_application_made_again_after_a_stop_watches_again(
    vendo_mode: LocalVendo, watched: Watches
) -> None:
    for times in (1, 2):
        app = watching()
        assert token_of(app) == vendo_mode.token("gmail")
        vendo_mode.wait_for_streams(1, timeout=60)
        app.extensions["vendo_watch"].stop()
        vendo_mode.wait_for_streams(0, timeout=60)
        assert watched.threads == []
        assert token_of(app) == vendo_mode.token("gmail")
        assert vendo_mode.count("events") == times


@pytest.mark.parametrize(
    ("arguments", "debug"), [(["run"], "1"), (["run", "--reload"], "0"), (["--debug", "run"], "1")]
)
def test_a_parent_that_only_starts_the_server_watches_nothing(
    arguments: list[str],
    debug: str,
    vendo_mode: LocalVendo,
    monkeypatch: pytest.MonkeyPatch,
    watched: Watches,
) -> None:
    monkeypatch.setattr(sys, "argv", ["flask", *arguments])
    monkeypatch.setenv("FLASK_RUN_FROM_CLI", "true")
    monkeypatch.setenv("FLASK_DEBUG", debug)
    assert token_of(watching(OPTION, url_of(OPTION)))
    assert watched.threads == []
    monkeypatch.setenv("WERKZEUG_RUN_MAIN", "true")
    assert token_of(watching())
    assert watched.threads == ["vendo-events"]


@pytest.mark.parametrize("arguments", [["run", "--no-reload"], ["shell"]])
def test_a_command_that_restarts_nothing_watches(
    arguments: list[str],
    vendo_mode: LocalVendo,
    monkeypatch: pytest.MonkeyPatch,
    watched: Watches,
) -> None:
    monkeypatch.setattr(sys, "argv", ["flask", *arguments])
    monkeypatch.setenv("FLASK_RUN_FROM_CLI", "true")
    monkeypatch.setenv("FLASK_DEBUG", "1")
    assert token_of(watching()) == vendo_mode.token("gmail")
    assert watched.threads == ["vendo-events"]


def doctor(app: Flask, *arguments: str, status: int = 0) -> str:
    done = app.test_cli_runner().invoke(args=["vendo", "doctor", *arguments])
    assert done.exit_code == status, done.output
    return done.output


def test_doctor_shows_a_stream(vendo_mode: LocalVendo, watched: Watches) -> None:
    app = watching()
    report = json.loads(doctor(app, "--json"))
    assert (report["events"], report["problems"]) == ("stream", [])
    assert "\nEvents\n  stream  an event stream for each process\n" in doctor(app)
    vendo_mode.wait_for_streams(0, timeout=60)


def test_doctor_shows_polling_while_all_streams_are_open(vendo_mode: LocalVendo) -> None:
    app = watching()
    with all_streams_open(vendo_mode):
        report = json.loads(doctor(app, "--json"))
        page = doctor(app)
    assert (report["events"], report["problems"]) == ("polling", [])
    assert "\nEvents\n  polling  all five event streams are open" in page


@pytest.mark.redis
@PLACES
def test_doctor_shows_redis(
    place: str, vendo_mode: LocalVendo, redis_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = watching(place, url_of(place, redis_port), monkeypatch)
    report = json.loads(doctor(app, "--json"))
    assert (report["events"], report["problems"]) == ("redis", [])
    assert "\nEvents\n  redis  one event stream for all processes, through Redis\n" in doctor(app)


@PLACES
def test_a_redis_that_is_away_is_a_problem_for_the_doctor(
    place: str, vendo_mode: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = watching(place, url_of(place, login=f":{PASSWORD}@"), monkeypatch)
    report = json.loads(doctor(app, "--json", status=1))
    (problem,) = report["problems"]
    assert f"the Redis URL in {place} does not respond" in problem["text"]
    assert problem["fix"].startswith("Check the URL")
    assert report["events"] is None
    page = doctor(app, status=1)
    assert problem["text"] in page
    assert "\nEvents\n" not in page
    assert PASSWORD not in page + json.dumps(report)


@pytest.mark.redis
def test_a_redis_with_another_password_is_a_problem_for_the_doctor(
    vendo_mode: LocalVendo, tmp_path: Path
) -> None:
    app = make_app()
    with redis_server(tmp_path, "--requirepass", PASSWORD) as redis:
        app.config["VENDO_REDIS_URL"] = f"redis://:not-{PASSWORD}@127.0.0.1:{redis.port}/0"
        report = json.loads(doctor(app, "--json", status=1))
    (problem,) = report["problems"]
    assert f"The Redis URL in {OPTION} has no password" in problem["text"]
    assert "redis://user:password@host:6379/0" in problem["fix"]
    assert PASSWORD not in json.dumps(report)


def test_a_malformed_redis_url_is_told_once_by_the_doctor(vendo_mode: LocalVendo) -> None:
    app = make_app()
    app.config["VENDO_REDIS_URL"] = f"canary://:{PASSWORD}@h"
    report = json.loads(doctor(app, "--json", status=1))
    texts = [found["text"] for found in [*report["problems"], *report["checks"]]]
    assert len([text for text in texts if "Redis URL" in text]) == 1
    assert PASSWORD not in json.dumps(report)


@pytest.mark.usefixtures("vendo_mode")
def test_its_repr_has_no_secret() -> None:
    app = watching(OPTION, url_of(OPTION, login=f":{PASSWORD}@"))
    watch = app.extensions["vendo_watch"]
    assert repr(watch) == "<AppWatch, stopped>"
    token_of(app)
    until(lambda: repr(watch) == "<AppWatch, polling>")
