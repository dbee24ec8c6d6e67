"""Settings that keep a token for the life of a process: which of them may, and what else to do."""

from __future__ import annotations

from typing import Any

from vendo_django.project import lineage

_BACKEND = "vendo_django.mail.EmailBackend"
_MAIL = ("EMAIL_HOST_PASSWORD", "EMAIL_HOST_USER")


def without_renewed(settings: dict[str, object]) -> dict[str, object]:
    """Leave out the credentials that a mail backend asks for each time it connects."""
    kept = dict(settings)
    if _renews(settings.get("EMAIL_BACKEND")):
        kept = {name: kept[name] for name in kept if name not in _MAIL}
    mailers: Any = settings.get("MAILERS")
    # By type: to ask a lazy object for its class evaluates it.
    if issubclass(type(mailers), dict):
        kept["MAILERS"] = [
            entry
            for entry in mailers.values()
            if not (issubclass(type(entry), dict) and _renews(entry.get("BACKEND")))
        ]
    return kept


def _renews(backend: object) -> bool:
    return issubclass(type(backend), str) and _BACKEND in lineage(str(backend))


def instead(name: str, slug: str) -> str:
    """Return what to do where a setting keeps a token of a slug."""
    if name.startswith("EMAIL_"):
        return f"Write EMAIL_BACKEND = {_BACKEND!r}. It asks for the token when it connects."
    if name == "MAILERS":
        return f"Write 'BACKEND': {_BACKEND!r}. It asks for the token when it connects."
    if name == "DATABASES":
        return (
            f"Store a credential for {slug!r} that does not expire. Django takes no other password "
            "while the process runs."
        )
    return (
        f"Get it when it is needed: client().token({slug!r}), or request.vendo.session({slug!r})."
    )
