"""What is checked when an application starts: its key, and its required credentials."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import vendo
from vendo import NotConnected, UpstreamError, VendoError
from vendo.web import is_missing
from vendo_starlette.clients import Clients


async def check_start(clients: Clients) -> None:
    """Make sure that the key is well formed, and that the required slugs have credentials.

    An application starts also while Vendo does not respond: that is logged.

    Raises:
        NotConnected: slugs have no credential; the text names each with what to do.
        VendoError: the key or an address is malformed, or Vendo rejects the key.
    """
    client = clients.asynchronous()
    client.invalidate("openai")  # validates the key and the addresses, and sends nothing
    required = clients.settings.required
    if not required:
        return
    try:
        missing = await _missing(client, required)
        problems = [problem for slug in missing if (problem := await _problem(client, slug))]
    except UpstreamError as error:
        logger = logging.getLogger("vendo")
        logger.warning("The required credentials were not checked: %s", error)
        return
    if problems:
        raise NotConnected("binding_missing", "\n".join(problems))


async def _missing(client: vendo.AsyncVendo, required: Sequence[str]) -> list[str]:
    return [slug for slug, token in (await client.tokens(required)).items() if token is None]


async def _problem(client: vendo.AsyncVendo, slug: str) -> str | None:
    """Return why a credential is missing: the response for several does not contain it.

    None where the provider was connected meanwhile.
    """
    try:
        await client.token(slug)
    except VendoError as error:
        if not is_missing(error):
            raise
        return f"required= names {slug!r}. {error}"
    return None
