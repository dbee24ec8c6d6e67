"""The claims on secrets in memory, on disk, in logs, in errors and in pickles."""

from __future__ import annotations

import base64
import json
import logging
import pickle
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine

import vendo
from support.shown import texts_of
from vendo import RetryPolicy
from vendo._protocol.moments import elapsed
from vendo._tokens import cache as token_cache
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "vendo_sk_canarykeycanarykeycanarykeycan01"
JWT = "canaryjwt.canaryjwt.canaryjwt"
TOKEN = "canarytoken-gmail"
#: Every secret contains it, and nothing else does.
CANARY = "canary"

ECHO = {"error": {"code": KEY, "message": f"{KEY} of {JWT}", "suggested_fix": KEY}}
FAULTS: list[dict[str, Any]] = [
    {"status": 401, "body": ECHO},
    {"status": 500, "body": f"{KEY} {JWT}"},
    {"body": f'{{"access_token": "{TOKEN}", {KEY}'},
    {"redirect": f"https://elsewhere.example/{KEY}"},
    {"truncate": 5},
    {"reset": True},
]


@pytest.fixture
def backend() -> Iterator[LocalVendo]:
    token_cache.shared.clear()  # another server with this key may have had the same port
    connections = {"gmail": {"token": TOKEN, "credential": {"access_token": TOKEN}}}
    with LocalVendo(connections, api_key=KEY) as server:
        yield server


def in_the_future(seconds: float) -> Any:
    return time_machine.travel(datetime.now(UTC) + timedelta(seconds=seconds))


def kept() -> set[str]:
    """Return the tokens in the memory of the process's cache."""
    return {entry.token for entry in token_cache.shared._entries.values()}


def test_a_token_in_the_cache_is_returned_to_the_user_it_was_fetched_for(
    server: LocalVendo,
) -> None:
    client = server.client()
    ada, bob = client.for_user("ada.a.jwt"), client.for_user("bob.b.jwt")

    assert len({ada.token("gmail"), bob.token("gmail"), client.token("gmail")}) == 3
    assert ada.token("gmail") == server.token("gmail", user="ada.a.jwt")
    assert client.for_user("ada.a.jwt").token("gmail") == ada.token("gmail")
    assert server.count("credentials") == 3
    assert "ada.a.jwt" not in repr(list(token_cache.shared._entries))


def test_a_token_is_kept_no_longer_than_the_jwt_that_it_was_fetched_with_is_valid(
    server: LocalVendo,
) -> None:
    payload = base64.urlsafe_b64encode(json.dumps({"exp": int(time.time()) + 60}).encode()).decode()
    client = server.client(retry=RetryPolicy(1)).for_user(f"ada.{payload}.jwt")
    token = client.token("gmail")
    server.fail("credentials", times=None, status=503)
    with in_the_future(50):
        assert client.token("gmail") == token
    with in_the_future(65), pytest.raises(vendo.UpstreamError):
        client.token("gmail")
    assert token not in kept()


def test_a_token_is_not_handed_out_in_its_last_minute_while_vendo_can_be_reached(
    server: LocalVendo,
) -> None:
    with LocalVendo(["gmail"], token_lifetime=10) as brief:
        brief.client().token("gmail")
        with in_the_future(9.5):
            brief.client().token("gmail")
        assert brief.count("credentials") == 2

    client = server.client(retry=RetryPolicy(1))
    first = client.token("gmail")
    with in_the_future(3545):
        second = client.token("gmail")
        assert second != first
    server.fail("credentials", times=None, status=503)
    with in_the_future(3545 + 3590):
        assert client.token("gmail") == second
    with in_the_future(3545 + 3605), pytest.raises(vendo.UpstreamError):
        client.token("gmail")


def test_an_expired_token_leaves_memory(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, passed = elapsed, [0]
    monkeypatch.setattr(token_cache.shared, "_clock", lambda: clock() + passed[0])
    client = server.client()
    first = client.token("gmail")
    passed[0] += 3605  # it has expired
    client.connections.list()
    assert first not in kept()

    second = client.token("gmail")
    client.close()
    assert second in kept()
    passed[0] += 55
    server.client().connections.list()
    assert second not in kept()
    monkeypatch.undo()
    token_cache.shared._plan_sweep()


WRITES = """
import os, sys
written = []
def note(event, args):
    if event != "open" or isinstance(args[0], int) or str(args[0]).startswith("/dev/"):
        return
    path, mode, flags = args
    if flags & (os.O_WRONLY | os.O_RDWR) if mode is None else set(mode) & set("wax+"):
        written.append(os.path.basename(os.fspath(path)))
sys.addaudithook(note)
import json, vendo
vendo.token("gmail"), vendo.tokens(["gmail", "openai"]), vendo.connections.list()
vendo.for_user("ada.a.jwt").token("gmail"), vendo.billing.balance()
try:
    vendo.webhooks.verify({}, b"{}")
except vendo.ValidationError:
    pass
before = list(written)
vendo.reconciler.bootstrap(env_file="app.env", mapping={"GMAIL": "gmail"})
print(json.dumps([before, written]))
"""


def test_nothing_but_the_reconciler_writes_a_credential_to_disk(
    server: LocalVendo, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-B", "-c", WRITES],
        cwd=tmp_path,
        env={**server.environment(), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    before, after = json.loads(done.stdout)
    assert before == []
    assert any("app.env" in name for name in after)
    files = {file.name: file for file in tmp_path.rglob("*") if file.is_file()}
    assert files["app.env"].stat().st_mode & 0o777 == 0o600
    holders = [name for name, file in files.items() if server.token("gmail") in file.read_text()]
    assert holders == ["app.env"]


def test_the_librarys_own_log_records_contain_no_secret_at_any_level(
    backend: LocalVendo, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = backend.client(retry=RetryPolicy(2, backoff=0.001)).for_user(JWT)
    client.token("gmail")
    for entry in token_cache.shared._entries.values():
        entry.refresh_at = entry.check_at = 0.0
    backend.fail("any", times=None, status=503, body=ECHO)
    client.token("gmail")
    for fault in FAULTS:
        backend.heal()
        backend.fail("any", times=None, **fault)
        with pytest.raises(vendo.VendoError):
            client.billing.balance()

    records = [record for record in caplog.records if record.name.startswith("vendo")]
    assert records
    for record in records:
        assert CANARY not in f"{record.getMessage()} {record.__dict__!r}"


@pytest.mark.parametrize("fault", FAULTS)
def test_an_error_of_a_call_to_vendo_shows_neither_the_key_nor_the_jwt(
    backend: LocalVendo, fault: dict[str, Any]
) -> None:
    backend.fail("any", times=None, **fault)
    client = backend.client(retry=RetryPolicy(1)).for_user(JWT)
    for call in (lambda: client.token("gmail"), client.connections.list, client.billing.balance):
        with pytest.raises(vendo.VendoError) as caught:
            call()
        assert not [text for text in texts_of(caught.value) if CANARY in text]

    backend.heal()
    backend.fail("any", status=400, body={"error": {"code": "x", "message": f"{KEY} {TOKEN}"}})
    with pytest.raises(vendo.VendoError) as caught:
        client.billing.balance()
    assert KEY not in str(caught.value)
    assert TOKEN in str(caught.value)


def test_a_client_shows_no_secret_in_its_repr_or_in_a_pickle(backend: LocalVendo) -> None:
    client = backend.client()
    theirs = client.for_user(JWT)
    client.token("gmail")
    theirs.token("gmail")

    assert CANARY not in f"{client!r} {client} {theirs!r} {theirs} {client._settings!r}"
    assert CANARY.encode() not in pickle.dumps(client)
    with pytest.raises(vendo.ValidationError):
        pickle.dumps(theirs)


def test_a_pickled_connection_has_no_credential(backend: LocalVendo) -> None:
    row = backend.client().connections.get("gmail")
    assert row is not None
    row = replace(row, api_key=TOKEN, metadata={"note": TOKEN})

    back = pickle.loads(pickle.dumps(row))
    assert (back.credential, back.api_key, back.metadata) == (None, None, {})
    assert replace(row).credential == {"access_token": TOKEN}
    assert CANARY not in repr(row)


def test_the_address_of_a_request_to_vendo_contains_no_secret(backend: LocalVendo) -> None:
    client = backend.client().for_user(JWT)
    client.token("gmail")
    client.tokens(["gmail"])
    client.connections.list()
    client.billing.usage()
    client.data.execute("GMAIL_FETCH_EMAILS")

    assert len(backend.requests) >= 4
    for request in backend.requests:
        assert CANARY not in f"{request.path}?{request.raw_query}"


def test_what_token_returned_is_plain_text(backend: LocalVendo) -> None:
    token = backend.client().token("gmail")

    assert type(token) is str
    assert repr(token) == repr(TOKEN)


def test_code_in_the_process_can_read_every_secret(backend: LocalVendo) -> None:
    client = backend.client()
    client.token("gmail")

    assert TOKEN in kept()
    assert client._settings.required_key("A test").reveal() == KEY
