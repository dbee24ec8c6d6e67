"""`catalog_default`: the mapping of all providers, and its restart handlers."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

import vendo
from reconciler.reading import written
from vendo import RetryPolicy, reconciler
from vendo._catalog import catalog
from vendo.reconciler import Change

if TYPE_CHECKING:
    from pathlib import Path

    from vendo.testing import LocalVendo


def test_oss_mode_mapping_has_the_catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mapping, _ = reconciler.catalog_default()
    assert mapping["OPENAI_API_KEY"] == "openai"
    assert set(mapping.values()) == set(catalog.slugs())
    monkeypatch.setenv("OPENAI_API_KEY", "sk-own")
    reconciler.bootstrap(env_file=tmp_path / "env", mapping=mapping)
    assert written(tmp_path / "env")["OPENAI_API_KEY"] == "sk-own"


def test_vendo_mode_mapping_has_the_integrations_and_connections(
    server: LocalVendo, tmp_path: Path
) -> None:
    server.connect("my-own-tool", env_bootstrap={"vars": [], "restart": "none"})
    with server.client() as client:
        mapping, _ = reconciler.catalog_default(client)
        offered = {row.slug for row in client.integrations.list()}
        assert set(mapping.values()) == offered - {"my-own-tool"}  # it has no variables
        assert client.token("gmail")  # it is not closed
        reconciler.bootstrap(env_file=tmp_path / "env", mapping=mapping, client=client)
    read = written(tmp_path / "env")
    assert read == {
        "OPENAI_API_KEY": server.token("openai"),
        "GMAIL_ACCESS_TOKEN": server.token("gmail"),
        "SLACK_BOT_TOKEN": server.token("slack"),
    }


def test_default_client_follows_the_environment(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    mapping, _ = reconciler.catalog_default()
    assert mapping["GMAIL_ACCESS_TOKEN"] == "gmail"
    assert server.count("api") == 2


def test_mapping_has_providers_that_are_not_connected_yet(
    server: LocalVendo, tmp_path: Path
) -> None:
    with server.client() as client:
        mapping, _ = reconciler.catalog_default(client)
        server.connect("notion")
        reconciler.bootstrap(env_file=tmp_path / "env", mapping=mapping, client=client)
    assert written(tmp_path / "env")["NOTION_TOKEN"] == server.token("notion")


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
        assert {n: s for n, s in mapping.items() if s.startswith("gmail")} == {
            "MAIL": "gmail",
            "MAIL_REF": "gmail.context.ref",
        }
        assert caplog.text.count("this version does not know") == 1
        assert caplog.text.count("not the name of a variable") == 1
        reconciler.bootstrap(env_file=tmp_path / "env", mapping=mapping, client=client)
    assert written(tmp_path / "env")["MAIL_REF"] == "r"


def test_connected_provider_wins_a_shared_variable(server: LocalVendo) -> None:
    both = _bootstrap(("SHARED", "access_token"))
    server.connect("airtable", env_bootstrap=both, status="needs_reauth")
    server.connect("zoom", env_bootstrap=both)
    with server.client() as client:
        mapping, _ = reconciler.catalog_default(client)
    assert mapping["SHARED"] == "zoom"


def test_connection_without_env_bootstrap_uses_the_catalog(server: LocalVendo) -> None:
    server.connect("gmail", env_bootstrap=None)
    server.connect("unheard-of", env_bootstrap=None)
    server.fail("api", status=200, body={"integrations": []})
    with server.client() as client:
        mapping, _ = reconciler.catalog_default(client)
    assert mapping["GMAIL_ACCESS_TOKEN"] == "gmail"
    assert "unheard-of" not in mapping.values()


def test_unreachable_backend_is_an_error(server: LocalVendo) -> None:
    server.fail("api", status=503, times=None)
    with server.client(retry=RetryPolicy(1)) as client, pytest.raises(vendo.UpstreamError):
        reconciler.catalog_default(client)


def test_restart_happens_only_if_a_connection_needs_it(server: LocalVendo, tmp_path: Path) -> None:
    server.connect("gmail", env_bootstrap=_bootstrap(("QUIET", "token"), restart="none"))
    server.connect("openai", env_bootstrap=_bootstrap(("LOUD", "token"), restart="gateway"))
    with server.client() as client:
        _, restart_handler_factory = reconciler.catalog_default(client)
    restarts: list[int] = []
    handler = restart_handler_factory(lambda: restarts.append(1))
    path = tmp_path / "env"
    handler(Change(path, changed=("QUIET",)))
    assert not restarts
    handler(Change(path, changed=("QUIET", "LOUD")))
    handler(Change(path, removed=("UNHEARD_OF",)))
    assert len(restarts) == 2


def test_restart_can_be_a_command(tmp_path: Path) -> None:
    _, restart_handler_factory = reconciler.catalog_default()
    mark = tmp_path / "restarted"
    program = f"open({str(mark)!r}, 'w')"
    change = Change(tmp_path / "env", added=("A",))
    restart_handler_factory([sys.executable, "-c", program])(change)
    assert mark.exists()
    with pytest.raises(subprocess.CalledProcessError):
        restart_handler_factory((sys.executable, "-c", "raise SystemExit(3)"))(change)


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


@pytest.mark.parametrize("restart", ["systemctl restart app", [], [3], 3])
def test_invalid_restart_is_rejected(restart: Any) -> None:
    _, restart_handler_factory = reconciler.catalog_default()
    with pytest.raises(vendo.ValidationError, match="restart handler"):
        restart_handler_factory(restart)
