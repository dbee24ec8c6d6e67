"""Sub-APIs are attributes of their client: one object a client, which a test can replace."""

from __future__ import annotations

import gc
import inspect
import pickle
import pydoc
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

import vendo
from vendo import AsyncVendo, Vendo, aio
from vendo.testing import MockAsyncClient, MockClient

if TYPE_CHECKING:
    from vendo.testing import LocalVendo

KEY = "vendo_sk_" + "k" * 32
SUB_APIS = ["billing", "connections", "data", "events", "integrations", "webhooks"]
CLIENTS: list[Callable[[], Any]] = [
    lambda: Vendo(KEY),
    lambda: AsyncVendo(KEY),
    lambda: aio.client(KEY),
    MockClient,
    MockAsyncClient,
]


@contextmanager
def no_collector() -> Iterator[None]:
    """Leave reference cycles in memory meanwhile."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@pytest.mark.parametrize("name", SUB_APIS)
@pytest.mark.parametrize("make", CLIENTS)
def test_there_is_one_object_for_each_client(make: Callable[[], Any], name: str) -> None:
    client, other = make(), make()
    assert getattr(client, name) is getattr(client, name)
    assert getattr(client, name) is not getattr(other, name)


@pytest.mark.parametrize("name", SUB_APIS)
@pytest.mark.parametrize("module", [vendo, aio])
def test_module_has_the_sub_apis_of_its_client(module: Any, name: str) -> None:
    client = module.token.__self__
    assert getattr(module, name) is getattr(client, name)


def test_threads_share_one_object() -> None:
    client = Vendo(KEY)
    barrier = threading.Barrier(8)
    found = set()

    def read() -> None:
        barrier.wait()
        found.add(client.connections)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 1


@pytest.mark.parametrize("name", SUB_APIS)
@pytest.mark.parametrize("make", CLIENTS)
@pytest.mark.parametrize("is_read_before", [False, True])
def test_replacement_on_a_client_is_undone(
    make: Callable[[], Any], name: str, *, is_read_before: bool
) -> None:
    client = make()
    before = getattr(client, name) if is_read_before else None
    with mock.patch.object(client, name) as replaced:
        assert getattr(client, name) is replaced
        during = client.for_user("a.jwt.x")
        assert getattr(during, name) is not replaced
    after = getattr(client, name)
    assert after is not replaced
    assert before in {None, after}
    assert name not in vars(client)
    with pytest.raises(AttributeError, match=name):
        delattr(client, name)


def test_replacement_stays_until_it_is_deleted() -> None:
    client: Any = MockClient()
    billing = client.billing
    client.billing = "another"
    assert client.billing == "another"
    del client.billing
    assert client.billing is billing


@pytest.mark.parametrize("make", CLIENTS)
def test_replacement_on_the_class_reaches_clients_whose_sub_api_was_read(
    make: Callable[[], Any],
) -> None:
    client = make()
    before = client.billing
    cls = next(cls for cls in type(client).__mro__ if "billing" in vars(cls))
    with mock.patch.object(cls, "billing") as replaced:
        assert client.billing is replaced
    with mock.patch.object(cls, "billing", new_callable=mock.PropertyMock, return_value=5):
        assert client.billing == 5
    assert client.billing is before


def test_client_for_a_user_has_its_own_sub_apis(server: LocalVendo) -> None:
    client = server.client()
    rows = client.connections.list()
    with mock.patch.object(client.connections, "list", return_value=[]):
        scoped = client.for_user("one.jwt.x")
        assert client.connections.list() == []
        assert scoped.connections.list() == rows
    assert scoped.connections is not client.connections
    assert server.requests[-1].headers["x-vendo-user-jwt"] == "one.jwt.x"
    client.connections.list()
    assert "x-vendo-user-jwt" not in server.requests[-1].headers
    client.billing = client.billing  # as pytest's monkeypatch leaves it
    assert client.for_user("two.jwt.x").billing is not client.billing


def test_pickle_contains_no_sub_api(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Vendo(KEY)
    fresh = pickle.dumps(client)
    assert client.connections
    client.billing = "another"  # type: ignore[assignment]  # a fake
    assert pickle.dumps(client) == fresh
    assert pickle.loads(fresh).billing.balance


def test_sub_api_of_a_dropped_client_works(server: LocalVendo) -> None:
    connections = server.client().connections
    gc.collect()
    assert connections.list()
    assert server.client().for_user("one.jwt.x").connections.list()


@pytest.mark.parametrize("make", CLIENTS)
def test_dropped_client_of_a_user_is_freed_at_once(make: Callable[[], Any]) -> None:
    parent = make()
    with no_collector():
        client = parent.for_user("one.jwt.x")
        found = [weakref.ref(client), *(weakref.ref(getattr(client, name)) for name in SUB_APIS)]
        del client
        assert [ref() for ref in found] == [None] * len(found)


def test_dropped_client_closes_its_connections(server: LocalVendo) -> None:
    client = server.client()
    assert client.connections.list()
    gone = weakref.ref(client)
    del client
    gc.collect()
    assert gone() is None


def test_mocks_with_the_signature_of_the_original() -> None:
    client: Any = Vendo(KEY)
    with mock.patch.object(client, "billing", autospec=True) as billing:
        billing.balance.return_value = 5
        assert client.billing.balance() == 5
        with pytest.raises(TypeError, match="unexpected keyword argument"):
            client.billing.balance(wrong=1)
    with mock.patch.object(Vendo, "token", autospec=True, return_value="t") as token:
        assert client.token("gmail") == "t"
        token.assert_called_once_with(client, "gmail")
        with pytest.raises(TypeError, match="missing a required argument"):
            client.token()
    with mock.patch("vendo.Vendo", autospec=True) as cls:
        cls.return_value.token.return_value = "t"
        assert vendo.Vendo(KEY).token("gmail") == "t"
        cls.assert_called_once_with(KEY)
    assert vendo.Vendo is Vendo
    spec = mock.create_autospec(client, instance=True)
    spec.connections.list.return_value = []
    assert spec.connections.list() == []


PATCHES = [
    "vendo.token",
    "vendo.session",
    "vendo.Vendo",
    "vendo.billing",
    "vendo.billing.balance",
    "vendo.connections.list",
    "vendo.data.execute",
    "vendo.events.subscribe",
    "vendo.integrations.get",
    "vendo.webhooks.verify",
    "vendo.aio.token",
    "vendo.aio.billing",
    "vendo.aio.connections.list",
    "vendo.aio.events.subscribe",
    "vendo.aio.webhooks.verify",
    "vendo.errors.NotConnected",
]


@pytest.mark.parametrize("path", PATCHES)
def test_name_of_the_package_can_be_patched(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    owner_path, _, name = path.rpartition(".")
    before = eval(path)
    owner = eval(owner_path)
    for autospec in (None, True):
        with mock.patch(path, autospec=autospec) as replaced:
            assert eval(path) is replaced
        assert eval(path) == before
    assert name in vars(owner) or type(owner).__name__.endswith("API")
    with monkeypatch.context() as patch:
        patch.setattr(path, 1)
        assert eval(path) == 1
    assert eval(path) == before
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, 2)
        assert eval(path) == 2
    assert eval(path) == before


def run(program: str) -> None:
    done = subprocess.run([sys.executable, "-c", program], env={}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", PATCHES)
def test_name_can_be_patched_before_its_first_use(path: str) -> None:
    run(
        "from unittest import mock\n"
        f"with mock.patch({path!r}) as replaced:\n"
        "    import vendo, vendo.aio\n"
        f"    assert {path} is replaced\n"
        f"assert not isinstance({path}, mock.Mock)\n"
    )


@pytest.mark.parametrize(
    ("cls", "module"), [("vendo.Vendo", "vendo"), ("vendo.AsyncVendo", "vendo.aio")]
)
@pytest.mark.parametrize("name", ["token", "billing", "webhooks", "for_user"])
def test_package_keeps_no_replacement_of_the_class(cls: str, module: str, name: str) -> None:
    """The first use of a name during a patch of the class does not outlive it."""
    run(
        "from unittest import mock\n"
        "import vendo\n"
        f"with mock.patch.object({cls}, {name!r}, autospec=True):\n"
        f"    import {module}\n"
        f"    during = {module}.{name}\n"
        f"assert {module}.{name} is during\n"
        "assert not isinstance(during, mock.Mock) and not hasattr(during, 'mock')\n"
    )


@pytest.mark.parametrize("cls", [Vendo, AsyncVendo, MockClient])
def test_help_describes_each_sub_api(cls: type) -> None:
    text = pydoc.plain(pydoc.render_doc(cls))
    for name in SUB_APIS:
        described = inspect.getdoc(inspect.getattr_static(cls, name))
        assert described
        assert described.splitlines()[0] in text
    assert isinstance(inspect.getattr_static(cls, "billing"), property)
