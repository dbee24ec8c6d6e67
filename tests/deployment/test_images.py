"""The images of the page are built without a credential, contain none, and run with one."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import pytest
import requests

from deployment.image import Image, building_environment
from deployment.page import FRAMEWORKS, application, instructions, texts
from support.distribution import distribution
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.servers

_yaml: Any = importlib.import_module("yaml")  # it has no types
POD = _yaml.safe_load(texts()["pod.yaml"])
SHOP = POD["containers"][0]


def dockerfile(framework: str) -> str:
    """Return the Dockerfile of a framework, as the page says to change that for Django."""
    text = texts()["Dockerfile"]
    if framework == "django":
        return text
    lines = [line for line in text.splitlines() if "manage.py" not in line]
    return "\n".join(lines).rpartition('CMD ["gunicorn')[0] + texts()[f"{framework}/Dockerfile"]


def requirements(framework: str, wheel: Path) -> str:
    """Return the requirements of a framework, with our wheel in place of the index's."""
    if framework == "fastapi":
        text = texts()["fastapi/requirements.txt"]
    else:
        text = texts()["requirements.txt"].replace("django", framework)
    assert text.startswith("vendo-sdk[")
    return text.replace("]", f"] @ {wheel.as_uri()}")


@pytest.fixture(params=FRAMEWORKS)
def context(
    request: pytest.FixtureRequest, tmp_path: Path, server: LocalVendo, wheel: Path
) -> Path:
    """A folder with an application, its Dockerfile, and secrets that an image must not have."""
    folder = application(request.param, tmp_path)
    (folder / "Dockerfile").write_text(dockerfile(request.param))
    (folder / "requirements.txt").write_text(requirements(request.param, wheel))
    (folder / ".dockerignore").write_text(texts()[".dockerignore"])
    for name in (".env", "shop/.env.production", "secrets/api-key"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(f"VENDO_API_KEY={server.api_key}\n")
    return folder


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    (found,) = distribution(tmp_path_factory.mktemp("dist")).glob("*.whl")
    return found


@pytest.fixture
def server() -> LocalVendo:
    return LocalVendo(["gmail"])


def files(root: Path) -> dict[Path, bytes]:
    """Return the content of each file, but for what Python compiles when it runs as root."""
    return {
        path: path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def probe(name: str, site: str) -> int:
    """Return the status of a probe of the pod."""
    how = SHOP[name]["httpGet"]
    assert str(how["port"]) == dict(instructions(texts()["Dockerfile"]))["EXPOSE"]
    headers = {header["name"]: header["value"] for header in how["httpHeaders"]}
    return requests.get(site + how["path"], headers=headers, timeout=30).status_code


def test_the_pod_mounts_the_key_where_its_variable_says() -> None:
    values = {entry["name"]: entry.get("value") for entry in SHOP["env"]}
    (mount,) = SHOP["volumeMounts"]
    assert values["VENDO_API_KEY_FILE"].rpartition("/")[0] == mount["mountPath"]
    assert mount["readOnly"]
    assert [volume["name"] for volume in POD["volumes"]] == [mount["name"]]
    # Longer than a check of the credentials takes.
    assert SHOP["readinessProbe"]["timeoutSeconds"] > 5


def test_an_image_is_built_without_a_credential_and_runs_with_one(
    context: Path, server: LocalVendo, tmp_path: Path
) -> None:
    image = Image(tmp_path / "image", building_environment(tmp_path))
    image.build((context / "Dockerfile").read_text(), context)
    assert image.user.isdigit()
    assert int(image.user) > 0
    assert [name for name in image.environment if name.startswith("VENDO_")] == []
    built = files(image.root)
    assert (image.root / "app" / "shop" / "__init__.py") in built
    if (context / "manage.py").exists():
        assert (image.root / "app" / "collected" / "shop" / "site.css") in built

    key = tmp_path / "api-key"
    key.write_text(f"{server.api_key}\n")
    log = tmp_path / "server.log"
    with server:
        secrets = [server.api_key, server.webhook_secret, server.token("gmail")]
        variables = {
            **server.environment("gmail"),
            "VENDO_API_KEY_FILE": str(key),
            "VENDO_TOKEN_SHOP_SECRET_KEY": "not-a-secret-" * 4,
        }
        del variables["VENDO_API_KEY"]
        with image.running(variables, log) as site:
            assert "@example.com" in requests.get(f"{site}/mail/", timeout=30).text
            assert probe("readinessProbe", site) == 200
            server.clear_requests()
            assert probe("livenessProbe", site) == 200
            assert server.count() == 0
            server.stop()
            assert probe("livenessProbe", site) == 200
            assert probe("readinessProbe", site) == 503
    # Another user than root could not have written there.
    assert files(image.root) == built
    for secret in secrets:
        assert [path for path, content in built.items() if secret.encode() in content] == []
        assert secret not in log.read_text()
