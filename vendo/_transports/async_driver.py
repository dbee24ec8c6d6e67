"""The asyncio driver: it does what a flow asks for, and lets other tasks run meanwhile."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from inspect import GEN_CREATED, getgeneratorstate

from vendo._protocol.steps import LOOK_SECONDS, Pause, Request, Spawn, Wait
from vendo.errors import UpstreamError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from vendo._protocol.steps import Flow
    from vendo._transports.interfaces import AsyncTransport

    _T = TypeVar("_T")

#: The tasks of each loop, which itself keeps but weak references to them, and what they drive.
_spawned: dict[asyncio.AbstractEventLoop, dict[asyncio.Task[None], Flow[None]]] = {}


async def run(flow: Flow[_T], transport: Callable[[], AsyncTransport]) -> _T:
    """Drive a flow to its end and return its result. The transport is made when it is needed.

    However it ends, cancelled too, the flow is closed. What it spawns goes on.
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
        _give_up(step.flow)  # it may not have begun

    task.add_done_callback(ended)
    return task


def _drop_ended_loops() -> None:
    """Give up what was left under way in loops that have been closed.

    It is not left to the garbage collector, which may come while the cache is locked.
    """
    for loop in list(_spawned):
        if loop.is_closed():
            for task, flow in _spawned.pop(loop, {}).items():
                with suppress(Exception):  # a transport may want its loop to clean up
                    task._log_destroy_pending = False  # type: ignore[attr-defined]  # it ends here
                    task.get_coro().close()
                _give_up(flow)


def _give_up(flow: Flow[None]) -> None:
    if getgeneratorstate(flow) == GEN_CREATED:
        # Cancelled before its first step (the loop ends, for one). Only a flow that has begun
        # tells those who wait for it that nothing will come.
        for _step in flow:
            break
    flow.close()


async def _is_done(step: Wait) -> bool | None:
    if step.future.done():
        return True
    if step.is_in_vain:
        return None
    loop = asyncio.get_running_loop()
    woken: asyncio.Future[bool | None] = loop.create_future()
    deadline = loop.time() + step.timeout
    timer: asyncio.TimerHandle

    def wake(_: object) -> None:
        # Not `asyncio.wrap_future`: cancelling one waiter would cancel what all wait for.
        if asyncio._get_running_loop() is loop:
            _set(woken, True)  # most come from a task of the same loop, and there may be many
            return
        try:
            loop.call_soon_threadsafe(_set, woken, True)
        except RuntimeError:
            pass  # the waiter's loop was closed meanwhile

    def look() -> None:
        nonlocal timer
        left = deadline - loop.time()
        if step.is_in_vain:
            _set(woken, None)
        elif left <= 0.0:
            _set(woken, False)
        else:
            timer = loop.call_later(min(left, LOOK_SECONDS), look)

    # By hand, since `asyncio.wait` takes several times as long as the rest of this.
    timer = loop.call_later(min(step.timeout, LOOK_SECONDS), look)
    step.future.add_done_callback(wake)
    try:
        return await woken
    finally:
        timer.cancel()


def _set(woken: asyncio.Future[bool | None], outcome: bool | None) -> None:
    if not woken.done():
        woken.set_result(outcome)
