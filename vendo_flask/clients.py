"""The client of an application, as its configuration says at each use."""

from __future__ import annotations

from typing import Any

from flask import Flask

from vendo import Vendo, VendoError
from vendo_flask import conf


class AppClient:
    """Makes the client of one application when it is first asked for, and anew when the
    configuration changes. Its connections are shared by all that is made from it.
    """

    def __init__(self, app: Flask) -> None:
        self._app = app
        # By the values that they were made of, and never more than one for long. Without a lock,
        # which a forked worker could inherit: whoever comes second takes the first one's client.
        self._made: dict[tuple[Any, ...], Vendo] = {}

    def __repr__(self) -> str:
        return f"<AppClient of {self._app.name!r}>"

    def __call__(self) -> Vendo:
        """The client. Both modes.

        Raises:
            AuthError: the key is malformed.
            ValidationError: another value is.
        """
        try:
            made = self._made.get(conf.client_values(self._app))
        except TypeError:  # a value that cannot be hashed is of a wrong kind
            made = None
        return self._make() if made is None else made

    def _make(self) -> Vendo:
        conf.check_client_values(self._app)
        values = conf.client_values(self._app)
        try:
            client = _client(*values)
        except VendoError as error:
            failure = _in_words_of_flask(error)
            # Reports of errors show the variables of frames, those of what came before as well:
            # neither this one nor those further in may be among them with the key.
            del values
        else:
            return self._kept(values, client)
        raise failure

    def _kept(self, values: tuple[Any, ...], client: Vendo) -> Vendo:
        client = self._made.setdefault(values, client)
        # A list at once, in case another thread keeps one meanwhile.
        for other in [key for key in list(self._made) if key != values]:
            replaced = self._made.pop(other, None)
            if replaced is not None:
                replaced.close()
        return client


def _in_words_of_flask(error: VendoError) -> VendoError:
    """The error with the names of options, where it names the arguments that they became."""
    changes = {}
    for attribute in ("message", "suggested_fix"):
        text = getattr(error, attribute) or ""
        for argument in ("api_key", "base_url", "credentials_url", "data_proxy_url", "timeout"):
            text = text.replace(f"{argument}=", f'app.config["VENDO_{argument.upper()}"]')
        changes[attribute] = text or None
    return error.replace(**changes)


def _client(
    api_key: str | None,
    base_url: str | None,
    credentials_url: str | None,
    data_proxy_url: str | None,
    timeout: float | None,
) -> Vendo:
    further: dict[str, Any] = {} if timeout is None else {"timeout": timeout}
    return Vendo(
        api_key,
        base_url,
        credentials_url=credentials_url,
        data_proxy_url=data_proxy_url,
        **further,
    )
