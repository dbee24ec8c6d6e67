"""The client of an application, made of its options, and made again when they change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

from vendo._client.base import BaseClient
from vendo._config.api_keys import checked_key
from vendo._config.settings import Settings
from vendo._protocol.origins import DEFAULT_URLS, given_origin, platform_origin
from vendo._protocol.secret import Secret
from vendo.errors import VendoError

_Client = TypeVar("_Client")


class ClientOptions(NamedTuple):
    """The options that a client is made of, None for each that the environment decides."""

    api_key: Secret | None = None
    base_url: str | None = None
    credentials_url: str | None = None
    data_proxy_url: str | None = None
    timeout: float | None = None

    def make(self, factory: Callable[..., _Client], label: Callable[[str], str]) -> _Client:
        """Make a client.

        Args:
            factory: `Vendo`, or what takes the same arguments.
            label: returns how errors name an argument, such as `api_key`.

        Raises:
            AuthError: the key is malformed.
            ValidationError: an address or the time-out is.
        """
        for problem in self.problems(label).values():
            raise problem
        given = {name: value for name, value in self._asdict().items() if value is not None}
        return factory(**given)

    def given(self) -> dict[str, Any]:
        """Return the options that are not left to the environment, as a blank text is."""
        return {
            name: value
            for name, value in self._asdict().items()
            if value is not None and not (isinstance(value, str) and not value.strip())
        }

    def problems(self, label: Callable[[str], str]) -> dict[str, VendoError]:
        """Return the error of each option that is malformed. No frame shows its value."""
        found = {}
        for name in ("api_key", *DEFAULT_URLS):
            try:
                self._check(name, label(name))
            except VendoError as error:
                found[name] = error.replace()
        return found

    def _check(self, name: str, label: str) -> None:
        value = getattr(self, name)
        if name == "api_key":
            checked_key(value, label)
        elif value is not None and value.strip():
            address = given_origin(value, label, DEFAULT_URLS[name])
            if name == "base_url":
                platform_origin(address, label)


def check_client(client: BaseClient) -> None:
    """Validate the key and the addresses of a client, and send nothing.

    Raises:
        AuthError: the key is malformed.
        ValidationError: an address is, or the environment.
    """
    client.invalidate("openai")
    settings = getattr(client, "_settings", None)  # a mock of `unittest` has none
    if isinstance(settings, Settings) and settings.is_vendo_mode():
        settings.base_url()
        settings.data_proxy_url()


class ClientCache(Generic[_Client]):
    """Keeps the client of an application's present options.

    It has no lock, which a forked worker could inherit: of two threads that make a client, the
    second takes the first one's.

    Args:
        factory: `Vendo`, or what takes the same arguments.
        label: see `ClientOptions.make`.
        close: closes the client of former options.
    """

    def __init__(
        self,
        factory: Callable[..., _Client],
        label: Callable[[str], str],
        close: Callable[[_Client], object] | None = None,
    ) -> None:
        self._factory = factory
        self._label = label
        self._close = close
        self._clients: dict[tuple[Any, ...], _Client] = {}

    def get(self, options: tuple[Any, ...]) -> _Client | None:
        """Return the client that was made of these options, or None."""
        return self._clients.get(options)

    def make(self, options: ClientOptions) -> _Client:
        """Make the client of these options, and close that of former ones.

        Raises:
            AuthError, ValidationError: see `ClientOptions.make`.
        """
        client = options.make(self._factory, self._label)
        client = self._clients.setdefault(options, client)
        # A list, since another thread may change the dictionary meanwhile.
        for former in [other for other in list(self._clients) if other != options]:
            replaced = self._clients.pop(former, None)
            if replaced is not None and self._close is not None:
                self._close(replaced)
        return client
