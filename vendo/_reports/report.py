"""The report of `doctor`, as plain data. No field holds a credential, a key or a password."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from vendo.errors import VendoError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vendo import Vendo


@dataclass(frozen=True, slots=True)
class Given:
    """The options of an application. The environment decides those that it leaves out.

    `make` makes a client with them, and with the arguments that it gets. `sources` has the name of
    each option that is given, such as `VENDO['API_KEY']` for `api_key`. `malformed` has those of
    them that `make` leaves out. `adapter` is the package whose command prints the report.
    `redis_url` is its Redis, where it is given one.
    """

    make: Callable[..., Vendo]
    sources: Mapping[str, str] = field(default_factory=dict)
    adapter: str | None = None
    malformed: frozenset[str] = frozenset()
    redis_url: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Finding:
    """A note or a problem, and how to fix it."""

    text: str
    fix: str | None = None


@dataclass(frozen=True, slots=True)
class Adapter:
    """An adapter, the installed versions of its frameworks, and its environment variables.

    `command` prints what only the application knows.
    """

    name: str
    frameworks: dict[str, str]
    settings: dict[str, str]
    command: str | None


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential in the environment, and the variable that holds it or names its file."""

    slug: str
    variable: str
    file: str | None = None


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """A connection of this deployment; `token` is True where the worker has one for it."""

    slug: str
    status: str
    profile: str | None
    token: bool | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """The address of one surface of the backend, the variable that sets it, and its proxy."""

    surface: str
    url: str
    source: str
    proxy: str | None = None


@dataclass(frozen=True, slots=True)
class SurfaceResponse:
    """The response of one surface.

    `latency_ms` includes the connection. `clock_ahead_sec` is how many seconds the clock of the
    surface is ahead of this machine's.
    """

    surface: str
    status: int
    latency_ms: int
    clock_ahead_sec: int | None


#: Fields with another name in the JSON. The keys of the JSON do not change.
_JSON_KEYS = {"responses": "answers"}


@dataclass(slots=True)
class Report:
    """What the checks have found. `problems` have to be fixed, `notes` may be surprising.

    `events` is the mode that a watch of events would have in a process.
    """

    versions: dict[str, str] = field(default_factory=dict)
    packages: dict[str, str | None] = field(default_factory=dict)
    adapters: list[Adapter] = field(default_factory=list)
    mode: str = "oss"
    reason: str = ""
    deployment: dict[str, str] = field(default_factory=dict)
    credentials: list[Credential] = field(default_factory=list)
    connections: list[ConnectionStatus] = field(default_factory=list)
    addresses: list[Address] = field(default_factory=list)
    provider_urls: dict[str, str] = field(default_factory=dict)
    responses: list[SurfaceResponse] = field(default_factory=list)
    events: str | None = None
    network: dict[str, str] = field(default_factory=dict)
    notes: list[Finding] = field(default_factory=list)
    problems: list[Finding] = field(default_factory=list)

    def note(self, text: str, fix: str | None = None) -> None:
        """Add a note, once."""
        finding = Finding(text, fix)
        if finding not in self.notes:
            self.notes.append(finding)

    def problem(self, text: str, fix: str | None = None) -> None:
        """Add a problem, once: providers that share a variable share its problem."""
        finding = Finding(text, fix)
        if finding not in self.problems:
            self.problems.append(finding)

    def failed(self, error: VendoError, *, about: str | None = None) -> None:
        """Add an error as a problem, with its own text."""
        fix = error.suggested_fix
        if fix and "vendo doctor" in fix:  # which runs now
            fix = "Check the network, HTTPS_PROXY and the address."
        self.problem(f"{about}: {error.message}" if about else error.message, fix)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as `doctor --json` prints it."""
        return {_JSON_KEYS.get(name, name): value for name, value in asdict(self).items()}
