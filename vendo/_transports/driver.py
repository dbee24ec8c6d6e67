"""The blocking driver: it does what a flow asks for, one step after the other."""

from __future__ import annotations

import time

from vendo._protocol.steps import LOOK_SECONDS, Pause, Request, Spawn, Wait
from vendo.errors import UpstreamError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from vendo._protocol.steps import Flow
    from vendo._transports.interfaces import Transport

    _T = TypeVar("_T")


def run(flow: Flow[_T], transport: Callable[[], Transport]) -> _T:
    """Drive a flow to its end and return its result. The transport is made when it is needed.

    However it ends, the flow is closed: one that leads a fetch then frees those who wait for it.
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
    deadline = time.monotonic() + step.timeout
    while not step.future.done():
        if step.work.loop is not None and (_blocks_a_loop() or step.is_in_vain):
            return None
        left = deadline - time.monotonic()
        try:
            step.future.result(min(left, LOOK_SECONDS))
        except TimeoutError:
            if left <= LOOK_SECONDS:
                return False
    return True


def _blocks_a_loop() -> bool:
    """True in a thread that runs an event loop, which stands still as long as this call takes.

    Then nobody in it waits for the work of a loop, be it another one: that may stand still for a
    call that waits for this one.
    """
    from asyncio import _get_running_loop  # asked only where there is a loop, thus asyncio

    return _get_running_loop() is not None
