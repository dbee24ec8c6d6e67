"""What this process can tell of itself: versions, mode, variables."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING

from vendo import __version__
from vendo._catalog import catalog
from vendo._cli.facts import Adapter, Credential
from vendo._config import environment
from vendo._config.api_keys import PLACEHOLDER_KEY
from vendo._config.environment import Variable, variable_part
from vendo._config.slugs import checked_slug, name_of
from vendo._tokens import hints
from vendo.errors import ValidationError, VendoError

if TYPE_CHECKING:
    from vendo import Vendo
    from vendo._cli.facts import Facts

#: Distribution -> the extra that installs it.
PACKAGES = {
    "requests": "http",
    "aiohttp": "async",
    "httpx2": "httpx",
    "httpx": "httpx",
    "python-dotenv": "dotenv",
}
#: Adapter -> what it is for, the variables that steer it, the command that knows its settings.
_ADAPTERS: dict[str, tuple[tuple[str, ...], tuple[str, ...], str | None]] = {
    "vendo_django": (
        ("django",),
        ("DJANGO_SETTINGS_MODULE", "VENDO_DJANGO_BUILD"),
        "python manage.py vendo doctor",
    ),
    "vendo_flask": (("flask",), ("FLASK_APP",), "flask vendo doctor"),
    "vendo_starlette": (("starlette", "fastapi"), (), None),
    "vendo_pytest": (("pytest",), ("PYTEST_DISABLE_PLUGIN_AUTOLOAD",), None),
}

_KEY_PREFIX = "vendo_sk_"
_KEY_LENGTH = len(_KEY_PREFIX) + 32
_OVERRIDE_PREFIX = "VENDO_TOKEN_"

_DEPLOYMENT = (
    environment.TENANT_ID,
    environment.DEPLOYMENT_ID,
    environment.DEPLOYMENT_SLUG,
    environment.AUTH,
    environment.SANDBOX,
    environment.CONNECTIONS,
)


def add_versions(facts: Facts) -> None:
    """What runs here, and which of the packages that vendo works with are installed."""
    facts.versions = {
        "vendo-sdk": __version__,
        "Python": f"{platform.python_version()} ({platform.python_implementation()})",
        "platform": platform.platform(),
    }
    facts.packages = {package: _version(package) for package in PACKAGES}


def add_adapters(facts: Facts) -> None:
    """The adapters that are of use here. Nothing of them is imported."""
    for name, (frameworks, variables, command) in _ADAPTERS.items():
        versions = {name: found for name in frameworks if (found := _version(name)) is not None}
        # All of them come with the core; without its framework one is of no use.
        if versions and find_spec(name) is not None:
            settings = {
                variable: _without_arguments(value)
                for variable in variables
                if (value := os.environ.get(variable, "").strip())
            }
            facts.adapters.append(Adapter(name, versions, settings, command))


def _without_arguments(value: str) -> str:
    # FLASK_APP may call a factory, and with a password.
    return value.partition("(")[0]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def add_mode(facts: Facts, client: Vendo) -> str | None:
    """OSS or Vendo mode, and why. Returns the key where there is a well-formed one."""
    raw = environment.API_KEY.text()
    facts.mode = "vendo" if client.is_vendo_mode() else "oss"
    key = None
    if raw is None:
        facts.reason = "VENDO_API_KEY is not set"
    elif not raw.strip():
        facts.reason = "VENDO_API_KEY is blank"
    elif raw.strip() == PLACEHOLDER_KEY:
        facts.reason = f"VENDO_API_KEY is the placeholder {PLACEHOLDER_KEY}"
    else:
        facts.reason = "VENDO_API_KEY is set"
        try:
            key = client._settings.api_key()
        except VendoError as error:
            facts.failed(error)
    if key is not None and not (key.startswith(_KEY_PREFIX) and len(key) == _KEY_LENGTH):
        facts.note(
            "VENDO_API_KEY does not look like a key, and is sent as it is.",
            f"Compare it with the dashboard: a key is {_KEY_PREFIX} followed by 32 characters.",
        )
    return key


def add_deployment(facts: Facts) -> None:
    """What the platform says of this deployment."""
    for variable in _DEPLOYMENT:
        value = _read(variable, facts)
        if value is not None:
            facts.deployment[variable.name] = value
    if _read(environment.WEBHOOK_SECRET, facts) is not None:
        facts.deployment[environment.WEBHOOK_SECRET.name] = "is set"


def add_credentials(facts: Facts) -> None:
    """Each credential that the environment gives in this mode, and what is malformed."""
    ignored = []
    for slug in catalog.slugs():
        name = name_of(slug)
        _add_first(slug, (name.override,), facts)
        if facts.mode == "vendo":
            ignored += [variable.name for variable in name.variables if variable.raw()]
        elif all(found.slug != slug for found in facts.credentials):
            _add_first(slug, name.variables, facts)
    _add_other_overrides(facts)
    if ignored:
        names = ", ".join(dict.fromkeys(ignored))
        facts.note(
            f"Set, and of no effect in Vendo mode: {names}.",
            f"To use a credential of your own here, set {_OVERRIDE_PREFIX}<SLUG>.",
        )


def add_unloaded_file(facts: Facts) -> None:
    """Whether a `.env` lies here that nothing has loaded."""
    variables = [environment.API_KEY]
    for slug in catalog.slugs():
        name = name_of(slug)
        variables += [name.override, *name.variables]
    unset = [variable.name for variable in variables if variable.raw() is None]
    unloaded = hints.unloaded_variable(unset)
    if unloaded:
        facts.note(
            f"The .env file in the working directory sets {unloaded}, and nothing has loaded it.",
            "Call load_dotenv() of python-dotenv, or put --env-file .env before the command: "
            "python -m vendo --env-file .env doctor.",
        )


def _add_other_overrides(facts: Facts) -> None:
    """`VENDO_TOKEN_<SLUG>` of slugs that are not in the catalog."""
    known = {variable_part(slug) for slug in catalog.slugs()}
    for name in sorted(os.environ):
        part = name.removeprefix(_OVERRIDE_PREFIX)
        if part == name or part in known:
            continue
        try:
            slug = checked_slug(part)
        except ValidationError:
            slug = None
        if slug is None or variable_part(slug) != part:
            facts.note(
                f"{name} is never read: what follows {_OVERRIDE_PREFIX} is the slug in upper case, "
                "with _ for -."
            )
        else:
            _add_first(slug, (Variable(name),), facts)


def _add_first(slug: str, variables: tuple[Variable, ...], facts: Facts) -> None:
    for variable in variables:
        value = _read(variable, facts)
        if value is None:
            continue
        facts.credentials.append(Credential(slug, variable.name))
        if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
            facts.note(
                f"The value of {variable.name} has quotes around it, which are sent too.",
                f"Set {variable.name} without quotes; docker's --env-file does not take them off.",
            )
        return


def _read(variable: Variable, facts: Facts) -> str | None:
    """A variable's value; None where there is none, with what is to be said of it."""
    try:
        value = variable.get()
    except ValidationError as error:
        facts.failed(error)
        return None
    if value is None and variable.raw() is not None:
        facts.note(f"{variable.name} is set and blank, which counts as not set.")
    return value
