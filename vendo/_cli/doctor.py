"""`doctor`: what support asks for first, on one page and without a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vendo import Vendo
from vendo._cli import backend_facts, local_facts, network_facts, terminal
from vendo._cli.facts import Facts
from vendo._cli.terminal import Cell, Style

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator, Sequence

    from vendo._cli.facts import Adapter, Address, Answer, ConnectionFact, Finding


def run(options: Namespace) -> int:
    """Print what there is to know. The status is 1 where something is wrong."""
    facts = collect(options.timeout)
    if options.json:
        terminal.write_json(facts.as_dict())
    else:
        terminal.write(render(facts, Style()))
    return 1 if facts.problems else 0


def collect(timeout: float) -> Facts:
    """Find everything out. `timeout` is how many seconds each answer of the backend may take."""
    facts = Facts()
    client = Vendo()
    local_facts.add_versions(facts)
    local_facts.add_adapters(facts)
    key = local_facts.add_mode(facts, client)
    local_facts.add_deployment(facts)
    local_facts.add_credentials(facts)
    local_facts.add_unloaded_file(facts)
    network_facts.add_addresses(facts, client)
    network_facts.add_network(facts)
    if key is not None:
        backend_facts.add_backend(facts, key, timeout)
    return facts


def render(facts: Facts, style: Style) -> str:
    """The facts as a page for a person."""
    lines: list[str] = []
    for title, rows in _sections(facts):
        if rows:
            lines += [style(title, "bold", "cyan")]
            lines += [*terminal.aligned(rows, indent="  ", style=style), ""]
    for note in facts.notes:
        lines += _told(note, "note", "yellow", style)
    for problem in facts.problems:
        lines += _told(problem, "problem", "red", style)
    if not facts.problems:
        lines.append(style("Nothing is wrong.", "bold", "green"))
    return "\n".join(lines)


def _sections(facts: Facts) -> Iterator[tuple[str, Sequence[Sequence[str]]]]:
    yield "Versions", [*facts.versions.items(), *_packages(facts)]
    yield "Adapters", [_adapter(adapter) for adapter in facts.adapters]
    mode = f"{'Vendo' if facts.mode == 'vendo' else 'OSS'} mode"
    yield "Mode", [(Cell(mode, "bold"), facts.reason)]
    yield "Deployment", list(facts.deployment.items())
    if facts.mode == "oss" and not facts.credentials:
        yield "Credentials", [(Cell("none", "dim"), "no variable that the catalog knows is set")]
    yield "Credentials", [(found.slug, f"from {found.variable}") for found in facts.credentials]
    yield "Connections", [_connection(row) for row in facts.connections]
    yield (
        "Addresses",
        [(place.surface, place.url, *_origin(place)) for place in facts.addresses],
    )
    yield "Providers' addresses", list(facts.provider_urls.items())
    yield (
        "Network",
        [
            (name, value, Cell(network_facts.reader_of(name), "dim"))
            for name, value in facts.network.items()
        ],
    )
    if facts.mode == "oss":
        yield "Backend", [(Cell("not asked", "dim"), "OSS mode needs none")]
    yield "Backend", [_answered(answer) for answer in facts.answers]


def _packages(facts: Facts) -> Iterator[Sequence[str]]:
    for name, version in facts.packages.items():
        # httpx2 and httpx do the same here; one is enough, and the extra installs the first.
        replaced = name == "httpx" or (name == "httpx2" and facts.packages["httpx"] is not None)
        if version is not None:
            yield name, version
        elif not replaced:
            extra = local_facts.PACKAGES[name]
            yield name, Cell(f'not installed: pip install "vendo-sdk[{extra}]"', "dim")


def _adapter(adapter: Adapter) -> Sequence[str]:
    versions = ", ".join(f"{name} {version}" for name, version in adapter.frameworks.items())
    settings = [f"{name}={value}" for name, value in adapter.settings.items()]
    if adapter.command:
        settings.append(f"its settings: {adapter.command}")
    return adapter.name, versions, Cell("; ".join(settings), "dim")


def _connection(row: ConnectionFact) -> Sequence[str]:
    token: str = ""
    if row.status == "connected" and row.token is not None:
        token = Cell("token from Vendo", "green") if row.token else Cell("no token", "yellow")
    colour = {"connected": "green", "needs_reauth": "red", "error": "red"}.get(row.status, "dim")
    return row.slug, Cell(row.status, colour), row.profile or "", token


def _origin(place: Address) -> Sequence[str]:
    way = f"through {place.proxy}" if place.proxy else ""
    return Cell("default" if place.source == "default" else f"from {place.source}", "dim"), way


def _answered(answer: Answer) -> Sequence[str]:
    if answer.surface == network_facts.DATA_PROXY and answer.status < 500:
        # It is looked at and not used, and says 404 or 405 to that.
        status = Cell("answers", "green")
    else:
        status = Cell(f"HTTP {answer.status}", "green" if answer.status < 400 else "red")
    ahead = answer.clock_ahead_sec
    if ahead is None:
        clock = ""
    elif abs(ahead) <= backend_facts.IN_STEP:
        clock = "clock in step"
    else:
        clock = f"clock {abs(ahead)} s {'ahead' if ahead > 0 else 'behind'}"
    return answer.surface, status, f"{answer.latency_ms} ms", clock


def _told(finding: Finding, kind: str, colour: str, style: Style) -> list[str]:
    lines = [f"{style(f'{kind}:', 'bold', colour)} {terminal.cleaned(finding.text)}"]
    if finding.fix:
        lines.append(f"{style('fix:', 'bold')} {terminal.cleaned(finding.fix)}")
    return lines
