"""What `FlaskVendo` and `init_app` take for an application."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, current_app
from werkzeug.local import LocalProxy

from vendo import ValidationError
from vendo_flask import FlaskVendo

if TYPE_CHECKING:
    from vendo.testing import LocalVendo


@pytest.mark.parametrize("in_init_app", [True, False])
def test_the_proxy_of_an_application_stands_for_it(
    vendo_mode: LocalVendo, in_init_app: bool
) -> None:
    app = Flask("behind a proxy")
    proxy: Any = current_app
    with app.app_context():
        if in_init_app:
            FlaskVendo().init_app(proxy)
        else:
            FlaskVendo(proxy)
    assert app.extensions["vendo"].token("gmail") == vendo_mode.token("gmail")


@pytest.mark.parametrize("app", ["x", Flask, None, 5, LocalProxy(lambda: "x")])
def test_what_is_no_application_is_an_error_that_says_so(app: Any) -> None:
    with pytest.raises(ValidationError, match=r"a Flask application.*Fix: Write FlaskVendo\(app\)"):
        FlaskVendo().init_app(app)
    if app is not None:
        with pytest.raises(ValidationError, match="a Flask application"):
            FlaskVendo(app)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("VENDO_ERRORS", "FlaskVendo(app, errors=True)"),
        ("VENDO_MAY_CONNECT", "blueprint(may_connect=...)"),
    ],
)
def test_an_option_that_is_set_elsewhere_has_the_line_that_sets_it(name: str, line: str) -> None:
    app = Flask(__name__)
    app.config[name] = True
    with pytest.raises(ValidationError, match=re.escape(f"Write {line}.")):
        FlaskVendo(app)
