"""What a test can do with the local server's requests: set responses, hold and read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vendo.testing._state.faults import Fault
from vendo.testing._state.gates import Gate
from vendo.testing._state.own_tokens import tokens_in
from vendo.testing._state.requests import SeenRequest
from vendo.testing._state.responses import response_of
from vendo.testing._state.surfaces import checked_surface

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo.testing._server.service import Service


class RequestControls:
    """The part of `LocalVendo` that changes responses, and shows the requests."""

    if TYPE_CHECKING:
        _service: Service

    # Responses and faults

    def respond(
        self,
        slug: str,
        method: str,
        path: str,
        *,
        status: int = 200,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Set the response of a fake provider to a request, until `reset()`.

        It replaces a built-in response and an earlier one. The request still needs a valid
        credential.

        Args:
            slug: the provider, of the catalog or not.
            method: `GET`, `HEAD`, `POST`, `PUT`, `PATCH` or `DELETE`. A `HEAD` gets what is set for
                `GET`, without the body.
            path: the path, with or without that of the provider's base URL, and without a token.
                Any query matches.
            status: the status, from 200 to 599.
            body: a dict or list for JSON, text, bytes, or None for an empty body.
            headers: more headers. A `Content-Type` replaces the one of the body.

        Raises:
            ValueError: the slug, method, path, status or a header is malformed, or the body
                cannot be written as JSON.
            TypeError: an argument has the wrong type.

        Example:
            ```python
            from vendo.testing import LocalVendo

            with LocalVendo(["github"]) as server:
                server.respond("github", "GET", "/user", body={"login": "ada"})
                github = server.client().session("github", base_url=server.provider_url("github"))
                print(github.get("/user").json()["login"])  # ada
            ```
        """
        response = response_of(status, body, headers)
        self._service.state.responses.put(slug, method, path, response)

    def fail(
        self,
        surface: str,
        status: int | None = None,
        *,
        times: int | None = 1,
        slug: str | None = None,
        code: str | None = None,
        retry_after: float | str | None = None,
        latency: float = 0.0,
        reset: bool = False,
        reset_after: int | None = None,
        truncate: int | None = None,
        drip: float = 0.0,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        html: bool = False,
        malformed: bool = False,
        oversize: bool = False,
        gzip_bomb: bool = False,
        nested: bool = False,
        redirect: str | None = None,
        close: bool = False,
    ) -> None:
        """Inject a fault into the next matching requests.

        With only a surface, the response is a 500. With only `latency`, `reset_after`, `truncate`,
        `drip`, `headers`, `retry_after` or `close`, the right response is changed. Several faults
        for the same request apply one after the other, in the order of the calls.

        Args:
            surface: `credentials`, `api`, `events`, `data`, `provider`, `pages` or `any`.
            status: the status of the response.
            times: the number of requests. None for all until `heal()`.
            slug: only requests for this provider.
            code: the error code. The default status is the one of the contract.
            retry_after: the `Retry-After` header, in seconds or as text. An error of the platform
                API or of the data proxy has the seconds in its body too, rounded up.
            latency: seconds before the request is handled.
            reset: send a TCP reset and do not handle the request.
            reset_after: bytes of the body after which a TCP reset is sent.
            truncate: bytes of the body after which the connection is closed.
            drip: seconds of pause after each byte of the body.
            body: the body to send: bytes, text, or a value for JSON.
            headers: headers to add to the response.
            html: send the HTML page of a proxy.
            malformed: send incomplete JSON.
            oversize: send 11 MiB of JSON.
            gzip_bomb: send 64 MiB of JSON, compressed to 64 KiB.
            nested: send JSON with 100,000 levels.
            redirect: the URL of a redirect. The default status is 302.
            close: close the connection after the response, without a `Connection: close` header.

        Raises:
            ValueError: the surface, `status` or `times` is out of range.
            TypeError: the body cannot be written as JSON.

        Example:
            ```python
            from vendo.testing import LocalVendo

            with LocalVendo(["openai"]) as server:
                server.fail("credentials", 503, times=1)
                assert server.client().token("openai")  # the client tries again
                print(server.count("credentials"))  # 2
            ```
        """
        fault = Fault(
            surface,
            slug,
            times,
            status=status,
            code=code,
            retry_after=retry_after,
            latency=latency,
            reset=reset,
            reset_after=reset_after,
            truncate=truncate,
            drip=drip,
            body=body,
            headers=dict(headers or {}),
            html=html,
            malformed=malformed,
            oversize=oversize,
            gzip_bomb=gzip_bomb,
            nested=nested,
            redirect=redirect,
            close=close,
        )
        if fault.body is not None:
            self._service.own_tokens.give(*tokens_in(fault.body))
        self._service.state.faults.add(fault)

    def heal(self, surface: str | None = None) -> None:
        """Remove the faults that `fail` injected.

        Args:
            surface: those of this surface alone; None for all.

        Raises:
            ValueError: the surface is unknown.

        Example:
            ```python
            from vendo.testing import LocalVendo

            with LocalVendo(["openai"]) as server:
                server.fail("credentials", 503, times=None)
                server.heal()
                assert server.client().token("openai")
            ```
        """
        if surface is not None:
            checked_surface(surface)
        self._service.state.faults.heal(surface)

    def hold(self, surface: str, slug: str | None = None) -> Gate:
        """Hold matching requests on the server until the returned gate is released.

        Args:
            surface: as for `fail`.
            slug: only requests for this provider.

        Returns:
            The gate: `wait_for(n)` blocks until `n` requests wait there, `release()` lets them go
            on. As a context manager it is released at the end.

        Raises:
            ValueError: the surface is unknown.

        Example:
            ```python
            from concurrent.futures import ThreadPoolExecutor

            from vendo.testing import LocalVendo

            with LocalVendo(["openai"]) as server, ThreadPoolExecutor() as pool:
                with server.hold("credentials") as gate:
                    token = pool.submit(server.client().token, "openai")
                    gate.wait_for(1)
                assert token.result() == server.token("openai")
            ```
        """
        return self._service.state.gates.add(Gate(surface, slug))

    # Requests

    @property
    def requests(self) -> list[SeenRequest]:
        """The requests so far, oldest first (the latest 10,000)."""
        return self._service.state.requests.all()

    def count(
        self, surface: str | None = None, slug: str | None = None, method: str | None = None
    ) -> int:
        """Count the requests.

        Args:
            surface: only those of this surface, as for `fail`.
            slug: only those for this provider.
            method: only those with this method, in upper case.

        Returns:
            The number.

        Example:
            ```python
            from vendo.testing import LocalVendo

            with LocalVendo(["openai"]) as server:
                client = server.client()
                client.token("openai")
                client.token("openai")
                print(server.count("credentials"))  # 1: the token is cached
            ```
        """
        return self._service.state.requests.count(surface, slug, method)

    @property
    def connections_opened(self) -> int:
        """The number of TCP connections so far."""
        return self._service.state.connections_opened

    def clear_requests(self) -> None:
        """Drop the recorded requests.

        Example:
            ```python
            from vendo.testing import LocalVendo

            with LocalVendo(["openai"]) as server:
                server.client().token("openai")
                server.clear_requests()
                print(server.count())  # 0
            ```
        """
        self._service.state.requests.clear()

    def wait_for_requests(self, n: int, surface: str | None = None, timeout: float = 10.0) -> None:
        """Block until a number of requests have arrived.

        Args:
            n: the number.
            surface: only those of this surface count; None for all.
            timeout: seconds.

        Raises:
            TimeoutError: fewer have arrived after `timeout` seconds.

        Example:
            ```python
            from threading import Thread

            from vendo.testing import LocalVendo

            with LocalVendo(["openai"]) as server:
                thread = Thread(target=server.client().token, args=["openai"])
                thread.start()
                server.wait_for_requests(1, "credentials")
                thread.join()
            ```
        """
        self._service.state.requests.wait_for(n, surface, timeout)
