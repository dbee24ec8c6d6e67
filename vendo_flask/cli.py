"""`flask vendo doctor|catalog|connections|token`: the application's mode, checks, connections."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import click
from flask.cli import AppGroup
from werkzeug.local import LocalProxy

from vendo import ValidationError, VendoError, web  # each name of `web` is imported at its use
from vendo_flask import checks, settings
from vendo_flask.clients import EXTENSION, app_client
from vendo_flask.context import this_app

_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def _checked(_context: click.Context, _option: click.Parameter, slug: str | None) -> str | None:
    try:
        return None if slug is None else web.checked_slug(slug)
    except ValidationError as error:
        raise click.BadParameter(str(error)) from None


class _Group(AppGroup):
    """Commands that print vendo's errors without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except VendoError as error:
            raise click.ClickException(str(error)) from None


@click.group("vendo", cls=_Group)
def commands() -> None:
    """Show the application's mode, checks and connections."""


@commands.command()
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=5.0,
    show_default=True,
    help="Seconds to wait for each response of the backend.",
)
@_as_json
@click.pass_context
def doctor(context: click.Context, timeout: float, as_json: bool) -> None:
    """Show the mode, credentials, the backend, and what is wrong. Never a secret."""
    app = this_app()
    options, malformed = settings.readable_client_options(app)
    report = web.doctor_report(
        options,
        settings.client_label,
        adapter="vendo_flask",
        timeout=timeout,
        malformed=malformed,  # the checks report what is wrong
        redis_url=settings.readable_redis_url(app),
    )
    if not isinstance(app.extensions[EXTENSION], LocalProxy):
        report.note(
            'What is in app.extensions["vendo"] takes the place of the client, not shown here.'
        )
    found = checks.findings(app)
    is_wrong = bool(report.problems) or any(finding.is_wrong for finding in found)
    if as_json:
        _print_json({**report.as_dict(), "checks": [asdict(finding) for finding in found]})
    else:
        for finding in found:
            add = report.problem if finding.is_wrong else report.note
            add(finding.text, finding.fix)
        _print(web.doctor_text(report))
    if is_wrong:
        context.exit(1)


@commands.command()
@click.argument("slug", callback=_checked, required=False)
@_as_json
def catalog(slug: str | None, as_json: bool) -> None:
    """List the known providers with their variables, or show one."""
    if as_json:
        _print_json(web.catalog_rows(slug))
    else:
        _print(web.catalog_text(slug))


@commands.command()
@_as_json
def connections(as_json: bool) -> None:
    """List the providers and their status."""
    found = app_client().connections.list()
    if as_json:
        _print_json(web.connection_rows(found))
    else:
        _print(web.connection_text(found))


@commands.command()
@click.argument("slug", callback=_checked)
def token(slug: str) -> None:
    """Print the token of a provider and nothing else."""
    _print(app_client().token(slug), web.write_token)


def _print_json(value: object) -> None:
    _print(json.dumps(value, indent=2))


def _print(text: str, write: Callable[[str], None] | None = None) -> None:
    try:
        (write or web.write_text)(text)
    except BrokenPipeError:
        raise  # click ends the command
    except OSError as error:
        web.discard_output()
        raise click.ClickException(web.output_failure(error)) from None
