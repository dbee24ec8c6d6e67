"""Errors as objects: their attributes survive pickling, copying, and JSON."""

from __future__ import annotations

import copy
import json
import pickle
import traceback

import pytest

import vendo
from vendo import errors

CLASSES = [getattr(errors, name) for name in errors.__all__]
ATTRIBUTES = {
    "code": "some_code",
    "message": "What happened.",
    "status": 418,
    "slug": "gmail",
    "connect_url": "https://vendo.example/connect",
    "retry_after": 2,
    "suggested_fix": "Do this.",
}


@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_is_a_vendo_error_and_exported_at_the_top_level(
    cls: type[errors.VendoError],
) -> None:
    assert issubclass(cls, errors.VendoError)
    assert getattr(vendo, cls.__name__) is cls
    assert cls.__doc__


@pytest.mark.parametrize("cls", CLASSES)
def test_error_has_all_its_attributes(cls: type[errors.VendoError]) -> None:
    error = cls(**ATTRIBUTES)  # type: ignore[arg-type]  # one value each
    assert {name: getattr(error, name) for name in ATTRIBUTES} == ATTRIBUTES
    assert cls(*ATTRIBUTES.values()).__dict__ == error.__dict__  # type: ignore[arg-type]
    assert str(error) == "What happened. Fix: Do this."
    assert repr(error) == (
        f"{cls.__name__}('some_code', 'What happened.', status=418, slug='gmail')"
    )


@pytest.mark.parametrize("cls", CLASSES)
def test_error_needs_only_a_code_and_a_message(cls: type[errors.VendoError]) -> None:
    error = cls("some_code", "What happened.")
    assert str(error) == "What happened."
    assert error.args == ("some_code", "What happened.", *[None] * 5)
    assert repr(error) == f"{cls.__name__}('some_code', 'What happened.')"
    assert [getattr(error, name) for name in list(ATTRIBUTES)[2:]] == [None] * 5


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_errors_pickle_and_copy_with_all_attributes(
    cls: type[errors.VendoError], protocol: int
) -> None:
    error = cls(**ATTRIBUTES)  # type: ignore[arg-type]  # one value each
    error.add_note("a note")
    for twin in (
        pickle.loads(pickle.dumps(error, protocol)),
        copy.copy(error),
        copy.deepcopy(error),
    ):
        assert type(twin) is cls
        assert twin.__dict__ == error.__dict__
        assert (twin.args, str(twin), repr(twin)) == (error.args, str(error), repr(error))
        assert "a note" in traceback.format_exception(twin)[-1]


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("given", [2, 4, len(ATTRIBUTES)])
def test_arguments_give_the_error_back(cls: type[errors.VendoError], given: int) -> None:
    error = cls(**dict(list(ATTRIBUTES.items())[:given]))  # type: ignore[arg-type]
    assert error.args == tuple(getattr(error, name) for name in ATTRIBUTES)
    for args in (error.args, json.loads(json.dumps(error.args))):
        twin = type(error)(*args)
        assert twin.__dict__ == error.__dict__
        assert (twin.args, str(twin), repr(twin)) == (error.args, str(error), repr(error))


def test_arguments_follow_a_change() -> None:
    error = errors.NotConnected("binding_missing", "Nothing.").replace(slug="gmail", status=404)
    assert error.args == ("binding_missing", "Nothing.", 404, "gmail", None, None, None)


def test_error_of_a_subclass_with_another_constructor_is_copied() -> None:
    error = Unpaid(3)
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), error.replace()):
        assert isinstance(twin, Unpaid)
        assert (twin.invoices, str(twin)) == (3, "3 invoices are unpaid.")


class Unpaid(errors.BalanceExhausted):
    def __init__(self, invoices: int) -> None:
        super().__init__("unpaid", f"{invoices} invoices are unpaid.")
        self.invoices = invoices


@pytest.mark.parametrize("cls", [errors.UpstreamTimeout, errors.UpstreamConnectionError])
def test_error_of_the_system_has_no_number(cls: type[OSError]) -> None:
    error = cls(*ATTRIBUTES.values())
    for one in (error, copy.copy(error)):
        assert (one.errno, one.strerror, one.filename, one.filename2) == (None,) * 4


def test_missing_extra_has_the_message_of_an_import_error() -> None:
    error = errors.MissingExtra(**ATTRIBUTES)  # type: ignore[arg-type]  # one value each
    assert (error.msg, error.name, error.path) == ("What happened.", None, None)
    assert copy.copy(error).msg == "What happened."


def test_error_in_a_group_and_with_a_cause_is_copied() -> None:
    error = errors.RateLimited(**ATTRIBUTES)  # type: ignore[arg-type]  # one value each
    group = pickle.loads(pickle.dumps(ExceptionGroup("two", [error, ValueError("x")])))
    found, rest = group.split(errors.VendoError)
    assert found
    assert rest
    assert found.exceptions[0].__dict__ == error.__dict__
    assert [type(one) for one in rest.exceptions] == [ValueError]
    with pytest.raises(errors.RateLimited) as caught:
        raise errors.RateLimited(*error.args) from group
    assert caught.value.__cause__ is group


def test_copy_can_differ_and_has_its_own_traceback() -> None:
    error = errors.NotConnected("binding_missing", "Nothing.", slug="gmail")
    try:
        raise error
    except errors.NotConnected:
        twin = error.replace(suggested_fix="Connect it.", status=403)
    assert (twin.slug, twin.suggested_fix, twin.status) == ("gmail", "Connect it.", 403)
    assert (error.suggested_fix, error.status) == (None, None)
    assert twin.__traceback__ is None
    assert isinstance(twin, errors.NotConnected)


@pytest.mark.parametrize(
    ("cls", "builtin"),
    [
        (errors.UpstreamTimeout, TimeoutError),
        (errors.UpstreamConnectionError, ConnectionError),
        (errors.MissingExtra, ImportError),
    ],
)
def test_errors_are_caught_as_builtin_errors(
    cls: type[errors.VendoError], builtin: type[Exception]
) -> None:
    with pytest.raises(builtin, match=r"What happened\. Fix: Do this\."):
        raise cls(**ATTRIBUTES)  # type: ignore[arg-type]  # one value each


def test_a_time_out_and_a_lost_connection_are_upstream_errors() -> None:
    assert issubclass(errors.UpstreamTimeout, errors.UpstreamError)
    assert issubclass(errors.UpstreamConnectionError, errors.UpstreamError)
