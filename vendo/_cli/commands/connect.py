"""`connect SLUG`: print the link where a user connects a provider, and wait until they have."""

from __future__ import annotations

import vendo
from vendo._catalog import catalog
from vendo._cli import arguments, output
from vendo._reports.tables import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

HELP = """\
Print the link where a user connects a provider, and wait until they have. The link contains the
API key: give it to that user alone. The exit status is 1 where the time is over. Vendo mode.

examples:
  python -m vendo connect gmail --open
  python -m vendo connect gmail --timeout 900 --json"""


def add_arguments(parser: ArgumentParser) -> None:
    """Define the arguments."""
    arguments.add_slug(parser)
    parser.add_argument("--open", action="store_true", help="open the link in a browser")
    arguments.add_timeout(parser, 300.0, "how long to wait for the user")
    arguments.add_json(parser, "print one JSON object on each line: the link, then the connection")


def run(options: Namespace) -> int:
    """Print the link, wait, and print what was connected. Return 2 for an unknown provider."""
    slug = options.slug
    url = vendo.connect_url(slug)
    if not _is_known(slug):
        output.report_failure(
            f"The backend does not have the provider {slug!r}.",
            fix=catalog.did_you_mean(slug) or "python -m vendo catalog lists the providers.",
        )
        return 2
    connection = vendo.connections.get(slug)
    if connection is not None and connection.is_connected:
        _report(connection, "is already connected", options)
        return 0
    if options.json:
        output.write_json(
            {"slug": slug, "status": "waiting", "connect_url": url, "timeout": options.timeout},
            indent=None,
        )
    else:
        output.write(url)
    if options.open:
        _open(url)
    output.notify(f"Waiting for {slug} to be connected. Press Ctrl-C to stop.")
    try:
        connection = vendo.connections.wait(slug, timeout=options.timeout)
    except vendo.ConnectTimeout as error:
        output.report_failure(
            error.message, fix=f"Open the link, and wait again: python -m vendo connect {slug}"
        )
        return 1
    _report(connection, "is connected", options)
    return 0


def _is_known(slug: str) -> bool:
    """Return True if the backend has the provider: nobody can connect another one."""
    return catalog.provider(slug) is not None or vendo.integrations.get(slug) is not None


def _open(url: str) -> None:
    import webbrowser

    if not webbrowser.open(url):
        output.notify("note: No browser could be opened. Open the link yourself.")


def _report(connection: vendo.Connection, what: str, options: Namespace) -> None:
    if options.json:
        names = ("slug", "status", "id", "display_name")
        output.write_json({name: getattr(connection, name) for name in names}, indent=None)
        return
    name = connection.display_name or connection.slug
    account = f" ({connection.slug})" if name != connection.slug else ""
    output.write(printable(f"{name}{account} {what}."))
