"""Responses are decoded within bounds."""

from __future__ import annotations

import gzip
import traceback
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.flows import raw_response, response
from vendo import UpstreamError
from vendo._protocol.decoding import MAX_BYTES, Fields, decode_json

CANARY = "canary-7f3a"


def test_json_is_read() -> None:
    assert decode_json(response(200, {"a": [1, None, "ü"]})) == {"a": [1, None, "ü"]}


@pytest.mark.parametrize("coding", ["gzip", "GZIP", " gzip "])
def test_unrequested_compression_is_decoded(coding: str) -> None:
    body = gzip.compress(b'{"a": 1}')

    assert decode_json(raw_response(200, body, {"content-encoding": coding})) == {"a": 1}


def test_deflate_is_decoded() -> None:
    body = zlib.compress(b"[1]")

    assert decode_json(raw_response(200, body, {"content-encoding": "deflate"})) == [1]


@pytest.mark.parametrize(
    ("body", "headers", "problem"),
    [
        (b"", {}, "is empty"),
        (b"{", {}, "is not JSON"),
        (b"<html></html>", {}, "is not JSON"),
        (b"\xff\xfe\x00", {}, "is not JSON"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, {}, "is not JSON", id="deep list"),
        pytest.param(b'{"a":' * 100_000, {}, "is not JSON", id="deep object"),
        (b"9" * 10_000, {}, "is not JSON"),
        (b"no gzip", {"content-encoding": "gzip"}, "compressed in an unknown"),
        (b"\x0b\x02\x80", {"content-encoding": "br"}, "compressed in an unknown"),
        (gzip.compress(b"[1, 2]" * 100, mtime=0)[:30], {"content-encoding": "gzip"}, "is not JSON"),
        (gzip.compress(b"", mtime=0), {"content-encoding": "gzip"}, "is empty"),
    ],
)
def test_unreadable_response_is_one_typed_error(
    body: bytes, headers: dict[str, str], problem: str
) -> None:
    with pytest.raises(UpstreamError, match=problem) as caught:
        decode_json(raw_response(200, body, headers))

    assert caught.value.code == "upstream_error"
    assert caught.value.status == 200
    assert caught.value.suggested_fix


def test_a_gzip_bomb_is_not_unpacked_beyond_ten_mebibytes() -> None:
    import tracemalloc

    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(b" " * (1 << 20)) for _ in range(64)) + packer.flush()
    tracemalloc.start()
    try:
        with pytest.raises(UpstreamError, match="larger than 10 MiB"):
            decode_json(raw_response(200, bomb, {"content-encoding": "gzip"}))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * MAX_BYTES


def test_error_of_a_broken_response_does_not_quote_it() -> None:
    with pytest.raises(UpstreamError) as caught:
        decode_json(raw_response(200, f'{{"access_token": "{CANARY}'.encode(), {}))

    error: BaseException | None = caught.value
    while error is not None:
        assert CANARY not in f"{error!r} {vars(error)} {error.args}"
        assert error.__cause__ is None
        error = error.__context__
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_field_is_read_by_name_and_type() -> None:
    fields = Fields({"text": "x", "number": 1, "flag": True, "list": ["a"], "null": None}, "thing")

    assert fields.required("text", str) == "x"
    assert fields.required("number", int) == 1
    assert fields.required("flag", bool) is True
    assert fields.optional("null", str) is None
    assert fields.optional("missing", str) is None
    assert fields.strings("list") == ("a",)
    assert fields.strings("missing") == ()


@pytest.mark.parametrize(
    ("value", "kind"),
    [("1", int), (1.0, int), (True, int), (1, str), ([], dict), ({}, list), (1, bool), (0, str)],
)
def test_a_field_of_the_wrong_type_is_named_without_its_value(value: object, kind: type) -> None:
    with pytest.raises(UpstreamError, match="a thing with an invalid field"):
        Fields({"field": value}, "thing").optional("field", kind)


def test_missing_required_field_is_named() -> None:
    with pytest.raises(UpstreamError, match="a thing without field"):
        Fields({"field": None}, "thing").required("field", str)


@pytest.mark.parametrize("data", [None, [], "x", 1, True])
def test_only_an_object_has_fields(data: object) -> None:
    with pytest.raises(UpstreamError, match="no thing object"):
        Fields(data, "thing")


@pytest.mark.parametrize("value", [["a", 1], [None], "ab", {"a": 1}])
def test_list_of_strings_has_only_strings(value: object) -> None:
    with pytest.raises(UpstreamError):
        Fields({"names": value}, "thing").strings("names")


@given(st.binary(max_size=300), st.sampled_from(["", "identity", "gzip", "deflate", "br", "x"]))
def test_any_bytes_give_a_value_or_one_typed_error(body: bytes, coding: str) -> None:
    with suppress(UpstreamError):  # any other error fails the test
        decode_json(raw_response(200, body, {"content-encoding": coding} if coding else {}))
