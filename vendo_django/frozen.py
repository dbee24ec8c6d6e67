"""Settings that keep a token for the life of a process: which of them may, and what else to do."""

from __future__ import annotations

from typing import Any

from vendo_django.masked import MaskedStr
from vendo_django.project import lineage

_BACKEND = "vendo_django.mail.EmailBackend"
_MAIL = ("EMAIL_HOST_PASSWORD", "EMAIL_HOST_USER")
_MAIL_OPTIONS = ("password", "username")


def without_renewed(settings: dict[str, object]) -> dict[str, object]:
    """Leave out the credentials that a mail backend asks for each time it connects."""
    kept = dict(settings)
    if _renews(settings.get("EMAIL_BACKEND")):
        kept = _without(_MAIL, kept)
    mailers: Any = settings.get("MAILERS")
    # By type: to ask a lazy object for its class evaluates it.
    if issubclass(type(mailers), dict):
        kept["MAILERS"] = [_kept_of(entry) for entry in mailers.values()]
    return kept


def _kept_of(mailer: Any) -> object:
    if not issubclass(type(mailer), dict) or not _renews(mailer.get("BACKEND")):
        return mailer
    options = mailer.get("OPTIONS")
    return _without(_MAIL_OPTIONS, options) if issubclass(type(options), dict) else options


def _without(names: tuple[str, ...], settings: dict[str, object]) -> dict[str, object]:
    """Leave out what a mail backend renews: a credential, and not a part of one."""
    return {name: value for name, value in settings.items() if name not in names or _is_part(value)}


def _is_part(value: Any) -> bool:
    return issubclass(type(value), MaskedStr) and value.is_part


def _renews(backend: object) -> bool:
    return issubclass(type(backend), str) and _BACKEND in lineage(str(backend))


def instead(name: str, value: MaskedStr) -> str:
    """Return what to do where a setting keeps a token."""
    slug = value.slug
    is_mail = name == "MAILERS" or name.startswith("EMAIL_")
    if is_mail and value.is_part:
        return (
            f"Store the credential as the mail server takes it, and use token({slug!r}) unchanged. "
            f"{_BACKEND} renews no other value."
        )
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
