"""`flask vendo doctor|catalog|connections|token`: what an application has of Vendo."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from typing import Any

import click
from flask.cli import AppGroup

from vendo import VendoError
from vendo_flask import checks, conf
from vendo_flask.current import app_client, this_app

_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_KEPT = ("slug", "status", "display_name", "category", "profile", "connected_at")


class _Group(AppGroup):
    """Commands whose errors of vendo's are told without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run one of them."""
        try:
            return super().invoke(ctx)
        except VendoError as error:
            raise click.ClickException(str(error)) from None


@click.group("vendo", cls=_Group)
def commands() -> None:
    """What this application has of Vendo."""


@commands.command()
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=5.0,
    show_default=True,
    help="Seconds for each answer of the backend.",
)
@_as_json
@click.pass_context
def doctor(context: click.Context, timeout: float, as_json: bool) -> None:
    """Show mode, credentials, backend, and what is wrong. Never a secret."""
    arguments = ["doctor", "--timeout", str(timeout)]
    facts, status = _core([*arguments, "--json"] if as_json else arguments)
    found = checks.findings(this_app())
    if as_json:
        _print({**json.loads(facts), "checks": [asdict(finding) for finding in found]})
    else:
        click.echo(facts)
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
    text, status = _core(arguments)
    if status:
        raise click.ClickException(f"{slug!r} is not in the catalog.")
    click.echo(text)


@commands.command()
@_as_json
def connections(as_json: bool) -> None:
    """List the providers and their status."""
    rows = app_client().connections.list()
    if as_json:
        _print([{name: asdict(row)[name] for name in _KEPT} for row in rows])
        return
    width = max((len(row.slug) for row in rows), default=0)
    for row in rows:
        click.echo(f"{row.slug:<{width}}  {row.status}")
    if not rows:
        click.echo("Nothing is connected.")


@commands.command()
@click.argument("slug")
def token(slug: str) -> None:
    """Print the token of a provider and nothing else."""
    click.echo(app_client().token(slug))


def _core(arguments: list[str]) -> tuple[str, int]:
    """What `python -m vendo` says with this application's key, and its exit status."""
    done = subprocess.run(  # noqa: S603  # this interpreter, and arguments that are no shell's
        [sys.executable, "-m", "vendo", *arguments],
        env={**os.environ, **conf.client_environment(this_app())},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in {0, 1}:
        raise click.UsageError(done.stderr.strip().removeprefix("error: "))
    return done.stdout.strip(), done.returncode


def _print(value: object) -> None:
    click.echo(json.dumps(value, indent=2))
