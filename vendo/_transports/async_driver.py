"""The asyncio driver: it does the steps of a flow, and lets other tasks run meanwhile."""

from __future__ import annotations

import asyncio
from _thread import get_ident
from contextlib import suppress
from inspect import GEN_CREATED, getgeneratorstate

from vendo._protocol.steps import POLL_SECONDS, Pause, Request, Spawn, Wait
from vendo._transports.pending_tasks import forget
from vendo.errors import UpstreamError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from vendo._protocol.steps import Flow
    from vendo._transports.interfaces import AsyncTransport

    _T = TypeVar("_T")

#: The spawned tasks of each loop, with their flows. A loop keeps only weak references to tasks.
_spawned: dict[asyncio.AbstractEventLoop, dict[asyncio.Task[None], Flow[None]]] = {}


async def run(flow: Flow[_T], transport: Callable[[], AsyncTransport]) -> _T:
    """Drive a flow to its end and return its result. The transport is made for the first request.

    The flow is always closed, after a cancellation too. A spawned flow continues.
    """
    outcome: object = None
    failure: UpstreamError | None = None
    try:
        while True:
            step = flow.throw(failure) if failure is not None else flow.send(outcome)
            outcome = failure = None
            if isinstance(step, Request):
                try:
                    outcome = await transport().send(step)
                except UpstreamError as error:
                    failure = error
            elif isinstance(step, Wait):
                outcome = await _is_done(step)
            elif isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
            elif isinstance(step, Spawn):
                await asyncio.shield(_spawn(step, transport))
    except StopIteration as end:
        result: _T = end.value
        return result
    finally:
        flow.close()


def _spawn(step: Spawn, transport: Callable[[], AsyncTransport]) -> asyncio.Task[None]:
    loop = asyncio.get_running_loop()
    for work in step.work:
        work.loop = loop
    task = loop.create_task(run(step.flow, transport))
    tasks = _spawned.get(loop)
    if tasks is None:
        _drop_ended_loops()
        tasks = _spawned[loop] = {}
    tasks[task] = step.flow

    def ended(_: object) -> None:
        del tasks[task]
        if not tasks:
            _spawned.pop(loop, None)
        _close(step.flow)  # it may not have begun

    task.add_done_callback(ended)
    return task


def _drop_ended_loops() -> None:
    """Close the flows that closed loops have left unfinished.

    The garbage collector would close them too, but it may run while the cache is locked.
    """
    for loop in list(_spawned):
        if loop.is_closed():
            for task, flow in _spawned.pop(loop, {}).items():
                with suppress(Exception):  # a transport may need its loop to clean up
                    forget(task)
                    task.get_coro().close()
                _close(flow)


def _close(flow: Flow[None]) -> None:
    if getgeneratorstate(flow) == GEN_CREATED:
        # Cancelled before its first step, as at the end of a loop. Only a flow that has begun
        # wakes the callers that wait for it.
        for _step in flow:
            break
    flow.close()


async def _is_done(step: Wait) -> bool | None:
    if step.is_abandoned:
        return True if step.future.done() else None
    loop, thread = asyncio.get_running_loop(), get_ident()
    woken: asyncio.Future[bool | None] = loop.create_future()
    deadline = loop.time() + step.timeout
    timer: asyncio.TimerHandle

    def wake(_: object) -> None:
        # Not `asyncio.wrap_future`: cancelling one waiter would cancel the future of all.
        try:
            if get_ident() == thread:
                _set(woken, True)  # the usual case, and faster by far
            else:
                loop.call_soon_threadsafe(_set, woken, True)
        except RuntimeError:
            pass  # the loop of the waiter was closed meanwhile

    def look() -> None:
        nonlocal timer
        left = deadline - loop.time()
        if step.is_abandoned:
            _set(woken, None)
        elif left <= 0.0:
            _set(woken, False)
        else:
            timer = loop.call_later(min(left, POLL_SECONDS), look)

    # `asyncio.wait` takes several times as long.
    timer = loop.call_later(min(step.timeout, POLL_SECONDS), look)
    step.future.add_done_callback(wake)
    try:
        return await woken
    finally:
        timer.cancel()


def _set(woken: asyncio.Future[bool | None], outcome: bool | None) -> None:
    if not woken.done():
        woken.set_result(outcome)
