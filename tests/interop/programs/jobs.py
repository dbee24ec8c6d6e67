"""What each tool runs: a token and a session, and an error."""

from __future__ import annotations

import vendo


def lookup() -> dict[str, str]:
    with vendo.session("gmail") as session:
        profile = session.get("gmail/v1/users/me/profile")
        profile.raise_for_status()
    return {
        "token": vendo.token("gmail"),
        "mail": profile.json()["emailAddress"],
        "mode": "vendo" if vendo.is_vendo_mode() else "oss",
    }


def fail() -> str:
    return vendo.token("github")
