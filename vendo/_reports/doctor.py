"""The report of `doctor`: run all checks, and render what they found."""

from __future__ import annotations

from vendo import Vendo
from vendo._reports import backend, events, network, packages, variables
from vendo._reports.report import Given, Report
from vendo._reports.tables import Cell, Style, printable, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vendo._reports.report import (
        Adapter,
        Address,
        ConnectionStatus,
        Credential,
        Finding,
        SurfaceResponse,
    )


def check(timeout: float, given: Given | None = None) -> Report:
    """Run all checks. `timeout` is in seconds, for each response of the backend.

    A malformed option of an application is left to the checks of its adapter: the backend is not
    asked then, and the report has no value in its place.
    """
    report = Report()
    given = given or Given(Vendo)
    client = given.make()
    packages.check_versions(report)
    packages.check_adapters(report, given.adapter)
    key = variables.check_mode(report, client, given)
    variables.check_deployment(report)
    variables.check_credentials(report)
    variables.check_env_file(report)
    network.check_addresses(report, client, given)
    network.check_proxies(report)
    if key is not None and not given.malformed:
        backend.check_backend(report, key, timeout, given)
        with given.make(timeout=timeout) as usable:
            events.check_events(report, usable, key, given)
    network.check_provider_addresses(report)  # those of its connections too
    return report


def render(report: Report, style: Style) -> str:
    """Return the report as text."""
    lines: list[str] = []
    for title, rows in _sections(report):
        if rows:
            lines += [style(title, "bold", "cyan")]
            lines += [*table(rows, indent="  ", style=style), ""]
    for note in report.notes:
        lines += _finding(note, "note", "yellow", style)
    for problem in report.problems:
        lines += _finding(problem, "problem", "red", style)
    if not report.problems:
        lines.append(style("No problems found.", "bold", "green"))
    return "\n".join(lines)


def _sections(report: Report) -> Iterator[tuple[str, Sequence[Sequence[str]]]]:
    yield "Versions", [*report.versions.items(), *_packages(report)]
    yield "Adapters", [_adapter(adapter) for adapter in report.adapters]
    mode = f"{'Vendo' if report.mode == 'vendo' else 'OSS'} mode"
    yield "Mode", [(Cell(mode, "bold"), report.reason)]
    yield "Deployment", list(report.deployment.items())
    if report.mode == "oss" and not report.credentials:
        yield "Credentials", [(Cell("none", "dim"), "no variable of the catalog is set")]
    yield "Credentials", [(found.slug, _source(found)) for found in report.credentials]
    yield "Connections", [_connection(row) for row in report.connections]
    yield "Addresses", [_address(address) for address in report.addresses]
    yield "Providers' addresses", list(report.provider_urls.items())
    yield (
        "Network",
        [
            (name, value, Cell(network.used_by(name), "dim"))
            for name, value in report.network.items()
        ],
    )
    if report.mode == "oss":
        yield "Backend", [(Cell("not checked", "dim"), "OSS mode does not use it")]
    yield "Backend", [_response(response) for response in report.responses]
    if report.events is not None:
        yield "Events", [(report.events, Cell(events.MEANINGS[report.events], "dim"))]


def _packages(report: Report) -> Iterator[Sequence[str]]:
    for name, version in report.packages.items():
        # httpx2 and httpx are interchangeable here, and the extra installs the first.
        replaced = name == "httpx" or (name == "httpx2" and report.packages["httpx"] is not None)
        if version is not None:
            yield name, version
        elif not replaced:
            extra = packages.EXTRAS[name]
            yield name, Cell(f'not installed: pip install "vendo-sdk[{extra}]"', "dim")


def _adapter(adapter: Adapter) -> Sequence[str]:
    versions = ", ".join(f"{name} {version}" for name, version in adapter.frameworks.items())
    settings = [f"{name}={value}" for name, value in adapter.settings.items()]
    if adapter.command:
        settings.append(f"its settings: {adapter.command}")
    return adapter.name, versions, Cell("; ".join(settings), "dim")


def _source(found: Credential) -> str:
    return f"from {found.variable}" + (f" ({found.file})" if found.file else "")


def _connection(row: ConnectionStatus) -> Sequence[str]:
    token: str = ""
    if row.status == "connected" and row.token is not None:
        token = Cell("token from Vendo", "green") if row.token else Cell("no token", "yellow")
    colour = {"connected": "green", "needs_reauth": "red", "error": "red"}.get(row.status, "dim")
    return row.slug, Cell(row.status, colour), row.profile or "", token


def _address(address: Address) -> Sequence[str]:
    source = "default" if address.source == "default" else f"from {address.source}"
    proxy = f"through {address.proxy}" if address.proxy else ""
    return address.surface, address.url, Cell(source, "dim"), proxy


def _response(response: SurfaceResponse) -> Sequence[str]:
    if response.surface == network.DATA_PROXY and response.status < 500:
        # Its check runs no action, and the status of that is 404 or 405.
        status = Cell("reachable", "green")
    else:
        status = Cell(f"HTTP {response.status}", "green" if response.status < 400 else "red")
    ahead = response.clock_ahead_sec
    if ahead is None:
        clock = ""
    elif abs(ahead) <= backend.CLOCK_TOLERANCE:
        clock = "clock in sync"
    else:
        clock = f"clock {abs(ahead)} s {'ahead' if ahead > 0 else 'behind'}"
    return response.surface, status, f"{response.latency_ms} ms", clock


def _finding(finding: Finding, kind: str, colour: str, style: Style) -> list[str]:
    lines = [f"{style(f'{kind}:', 'bold', colour)} {printable(finding.text)}"]
    if finding.fix:
        lines.append(f"{style('fix:', 'bold')} {printable(finding.fix)}")
    return lines
