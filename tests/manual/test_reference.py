"""The reference is complete: every name has a docstring with all sections, and its examples run."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

import griffe
import pytest

from manual.programs import Program
from manual.reference import Documented, documented, entries, exported, module_of
from support.internet import internet
from vendo._catalog import catalog
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from manual.reference import Entry

RUN_EXAMPLES = Path(__file__).with_name("run_examples.py")

#: The public modules whose names have complete docstrings.
MODULES = (
    "vendo",
    "vendo.aio",
    "vendo.deployment",
    "vendo.errors",
    "vendo.reconciler",
    "vendo.sso",
    "vendo.testing",
    "vendo.web",
    "vendo_django",
    "vendo_django.backends",
    "vendo_django.mail",
    "vendo_django.middleware",
    "vendo_flask",
    "vendo_pytest",
    "vendo_starlette",
)

#: Classes that only the library constructs: their constructor is not described.
MADE_BY_THE_LIBRARY = (
    "vendo.BillingAPI",
    "vendo.ConnectionsAPI",
    "vendo.DataAPI",
    "vendo.EventsAPI",
    "vendo.IntegrationsAPI",
    "vendo._client.async_apis.AsyncBillingAPI",
    "vendo._client.async_apis.AsyncConnectionsAPI",
    "vendo._client.async_apis.AsyncDataAPI",
    "vendo._client.async_apis.AsyncIntegrationsAPI",
    "vendo._client.async_events.AsyncEventsAPI",
    "vendo._client.async_streams.AsyncEventStream",
    "vendo._client.event_watch.EventWatch",
    "vendo._client.streams.EventStream",
    "vendo.reconciler.Reconciler",
    "vendo_pytest.VendoSession",
    "vendo_pytest.VendoToken",
    "vendo_pytest.VendoTokens",
    "vendo_pytest.VendoUsage",
)

#: Functions, methods and constructors that raise nothing of their own.
RAISE_NOTHING = (
    "vendo.AsyncVendo.aclose",
    "vendo.AsyncVendo.close",
    "vendo.AsyncVendo.is_vendo_mode",
    "vendo.RetryPolicy.pause",
    "vendo.Vendo.close",
    "vendo.Vendo.is_vendo_mode",
    "vendo._client.async_streams.AsyncEventStream.aclose",
    "vendo._client.event_watch.EventWatch.stop",
    "vendo._client.streams.EventStream.close",
    "vendo.errors.VendoError.replace",
    "vendo.reconciler.Reconciler.stop",
    "vendo.reconciler.catalog_default",
    "vendo.sso.dashboard_url",
    "vendo.sso.logout_url",
    "vendo.testing.LocalVendo.action",
    "vendo.testing.LocalVendo.clear_requests",
    "vendo.testing.LocalVendo.count",
    "vendo.testing.LocalVendo.emit",
    "vendo.testing.LocalVendo.reset",
    "vendo.testing.LocalVendo.restore_key",
    "vendo.testing.LocalVendo.set_balance",
    "vendo.testing.LocalVendo.set_caps",
    "vendo.testing.LocalVendo.set_clock_offset",
    "vendo.testing.LocalVendo.sign_webhook",
    "vendo.testing.LocalVendo.stop",
    "vendo.testing.MockSSE.close",
    "vendo.testing.Withheld",
    "vendo.testing.catalog_slugs",
    "vendo.testing.credential_variables",
    "vendo.testing.forget_tokens",
    "vendo.testing.install_interceptor",
    "vendo.testing.is_local_token",
    "vendo.testing.provider_at",
    "vendo.web.AppWatch.begin",
    "vendo.web.AppWatch.stop",
    "vendo.web.ClientCache",
    "vendo.web.ClientCache.get",
    "vendo.web.ClientOptions",
    "vendo.web.ClientOptions.given",
    "vendo.web.ClientOptions.problems",
    "vendo.web.ConnectState",
    "vendo.web.Delivery",
    "vendo.web.Delivery.finish",
    "vendo.web.Delivery.release",
    "vendo.web.ErrorPage",
    "vendo.web.ErrorPage.context",
    "vendo.web.ErrorPage.html",
    "vendo.web.ErrorResponse",
    "vendo.web.LazyProxy",
    "vendo.web.LoopWarning",
    "vendo.web.LoopWarning.warn",
    "vendo.web.Option",
    "vendo.web.Option.accepts",
    "vendo.web.Options",
    "vendo.web.Options.label",
    "vendo.web.Options.masked",
    "vendo.web.Options.problems",
    "vendo.web.Problem",
    "vendo.web.ReceiverFailed",
    "vendo.web.ReplayCache",
    "vendo.web.ReplayStore",
    "vendo.web.Secret",
    "vendo.web.Secret.reveal",
    "vendo.web.SharedCache",
    "vendo.web.VerifiedWebhook",
    "vendo.web.argument_sets",
    "vendo.web.calling_module",
    "vendo.web.connection_rows",
    "vendo.web.connection_text",
    "vendo.web.current_page",
    "vendo.web.discard_output",
    "vendo.web.doctor_text",
    "vendo.web.encodable",
    "vendo.web.error_page",
    "vendo.web.error_response",
    "vendo.web.has_webhook_secret",
    "vendo.web.impatient",
    "vendo.web.invalid",
    "vendo.web.is_missing",
    "vendo.web.is_missing_file",
    "vendo.web.is_slug",
    "vendo.web.lazy_names",
    "vendo.web.mask_jwt",
    "vendo.web.mask_jwt_of_scope",
    "vendo.web.nearest_link",
    "vendo.web.output_failure",
    "vendo.web.prefers_html",
    "vendo.web.provider_name",
    "vendo.web.redis_source",
    "vendo.web.request_error_response",
    "vendo.web.user_jwts",
    "vendo.web.why_blocked",
    "vendo_django.MaskedStr",
    "vendo_django.VendoHttpRequest",
    "vendo_django.backends.VendoIdentityBackend",
    "vendo_django.backends.VendoIdentityBackend.aauthenticate",
    "vendo_django.backends.VendoIdentityBackend.authenticate",
    "vendo_django.backends.VendoIdentityBackend.configure_user",
    "vendo_django.backends.VendoIdentityBackend.owns",
    "vendo_django.backends.VendoIdentityBackend.username_of",
    "vendo_django.mail.EmailBackend",
    "vendo_django.middleware.VendoMiddleware",
    "vendo_django.vary_on_identity",
    "vendo_pytest.GuardError",
    "vendo_pytest.VendoSession.close",
    "vendo_starlette.vendo_client",
    "vendo_starlette.vendo_identity",
    "vendo_starlette.vendo_sync_client",
    "vendo_starlette.vendo_webhook",
)

ENTRIES = [entry for entry in entries() if module_of(entry.name) in MODULES]


@pytest.mark.parametrize("entry", ENTRIES, ids=str)
def test_every_docstring_is_complete(entry: Entry) -> None:
    missing = [f"{each.name}: {what}" for each in documented(entry) for what in _missing(each)]
    assert not missing, "\n".join(missing)


def _missing(each: Documented) -> list[str]:
    """Return what a docstring lacks."""
    if each.is_function:
        return [*_missing_arguments(each), *_missing_result(each), *_missing_example(each)]
    if each.is_class:
        return [*_missing_attributes(each), *_missing_example(each)]
    owner = each.owner
    name = each.name.rpartition(".")[2]
    is_described = owner is not None and name in {*owner.described, *owner.attributes}
    return [] if is_described or each.sections else ["a docstring"]


def _missing_arguments(each: Documented) -> list[str]:
    missing = []
    if sorted(each.described) != sorted(each.parameters):
        missing.append(f"Args: {each.parameters}, not {each.described}")
    raises = each.name not in RAISE_NOTHING
    if raises != ("raises" in each.sections):
        missing.append("Raises" if raises else "no Raises, or no place in RAISE_NOTHING")
    return missing


def _missing_attributes(each: Documented) -> list[str]:
    """Return what the docstring of a class lacks about its attributes or its constructor."""
    if each.is_dataclass:
        different = sorted(each.attributes) != sorted(each.parameters)
        return [f"Attributes: {each.parameters}, not {each.attributes}"] if different else []
    if each.is_error or each.name in MADE_BY_THE_LIBRARY:
        return [] if each.sections else ["a docstring"]
    return _missing_arguments(each)


def _missing_result(each: Documented) -> list[str]:
    returns = str(each.target.returns) not in {"None", "NoReturn"}
    if returns == bool({"returns", "yields"} & {*each.sections}):
        return []
    return ["Returns" if returns else "no Returns"]


def _missing_example(each: Documented) -> list[str]:
    """Report a missing example. An error may share that of a base class."""
    if each.programs:
        return []
    if each.is_error and any(Documented(base.path, base).programs for base in each.bases):
        return []
    return ["Example"]


DESCRIBED = """
class f:
    'Do it.\\n\\nArgs:\\n    a: it.\\n\\nExample:\\n    ```python\\n    f(1)\\n    ```'
    def __init__(self, a: int) -> None: ...
"""


@pytest.mark.parametrize(
    ("program", "missing"),
    [
        ("def f() -> int: ...", ["Returns", "Example"]),
        ("def f(a: int) -> None: 'Do.'", ["Args", "Example"]),
        ("def f() -> None: 'Do.\\n\\nRaises:\\n    ValueError: it.'", ["no Raises", "Example"]),
        (DESCRIBED, []),
        (DESCRIBED.replace("a: int", "b: int"), ["Args"]),
        (DESCRIBED.replace("```python", "```"), ["Example"]),
        ("import dataclasses\n@dataclasses.dataclass\nclass f: a: int", ["Attributes", "Example"]),
        ("f = 1", ["a docstring"]),
        ("f = 1\n'It.'", []),
    ],
)
def test_what_a_docstring_lacks_is_reported(
    program: str, missing: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(globals(), "RAISE_NOTHING", ("m.f",))
    (tmp_path / "m.py").write_text(program, encoding="utf-8")
    module = griffe.load("m", search_paths=[tmp_path])
    found = _missing(Documented("m.f", module["f"]))
    assert [re.split("[:,]", each)[0] for each in found] == missing


@pytest.mark.parametrize("module", MODULES)
def test_every_public_function_and_class_is_in_the_reference(module: str) -> None:
    shown = {each.target.path for entry in entries() for each in documented(entry)}
    assert [path for path in exported(module) if path not in shown] == []


def test_the_lists_of_exceptions_are_sorted_and_needed() -> None:
    names = {each.name for entry in entries() for each in documented(entry)}
    for listed in (MADE_BY_THE_LIBRARY, RAISE_NOTHING):
        assert list(listed) == sorted({*listed})
        assert [name for name in listed if name not in names] == []


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """The variables of Vendo mode, with every provider connected, and events while one listens."""
    backend = LocalVendo(connections=dict.fromkeys(catalog.slugs()), heartbeat=0.1)
    with backend as server, internet(server) as net:
        ended = Event()

        def emit() -> None:
            while not ended.wait(0.05):
                if server.open_streams:
                    server.emit("connection.changed", slug="openai", status="connected")

        thread = Thread(target=emit)
        thread.start()
        yield {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(tmp_path_factory.mktemp("home")),
            "LANG": "C.UTF-8",
            "NO_COLOR": "1",
            "VENDO_API_KEY": server.api_key,
            "VENDO_WEBHOOK_SECRET": server.environment()["VENDO_WEBHOOK_SECRET"],
            **net.environment,
        }
        ended.set()
        thread.join()
        server.reset()  # end event streams now, not at their next heartbeat


@pytest.mark.parametrize("module", MODULES)
def test_every_example_runs(module: str, environment: Mapping[str, str], tmp_path: Path) -> None:
    programs = {
        f"{each.name}{f' ({number})' if number else ''}": text
        for entry in ENTRIES
        if module_of(entry.name) == module
        for each in documented(entry)
        for number, text in enumerate(each.programs)
    }
    _run(programs, environment, tmp_path)


def _run(programs: Mapping[str, str], environment: Mapping[str, str], folder: Path) -> None:
    """Run programs, in two processes at the same time.

    Raises:
        AssertionError: some of them fail. The message has their names and output.
    """
    texts: dict[str, str] = {}
    for name, text in programs.items():
        if text not in texts.values():  # the clients share methods
            texts[name] = text
    names = sorted(texts)
    runners: list[Program] = []
    for half in (names[::2], names[1::2]):
        work = folder / str(len(runners))
        work.mkdir()
        part = {name: texts[name] for name in half}
        (work / "programs.json").write_text(json.dumps(part), encoding="utf-8")
        command = (sys.executable, "-W", "error", str(RUN_EXAMPLES), "programs.json")
        runners.append(Program(command, work, environment))
    statuses = [runner.wait() for runner in runners]
    assert statuses == [0, 0], "\n".join(runner.printed for runner in runners)


@pytest.mark.parametrize(
    "program",
    [
        "import vendo\nvendo.token('open ai')",
        "import warnings\nwarnings.warn('old')",
        "raise SystemExit(3)",
        "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
        "def test_it():\n    assert 1 == 2",
    ],
)
def test_an_example_that_fails_is_named(
    program: str, environment: Mapping[str, str], tmp_path: Path
) -> None:
    with pytest.raises(AssertionError, match=r"(?m)^ *vendo\.second: (signal 9|exit status \d)"):
        _run({"vendo.first": "", "vendo.second": program}, environment, tmp_path)


def test_an_example_that_runs_passes(environment: Mapping[str, str], tmp_path: Path) -> None:
    programs = {
        "vendo.a": "import vendo\nassert vendo.token('openai')",
        "vendo.b": "import vendo\nwith vendo.events.subscribe() as events:\n    next(events)",
        "vendo.c": "def test_it(vendo_token):\n    vendo_token('openai', 'test')",
    }
    _run(programs, environment, tmp_path)
