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
    """Hold the options that a client is made of, None for each that the environment decides.

    Attributes:
        api_key: the app key, or None.
        base_url: the address of the platform API, or None.
        credentials_url: the address of the credentials worker, or None.
        data_proxy_url: the address of the data proxy, or None.
        timeout: seconds that one call may take, or None.

    Example:
        ```python
        import vendo
        from vendo.web import ClientOptions

        client = ClientOptions(timeout=10).make(vendo.Vendo, str.upper)
        print(client.timeout)
        ```
    """

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

        Returns:
            What the factory returns.

        Raises:
            AuthError: the key is malformed.
            ValidationError: an address or the time-out is.

        Example:
            ```python
            import vendo
            from vendo.web import ClientOptions

            options = ClientOptions(base_url="not an address")
            try:
                options.make(vendo.Vendo, "MY_{}".format)
            except vendo.ValidationError as error:
                print(error)  # it names MY_base_url
            ```
        """
        for problem in self.problems(label).values():
            raise problem
        given = {name: value for name, value in self._asdict().items() if value is not None}
        return factory(**given)

    def given(self) -> dict[str, Any]:
        """Return the options that are not left to the environment.

        Returns:
            Values by the names of the attributes. A blank text counts as not given.

        Example:
            ```python
            from vendo.web import ClientOptions

            print(ClientOptions(base_url=" ", timeout=10).given())  # {'timeout': 10}
            ```
        """
        return {
            name: value
            for name, value in self._asdict().items()
            if value is not None and not (isinstance(value, str) and not value.strip())
        }

    def problems(self, label: Callable[[str], str]) -> dict[str, VendoError]:
        """Return the error of each option that is malformed. No frame shows its value.

        Args:
            label: see `make`.

        Returns:
            Errors by the names of the attributes. Empty where all is well.

        Example:
            ```python
            from vendo.web import ClientOptions

            problems = ClientOptions(base_url="not an address").problems(str.upper)
            print(problems["base_url"])
            ```
        """
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

    Args:
        client: the client.

    Raises:
        AuthError: the key is malformed.
        ValidationError: an address is, or the environment.

    Example:
        ```python
        import vendo
        from vendo.web import check_client

        check_client(vendo.Vendo())
        ```
    """
    client.invalidate("openai")
    settings = getattr(client, "_settings", None)  # a mock of `unittest` has none
    if isinstance(settings, Settings) and settings.is_vendo_mode():
        settings.base_url()
        settings.data_proxy_url()


class ClientCache(Generic[_Client]):
    """Keep the client of an application's present options.

    It has no lock, which a forked worker could inherit: of two threads that make a client, the
    second takes the first one's.

    Args:
        factory: `Vendo`, or what takes the same arguments.
        label: see `ClientOptions.make`.
        close: closes the client of former options.

    Example:
        ```python
        import vendo
        from vendo.web import ClientCache, ClientOptions

        cache = ClientCache(vendo.Vendo, str.upper, close=vendo.Vendo.close)
        options = ClientOptions(timeout=10)  # read from the framework's settings at each use
        client = cache.get(options) or cache.make(options)
        ```
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
        """Return the client that was made of these options, or None.

        Args:
            options: a `ClientOptions`, or a tuple that is equal to it.

        Returns:
            The client that was made of these options, or None.

        Example:
            ```python
            import vendo
            from vendo.web import ClientCache, ClientOptions

            cache = ClientCache(vendo.Vendo, str.upper)
            print(cache.get(ClientOptions()))  # None: it was not made yet
            ```
        """
        return self._clients.get(options)

    def make(self, options: ClientOptions) -> _Client:
        """Make the client of these options, and close that of former ones.

        Args:
            options: the present options.

        Returns:
            The client; of two threads that make one at the same time, both get the same.

        Raises:
            AuthError, ValidationError: see `ClientOptions.make`.

        Example:
            ```python
            import vendo
            from vendo.web import ClientCache, ClientOptions

            cache = ClientCache(vendo.Vendo, str.upper, close=vendo.Vendo.close)
            first = cache.make(ClientOptions(timeout=10))
            second = cache.make(ClientOptions(timeout=20))  # closes the first
            ```
        """
        client = options.make(self._factory, self._label)
        client = self._clients.setdefault(options, client)
        # A list, since another thread may change the dictionary meanwhile.
        for former in [other for other in list(self._clients) if other != options]:
            replaced = self._clients.pop(former, None)
            if replaced is not None and self._close is not None:
                self._close(replaced)
        return client
