"""`manage.py vendo doctor|catalog|connections`: what a project has of Vendo, without a secret."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict

from django.core import checks
from django.core.checks import Tags
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from vendo import VendoError
from vendo_django import conf
from vendo_django.clients import client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from typing import Any


class Command(BaseCommand):
    """The command."""

    help = "What there is to know of Vendo in this project. It prints no credential."
    requires_system_checks: list[str] = []  # doctor reports them instead of failing on them

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the subcommands."""
        commands = parser.add_subparsers(dest="subcommand", required=True, metavar="COMMAND")
        doctor = commands.add_parser("doctor", help="mode, credentials, backend, system checks")
        doctor.add_argument("--timeout", type=float, default=10.0, help="seconds for each answer")
        catalog = commands.add_parser("catalog", help="the known providers and their variables")
        catalog.add_argument("slug", nargs="?", help="one provider in full")
        connections = commands.add_parser("connections", help="the providers and their status")
        for command in (doctor, catalog, connections):
            command.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run one of them."""
        try:
            getattr(self, f"_{options['subcommand']}")(options)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        except VendoError as error:
            raise CommandError(f"{error.message} Fix: {error.suggested_fix}") from None

    def _doctor(self, options: dict[str, Any]) -> None:
        arguments = ["doctor", "--timeout", str(options["timeout"])]
        facts, status = self._core([*arguments, "--json"] if options["json"] else arguments)
        found = [
            message
            for message in checks.run_checks(tags=[Tags.security])
            if str(message.id).startswith("vendo.")
        ]
        if options["json"]:
            messages = [
                {"id": message.id, "text": message.msg, "fix": message.hint} for message in found
            ]
            self._print({**json.loads(facts), "checks": messages})
        else:
            self.stdout.write(facts)
            self.stdout.write(self.style.MIGRATE_HEADING("System checks"))
            for message in found:
                self.stdout.write(f"  {message}")
            if not found:
                self.stdout.write("  Nothing is wrong with the project's settings.")
        if status or any(message.is_serious() for message in found):
            raise CommandError("Something is wrong; see above.", returncode=1)

    def _catalog(self, options: dict[str, Any]) -> None:
        arguments = ["catalog", *([options["slug"]] if options["slug"] else [])]
        text, status = self._core([*arguments, *(["--json"] if options["json"] else [])])
        if status:
            raise CommandError(f"{options['slug']!r} is not in the catalog.", returncode=1)
        self.stdout.write(text)

    def _connections(self, options: dict[str, Any]) -> None:
        rows = client().connections.list()
        if options["json"]:
            kept = ("slug", "status", "display_name", "category", "profile", "connected_at")
            self._print([{name: asdict(row)[name] for name in kept} for row in rows])
            return
        width = max((len(row.slug) for row in rows), default=0)
        for row in rows:
            self.stdout.write(f"{row.slug:<{width}}  {row.status}")
        if not rows:
            self.stdout.write("Nothing is connected.")

    def _core(self, arguments: list[str]) -> tuple[str, int]:
        """What `python -m vendo` says with this project's key and address, and its exit status."""
        try:
            api_key, base_url, _ = conf.client_values()
        except ImproperlyConfigured:
            api_key = base_url = None  # the system checks tell what is wrong
        environment = dict(os.environ)
        if api_key:
            environment["VENDO_API_KEY"] = str(api_key)
        if base_url:
            environment["VENDO_BASE_URL"] = str(base_url)
        done = subprocess.run(  # noqa: S603  # this interpreter, and arguments that are no shell's
            [sys.executable, "-m", "vendo", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in {0, 1}:
            raise CommandError(done.stderr.strip())
        return done.stdout.strip(), done.returncode

    def _print(self, value: object) -> None:
        self.stdout.write(json.dumps(value, indent=2))
