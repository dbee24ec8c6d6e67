"""A masked value is the credential for code, and prints as stars."""

from __future__ import annotations

import copy
import hashlib
import hmac
import json
import os
import pickle
import pprint
import subprocess
import sys

import jinja2
import pytest
import requests
from django.template import Context, Engine
from django.utils.html import format_html
from hypothesis import given
from hypothesis import strategies as st

from vendo_django import MaskedStr

SECRET = "sk-canary-0123456789"


@pytest.fixture
def value() -> MaskedStr:
    return MaskedStr(SECRET, slug="openai", expires=True)


def test_code_gets_the_credential(value: MaskedStr) -> None:
    assert value == SECRET
    assert hash(value) == hash(SECRET)
    assert isinstance(value, str)
    assert not callable(value)  # providers' SDKs call a callable to get a key
    assert type(str(value)) is str
    assert f"Bearer {value}" == f"Bearer {SECRET}"
    assert "Bearer %s" % value == f"Bearer {SECRET}"  # noqa: UP031  # as smtplib does
    assert f"{value:>30}" == f"{SECRET:>30}"
    assert "Bearer {}".format(value) == f"Bearer {SECRET}"  # noqa: UP032  # the other notation
    assert " ".join(["Bearer", value]) == f"Bearer {SECRET}"  # noqa: FLY002  # the other notation
    assert value.encode() == SECRET.encode()
    assert json.dumps({"key": value}) == json.dumps({"key": SECRET})
    assert json.dumps({value: 1}, indent=1) == json.dumps({SECRET: 1}, indent=1)
    assert hmac.digest(value.encode(), b"", hashlib.sha256) == hmac.digest(
        SECRET.encode(), b"", hashlib.sha256
    )
    assert {SECRET: 1}[value] == 1


def test_it_works_in_headers_and_in_a_childs_environment(
    value: MaskedStr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY", value)
    prepared = requests.Request(
        "GET", "http://localhost", headers={"X-Key": value}, auth=(value, value)
    ).prepare()

    assert prepared.headers["X-Key"] == SECRET
    assert os.environ["CANARY"] == SECRET
    printed = subprocess.check_output(
        [sys.executable, "-c", "import os; print(os.environ['CANARY'])"], text=True
    )
    assert printed.strip() == SECRET


def test_it_prints_stars(value: MaskedStr) -> None:
    shown = [
        repr(value),
        ascii(value),
        f"{value!r}",
        "%r" % value,  # noqa: UP031  # as logging does
        repr({"a": [value], value: 1}),
        pprint.pformat({"a": {"b": (value,)}}),
        pprint.pformat(value),
        str([value]),
    ]

    assert all("canary" not in text for text in shown), shown
    assert repr(value) == "'********************'"
    assert repr(MaskedStr()) == "''"


def test_concatenation_keeps_the_mask(value: MaskedStr) -> None:
    before, after = "Bearer " + value, value + "/path"

    assert (before, after) == (f"Bearer {SECRET}", f"{SECRET}/path")
    assert "canary" not in repr([before, after])
    assert isinstance(after, MaskedStr)
    assert after.expires
    with pytest.raises(TypeError):
        value + 1  # type: ignore[operator]
    with pytest.raises(TypeError):
        1 + value


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_survives_pickling(value: MaskedStr, protocol: int) -> None:
    loaded = pickle.loads(pickle.dumps(value, protocol))

    assert loaded == SECRET
    assert (type(loaded), loaded.slug, loaded.expires) == (MaskedStr, "openai", True)
    assert "canary" not in repr(loaded)


def test_copies_are_masked(value: MaskedStr) -> None:
    copied = copy.deepcopy({"key": value})

    assert copied == {"key": SECRET}
    assert "canary" not in repr((copied, copy.copy(value)))


@pytest.mark.parametrize(
    "source",
    [
        "{{ value }}",
        "{{ value|safe }}",
        "{{ value|upper }}",
        "{{ value|default:'x' }}",
        "{{ value|stringformat:'s' }}",
        "{{ value|add:'' }}",
        "{{ box }}",
        "{{ box.key|lower }}",
        "{% autoescape off %}{{ value }}{{ value|lower }}{{ box }}{% endautoescape %}",
        "{% firstof value %}",
        "{% with other=value %}{{ other|force_escape }}{% endwith %}",
        "{% filter upper %}{{ value }}{% endfilter %}",
        "{{ box.list|join:', ' }}",
        "{% cycle value value %}",
        "{{ 'Bearer '|add:value }}",
        "{% autoescape off %}{{ 'Bearer '|add:value }}{{ plain|add:value }}{% endautoescape %}",
        "{{ value|slice:':12' }}",
        "{{ value|first }}{{ value|last }}{{ value|random }}{{ value.4 }}",
        "{{ value.strip }}{{ value.upper }}{{ value.encode }}{{ value.split }}{{ value.title }}",
        "{% for letter in value %}{{ letter }}{% endfor %}",
        "{% autoescape off %}{{ value|join:'' }}{{ value|make_list }}{% endautoescape %}",
        "{% autoescape off %}{{ box.list|unordered_list }}{% endautoescape %}",
        "{{ box.list|safeseq|join:', ' }}",
        "{% load i18n %}{% translate value %}",
        "{% load i18n %}{% autoescape off %}{% translate value %}{% endautoescape %}",
        "{% load i18n %}{% blocktranslate %}a {{ value }}{% endblocktranslate %}",
    ],
)
def test_a_template_prints_stars(value: MaskedStr, source: str) -> None:
    template = Engine(libraries={"i18n": "django.templatetags.i18n"}).from_string(source)
    box = {"key": value, "list": [value]}

    printed = template.render(Context({"value": value, "plain": "Bearer ", "box": box}))

    assert "canary" not in printed.lower()
    assert "****" in printed


def test_a_template_prints_the_slug(value: MaskedStr) -> None:
    template = Engine().from_string("{{ value.slug }} {{ value.expires }} {{ value.nonsense }}")

    assert template.render(Context({"value": value})) == "openai True "


def test_slices_and_edits_are_masked_and_other_text_is_not(value: MaskedStr) -> None:
    made = {
        value[3:9]: "canary",
        value[-1]: "9",
        (value + " ").strip(): SECRET,
        (value + " ").rstrip(): SECRET,
        (" " + value).lstrip(): SECRET,
        value.upper(): SECRET.upper(),
        value.upper().lower(): SECRET,
        value.replace("sk-", ""): "canary-0123456789",
        value.removeprefix("sk-"): "canary-0123456789",
        value.removesuffix("-0123456789"): "sk-canary",
    }

    for result, text in made.items():
        assert result == text
        assert isinstance(result, MaskedStr)
        assert (repr(result), result.slug, result.expires) == (repr("*" * 20), "openai", True)
        assert type(str(result)) is str
    assert list(value) == list(SECRET)
    assert value.split("-") == SECRET.split("-")


def test_html_built_in_code_has_stars(value: MaskedStr) -> None:
    assert "canary" not in format_html("<b>{}</b>", value)


def test_an_empty_value_prints_nothing() -> None:
    template = Engine().from_string(
        "[{{ value }}]{% autoescape off %}{{ value }}{% endautoescape %}"
    )

    assert template.render(Context({"value": MaskedStr()})) == "[]"


def test_a_template_can_test_for_a_value(value: MaskedStr) -> None:
    template = Engine().from_string("{% if value %}yes{% endif %}{% if not empty %}no{% endif %}")

    assert template.render(Context({"value": value, "empty": MaskedStr()})) == "yesno"


def test_jinja_prints_stars(value: MaskedStr) -> None:
    environment = jinja2.Environment(autoescape=True)
    assert "canary" not in environment.from_string("{{ value }}").render(value=value)


@given(st.text())
def test_any_text_is_unchanged(text: str) -> None:
    value = MaskedStr(text)

    assert value == text
    assert str(value) == text
    assert f"{value}" == text
    assert json.loads(json.dumps(value)) == text
    assert pickle.loads(pickle.dumps(value)) == text
