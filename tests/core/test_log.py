"""The logger `vendo`: silent until a program adds a handler, and imported with the first record."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from vendo._protocol.log import logger

#: The configuration of a program: one handler at the root, with the defaults of `dictConfig`.
CONFIGURE = """
import logging.config
logging.config.dictConfig({
    "version": 1,
    "handlers": {"all": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}},
    "root": {"handlers": ["all"], "level": "DEBUG"},
})
"""
IMPORT = "from vendo._protocol.log import logger\n"
WARN = "logger.warning('one %s', 'record')\n"


def output(program: str) -> str:
    """Return what a program prints in a new interpreter, errors included."""
    done = subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.stdout


def test_record_without_a_handler_is_not_printed() -> None:
    assert output(IMPORT + WARN + "logger.error('another')") == ""


@pytest.mark.parametrize("program", [CONFIGURE + IMPORT, IMPORT + CONFIGURE])
def test_handlers_of_dict_config_get_the_records(program: str) -> None:
    assert output(program + WARN) == "one record\n"


def test_handlers_of_the_logger_itself_replace_the_silent_one() -> None:
    program = f"""
{IMPORT}
import logging, sys
own = logging.getLogger("vendo")
own.addHandler(logging.StreamHandler(sys.stdout))
own.propagate = False
{WARN}
own.handlers.clear()
{WARN}
"""
    assert output(program) == "one record\n"


def test_logging_is_imported_with_the_first_record() -> None:
    show = "print('logging' in sys.modules)\n"
    assert output(f"import sys\n{IMPORT}{show}{WARN}{show}") == "False\nTrue\n"


def test_record_names_the_line_that_wrote_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "vendo"):
        logger.debug("a record")

    (record,) = caplog.records
    assert (record.name, record.levelname, record.message) == ("vendo", "DEBUG", "a record")
    assert record.pathname == __file__
