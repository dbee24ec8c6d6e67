"""`catalog_default`: the mapping of all providers, and its restart handlers."""

from __future__ import annotations

import queue
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

import vendo
from reconciler.reading import written
from vendo import RetryPolicy, reconciler
from vendo.reconciler import Change

if TYPE_CHECKING:
    from pathlib import Path

    from vendo.testing import LocalVendo


def test_oss_mode_mapping_has_the_catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mapping, _ = reconciler.catalog_default()
    assert mapping() == {}
    monkeypatch.setenv("OPENAI_API_KEY", "sk-own")
    monkeypatch.setenv("VENDO_TOKEN_NOTION", "n-own")
    own = {"OPENAI_API_KEY": "sk-own", "NOTION_TOKEN": "n-own"}
    assert mapping() == own
    reconciler.bootstrap(env_file=tmp_path / "env", mapping=mapping)
    assert written(tmp_path / "env") == own


def test_vendo_mode_mapping_has_the_integrations_and_connections(
    server: LocalVendo, tmp_path: Path
) -> None:
    server.connect("my-own-tool", env_bootstrap={"vars": [], "restart": "none"})
    with server.client() as client:
        mapping, _ = reconciler.catalog_default(client)
        values = mapping()
        reconciler.bootstrap(env_file=tmp_path / "env", mapping=mapping)  # with that client
        assert client.token("gmail")  # it is not closed
    assert values == {
        "OPENAI_API_KEY": server.token("openai"),
        "GMAIL_ACCESS_TOKEN": server.token("gmail"),
        "SLACK_BOT_TOKEN": server.token("slack"),
    }
    assert {type(value) for value in values.values()} == {str}
    assert written(tmp_path / "env") == values


def test_default_client_follows_the_environment(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    mapping, _ = reconciler.catalog_default()
    assert server.count("api") == 0
    assert mapping()["GMAIL_ACCESS_TOKEN"] == server.token("gmail")
    assert server.count("api") == 2


def test_mapping_follows_what_the_platform_names(server: LocalVendo, tmp_path: Path) -> None:
    changes: queue.Queue[Change] = queue.Queue()
    with server.client() as client:
        mapping, _ = reconciler.catalog_default(client)
        # So that the first values are a change.
        reconciler.bootstrap(env_file=tmp_path / "env", mapping={}, client=client)
        with reconciler.start(
            env_file=tmp_path / "env", mapping=mapping, on_change=changes.put, poll_sec=3600
        ):
            changes.get(timeout=20)
            server.wait_for_streams(1)
            server.connect("my-tool", env_bootstrap=_bootstrap(("MY_TOKEN", "access_token")))
            assert changes.get(timeout=20).added == ("MY_TOKEN",)
            server.disconnect("my-tool")
            assert changes.get(timeout=20).removed == ("MY_TOKEN",)
            server.connect("notion")
            assert changes.get(timeout=20).added == ("NOTION_TOKEN",)
    assert written(tmp_path / "env")["NOTION_TOKEN"] == server.token("notion")


def test_line_stays_while_one_token_is_unavailable(server: LocalVendo, tmp_path: Path) -> None:
    with server.client(retry=RetryPolicy(1)) as client:
        mapping, _ = reconciler.catalog_default(client)
        reconciler.bootstrap(env_file=tmp_path / "env", mapping=mapping)
        before = written(tmp_path / "env")
        server.fail("credentials", status=503, times=None)
        with pytest.raises(vendo.UpstreamError):
            reconciler.bootstrap(env_file=tmp_path / "env", mapping=mapping)
    assert written(tmp_path / "env") == before


def _bootstrap(*variables: tuple[str, str], restart: str = "gateway") -> dict[str, Any]:
    rows = [{"name": name, "value_from": value_from} for name, value_from in variables]
    return {"vars": rows, "restart": restart}


def test_env_bootstrap_of_a_connection_wins(
    server: LocalVendo, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.connect(
        "gmail",
        env_bootstrap=_bootstrap(
            ("MAIL", "access_token"),
            ("MAIL_REF", "context.ref"),
            ("NEWER", "something.unknown"),
            ("NO VARIABLE", "access_token"),
        ),
        context={"ref": "r"},
    )
    with server.client() as client:
        mapping, _ = reconciler.catalog_default(client)
        values = mapping()
        assert values["MAIL"] == server.token("gmail")
        assert values["MAIL_REF"] == "r"
        assert "GMAIL_ACCESS_TOKEN" not in values
        reconciler.bootstrap(env_file=tmp_path / "env", mapping=mapping, client=client)
    assert written(tmp_path / "env") == values
    # Each is logged once, not with each reading.
    assert caplog.text.count("this version does not know") == 1
    assert caplog.text.count("not the name of a variable") == 1


def test_name_that_steers_programs_is_left_out(
    server: LocalVendo, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    names = ("PATH", "VENDO_API_KEY", "OPENAI_API_KEY", "OTHER_BASE_URL")
    rows = [(name, "access_token") for name in names]
    server.connect("gmail", env_bootstrap=_bootstrap(*rows, ("MAIL", "access_token")))
    with server.client() as client:
        mapping, _ = reconciler.catalog_default(client)
        values = mapping()
        reconciler.bootstrap(env_file=tmp_path / "env", mapping=mapping)
    assert values.keys() & {*names, "MAIL"} == {"OPENAI_API_KEY", "MAIL"}
    assert values["OPENAI_API_KEY"] == server.token("openai")
    assert written(tmp_path / "env") == values
    for name in names:
        assert caplog.text.count(f"names {name}, which steers") == 1


def test_connected_provider_wins_a_shared_variable(server: LocalVendo) -> None:
    both = _bootstrap(("SHARED", "access_token"))
    server.connect("airtable", env_bootstrap=both, status="needs_reauth")
    server.connect("zoom", env_bootstrap=both)
    with server.client() as client:
        mapping, _ = reconciler.catalog_default(client)
        assert mapping()["SHARED"] == server.token("zoom")


def test_connection_without_env_bootstrap_uses_the_catalog(server: LocalVendo) -> None:
    server.connect("gmail", env_bootstrap=None)
    server.connect("unheard-of", env_bootstrap=None)
    server.fail("api", status=200, body={"integrations": []})
    with server.client() as client:
        mapping, _ = reconciler.catalog_default(client)
        values = mapping()
    assert values["GMAIL_ACCESS_TOKEN"] == server.token("gmail")
    assert server.token("unheard-of") not in values.values()


def test_unreachable_backend_is_an_error(server: LocalVendo) -> None:
    server.fail("api", status=503, times=None)
    with server.client(retry=RetryPolicy(1)) as client:
        mapping, _ = reconciler.catalog_default(client)
        with pytest.raises(vendo.UpstreamError):
            mapping()


def test_gateway_is_called_only_if_a_connection_needs_it(
    server: LocalVendo, tmp_path: Path
) -> None:
    server.connect("gmail", env_bootstrap=_bootstrap(("QUIET", "token"), restart="none"))
    server.connect("openai", env_bootstrap=_bootstrap(("LOUD", "token"), restart="gateway"))
    restarts: list[int] = []
    with server.client() as client:
        _, restart_factory = reconciler.catalog_default(client)
        handler = restart_factory(gateway=lambda: restarts.append(1))
        path = tmp_path / "env"
        handler(Change(path, changed=("QUIET",)))
        assert not restarts
        handler(Change(path, changed=("QUIET", "LOUD")))
        handler(Change(path, added=("LOUD",)))
        handler(Change(path, removed=("UNHEARD_OF",)))
        assert len(restarts) == 3
        server.disconnect("gmail")
        handler(Change(path, removed=("QUIET",)))  # it is remembered
        assert len(restarts) == 3


def test_program_of_the_platform_runs(server: LocalVendo, tmp_path: Path) -> None:
    server.connect("gmail", env_bootstrap=_bootstrap(("QUIET", "token"), restart="none"))
    server.connect("openai", env_bootstrap=_bootstrap(("LOUD", "token"), restart="gateway"))
    restarts: queue.Queue[int] = queue.Queue()
    with server.client() as client:
        mapping, restart_factory = reconciler.catalog_default(client)
        reconciler.bootstrap(env_file=tmp_path / "env", mapping=mapping)
        running = reconciler.start(
            env_file=tmp_path / "env",
            mapping=mapping,
            on_change=restart_factory(gateway=lambda: restarts.put(1)),
        )
        server.wait_for_streams(1)
        server.rotate("gmail")
        server.rotate("openai")
        assert restarts.get(timeout=20)
        running.stop()
    assert restarts.empty()
    assert written(tmp_path / "env")["QUIET"] == server.token("gmail")


def test_restart_defaults_to_sigterm(
    tmp_path: Path,
) -> None:
    program = f"""
from pathlib import Path
from vendo import reconciler
_, factory = reconciler.catalog_default()
factory()(reconciler.Change(Path({str(tmp_path)!r}), added=("A",)))
"""
    done = subprocess.run([sys.executable, "-c", program], timeout=30)
    assert done.returncode == -signal.SIGTERM


async def _restart() -> None:
    return


@pytest.mark.parametrize("gateway", ["systemctl restart app", ["echo"], 3, _restart])
def test_invalid_gateway_is_rejected(gateway: Any) -> None:
    _, restart_factory = reconciler.catalog_default()
    with pytest.raises(vendo.ValidationError, match="gateway= must be a function"):
        restart_factory(gateway=gateway)
