"""`flask vendo doctor|catalog|connections|token`: the application's mode, checks, connections."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click
from flask.cli import AppGroup

from vendo import ValidationError, VendoError
from vendo.web import (
    ClientOptions,
    CommandLineError,
    connection_lines,
    connection_rows,
    run_vendo,
)
from vendo_flask import checks, settings
from vendo_flask.clients import app_client
from vendo_flask.context import this_app

_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


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
    arguments = ["doctor", "--timeout", str(timeout)]
    printed, status = _run([*arguments, "--json"] if as_json else arguments)
    found = checks.findings(this_app())
    if as_json:
        _print({**json.loads(printed), "checks": [asdict(finding) for finding in found]})
    else:
        click.echo(printed)
        click.secho(f"Application {this_app().name}", bold=True)
        for finding in found:
            click.echo(f"  {finding.text}")
            if finding.fix:
                click.echo(f"    fix: {finding.fix}")
        if not found:
            click.echo("  Nothing is wrong with it.")
    if status or any(finding.is_wrong for finding in found):
        context.exit(1)


@commands.command()
@click.argument("slug", required=False)
@_as_json
def catalog(slug: str | None, as_json: bool) -> None:
    """List the known providers with their variables, or show one."""
    arguments = ["catalog", *([slug] if slug else []), *(["--json"] if as_json else [])]
    printed, status = _run(arguments)
    if status:
        raise click.ClickException(f"{slug!r} is not in the catalog.")
    click.echo(printed)


@commands.command()
@_as_json
def connections(as_json: bool) -> None:
    """List the providers and their status."""
    found = app_client().connections.list()
    if as_json:
        _print(connection_rows(found))
    else:
        click.echo("\n".join(connection_lines(found)))


@commands.command()
@click.argument("slug")
def token(slug: str) -> None:
    """Print the token of a provider and nothing else."""
    click.echo(app_client().token(slug))


def _run(arguments: list[str]) -> tuple[str, int]:
    """Return what `python -m vendo` prints with the application's options, and its exit code."""
    try:
        options = settings.client_options(this_app())
    except ValidationError:
        options = ClientOptions()  # the checks report what is wrong
    try:
        return run_vendo(arguments, options)
    except CommandLineError as error:
        raise click.UsageError(str(error)) from None


def _print(value: object) -> None:
    click.echo(json.dumps(value, indent=2))
