"""A suite that does not use the plugin is not affected by it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]

LOOK = """
    import json, os, sys

    def test_look():
        with open("found.json", "w") as file:
            modules = [name for name in sys.modules if "test_it" not in name]
            json.dump([sorted(modules), dict(os.environ)], file)
"""


def test_unused_plugin_imports_only_itself_and_keeps_the_environment(
    run: Run, suite: pytest.Pytester
) -> None:
    found = suite.path / "found.json"
    run(LOOK).assert_outcomes(passed=1)
    modules, environment = json.loads(found.read_text())
    run(LOOK, plugin=()).assert_outcomes(passed=1)
    modules_without, environment_without = json.loads(found.read_text())

    assert set(modules) - set(modules_without) == {"vendo_pytest", "vendo_pytest.plugin"}
    assert environment == environment_without


def test_unused_plugin_keeps_real_credentials(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-real")
    monkeypatch.setenv("VENDO_TOKEN_SLACK", "xoxb-real")
    run(
        """
        import vendo

        def test_it():
            assert vendo.tokens(["openai", "slack"]) == {"openai": "sk-real", "slack": "xoxb-real"}
        """
    ).assert_outcomes(passed=1)


@pytest.mark.parametrize("first", ["vendo", "vendo.testing", "vendo_pytest", "vendo_pytest.plugin"])
def test_library_imported_before_pytest_causes_no_warning(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")  # so that modules are rewritten
    suite.makepyfile("def test_it(vendo_token): assert vendo_token('openai')")
    # Some releases of pytest-asyncio warn without a setting.
    run = "pytest.main(['-p', 'no:asyncio', '-W', 'error'])"
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-c",
            f"import sys, {first}, pytest; sys.exit({run})",
        ],
        capture_output=True,
        text=True,
        cwd=suite.path,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed in " in done.stdout  # with a warning, it is "1 passed, 1 warning in "


def test_entry_point_is_loaded_automatically(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    suite.makeini("[pytest]\naddopts = --strict-markers --strict-config\nvendo_guard = true")
    suite.makepyfile(
        """
        import pytest

        @pytest.mark.vendo(openai="sk-test")
        @pytest.mark.vendo_live
        def test_it(vendo_token):
            assert vendo_token("slack")
        """
    )
    result = suite.runpytest_subprocess("-W", "error", "-p", "no:asyncio")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["vendo: guard"])


def test_unused_plugin_prints_no_header(run: Run) -> None:
    run("def test_it(): pass").stdout.no_fnmatch_line("vendo*")


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (
            ["--fixtures"],
            [
                "vendo_token*",
                "    `vendo_token(*sets a token*",
                "vendo_tokens*",
                "    `vendo_tokens(*sets several tokens for the test.",
                "vendo_isolated*",
                "    Remove VENDO_* and every provider's variables from the environment*",
                "vendo_server*",
                "    A Vendo on loopback*",
                "vendo_session_server*",
                "    A Vendo on loopback for fixtures of a wider scope*",
                "vendo_client*",
                "    A `vendo.Vendo` for the server.",
                "vendo_async_client*",
                "    A `vendo.AsyncVendo` for the server.",
                "vendo_session*",
                "    `vendo_session(*fake provider.",
                "vendo_usage*",
                "    `vendo_usage.assert_used(*",
                "vendo_leaks*",
                "    Fail the test if its captured output*",
            ],
        ),
        (["--markers"], ["@pytest.mark.vendo(*", "@pytest.mark.vendo_live: *"]),
        (
            ["--help"],
            [
                "vendo:",
                "  --vendo-live *",
                "  vendo_tokens (linelist):*",
                "  vendo_isolate (bool):*",
                "  vendo_guard (bool):*",
            ],
        ),
    ],
)
def test_everything_is_described(run: Run, arguments: list[str], lines: list[str]) -> None:
    result = run("def test_it(): pass", *arguments)

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(lines)


def test_names_for_annotations_are_imported_lazily() -> None:
    import vendo_pytest

    for name in vendo_pytest.__all__:
        assert getattr(vendo_pytest, name).__name__ == name
        assert name in dir(vendo_pytest)
    with pytest.raises(AttributeError, match="Nothing"):
        _ = vendo_pytest.Nothing


@pytest.mark.parametrize("is_autoloaded", [True, False])
@pytest.mark.parametrize(
    ("arguments", "conftest"),
    [
        ("", "pytest_plugins = ['vendo_pytest.plugin']"),
        ("-p vendo", "pytest_plugins = ['vendo_pytest.plugin']"),
        ("-p vendo_pytest.plugin", ""),
        ("-p vendo_pytest.plugin", "pytest_plugins = ['vendo_pytest.plugin']"),
        ("-p vendo -p vendo_pytest.plugin", ""),
        ("-p vendo_pytest.plugin -p vendo", ""),
        ("-p xdist -n 1 -p vendo_pytest.plugin", ""),
        ("-p pytester", "pytest_plugins = ['pytester', 'vendo_pytest.plugin']"),
    ],
)
def test_plugin_may_be_named_more_than_once(
    suite: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    is_autoloaded: bool,
    arguments: str,
    conftest: str,
) -> None:
    if is_autoloaded:
        monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
        arguments = arguments.replace("-p xdist", "")
    suite.makeconftest(conftest)
    suite.makeini("[pytest]\nvendo_guard = true")
    suite.makepyfile("def test_it(vendo_token): assert vendo_token('openai')")
    result = suite.runpytest_subprocess("-W", "error", "-p", "no:asyncio", *arguments.split())

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["vendo: guard"])


def test_plugin_can_be_left_out(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    suite.makepyfile("def test_it(vendo_token): pass")
    result = suite.runpytest_subprocess("-p", "no:asyncio", "-p", "no:vendo")

    result.stdout.fnmatch_lines(["*fixture 'vendo_token' not found*"])
