"""The thread that updates an env file: after an event, and every half minute."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread, current_thread
from types import TracebackType
from typing import Final, Self

from vendo._client.blocking import Vendo
from vendo._client.streams import EventStream
from vendo._protocol.log import logger
from vendo._transports.errors import no_thread
from vendo.errors import ValidationError, VendoError
from vendo.reconciler._env_file import EnvFile
from vendo.reconciler._updater import Updater

_MAX_BACKOFF: Final = 30.0


class Reconciler:
    """Keep an env file up to date in the background: what `start` returns.

    It ends with `stop()` or a `with` block. A forked child has no such thread. That of the parent
    continues.

    Example:
        ```python
        from vendo import reconciler

        with reconciler.start(env_file=".env", mapping={"MAIL_TOKEN": "gmail"}) as running:
            assert running.is_running
        ```
    """

    def __init__(
        self,
        client: Vendo,
        env_file: EnvFile,
        updater: Updater,
        poll_sec: float,
        *,
        owns_client: bool,
    ) -> None:
        self._client = client
        self._env_file = env_file
        self._updater = updater
        self._poll_sec = poll_sec
        self._owns_client = owns_client
        self._process = os.getpid()
        self._stopping = False
        #: Wakes the thread. Unlike an `Event`, a signal handler may put into it any time.
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._stream: EventStream | None = None
        self._listener: Thread | None = None
        #: The last error. An outage is logged once, not with every update.
        self._last_error: str | None = None
        self._thread = Thread(target=self._run, daemon=True, name="vendo-reconciler")
        try:
            self._thread.start()
        except RuntimeError:  # the system has no more
            raise no_thread() from None
        except BaseException:  # of a signal: the thread may run, and nothing has it
            self._stopping = True
            self._wake.put(None)
            raise

    def __repr__(self) -> str:
        state = "running" if self.is_running else "stopped"
        return f"<Reconciler of {str(self._env_file.path)!r}, {state}>"

    @property
    def is_running(self) -> bool:
        """False after `stop()`, and in a forked child."""
        return not self._stopping and self._process == os.getpid()

    def stop(self, timeout: float = 10.0) -> None:
        """Stop the updates. The file stays as it is.

        Args:
            timeout: seconds to wait at most for an update that is running.

        Example:
            ```python
            from vendo import reconciler

            running = reconciler.start(env_file=".env", mapping={"MAIL_TOKEN": "gmail"})
            running.stop(timeout=2)
            ```
        """
        if self._process != os.getpid():
            return  # the thread and the connection belong to the parent
        self._stopping = True
        self._wake.put(None)
        stream = self._stream
        if stream is not None:
            stream.close()
        if self._thread is not current_thread():  # a handler may call `stop`
            self._thread.join(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _run(self) -> None:
        try:
            while not self._stopping:
                while not self._wake.empty():
                    self._wake.get()
                self._listen()
                self._update()
                if not self._stopping:
                    with suppress(Empty):
                        self._wake.get(timeout=self._poll_sec)
        finally:
            self._close()

    def _update(self) -> None:
        try:
            if self._updater.update():
                logger.info("The env file %s was updated.", self._env_file.path)
        except VendoError as error:
            self._log_error(f"Updating the env file {self._env_file.path} failed: {error}")
        except Exception:  # noqa: BLE001  # a handler may raise anything
            logger.exception(
                "Updating the env file %s, or its on_change= handler, failed. It is tried again.",
                self._env_file.path,
            )
        else:
            if self._last_error is not None:
                logger.warning("Updating the env file %s works again.", self._env_file.path)
            self._last_error = None

    def _log_error(self, text: str) -> None:
        logger.log(logging.DEBUG if text == self._last_error else logging.ERROR, "%s", text)
        self._last_error = text

    def _listen(self) -> None:
        """Start the event listener if it is not running. OSS mode has no events."""
        listening = self._listener is not None and self._listener.is_alive()
        if listening or not self._client.is_vendo_mode():
            return
        try:
            self._stream = self._client.events.subscribe(_MAX_BACKOFF)
        except VendoError as error:
            logger.debug("No events: %s", error)  # the next update logs the same error
            return
        if self._stopping:
            return
        listener = Thread(
            target=self._wake_at_events,
            args=(self._stream,),
            daemon=True,
            name="vendo-reconciler-events",
        )
        try:
            listener.start()
        except RuntimeError:  # the system has no more threads: the next update tries again
            self._stream.close()
            logger.debug("No events: no thread can be started.")
            return
        self._listener = listener

    def _wake_at_events(self, stream: EventStream) -> None:
        try:
            for event in stream:
                if event.type.startswith("connection."):
                    if event.slug is not None:
                        self._forget(event.slug)
                    self._wake.put(None)
        except VendoError as error:
            logger.info("The event stream ended, and is opened again later: %s", error)

    def _forget(self, slug: str) -> None:
        # A function of `mapping=` may call `token()`, which must not return the old one.
        with suppress(ValidationError):  # the slug is malformed
            self._client.invalidate(slug)

    def _close(self) -> None:
        stream = self._stream
        if stream is not None:
            stream.close()
        if self._listener is not None:
            self._listener.join()
        if self._owns_client:
            self._client.close()
