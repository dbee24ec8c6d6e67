"""What `doctor` finds out, as plain data. No field ever holds a credential, a key or a password."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from vendo.errors import VendoError


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a person should know, and what to do about it."""

    text: str
    fix: str | None = None


@dataclass(frozen=True, slots=True)
class Adapter:
    """An adapter, the installed versions of what it is for, and what the environment sets for it.
    `command` tells what can be known from inside of an application alone.
    """

    name: str
    frameworks: dict[str, str]
    settings: dict[str, str]
    command: str | None


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential that the environment holds, and the variable that it comes from."""

    slug: str
    variable: str


@dataclass(frozen=True, slots=True)
class ConnectionFact:
    """A connection of this deployment; `token` tells whether the worker hands one out."""

    slug: str
    status: str
    profile: str | None
    token: bool | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """Where one surface of the backend is, what says so, and the proxy on the way to it."""

    surface: str
    url: str
    source: str
    proxy: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What one surface answered: the HTTP status, milliseconds to the whole answer with the
    connection included, and how many seconds its clock is ahead of this machine's.
    """

    surface: str
    status: int
    latency_ms: int
    clock_ahead_sec: int | None


@dataclass(slots=True)
class Facts:
    """All of it. What is wrong is in `problems`, what merely may surprise is in `notes`."""

    versions: dict[str, str] = field(default_factory=dict)
    packages: dict[str, str | None] = field(default_factory=dict)
    adapters: list[Adapter] = field(default_factory=list)
    mode: str = "oss"
    reason: str = ""
    deployment: dict[str, str] = field(default_factory=dict)
    credentials: list[Credential] = field(default_factory=list)
    connections: list[ConnectionFact] = field(default_factory=list)
    addresses: list[Address] = field(default_factory=list)
    provider_urls: dict[str, str] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)
    network: dict[str, str] = field(default_factory=dict)
    notes: list[Finding] = field(default_factory=list)
    problems: list[Finding] = field(default_factory=list)

    def note(self, text: str, fix: str | None = None) -> None:
        """Something that may surprise."""
        self.notes.append(Finding(text, fix))

    def problem(self, text: str, fix: str | None = None) -> None:
        """Something that is wrong. Providers share variables; it is told once."""
        finding = Finding(text, fix)
        if finding not in self.problems:
            self.problems.append(finding)

    def failed(self, error: VendoError, *, about: str | None = None) -> None:
        """An error is a problem, in its own words."""
        self.problem(f"{about}: {error.message}" if about else error.message, error.suggested_fix)

    def as_dict(self) -> dict[str, Any]:
        """The facts as JSON can write them."""
        return asdict(self)
