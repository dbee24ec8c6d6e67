"""The deployment's own ids and addresses, from the platform's variables. Both modes.

Each function reads the environment at each call. One without a default returns None for a variable
that is not set or blank (wire contract, "Environment that the platform sets").
"""

from __future__ import annotations

from vendo._config import environment
from vendo._config.api_keys import environment_key
from vendo._protocol.origins import DEFAULT_BASE_URL

__all__ = [
    "api_key",
    "api_url",
    "deployment_id",
    "deployment_slug",
    "is_running_on_vendo",
    "tenant_id",
]


def is_running_on_vendo() -> bool:
    """Return True in a deployment of the platform: `VENDO_DEPLOYMENT_ID` is set.

    The API key does not matter: a laptop in Vendo mode has one too.

    Returns:
        True on the platform, False elsewhere.

    Raises:
        ValidationError: the variable contains a control character.

    Example:
        ```python
        from vendo import deployment

        debug = not deployment.is_running_on_vendo()
        ```
    """
    return environment.DEPLOYMENT_ID.get() is not None


def tenant_id() -> str | None:
    """Return the id of the tenant (`VENDO_TENANT_ID`).

    Returns:
        The id, or None if the variable is not set or blank.

    Raises:
        ValidationError: the variable contains a control character.

    Example:
        ```python
        from vendo import deployment

        print(deployment.tenant_id() or "no tenant")
        ```
    """
    return environment.TENANT_ID.get()


def deployment_id() -> str | None:
    """Return the id of the deployment (`VENDO_DEPLOYMENT_ID`).

    Returns:
        The id, or None if the variable is not set or blank.

    Raises:
        ValidationError: the variable contains a control character.

    Example:
        ```python
        from vendo import deployment

        print(deployment.deployment_id() or "not on Vendo")
        ```
    """
    return environment.DEPLOYMENT_ID.get()


def deployment_slug() -> str | None:
    """Return the name of the deployment in URLs (`VENDO_DEPLOYMENT_SLUG`).

    Returns:
        The name, or None if the variable is not set or blank.

    Raises:
        ValidationError: the variable contains a control character.

    Example:
        ```python
        from vendo import deployment

        print(deployment.deployment_slug() or "local")
        ```
    """
    return environment.DEPLOYMENT_SLUG.get()


def api_key() -> str | None:
    """Return the app key (`VENDO_API_KEY`, or the file that `VENDO_API_KEY_FILE` names), a secret.

    Returns:
        The key; None if there is none, or it is the placeholder `byok`.

    Raises:
        AuthError: the key contains white space or a control character.
        ValidationError: the file cannot be read, or holds more than one line of text.

    Example:
        ```python
        from vendo import deployment

        has_key = deployment.api_key() is not None
        ```
    """
    key = environment_key()
    return None if key is None else key.reveal()


def api_url() -> str:
    """Return the address of the platform API: `VENDO_API_URL` unchanged, or `https://vendo.run`.

    A client does not always use it: `VENDO_BASE_URL` and `base_url=` win.

    Returns:
        The address.

    Raises:
        ValidationError: the variable contains a control character.

    Example:
        ```python
        from vendo import deployment

        print(deployment.api_url())
        ```
    """
    return environment.API_URL.get() or DEFAULT_BASE_URL
