"""Check the environment variables: mode, deployment, credentials."""

from __future__ import annotations

import os

from vendo._catalog import catalog
from vendo._config import environment
from vendo._config.api_keys import PLACEHOLDER_KEY
from vendo._config.environment import variable_part
from vendo._config.slugs import checked_slug, name_of
from vendo._config.unloaded import unloaded_variable
from vendo._protocol.secret import Secret
from vendo._reports.report import Credential
from vendo.errors import ValidationError, VendoError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo import Vendo
    from vendo._config.environment import CredentialVariable, Variable
    from vendo._reports.report import Given, Report

_KEY_PREFIX = "vendo_sk_"
_KEY_LENGTH = len(_KEY_PREFIX) + 32
_FILE_SUFFIX = "_FILE"
_OVERRIDE_PREFIX = "VENDO_TOKEN_"

_FLAGS = (environment.AUTH, environment.SANDBOX, environment.TRUST_WSGI_HEADERS)
_DEPLOYMENT = (
    environment.TENANT_ID,
    environment.DEPLOYMENT_ID,
    environment.DEPLOYMENT_SLUG,
    environment.CONNECTIONS,
    *_FLAGS,
)


def check_mode(report: Report, client: Vendo, given: Given) -> Secret | None:
    """Add the mode and its reason. Return the API key, or None where it is missing or malformed."""
    variable = environment.API_KEY
    source = given.sources.get("api_key")
    report.mode = "vendo" if client.is_vendo_mode() or source else "oss"
    report.reason = f"{source} is set" if source else _reason(variable)
    if "api_key" in given.malformed:
        return None
    key = None
    try:
        key = client._settings.api_key()
    except VendoError as error:
        report.failed(error)
    if source is None:
        _note_second_source(variable, report)
    if key is not None and not (key.startswith(_KEY_PREFIX) and len(key) == _KEY_LENGTH):
        report.note(
            f"{source or _place(variable)} does not look like an API key. It is sent as it is.",
            f"Compare it with the dashboard: a key is {_KEY_PREFIX} and 32 characters.",
        )
    return key


def _reason(variable: CredentialVariable) -> str:
    try:
        value = Secret((variable.text() or "").strip())
    except ValidationError:
        value = Secret("malformed")
    if value == PLACEHOLDER_KEY:
        return f"{_place(variable)} is the placeholder {PLACEHOLDER_KEY}"
    if value:
        path = variable.shown_path()
        return f"{variable.source().name} is set" + (f" ({path})" if path else "")
    if variable.source() is variable.file:
        return f"{_place(variable)} is empty"
    return f"{variable.name} is {'not set' if variable.raw() is None else 'blank'}"


def check_deployment(report: Report) -> None:
    """Add the variables that say how the program is deployed."""
    for variable in _DEPLOYMENT:
        value = _read(variable, report)
        if value is not None:
            report.deployment[variable.name] = value.reveal()
        if variable in _FLAGS and value not in {None, "0", "1"}:
            report.note(
                f"{variable.name} is neither 1 nor 0, and counts as not set.",
                f"Set {variable.name}=1, or unset it.",
            )
    if _read(environment.WEBHOOK_SECRET, report) is not None:
        report.deployment[environment.WEBHOOK_SECRET.name] = "is set"


def check_credentials(report: Report) -> None:
    """Add the credentials that the environment holds for this mode, and malformed variables."""
    ignored = []
    for slug in catalog.slugs():
        name = name_of(slug)
        _add_first(slug, (name.override,), report)
        if report.mode == "vendo":
            ignored += [one.source().name for one in name.variables if one.is_set()]
        elif all(found.slug != slug for found in report.credentials):
            _add_first(slug, name.variables, report)
    _add_other_overrides(report)
    if ignored:
        names = ", ".join(dict.fromkeys(ignored))
        report.note(
            f"Ignored in Vendo mode: {names}.",
            f"Set {_OVERRIDE_PREFIX}<SLUG> to use a credential of your own.",
        )


def check_env_file(report: Report) -> None:
    """Add a note where a `.env` file is in the working directory and was not loaded."""
    variables = [environment.API_KEY]
    for slug in catalog.slugs():
        name = name_of(slug)
        variables += [name.override, *name.variables]
    unset = [name for name in environment.names_of(variables) if name not in os.environ]
    unloaded = unloaded_variable(unset)
    if unloaded:
        report.note(
            f"The .env file in the working directory sets {unloaded}, but it was not loaded.",
            "Load it with load_dotenv() of python-dotenv, or use --env-file: "
            "python -m vendo --env-file .env doctor",
        )


def _add_other_overrides(report: Report) -> None:
    """Add `VENDO_TOKEN_<SLUG>` of slugs outside the catalog."""
    known = {variable_part(slug) for slug in catalog.slugs()}
    for name in sorted(os.environ):
        part = name.removeprefix(_OVERRIDE_PREFIX).removesuffix(_FILE_SUFFIX)
        if not name.startswith(_OVERRIDE_PREFIX) or part in known:
            continue
        known.add(part)
        try:
            slug = checked_slug(part)
        except ValidationError:
            slug = None
        if slug is None or variable_part(slug) != part:
            report.note(
                f"{name} is never read: the name must be {_OVERRIDE_PREFIX} and the slug in upper "
                "case, with _ for -.",
                f"Rename it: {_OVERRIDE_PREFIX}MY_TOOL is the variable of the slug my-tool.",
            )
        else:
            _add_first(slug, (environment.override_variable(slug),), report)


def _add_first(slug: str, variables: tuple[CredentialVariable, ...], report: Report) -> None:
    for variable in variables:
        value = _read(variable, report)
        _note_second_source(variable, report)
        if value is None:
            continue
        source = variable.source()
        report.credentials.append(Credential(slug, source.name, variable.shown_path()))
        if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
            fix = f"Set {source.name} without quotes; docker's --env-file does not remove them."
            if source is variable.file:
                fix = "Write the value into the file without quotes."
            report.note(
                f"The value of {_place(variable)} has quotes around it, which are sent too.", fix
            )
        return


def _note_second_source(variable: CredentialVariable, report: Report) -> None:
    if variable.file.raw() is not None and variable.source() is variable:
        report.note(
            f"{variable.name} and {variable.file.name} are both set. The file is not read.",
            f"Unset {variable.name} to use the file, or else {variable.file.name}.",
        )


def _place(variable: Variable) -> str:
    """Return where the value of a variable is: in itself, or in a file."""
    source = variable.source()
    return variable.name if source is variable else f"the file of {source.name}"


def _read(variable: Variable, report: Report) -> Secret | None:
    """Return the value of a variable, or None, with a note or a problem for a bad value."""
    try:
        value = variable.secret()
    except ValidationError as error:
        report.failed(error)
        return None
    if value is None and variable.source() is not variable:
        report.note(
            f"The file of {variable.source().name} is empty, which counts as not set.",
            "Write the value into the file.",
        )
    elif value is None and variable.raw() is not None:
        report.note(
            f"{variable.name} is blank, which counts as not set.",
            f"Set {variable.name} to its value, or unset it.",
        )
    return value
