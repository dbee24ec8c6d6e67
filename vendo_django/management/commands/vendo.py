"""`manage.py vendo doctor|catalog|connections`: the project's mode, checks and connections.

It prints no credential.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core import checks
from django.core.checks import Tags
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from vendo import VendoError
from vendo.web import (
    ClientOptions,
    CommandLineError,
    connection_lines,
    connection_rows,
    run_vendo,
)
from vendo_django import settings
from vendo_django.clients import client


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
        except (ImproperlyConfigured, CommandLineError) as error:
            raise CommandError(str(error)) from None
        except VendoError as error:
            raise CommandError(str(error)) from None

    def _doctor(self, options: dict[str, Any]) -> None:
        arguments = ["doctor", "--timeout", str(options["timeout"])]
        printed, status = self._run([*arguments, "--json"] if options["json"] else arguments)
        found = [
            message
            for message in checks.run_checks(tags=[Tags.security])
            if str(message.id).startswith("vendo.")
        ]
        if options["json"]:
            messages = [
                {"id": message.id, "text": message.msg, "fix": message.hint} for message in found
            ]
            self._print({**json.loads(printed), "checks": messages})
        else:
            self.stdout.write(printed)
            self.stdout.write(self.style.MIGRATE_HEADING("System checks"))
            for message in found:
                self.stdout.write(f"  {message}")
            if not found:
                self.stdout.write("  Nothing is wrong with the project's settings.")
        if status or any(message.is_serious() for message in found):
            raise CommandError("Something is wrong; see above.", returncode=1)

    def _catalog(self, options: dict[str, Any]) -> None:
        arguments = ["catalog", *([options["slug"]] if options["slug"] else [])]
        printed, status = self._run([*arguments, *(["--json"] if options["json"] else [])])
        if status:
            raise CommandError(f"{options['slug']!r} is not in the catalog.", returncode=1)
        self.stdout.write(printed)

    def _connections(self, options: dict[str, Any]) -> None:
        connections = client().connections.list()
        if options["json"]:
            self._print(connection_rows(connections))
        else:
            self.stdout.write("\n".join(connection_lines(connections)))

    def _run(self, arguments: list[str]) -> tuple[str, int]:
        """Return what `python -m vendo` prints with the project's options, and its exit code."""
        try:
            options = settings.client_options()
        except ImproperlyConfigured:
            options = ClientOptions()  # the system checks report what is wrong
        return run_vendo(arguments, options)

    def _print(self, value: object) -> None:
        self.stdout.write(json.dumps(value, indent=2))
