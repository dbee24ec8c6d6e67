"""Names that the backend chose and that steer programs are not written, and are logged."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.reading import written
from vendo import Connection, reconciler
from vendo._catalog import catalog
from vendo.reconciler._mapping import Source, sources_of
from vendo.reconciler._steering import may_name

if TYPE_CHECKING:
    from pathlib import Path

    from vendo.testing import LocalVendo

#: One or more of each list, and what is read in another case.
_NAMES = """
    LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT DYLD_INSERT_LIBRARIES LIBPATH GCONV_PATH GLIBC_TUNABLES
    MALLOC_CHECK_ LOCPATH NLSPATH HOSTALIASES RES_OPTIONS LOCALDOMAIN TZDIR PATH Path BASH_ENV ENV
    IFS CDPATH FPATH SHELL SHELLOPTS BASHOPTS BASH_FUNC_ls PS1 PS4 PROMPT_COMMAND ZDOTDIR GLOBIGNORE
    INPUTRC HISTFILE HOME PWD UID COMSPEC PATHEXT TMPDIR XDG_CONFIG_HOME NETRC EDITOR VISUAL PAGER
    MANPAGER BROWSER LESSOPEN SUDO_ASKPASS VIMINIT PYTHONPATH PYTHONSTARTUP PYTHONHOME
    PYTHONWARNINGS PIP_INDEX_URL UV_INDEX_URL VIRTUAL_ENV PYTEST_ADDOPTS PYTEST_PLUGINS
    DJANGO_SETTINGS_MODULE FLASK_APP FLASK_DEBUG GUNICORN_CMD_ARGS UVICORN_RELOAD WEB_CONCURRENCY
    FORWARDED_ALLOW_IPS NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS NODE_TLS_REJECT_UNAUTHORIZED
    npm_config_registry NPM_CONFIG_USERCONFIG PERL5OPT PERL5LIB PERLLIB RUBYOPT RUBYLIB GEM_HOME
    BUNDLE_GEMFILE PHPRC PHP_INI_SCAN_DIR LUA_INIT LUA_PATH LUA_CPATH_5_4 R_PROFILE R_LIBS_USER
    ERL_FLAGS ERL_LIBS JAVA_TOOL_OPTIONS _JAVA_OPTIONS JDK_JAVA_OPTIONS CLASSPATH MAVEN_OPTS
    DOTNET_STARTUP_HOOKS CORECLR_PROFILER COR_ENABLE_PROFILING COMPlus_Version GODEBUG GOFLAGS
    GOPROXY CC CFLAGS MAKEFLAGS RUSTC_WRAPPER CARGO_HOME GIT_SSH_COMMAND GIT_CONFIG_COUNT
    SSH_ASKPASS SSH_AUTH_SOCK RSYNC_RSH HTTP_PROXY http_proxy HTTPS_PROXY all_proxy NO_PROXY
    SSL_CERT_FILE SSL_CERT_DIR SSLKEYLOGFILE OPENSSL_CONF OPENSSL_MODULES REQUESTS_CA_BUNDLE
    CURL_CA_BUNDLE AWS_CA_BUNDLE CURL_HOME AWS_ENDPOINT_URL AWS_ENDPOINT_URL_S3 AWS_CONFIG_FILE
    AWS_SHARED_CREDENTIALS_FILE KUBECONFIG DOCKER_HOST CLOUDSDK_PYTHON PGSSLMODE HF_ENDPOINT GH_HOST
    VENDO_CREDENTIALS_URL VENDO_API_KEY vendo_base_url VENDO_TOKEN_OPENAI SLACK_BASE_URL TAR_OPTIONS
    GREP_OPTIONS GZIP ZIPOPT XZ_OPT FZF_DEFAULT_COMMAND PYSPARK_PYTHON PYSPARK_SUBMIT_ARGS
    PRISMA_QUERY_ENGINE_LIBRARY GDAL_DRIVER_PATH SASL_PATH RIPGREP_CONFIG_PATH MAILCAPS MAILRC
    SCRAPY_SETTINGS_MODULE DOTENV_CONFIG_PATH TORCHINDUCTOR_CACHE_DIR AIRFLOW_HOME HADOOP_CONF_DIR
    NEW_RELIC_CONFIG_FILE MANPATH HF_HUB_TRUST_REMOTE_CODE RANDOM LINENO FUNCNAME _ STRIPE_API_BASE
    SLACK_API_URL OLLAMA_HOST AZURE_OPENAI_ENDPOINT LANGSMITH_ENDPOINT VAULT_ADDR CONSUL_HTTP_ADDR
    PULUMI_BACKEND_URL ANTHROPIC_CUSTOM_HEADERS LIBRARY_PATH MODULE_PATH
    OPENAI_API_KEY_FILE Slack_Bot_Token_File VENDO_API_KEY_FILE
    NULLCMD PROTOC GDK_PIXBUF_MODULE_FILE PSQLRC XDEBUG_CONFIG HEX_MIRROR GITHUB_ENV
"""
STEERING = _NAMES.split()


def _bootstrap(*names: str, value_from: str = "access_token") -> dict[str, Any]:
    return {
        "vars": [{"name": name, "value_from": value_from} for name in names],
        "restart": "none",
    }


@pytest.mark.parametrize("name", STEERING)
def test_steering_name_of_a_backend_is_refused(name: str) -> None:
    assert not may_name("openai", name, ())
    assert sources_of({"openai": _bootstrap(name, "OPENAI_API_KEY")}) == {
        "OPENAI_API_KEY": Source("openai")
    }


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "SLACK_SIGNING_SECRET", "Stripe_Secret_Key"])
def test_variable_of_another_provider_is_refused(
    name: str, server: LocalVendo, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.connect("gmail", env_bootstrap=_bootstrap(name, "MAIL"))
    server.connect("openai")
    env_file = tmp_path / ".env"
    with server.client() as client:
        mapping, _ = reconciler.catalog_default(client)
        reconciler.bootstrap(env_file=env_file, mapping=mapping, client=client)

    assert written(env_file)["MAIL"] == server.token("gmail")
    assert written(env_file)["OPENAI_API_KEY"] == server.token("openai")
    assert f"names {name}, which steers requests to " in caplog.text


@pytest.mark.parametrize("slug", catalog.slugs())
def test_conventional_variables_of_the_catalog_are_not_refused(slug: str) -> None:
    provider = catalog.provider(slug)
    assert provider is not None
    for name in (*provider.variables, *provider.env_vars):
        assert may_name(slug, name, ()), name


@pytest.mark.parametrize(
    "name",
    ["PATHOLOGY", "MY_PATH", "ENVIRONMENT", "DATABASE_URL", "NPM_TOKEN", "AWS_ACCESS_KEY_ID"],
)
def test_name_that_only_resembles_one_is_not_refused(name: str) -> None:
    assert may_name("supabase", name, ())


def test_base_url_of_a_connection_may_be_written_under_its_own_name_alone() -> None:
    address = ("base_url",)
    assert may_name("openai", "OPENAI_BASE_URL", address)
    assert not may_name("openai", "SLACK_BASE_URL", address)
    assert not may_name("openai", "OPENAI_BASE_URL", ("context", "url"))
    assert not may_name("openai", "OPENAI_BASE_URL", ())
    for own in ("OPENAI_API_BASE", "OPENAI_ENDPOINT", "openai_host"):
        assert may_name("openai", own, address)
        assert not may_name("gmail", own, address)


@pytest.mark.parametrize(
    "name", ["BAD-NAME", "", "1", "a b", "A\n", "a[$(id)]", "\0", "\u0391PI", "A="]
)
def test_malformed_name_of_a_backend_is_left_out_and_logged(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert sources_of({"openai": _bootstrap(name, "GOOD")}) == {"GOOD": Source("openai")}
    assert "not the name of a variable" in caplog.text
    assert len(caplog.records) == 1
    assert "\n" not in caplog.records[0].getMessage()


def test_source_that_this_version_does_not_know_is_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    row = {"name": "NEW", "value_from": "of_tomorrow"}
    assert sources_of({"openai": {"vars": [row, *_bootstrap("GOOD")["vars"]]}}).keys() == {"GOOD"}
    assert "does not know" in caplog.text


def test_backend_does_not_replace_what_the_caller_names(caplog: pytest.LogCaptureFixture) -> None:
    mapping = {"gmail": _bootstrap("MAIL", "OTHER"), "slack": _bootstrap("OTHER"), "MAIL": "openai"}
    assert sources_of(mapping) == {
        "MAIL": Source("openai"),
        "OTHER": Source("gmail"),
    }
    assert [record.getMessage() for record in caplog.records] == [
        "An env_bootstrap names MAIL too, which stays openai.",
        "An env_bootstrap names OTHER too, which stays gmail.",
    ]


def test_refused_name_is_logged_once_without_its_value(
    server: LocalVendo, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.connect("gmail", env_bootstrap=_bootstrap("BASH_ENV", "MAIL", "A" * 3 + "_PROXY"))
    env_file = tmp_path / ".env"
    with server.client() as client:
        mapping, _ = reconciler.catalog_default(client)
        reconciler.bootstrap(env_file=env_file, mapping=mapping, client=client)
    assert written(env_file)["MAIL"] == server.token("gmail")
    assert "BASH_ENV" not in env_file.read_text()
    records = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.getMessage().split(", so ")[0] for record in records] == [
        "The env_bootstrap of gmail names BASH_ENV, which steers a shell",
        "The env_bootstrap of gmail names AAA_PROXY, which steers a proxy",
    ]
    assert server.token("gmail") not in caplog.text


def test_bootstrap_of_a_connection_is_checked_too(server: LocalVendo, tmp_path: Path) -> None:
    server.connect("gmail", env_bootstrap=_bootstrap("LD_PRELOAD", "MAIL"))
    env_file = tmp_path / ".env"
    with server.client() as client:
        connection = client.connections.get("gmail")
        assert isinstance(connection, Connection)
        assert connection.env_bootstrap
        mapping = {"gmail": connection.env_bootstrap}
        reconciler.bootstrap(env_file=env_file, mapping=mapping, client=client)
    assert written(env_file) == {"MAIL": server.token("gmail")}


def test_name_that_the_caller_wrote_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_TOKEN_OPENAI", "http://127.0.0.1:3128")
    env_file = tmp_path / ".env"
    reconciler.bootstrap(env_file=env_file, mapping={"HTTPS_PROXY": "openai"})
    assert written(env_file, "HTTPS_PROXY") == {"HTTPS_PROXY": "http://127.0.0.1:3128"}
