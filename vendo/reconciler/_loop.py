"""The thread that keeps an env file: it looks when an event wakes it, and every half minute."""

from __future__ import annotations

import logging
import os
from threading import Event, Thread, current_thread
from types import TracebackType
from typing import Final, Self

from vendo._client.blocking import Vendo
from vendo._client.streams import EventStream
from vendo._protocol.log import logger
from vendo.errors import VendoError
from vendo.reconciler._env_file import EnvFile
from vendo.reconciler._keeper import Keeper

_MAX_BACKOFF: Final = 30.0


class Reconciler:
    """Keeps an env file in the background. `stop()` it, or use it as a context manager.

    A child that is forked has no thread of its own: the parent's goes on keeping the file.
    """

    def __init__(
        self, client: Vendo, env_file: EnvFile, keeper: Keeper, poll_sec: float, *, own: bool
    ) -> None:
        self._client = client
        self._env_file = env_file
        self._keeper = keeper
        self._poll_sec = poll_sec
        #: True where the client was made for this and nobody else closes it.
        self._own_client = own
        self._process = os.getpid()
        self._stopping = False
        self._wake = Event()
        self._stream: EventStream | None = None
        self._listener: Thread | None = None
        #: The last thing that went wrong, so that an outage is one line of the log and not many.
        self._trouble: str | None = None
        self._thread = Thread(target=self._run, daemon=True, name="vendo-reconciler")
        self._thread.start()

    def __repr__(self) -> str:
        state = "running" if self.is_running else "stopped"
        return f"<Reconciler of {str(self._env_file.path)!r}, {state}>"

    @property
    def is_running(self) -> bool:
        """False once it was stopped."""
        return not self._stopping and self._process == os.getpid()

    def stop(self, timeout: float = 10.0) -> None:
        """Stop keeping the file, which stays as it is.

        Waits for the pass that is under way, `timeout` seconds at most.
        """
        if self._process != os.getpid():
            return  # the thread and the connection are the parent's
        self._stopping = True
        self._wake.set()
        stream = self._stream
        if stream is not None:
            stream.close()
        if self._thread is not current_thread():  # a handler may be what stops it
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
                self._wake.clear()
                self._listen()
                self._pass()
                if not self._stopping:
                    self._wake.wait(self._poll_sec)
        finally:
            self._close()

    def _pass(self) -> None:
        try:
            if self._keeper.bring_up_to_date():
                logger.info("The env file %s was brought up to date.", self._env_file.path)
        except VendoError as error:
            self._report(f"Keeping the env file {self._env_file.path} does not go on: {error}")
        except Exception:  # noqa: BLE001  # what was given as on_change= may raise anything
            logger.exception(
                "on_change= of the env file %s has failed, and is called again later.",
                self._env_file.path,
            )
        else:
            if self._trouble is not None:
                logger.warning("Keeping the env file %s goes on.", self._env_file.path)
            self._trouble = None

    def _report(self, trouble: str) -> None:
        logger.log(logging.DEBUG if trouble == self._trouble else logging.ERROR, "%s", trouble)
        self._trouble = trouble

    def _listen(self) -> None:
        """See to it that somebody listens to the events. In OSS mode there are none."""
        listening = self._listener is not None and self._listener.is_alive()
        if listening or not self._client.is_vendo_mode():
            return
        try:
            self._stream = self._client.events.subscribe(_MAX_BACKOFF)
        except VendoError as error:
            logger.debug("No events: %s", error)  # the pass that follows meets the same
            return
        if self._stopping:
            return
        self._listener = Thread(
            target=self._wake_at_events,
            args=(self._stream,),
            daemon=True,
            name="vendo-reconciler-events",
        )
        self._listener.start()

    def _wake_at_events(self, stream: EventStream) -> None:
        try:
            for event in stream:
                if event.kind.startswith("connection."):
                    self._wake.set()
        except VendoError as error:
            logger.info("The event stream has ended, and is tried again later: %s", error)

    def _close(self) -> None:
        stream = self._stream
        if stream is not None:
            stream.close()
        if self._listener is not None:
            self._listener.join()
        if self._own_client:
            self._client.close()
