"""`doctor`: check the configuration and the backend, for a bug report without secrets."""

from __future__ import annotations

import sys

from vendo._cli import arguments, output
from vendo._reports import doctor
from vendo._reports.tables import Style

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

HELP = """\
Show versions, mode, credentials and the variables that hold them, addresses, proxies and the
backend's responses, without any secret. The exit status is 1 where there is a problem. Both modes.

examples:
  python -m vendo doctor
  python -m vendo --env-file .env doctor --json"""


def add_arguments(parser: ArgumentParser) -> None:
    """Define the arguments."""
    arguments.add_json(parser)
    arguments.add_timeout(parser, 5.0, "how long to wait for each response of the backend")


def run(options: Namespace) -> int:
    """Print the report. Return 1 where there is a problem."""
    report = doctor.check(options.timeout)
    if options.json:
        output.write_json(report.as_dict())
    else:
        output.write(doctor.render(report, Style(sys.stdout)))
    return 1 if report.problems else 0
