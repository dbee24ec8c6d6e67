"""The adapter with parallel test runners, pytest-django and image builds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from vendo.testing import LocalVendo

TESTS = Path(__file__).parents[1]

_TEST_MODULE = """
import os
from django.conf import settings
from django.db import connection
from django.test import Client, TestCase, override_settings
from vendo_django import client, token


class Base:
    def test_the_value_is_masked(self):
        assert settings.PLAIN == os.environ["VENDO_TOKEN_SITE_SECRET"]
        assert "not-a-secret" not in repr(settings.PLAIN)
        assert "not-a-secret" not in repr(connection.settings_dict)
        assert connection.settings_dict["PASSWORD"] == settings.PLAIN

    def test_requests_have_their_client(self):
        response = self.client.get("/token/", headers={"X-Vendo-User-JWT": "user.one.jwt"})
        assert response.status_code == 200, response.content
        assert response.content.decode() != client().token("gmail")


class One(Base, TestCase):
    pass


class Other(Base, TestCase):
    pass
"""

_PYTEST_MODULE = """
import pytest
from vendo_django import client


def test_each_test_has_its_own_settings(settings, monkeypatch):
    monkeypatch.setenv("VENDO_API_KEY", "")
    before = client()
    settings.VENDO = {"TIMEOUT": 7}
    assert client() is not before
    assert client().timeout == 7


def test_a_test_may_have_a_client_of_its_own(settings):
    from vendo.testing import MockClient

    settings.VENDO = {"CLIENT": MockClient({"openai": "sk-test"})}
    assert client().token("openai") == "sk-test"


def test_the_settings_are_restored():
    assert client().timeout == 30


@pytest.mark.django_db
def test_users_can_be_signed_in(client, monkeypatch):
    monkeypatch.setenv("VENDO_AUTH", "1")
    headers = {
        "X-Vendo-User-Id": "5f0c1a9e",
        "X-Vendo-User-Email": "ada@example.com",
        "X-Vendo-Tenant-Id": "tenant-1",
        "X-Vendo-Role": "member",
    }
    assert client.get("/identity/", headers=headers).json()["user"] == "5f0c1a9e"
"""


@pytest.fixture
def environment(server: LocalVendo, tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        **server.environment(),
        "VENDO_TOKEN_SITE_SECRET": "not-a-secret-" * 4,
        "SITE_DATABASE": str(tmp_path / "site.sqlite3"),
        "DJANGO_SETTINGS_MODULE": "django_adapter.project_settings",
        "PYTHONPATH": f"{TESTS}{os.pathsep}{tmp_path}",
    }


def run(arguments: list[str], environment: dict[str, str], folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "not-a-secret" not in said
    return said


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_django_runs_tests_in_parallel(
    method: str, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "suite").mkdir()
    (tmp_path / "suite" / "__init__.py").touch()
    (tmp_path / "suite" / "tests.py").write_text(_TEST_MODULE)
    (tmp_path / "manage.py").write_text(
        "import multiprocessing, sys\n"
        "from django.core.management import execute_from_command_line\n"
        "if __name__ == '__main__':\n"
        f"    multiprocessing.set_start_method({method!r})\n"
        "    execute_from_command_line(sys.argv)\n"
    )

    said = run(["manage.py", "test", "suite", "--parallel=2"], environment, tmp_path)

    assert "Ran 4 tests" in said
    assert "Cloning test database" in said


def test_pytest_django_runs_tests(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "test_project.py").write_text(_PYTEST_MODULE)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -p no:cacheprovider -p no:asyncio\n")

    said = run(["-m", "pytest", "-W", "error", "-q"], environment, tmp_path)

    assert "4 passed" in said


def test_an_image_is_built_without_a_credential(
    environment: dict[str, str], tmp_path: Path
) -> None:
    bare = {name: value for name, value in environment.items() if not name.startswith("VENDO_")}
    command = ["-m", "django", "check"]
    rejected = subprocess.run(
        [sys.executable, *command], cwd=tmp_path, env=bare, capture_output=True, text=True
    )
    assert rejected.returncode != 0
    assert "VENDO_TOKEN_SITE_SECRET" in rejected.stderr.splitlines()[-1]

    # Django requires a secret key; any other missing credential is a placeholder.
    building = {**bare, "VENDO_DJANGO_BUILD": "1", "VENDO_TOKEN_SITE_SECRET": "build-only"}
    assert "no issues" in run(command, building, tmp_path)
    del building["VENDO_TOKEN_SITE_SECRET"]
    program = "from django_adapter import project_settings as s; assert s.PLAIN == ''"
    run(["-c", program], building, tmp_path)
