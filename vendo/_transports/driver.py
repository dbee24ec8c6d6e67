"""The blocking driver: it does the steps of a flow, one after the other."""

from __future__ import annotations

import time

from vendo._protocol.moments import elapsed
from vendo._protocol.steps import POLL_SECONDS, Pause, Request, Spawn, Wait
from vendo.errors import UpstreamError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from vendo._protocol.steps import Flow
    from vendo._transports.interfaces import Transport

    _T = TypeVar("_T")


def run(flow: Flow[_T], transport: Callable[[], Transport]) -> _T:
    """Drive a flow to its end and return its result. The transport is made for the first request.

    The flow is always closed. A flow that leads a fetch then wakes the callers that wait for it.
    """
    outcome: object = None
    failure: UpstreamError | None = None
    try:
        while True:
            step = flow.throw(failure) if failure is not None else flow.send(outcome)
            outcome = failure = None
            if isinstance(step, Request):
                try:
                    outcome = transport().send(step)
                except UpstreamError as error:
                    failure = error
            elif isinstance(step, Wait):
                outcome = _is_done(step)
            elif isinstance(step, Pause):
                time.sleep(step.seconds)
            elif isinstance(step, Spawn):
                run(step.flow, transport)
    except StopIteration as end:
        result: _T = end.value
        return result
    finally:
        flow.close()


def _is_done(step: Wait) -> bool | None:
    deadline = elapsed() + step.timeout
    while not step.future.done():
        if step.is_abandoned or (step.work.loop is not None and _blocks_a_loop()):
            return None
        left = deadline - elapsed()
        try:
            step.future.result(min(left, POLL_SECONDS))
        except TimeoutError:
            if left <= POLL_SECONDS:
                return False
    return True


def _blocks_a_loop() -> bool:
    """True in a thread that runs an event loop, which is blocked during this call.

    Then the call does not wait for the work of any loop, which may wait for this one.
    """
    from asyncio import get_running_loop  # imported already, since the work has a loop

    try:
        get_running_loop()
    except RuntimeError:
        return False
    return True
