"""`client.check()` as a flow: which credentials a program would not get, and why."""

from __future__ import annotations

from vendo._catalog import catalog
from vendo._client.arguments import checked_slugs
from vendo._config.slugs import name_of
from vendo._protocol.credentials import fetch_tokens
from vendo._protocol.models import Health
from vendo._tokens.hints import missing_from_vendo, not_connected
from vendo._tokens.resolver import Withheld, has_conventional, has_override
from vendo.errors import ValidationError, VendoError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vendo._config.settings import Scope, Settings
    from vendo._config.slugs import Name
    from vendo._protocol.steps import Flow

#: Seconds. A health page that takes longer is not healthy.
_TIMEOUT = 5.0


def check(settings: Settings, slugs: Iterable[str]) -> Flow[Health]:
    """Look for the credential of each slug, without the cache, and keep none.

    Raises:
        ValidationError: a slug is malformed.
    """
    names = {name.slug: name for name in map(name_of, checked_slugs(slugs, "check"))}
    problems: list[str] = []
    wanted: list[Name] = []
    for name in names.values():
        try:
            if not has_override(name):
                wanted.append(name)
        except ValidationError as error:
            problems.append(str(error))
        except Withheld:  # under the guard of a test, what it did not provide is missing
            problems.append(str(not_connected(name)))
    try:
        scope = settings.scope()
        if scope is None:
            problems += _missing_variables(wanted)
        elif wanted or not names:
            problems += yield from _missing_tokens(settings, scope, wanted)
    except VendoError as error:
        problems.append(str(error))
    return Health(not problems, tuple(problems))


def _missing_variables(names: Sequence[Name]) -> list[str]:
    problems = []
    for name in names:
        try:
            if not has_conventional(name):
                problems.append(str(not_connected(name)))
        except ValidationError as error:
            problems.append(str(error))
    return problems


def _missing_tokens(settings: Settings, scope: Scope, names: Sequence[Name]) -> Flow[list[str]]:
    credentials_url, api_key = scope
    caller = settings.caller(api_key).within(_TIMEOUT)
    # Without names, any slug shows whether the worker accepts the key.
    slugs = [name.slug for name in names] or [catalog.slugs()[0]]
    tokens = yield from fetch_tokens(caller, credentials_url, slugs, attempts=1)
    return [str(missing_from_vendo(name)) for name in names if tokens[name.slug] is None]
