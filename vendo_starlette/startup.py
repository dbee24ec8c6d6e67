"""What is looked at when an application starts, so that nobody meets it later."""

from __future__ import annotations

from collections.abc import Sequence

from vendo import AsyncVendo, NotConnected, UpstreamError, VendoError
from vendo.web import is_missing
from vendo_starlette.clients import Clients


async def check_startup(clients: Clients) -> None:
    """Make sure that the key is well formed, and that the required slugs have credentials.

    A Vendo that does not answer keeps no application from starting: it is logged.

    Raises:
        NotConnected: some slugs have none; the text says of each what to do.
        VendoError: the key or an address is malformed, or Vendo refuses the key.
    """
    client = clients.asynchronous()
    client.invalidate("openai")  # looks at the key and at the addresses, sends nothing
    required = clients.settings.required
    if not required:
        return
    try:
        missing = await _missing(client, required)
        problems = [problem for slug in missing if (problem := await _problem(client, slug))]
    except UpstreamError as error:
        _log(error)
        return
    if problems:
        raise NotConnected("binding_missing", "\n".join(problems))


async def _missing(client: AsyncVendo, required: Sequence[str]) -> list[str]:
    return [slug for slug, token in (await client.tokens(required)).items() if token is None]


async def _problem(client: AsyncVendo, slug: str) -> str | None:
    """Why there is no credential: the answer for several at once does not say."""
    try:
        await client.token(slug)  # it may have been connected in between
    except VendoError as error:
        if not is_missing(error):
            raise
        return f"required= names {slug!r}. {error}"
    return None


def _log(error: UpstreamError) -> None:
    import logging

    logging.getLogger("vendo").warning("The required credentials were not checked: %s", error)
