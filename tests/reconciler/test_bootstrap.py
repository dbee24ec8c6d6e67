"""`bootstrap`: the content of the file after one update."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import vendo
from reconciler.reading import written
from vendo import RetryPolicy, reconciler

if TYPE_CHECKING:
    from pathlib import Path

    from vendo.reconciler import Change
    from vendo.testing import LocalVendo

MAPPING = {"OPENAI_API_KEY": "openai", "GMAIL_TOKEN": "gmail"}


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def test_new_file_is_read_alike_by_both_readers(server: LocalVendo, env_file: Path) -> None:
    with server.client() as client:
        assert reconciler.bootstrap(env_file=env_file, mapping=MAPPING, client=client)
    assert written(env_file) == {
        "OPENAI_API_KEY": server.token("openai"),
        "GMAIL_TOKEN": server.token("gmail"),
    }


def test_default_client_follows_the_environment(
    server: LocalVendo, env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    reconciler.bootstrap(env_file=str(env_file), mapping=MAPPING)
    assert written(env_file)["GMAIL_TOKEN"] == server.token("gmail")


def test_oss_mode_copies_tokens_of_the_environment(
    env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-own")
    monkeypatch.setenv("VENDO_TOKEN_GMAIL", "over$ridden")
    monkeypatch.delenv("NOTION_TOKEN", raising=False)
    mapping = {**MAPPING, "NOTION": "notion", "OPENAI_URL": "openai.base_url"}
    reconciler.bootstrap(env_file=env_file, mapping=mapping)
    assert written(env_file) == {"OPENAI_API_KEY": "sk-own", "GMAIL_TOKEN": "over$ridden"}


def test_override_wins_without_a_request(
    server: LocalVendo, env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_TOKEN_OPENAI", "override")
    with server.client() as client:
        reconciler.bootstrap(env_file=env_file, mapping={"OPENAI_API_KEY": "openai"}, client=client)
    assert written(env_file) == {"OPENAI_API_KEY": "override"}
    assert server.count() == 0


def test_all_tokens_are_fetched_in_one_request(server: LocalVendo, env_file: Path) -> None:
    with server.client() as client:
        reconciler.bootstrap(env_file=env_file, mapping=MAPPING, client=client)
    assert server.count() == server.count("credentials") == 1


def test_slug_without_credential_has_no_line(server: LocalVendo, env_file: Path) -> None:
    with server.client() as client:
        reconciler.bootstrap(env_file=env_file, mapping={"NOTION_TOKEN": "notion"}, client=client)
    assert written(env_file) == {}


def test_fields_of_a_connection_are_written(server: LocalVendo, env_file: Path) -> None:
    server.connect(
        "supabase",
        context={"ref": "abc", "port": 5432, "tls": True, "hosts": ["a"], "none": None},
        metadata={"team": {"name": "it's us"}},
    )
    server.connect("openai", profile="vendo_managed_pool", base_url="https://pool.example.com")
    mapping = {
        "REF": "supabase.context.ref",
        "PORT": "supabase.context.port",
        "TLS": "supabase.context.tls",
        "TEAM": "supabase.metadata.team.name",
        "OPENAI_BASE_URL": "openai.base_url",
        "TOKEN": "supabase.access_token",
        "NOT_TEXT": "supabase.context.hosts",
        "NOT_SET": "supabase.context.none",
        "NOT_THERE": "supabase.context.missing.deeper",
        "NO_ROW": "notion.base_url",
    }
    with server.client() as client:
        reconciler.bootstrap(env_file=env_file, mapping=mapping, client=client)
    assert written(env_file) == {
        "REF": "abc",
        "PORT": "5432",
        "TLS": "true",
        "TEAM": "it's us",
        "OPENAI_BASE_URL": "https://pool.example.com",
        "TOKEN": server.token("supabase"),
    }


def test_client_of_a_user_writes_tokens_of_that_user(server: LocalVendo, env_file: Path) -> None:
    with server.client() as client:
        reconciler.bootstrap(env_file=env_file, mapping=MAPPING, client=client.for_user("jwt"))
    assert written(env_file)["GMAIL_TOKEN"] == server.token("gmail", "jwt")


def test_update_without_change_writes_nothing(server: LocalVendo, env_file: Path) -> None:
    changes: list[Change] = []
    with server.client() as client:

        def update() -> bool:
            return reconciler.bootstrap(
                env_file=env_file, mapping=MAPPING, on_change=changes.append, client=client
            )

        assert update()
        before = env_file.stat()
        assert not update()
    after = env_file.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert len(changes) == 1


def test_change_has_names_and_no_value(server: LocalVendo, env_file: Path) -> None:
    changes: list[Change] = []
    with server.client() as client:

        def update(mapping: dict[str, str]) -> Change:
            reconciler.bootstrap(
                env_file=env_file, mapping=mapping, on_change=changes.append, client=client
            )
            return changes[-1]

        first = update(MAPPING)
        assert (first.env_file, first.added) == (env_file, ("OPENAI_API_KEY", "GMAIL_TOKEN"))
        server.rotate("gmail")
        second = update({"GMAIL_TOKEN": "gmail", "SLACK": "slack"})
    assert (second.added, second.changed, second.removed) == (
        ("SLACK",),
        ("GMAIL_TOKEN",),
        ("OPENAI_API_KEY",),
    )
    assert second.names == ("SLACK", "GMAIL_TOKEN", "OPENAI_API_KEY")
    for token in map(server.token, ("gmail", "slack")):
        assert token not in repr(second)


def test_disconnected_slug_removes_only_its_own_lines(server: LocalVendo, env_file: Path) -> None:
    env_file.write_text("GMAIL_TOKEN=mine\nOTHER='x'\n")
    with server.client() as client:
        reconciler.bootstrap(env_file=env_file, mapping=MAPPING, client=client)
        assert written(env_file)["GMAIL_TOKEN"] == server.token("gmail")
        server.disconnect("gmail")
        assert reconciler.bootstrap(env_file=env_file, mapping=MAPPING, client=client)
    assert written(env_file) == {
        "GMAIL_TOKEN": "mine",
        "OTHER": "x",
        "OPENAI_API_KEY": server.token("openai"),
    }


@pytest.mark.parametrize("status", ["needs_reauth", "revoked", "pending_setup"])
def test_connection_without_credential_has_no_line(
    server: LocalVendo, env_file: Path, status: str
) -> None:
    with server.client() as client:
        reconciler.bootstrap(env_file=env_file, mapping=MAPPING, client=client)
        server.set_status("gmail", status)
        reconciler.bootstrap(env_file=env_file, mapping=MAPPING, client=client)
    assert written(env_file) == {"OPENAI_API_KEY": server.token("openai")}


def test_slug_that_the_backend_no_longer_knows_has_no_line(
    server: LocalVendo, env_file: Path
) -> None:
    with server.client() as client:
        reconciler.bootstrap(env_file=env_file, mapping=MAPPING, client=client)
        server.disconnect("gmail")
        server.fail("credentials", code="provider_unknown", slug="gmail")
        reconciler.bootstrap(env_file=env_file, mapping=MAPPING, client=client)
    assert written(env_file) == {"OPENAI_API_KEY": server.token("openai")}


def test_gap_in_the_bulk_response_does_not_remove_a_line(
    server: LocalVendo, env_file: Path
) -> None:
    with server.client() as client:
        reconciler.bootstrap(env_file=env_file, mapping=MAPPING, client=client)
        before = env_file.read_bytes()
        openai = {"access_token": server.token("openai"), "expires_at": None}
        server.fail("credentials", body={"tokens": {"openai": openai, "gmail": None}}, status=200)
        assert not reconciler.bootstrap(env_file=env_file, mapping=MAPPING, client=client)
    assert env_file.read_bytes() == before


def test_unavailable_slug_keeps_its_line_and_delays_no_other(
    server: LocalVendo, env_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mapping = {**MAPPING, "GMAIL_AGAIN": "gmail"}
    with server.client() as client:
        reconciler.bootstrap(env_file=env_file, mapping=MAPPING, client=client)
        before = written(env_file)
        server.set_status("gmail", "error")
        server.rotate("openai")
        server.clear_requests()
        assert reconciler.bootstrap(env_file=env_file, mapping=mapping, client=client)
    assert written(env_file) == {**before, "OPENAI_API_KEY": server.token("openai")}
    assert "No new value for GMAIL_TOKEN" in caplog.text
    assert server.count("credentials", "gmail") == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"status": 503}, vendo.UpstreamError),
        ({"reset": True}, vendo.UpstreamError),
        ({"malformed": True}, vendo.UpstreamError),
        ({"code": "app_revoked"}, vendo.AuthError),
        ({"status": 429}, vendo.RateLimited),
    ],
)
def test_failing_backend_leaves_the_file_unchanged(
    server: LocalVendo, env_file: Path, fault: dict[str, object], error: type[Exception]
) -> None:
    with server.client(retry=RetryPolicy(1)) as client:
        reconciler.bootstrap(env_file=env_file, mapping=MAPPING, client=client)
        before = env_file.read_bytes()
        server.rotate("gmail")
        server.fail("credentials", times=None, **fault)  # type: ignore[arg-type]  # by name
        with pytest.raises(error):
            reconciler.bootstrap(env_file=env_file, mapping=MAPPING, client=client)
    assert env_file.read_bytes() == before


def test_rejected_key_for_one_slug_does_not_remove_its_line(
    server: LocalVendo, env_file: Path
) -> None:
    with server.client() as client:
        reconciler.bootstrap(env_file=env_file, mapping=MAPPING, client=client)
        before = env_file.read_bytes()
        server.disconnect("gmail")
        server.fail("credentials", code="app_expired", slug="gmail")
        with pytest.raises(vendo.AuthError):
            reconciler.bootstrap(env_file=env_file, mapping=MAPPING, client=client)
    assert env_file.read_bytes() == before


def test_outage_of_the_platform_api_does_not_remove_fields(
    server: LocalVendo, env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_CONNECTIONS", "supabase")
    server.connect("supabase")
    mapping = {"REF": "supabase.context.ref"}
    with server.client(retry=RetryPolicy(1)) as client:
        reconciler.bootstrap(env_file=env_file, mapping=mapping, client=client)
        before = written(env_file)
        assert before["REF"]
        server.fail("api", status=503, times=None)
        with pytest.raises(vendo.UpstreamError):
            reconciler.bootstrap(env_file=env_file, mapping=mapping, client=client)
    assert written(env_file) == before


def test_value_that_cannot_be_written_keeps_its_line_and_delays_no_other(
    server: LocalVendo, env_file: Path
) -> None:
    mapping = {"REF": "supabase.context.ref", **MAPPING, "NEW": "supabase.metadata.region"}
    changes: list[Change] = []
    with server.client() as client:

        def update() -> bool:
            return reconciler.bootstrap(
                env_file=env_file, mapping=mapping, on_change=changes.append, client=client
            )

        server.connect("supabase", context={"ref": "first"})
        update()
        server.rotate("gmail")
        region = {"region": "eu\nLD_PRELOAD=/x.so"}
        server.connect("supabase", context={"ref": "canary\rLD_AUDIT=/x.so"}, metadata=region)
        for _ in range(2):
            with pytest.raises(vendo.ValidationError, match="REF contains a carriage") as caught:
                update()
            assert "canary" not in str(caught.value)
        assert written(env_file) == {
            "REF": "first",
            "OPENAI_API_KEY": server.token("openai"),
            "GMAIL_TOKEN": server.token("gmail"),
        }
        assert "x.so" not in env_file.read_text()
        assert [change.names for change in changes[1:]] == [("GMAIL_TOKEN",)]

        server.connect("supabase", context={"ref": "second"}, metadata={"region": "eu"})
        update()
    assert (written(env_file)["REF"], written(env_file)["NEW"]) == ("second", "eu")


def test_line_breaks_are_written_where_they_are_allowed(server: LocalVendo, env_file: Path) -> None:
    key = "-----BEGIN KEY-----\nabc\n-----END KEY-----\n"
    server.connect("supabase", metadata={"key": key})
    mapping = {"PRIVATE_KEY": "supabase.metadata.key"}
    with server.client() as client:
        reconciler.bootstrap(
            env_file=env_file, mapping=mapping, multiline=["PRIVATE_KEY"], client=client
        )
        assert written(env_file) == {"PRIVATE_KEY": key}
        with pytest.raises(vendo.ValidationError, match="multiline= must be a collection"):
            reconciler.start(
                env_file=env_file, mapping=mapping, multiline="PRIVATE_KEY", client=client
            )


def test_state_file_does_not_reveal_values(server: LocalVendo, env_file: Path) -> None:
    server.connect("gmail", token="1234")
    with server.client() as client:
        reconciler.bootstrap(env_file=env_file, mapping=MAPPING, client=client)
    (state_file,) = (path for path in env_file.parent.iterdir() if path != env_file)
    assert state_file.stat().st_mode & 0o777 == 0o600
    text = state_file.read_text()
    assert server.token("openai") not in text
    assert "1234" not in json.loads(text)["told"].values()
    # The digests are keyed, and only the env file has the key.
    marks = [line for line in env_file.read_text().splitlines() if line.startswith("# ")]
    key = marks[0].split()[3]
    assert len(key) >= 32
    assert key not in text


def test_two_files_have_different_digests(server: LocalVendo, tmp_path: Path) -> None:
    digests = []
    with server.client() as client:
        for name in ("one", "two"):
            reconciler.bootstrap(env_file=tmp_path / name, mapping=MAPPING, client=client)
            digests.append(json.loads((tmp_path / f"{name}.vendo").read_text())["told"])
    assert digests[0].keys() == digests[1].keys()
    assert set(digests[0].values()).isdisjoint(digests[1].values())


def test_async_client_is_rejected(env_file: Path) -> None:
    with pytest.raises(vendo.ValidationError, match="not a value of type AsyncVendo"):
        reconciler.bootstrap(
            env_file=env_file,
            mapping=MAPPING,
            client=vendo.AsyncVendo("vendo_sk_x"),  # type: ignore[arg-type]  # rejected
        )


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "vendo"]


TYPO = (
    "The mapping names 'opnai', which has no credential and is not in the catalog. "
    "Fix: Did you mean 'openai'?"
)


@pytest.mark.parametrize("mode", ["OSS", "Vendo"])
def test_slug_with_a_typing_error_is_logged(
    mode: str, server: LocalVendo, env_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mapping = {"OPENAI_API_KEY": "opnai", "OPENAI_URL": "opnai.base_url", "A": "my-tool"}
    with server.client() if mode == "Vendo" else vendo.Vendo("byok") as client:
        reconciler.bootstrap(env_file=env_file, mapping=mapping, client=client)
    assert written(env_file) == {}
    assert warnings_of(caplog) == [TYPO]


def test_provider_of_ones_own_is_not_taken_for_a_typing_error(
    server: LocalVendo, env_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.connect("opnai")
    with server.client() as client:
        reconciler.bootstrap(env_file=env_file, mapping={"KEY": "opnai"}, client=client)
    assert written(env_file) == {"KEY": server.token("opnai")}
    assert warnings_of(caplog) == []
