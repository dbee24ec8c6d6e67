"""`manage.py vendo doctor|catalog|connections`: the project's mode, checks and connections.

It prints no credential.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage, Tags
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from vendo import VendoError
from vendo.web import (
    catalog_rows,
    catalog_text,
    connection_rows,
    connection_text,
    discard_output,
    doctor_report,
    doctor_text,
    encodable,
    output_failure,
)
from vendo_django import settings
from vendo_django.checks import check_deployment
from vendo_django.clients import client

#: What of `check --deploy` depends on Vendo. The rest is about production alone.
_AS_VENDO_HAS_IT = frozenset({"vendo.E004", "vendo.E005"})


def _is_ours(message: CheckMessage) -> bool:
    return str(message.id).startswith("vendo.")


class Command(BaseCommand):
    """The command."""

    help = "Show the project's mode, checks and connections. Prints no credential."
    requires_system_checks: list[str] = []  # doctor prints them instead of failing on them

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the subcommands."""
        commands = parser.add_subparsers(dest="subcommand", required=True, metavar="COMMAND")
        doctor = commands.add_parser("doctor", help="mode, credentials, backend, system checks")
        doctor.add_argument(
            "--timeout", type=float, default=10.0, help="seconds to wait for each response"
        )
        catalog = commands.add_parser("catalog", help="the known providers and their variables")
        catalog.add_argument("slug", nargs="?", help="one provider in full")
        connections = commands.add_parser("connections", help="the providers and their status")
        for command in (doctor, catalog, connections):
            command.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run a subcommand."""
        try:
            getattr(self, f"_{options['subcommand']}")(options)
        except (ImproperlyConfigured, VendoError) as error:
            raise CommandError(str(error)) from None

    def _doctor(self, options: dict[str, Any]) -> None:
        given, malformed = settings.readable_client_options()
        report = doctor_report(
            given,
            settings.client_label,
            adapter="vendo_django",
            timeout=options["timeout"],
            malformed=malformed,  # the system checks report what is wrong
            redis_url=settings.readable_redis_url(),
        )
        found = [one for one in checks.run_checks(tags=[Tags.security]) if _is_ours(one)]
        found += [
            one for one in check_deployment() if one.id in _AS_VENDO_HAS_IT and one not in found
        ]
        if settings.has_client():
            report.note("VENDO['CLIENT'] takes the place of the project's client, not shown here.")
        is_wrong = bool(report.problems) or any(message.is_serious() for message in found)
        if options["json"]:
            rows = [{"id": one.id, "text": one.msg, "fix": one.hint} for one in found]
            self._print({**report.as_dict(), "checks": rows})
        else:
            for message in found:
                add = report.problem if message.is_serious() else report.note
                add(f"({message.id}) {message.msg}", message.hint)
            self._write(doctor_text(report))
        if is_wrong:
            raise CommandError("Something is wrong; see above.", returncode=1)

    def _catalog(self, options: dict[str, Any]) -> None:
        if options["json"]:
            self._print(catalog_rows(options["slug"]))
        else:
            self._write(catalog_text(options["slug"]))

    def _connections(self, options: dict[str, Any]) -> None:
        connections = client().connections.list()
        if options["json"]:
            self._print(connection_rows(connections))
        else:
            self._write(connection_text(connections))

    def _print(self, value: object) -> None:
        self._write(json.dumps(value, indent=2))

    def _write(self, text: str) -> None:
        try:
            self.stdout.write(encodable(text, getattr(self.stdout, "encoding", None) or "utf-8"))
            self.stdout.flush()
        except OSError as error:
            discard_output()
            raise CommandError(output_failure(error)) from None
