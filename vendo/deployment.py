"""What the platform tells a deployment about itself, in its environment. Both modes.

Each function reads the environment when it is called, and gives None for what is not set or
blank (wire contract, "Environment that the platform sets").
"""

from __future__ import annotations

from vendo._config import environment
from vendo._config.api_keys import checked_key

__all__ = [
    "api_key",
    "api_url",
    "deployment_id",
    "deployment_slug",
    "is_running_on_vendo",
    "tenant_id",
]


def is_running_on_vendo() -> bool:
    """True in a deployment of the platform: `VENDO_DEPLOYMENT_ID` is set.

    Nothing else is looked at: a key alone is also what a laptop in Vendo mode has.

    Raises:
        ValidationError: the variable has a control character inside.
    """
    return environment.DEPLOYMENT_ID.get() is not None


def tenant_id() -> str | None:
    """The tenant that the deployment belongs to (`VENDO_TENANT_ID`).

    Raises:
        ValidationError: the variable has a control character inside.
    """
    return environment.TENANT_ID.get()


def deployment_id() -> str | None:
    """The deployment's id (`VENDO_DEPLOYMENT_ID`).

    Raises:
        ValidationError: the variable has a control character inside.
    """
    return environment.DEPLOYMENT_ID.get()


def deployment_slug() -> str | None:
    """The deployment's name in addresses (`VENDO_DEPLOYMENT_SLUG`).

    Raises:
        ValidationError: the variable has a control character inside.
    """
    return environment.DEPLOYMENT_SLUG.get()


def api_key() -> str | None:
    """The app key (`VENDO_API_KEY`): a secret. None for the placeholder `byok` too.

    Raises:
        AuthError: the key has white space or a control character inside.
    """
    return checked_key(environment.API_KEY.text(), environment.API_KEY.name)


def api_url() -> str | None:
    """The address of the platform API that the platform set (`VENDO_API_URL`), as it stands there.

    It is one of several things that decide where a client calls: `VENDO_BASE_URL` and `base_url=`
    win over it.

    Raises:
        ValidationError: the variable has a control character inside.
    """
    return environment.API_URL.get()
