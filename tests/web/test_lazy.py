"""A lazy proxy behaves as the client, which is made when it is first used."""

from __future__ import annotations

import copy
from typing import Any
from unittest import mock

import pytest

import vendo
from vendo import web


class Proxy(web.LazyProxy):
    __slots__ = ("made",)

    @staticmethod
    def _class() -> type:
        return vendo.Vendo

    def __init__(self) -> None:
        self.made: vendo.Vendo | None = None

    def _client(self) -> vendo.Vendo:
        self.made = self.made or vendo.Vendo("key")
        return self.made


class PlainProxy(Proxy):
    """One without the property that `isinstance` reads."""

    __slots__ = ()

    __class__ = property(type)  # as every object has it


def test_isinstance_makes_no_client() -> None:
    proxy = Proxy()

    assert isinstance(proxy, vendo.Vendo)
    assert isinstance(proxy, web.LazyProxy)
    assert proxy.__class__ is vendo.Vendo
    assert proxy.made is None


@pytest.mark.parametrize("kind", [Proxy, PlainProxy])
def test_everything_but_isinstance_works_without_the_class_too(kind: type[Any]) -> None:
    proxy, other = kind(), kind()

    assert isinstance(proxy, vendo.Vendo) == (kind is Proxy)
    assert proxy.timeout == 30
    assert copy.copy(proxy) is copy.deepcopy(proxy) is proxy.made
    other.made = proxy.made
    assert proxy == other == proxy.made
    assert hash(proxy) == hash(proxy.made)
    assert (repr(proxy), dir(proxy)) == (repr(proxy.made), dir(proxy.made))
    with pytest.raises(AttributeError, match="tokenn"):
        _ = proxy.tokenn


def test_replacement_is_the_clients() -> None:
    proxy = Proxy()

    with (
        mock.patch.object(proxy, "token", return_value="sk-test"),
        mock.patch.object(proxy, "billing") as billing,
        mock.patch.object(proxy.connections, "list", return_value=[]),
    ):
        assert proxy.made is not None
        assert proxy.made.token("openai") == proxy.token("openai") == "sk-test"
        assert proxy.made.billing is billing
        assert proxy.connections.list() == []
    assert proxy.billing is not billing
    assert "token" not in vars(proxy.made)


def test_client_keeps_no_other_attribute_of_a_request() -> None:
    with pytest.raises(AttributeError, match="tenant"):
        Proxy().tenant = "t"
