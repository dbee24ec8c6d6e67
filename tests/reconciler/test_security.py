"""The claims on the env file. Each is tested in detail in the other files of this folder."""

from __future__ import annotations

import tempfile
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import vendo
from reconciler.owners import MALLORY, chowned
from reconciler.reading import written
from vendo import reconciler

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vendo import Vendo
    from vendo.testing import LocalVendo


@pytest.fixture
def client(server: LocalVendo) -> Iterator[Vendo]:
    with server.client() as client:
        yield client


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def _connect(server: LocalVendo, slug: str, *names: str, value_from: str = "access_token") -> None:
    rows = [{"name": name, "value_from": value_from} for name in names]
    server.connect(
        slug,
        profile="vendo_managed_pool",
        base_url="https://pool.example.com",
        env_bootstrap={"vars": rows, "restart": "none"},
    )


def _write(client: Vendo, env_file: Path, slug: str) -> dict[str, str | None]:
    """Write what the backend names, both ways, and return what is read."""
    mapping, _ = reconciler.catalog_default(client)
    reconciler.bootstrap(env_file=env_file, mapping=mapping, client=client)
    connection = client.connections.get(slug)
    assert connection is not None
    assert connection.env_bootstrap is not None
    other = env_file.with_name("other.env")
    reconciler.bootstrap(env_file=other, mapping={slug: connection.env_bootstrap}, client=client)
    own = written(other)
    assert own.items() <= written(env_file).items()
    return own


def test_a_variable_that_steers_programs_is_not_written_for_a_backend(
    server: LocalVendo, client: Vendo, env_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    steering = ("BASH_ENV", "LD_PRELOAD", "PATH", "HTTPS_PROXY", "VENDO_CREDENTIALS_URL")
    _connect(server, "gmail", *steering, "MAIL")
    assert _write(client, env_file, "gmail") == {"MAIL": server.token("gmail")}
    for name in steering:
        assert name not in env_file.read_text()
        assert caplog.text.count(f"names {name},") == 2  # one for each way to write it


def test_a_backend_sets_the_base_url_of_its_own_provider_alone(
    server: LocalVendo, client: Vendo, env_file: Path
) -> None:
    _connect(server, "openai", "OPENAI_BASE_URL", "SLACK_BASE_URL", value_from="base_url")
    assert _write(client, env_file, "openai") == {"OPENAI_BASE_URL": "https://pool.example.com"}


def test_a_line_break_in_a_value_of_the_env_file_is_an_error(
    server: LocalVendo, client: Vendo, env_file: Path
) -> None:
    server.connect("slack", metadata={"region": "eu\nLD_PRELOAD=/x.so"})
    mapping = {"REGION": "slack.metadata.region"}
    with pytest.raises(vendo.ValidationError, match="REGION contains a line break"):
        reconciler.bootstrap(env_file=env_file, mapping=mapping, client=client)
    assert "x.so" not in env_file.read_text()
    reconciler.bootstrap(env_file=env_file, mapping=mapping, client=client, multiline=["REGION"])
    assert written(env_file) == {"REGION": "eu\nLD_PRELOAD=/x.so"}


def test_a_value_over_128_kib_is_not_written_to_an_env_file(
    server: LocalVendo, client: Vendo, env_file: Path
) -> None:
    server.connect("slack", metadata={"long": "x" * 128 * 1024})
    mapping = {"LONG": "slack.metadata.long"}
    with pytest.raises(vendo.ValidationError, match="LONG is longer than the 128 KiB"):
        reconciler.bootstrap(env_file=env_file, mapping=mapping, client=client)
    assert "xxx" not in env_file.read_text()
    server.connect("gmail", token="${" * 16_000)
    reconciler.bootstrap(env_file=env_file, mapping={"MAIL": "gmail"}, client=client)
    assert written(env_file) == {"MAIL": "${" * 16_000}


def test_a_value_that_cannot_be_written_delays_no_other(
    server: LocalVendo, client: Vendo, env_file: Path
) -> None:
    server.connect("slack", metadata={"region": "eu\n"})
    mapping = {"REGION": "slack.metadata.region", "MAIL": "gmail"}
    with pytest.raises(vendo.ValidationError, match="REGION"):
        reconciler.bootstrap(env_file=env_file, mapping=mapping, client=client)
    assert written(env_file) == {"MAIL": server.token("gmail")}


def test_a_failing_handler_of_an_env_file_shows_no_value(
    server: LocalVendo, client: Vendo, env_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    with pytest.raises(ZeroDivisionError) as caught:
        reconciler.bootstrap(
            env_file=env_file, mapping={"MAIL": "gmail"}, client=client, on_change=lambda _: 1 / 0
        )
    for frame, _ in traceback.walk_tb(caught.value.__traceback__):
        if frame.f_code.co_filename != __file__:
            assert server.token("gmail") not in repr(frame.f_locals)
    assert server.token("gmail") not in caplog.text


def test_in_a_folder_that_others_may_write_to_nothing_of_another_user_is_used(
    client: Vendo,
) -> None:
    with tempfile.TemporaryDirectory() as name:
        env_file = Path(name).resolve() / "shared" / ".env"
        env_file.parent.mkdir()
        own = Path(name) / "own"
        own.touch()
        for planted in (".env", ".env.vendo"):
            path = env_file.with_name(planted)
            path.touch()
            if not chowned(path, MALLORY):  # only root can give a file to another user
                path.unlink()
                path.hardlink_to(own)
            env_file.parent.chmod(0o1777)
            with pytest.raises(vendo.ValidationError, match="another user may write to its folder"):
                reconciler.bootstrap(env_file=env_file, mapping={"MAIL": "gmail"}, client=client)
            assert path.read_bytes() == b""
            path.unlink()


def test_a_variable_that_you_name_yourself_is_written(
    server: LocalVendo, client: Vendo, env_file: Path
) -> None:
    reconciler.bootstrap(env_file=env_file, mapping={"HTTPS_PROXY": "gmail"}, client=client)
    assert written(env_file) == {"HTTPS_PROXY": server.token("gmail")}


def test_a_backend_chooses_the_values(server: LocalVendo, client: Vendo, env_file: Path) -> None:
    server.connect("gmail", token="$(id)")
    reconciler.bootstrap(env_file=env_file, mapping={"MAIL": "gmail"}, client=client)
    assert written(env_file) == {"MAIL": "$(id)"}
