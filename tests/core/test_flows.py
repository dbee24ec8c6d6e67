"""The drivers, and shared calls, without a backend."""

from __future__ import annotations

import asyncio
from _thread import get_ident
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from vendo._client.shared_calls import SharedCalls
from vendo._protocol.steps import Pause, Request, Response, Spawn, Wait
from vendo._transports import async_driver
from vendo._transports import driver as blocking_driver
from vendo._transports.driver import run
from vendo.errors import NotConnected, UpstreamError, UpstreamTimeout, VendoError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vendo._protocol.steps import Flow


class Scripted:
    """A transport that returns or raises the given results in turn."""

    def __init__(self, *results: Response | BaseException) -> None:
        self.results: Iterator[Response | BaseException] = iter(results)
        self.made = 0

    def send(self, _request: Request) -> Response:
        result = next(self.results)
        if isinstance(result, BaseException):
            raise result
        return result

    def close(self) -> None:
        pass

    def __call__(self) -> Scripted:
        self.made += 1
        return self


def request() -> Request:
    return Request("GET", "https://vendo.example/", {}, None, 1.0, 100)


def test_flow_gets_its_responses_and_returns_its_result() -> None:
    def flow() -> Flow[int]:
        response: Response = yield request()
        yield Pause(0.0)
        return response.status

    assert run(flow(), Scripted(Response(204, {}, b""))) == 204


def test_transport_is_made_for_the_first_request() -> None:
    def flow() -> Flow[str]:
        yield from ()
        return "immediately"

    transport = Scripted()
    assert run(flow(), transport) == "immediately"
    assert transport.made == 0


def test_a_failed_request_is_thrown_into_the_flow() -> None:
    def flow() -> Flow[str]:
        try:
            yield request()
        except UpstreamError as error:
            return error.message
        raise AssertionError

    assert run(flow(), Scripted(UpstreamError("upstream_error", "down"))) == "down"


def test_error_of_a_flow_is_raised() -> None:
    def flow() -> Flow[None]:
        yield request()

    with pytest.raises(UpstreamError, match="down"):
        run(flow(), Scripted(UpstreamError("upstream_error", "down")))


@pytest.mark.parametrize("kind", [KeyboardInterrupt, LookupError])
def test_flow_is_closed_after_any_end(kind: type[BaseException]) -> None:
    closed = []

    def inner() -> Flow[None]:
        try:
            yield request()
        finally:
            closed.append("inner")

    def outer() -> Flow[None]:
        try:
            yield Spawn(inner(), [])
        finally:
            closed.append("outer")

    with pytest.raises(kind):
        run(outer(), Scripted(kind()))
    assert closed == ["inner", "outer"]


class Led:
    """Work that other callers wait for."""

    def __init__(self, loop: Any = None, thread: int = -1) -> None:
        self.loop = loop
        self.thread = thread


class RunningLoop:
    """A loop with a scripted `is_running`."""

    def __init__(self, *states: bool, at_last: Callable[[], object] = lambda: None) -> None:
        self.states = list(states)
        self.at_last = at_last

    def is_running(self) -> bool:
        state = self.states.pop(0)
        if not self.states:
            self.at_last()
        return state


def waiting(step: Wait) -> Flow[object]:
    outcome: object = yield step
    return outcome


def driven(way: str, flow: Flow[object]) -> object:
    if way == "blocking":
        return run(flow, Scripted())
    return asyncio.run(async_driver.run(flow, never_made))


def never_made() -> Any:
    raise AssertionError("there is nothing to send")


@pytest.fixture(params=["blocking", "asyncio"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A driver that checks all the time whether the work it waits for still runs."""
    for driver in (blocking_driver, async_driver):
        monkeypatch.setattr(driver, "POLL_SECONDS", 0.001)
    chosen: str = request.param
    return chosen


def test_caller_waits_for_a_loop_while_it_runs(way: str) -> None:
    future: Future[None] = Future()
    loop = RunningLoop(*[True] * 5, at_last=lambda: future.set_result(None))
    assert driven(way, waiting(Wait(future, 10.0, Led(loop)))) is True
    assert loop.states == []


def test_caller_does_not_wait_for_a_stopped_loop(way: str) -> None:
    assert driven(way, waiting(Wait(Future(), 10.0, Led(RunningLoop(False))))) is None


def test_caller_stops_waiting_for_a_loop_that_ends(way: str) -> None:
    loop = RunningLoop(True, True, False)
    assert driven(way, waiting(Wait(Future(), 10.0, Led(loop)))) is None


def test_caller_sees_the_loop_of_work_that_has_just_begun(way: str) -> None:
    class Late:
        """Work whose leader has claimed it, and is about to set its loop."""

        thread = -1
        loops: ClassVar[list[Any]] = [None, None, RunningLoop(False)]

        @property
        def loop(self) -> Any:
            return self.loops.pop(0) if len(self.loops) > 1 else self.loops[0]

    assert driven(way, waiting(Wait(Future(), 10.0, Late()))) is None  # type: ignore[arg-type]  # read only


def test_wait_that_times_out_gives_false(way: str) -> None:
    loop = RunningLoop(*[True] * 10_000)
    assert driven(way, waiting(Wait(Future(), 0.02, Led(loop)))) is False
    assert driven(way, waiting(Wait(Future(), 0.02, Led()))) is False


def test_thread_with_a_running_loop_waits_for_threads_but_not_for_loops() -> None:
    future: Future[None] = Future()

    async def main() -> list[object]:
        return [
            run(waiting(Wait(future, timeout, Led(loop))), Scripted())
            for timeout, loop in ((10.0, RunningLoop(True)), (0.01, None))
        ]

    assert asyncio.run(main()) == [None, False]


def test_work_that_this_thread_itself_does_is_not_waited_for(way: str) -> None:
    def flow() -> Flow[object]:
        return (yield Wait(Future(), 60.0, Led(thread=get_ident())))

    assert driven(way, flow()) is None


def test_wait_returns_whether_the_work_was_done() -> None:
    def flow(future: Future[None], timeout: float) -> Flow[bool]:
        done: bool = yield Wait(future, timeout, Led())
        return done

    future: Future[None] = Future()
    assert run(flow(future, 0.01), Scripted()) is False
    future.set_result(None)
    assert run(flow(future, 0.0), Scripted()) is True


def test_steps_show_no_headers() -> None:
    shown = Request("GET", "https://vendo.example/", {"Authorization": "canary"}, b"canary", 1, 1)
    assert repr(shown) == "<Request GET https://vendo.example/>"
    assert repr(Response(200, {"x": "canary"}, b"canary")) == "<Response 200, 6 bytes>"
    assert repr(Pause(1.5)) == "<Pause 1.500 s>"


def made(result: Callable[[], object]) -> Flow[Any]:
    """A call without a backend."""
    yield Pause(0.0)
    return result()


def never() -> Flow[Any]:
    yield from ()
    raise AssertionError("two calls at the same time")


def joined(calls: SharedCalls, make: Callable[[], Flow[Any]], timeout: float = 10.0) -> object:
    """Return the result of a call, or its error."""
    return ended(calls.join("key", make, timeout), None)


def ended(flow: Flow[Any], outcome: object) -> object:
    """Send a started flow the outcome of its step, and return its result or error."""

    def resumed() -> Flow[Any]:
        try:
            step = flow.send(outcome)
            while True:
                step = flow.send((yield step))
        except StopIteration as end:
            return end.value

    try:
        return run(resumed(), Scripted())
    except VendoError as error:
        return error


def overlapping(calls: SharedCalls, result: Callable[[], object], n: int) -> list[object]:
    """Return the results of n callers. The first leads while the others wait."""
    leader = calls.join("key", lambda: made(result), 10.0)
    spawned = next(leader)
    assert isinstance(spawned, Spawn)
    waiters = [calls.join("key", never, 10.0) for _ in range(n - 1)]
    waits = [next(waiter) for waiter in waiters]
    run(spawned.flow, Scripted())
    results = [ended(leader, None)]
    for waiter, wait in zip(waiters, waits, strict=True):
        assert isinstance(wait, Wait)
        results.append(ended(waiter, wait.future.done()))
    return results


def test_overlapping_equal_calls_share_one_result() -> None:
    results = overlapping(SharedCalls(), lambda: ["a result"], 5)
    assert len(results) == 5
    assert all(result is results[0] for result in results)


def test_each_caller_of_a_shared_call_gets_its_own_error() -> None:
    def fail() -> object:
        raise NotConnected("binding_missing", "none")

    results = overlapping(SharedCalls(), fail, 5)
    assert {type(result) for result in results} == {NotConnected}
    assert len({id(result) for result in results}) == 5


def test_result_of_a_shared_call_is_not_cached() -> None:
    calls = SharedCalls()
    first, second = (joined(calls, lambda: made(lambda: [1])) for _ in range(2))
    assert first == second
    assert first is not second
    assert calls._in_flight == {}


def test_call_of_an_interrupted_leader_is_repeated() -> None:
    calls = SharedCalls()

    def interrupted() -> object:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        joined(calls, lambda: made(interrupted))
    assert joined(calls, lambda: made(lambda: "served")) == "served"


def test_waiting_caller_replaces_a_leader_that_gave_up() -> None:
    calls = SharedCalls()
    leader = calls.join("key", lambda: made(lambda: 1), 10.0)
    spawned = next(leader)
    assert isinstance(spawned, Spawn)
    next(spawned.flow)
    waiter = calls.join("key", lambda: made(lambda: 2), 10.0)
    wait = next(waiter)
    assert isinstance(wait, Wait)
    spawned.flow.close()
    assert wait.future.done()
    assert ended(waiter, True) == 2


def test_caller_repeats_a_shared_call_of_a_lost_loop_and_others_join() -> None:
    calls = SharedCalls()
    leader = calls.join("key", lambda: made(lambda: 1), 10.0)
    spawned = next(leader)
    one, two = (calls.join("key", lambda: made(lambda: 2), 10.0) for _ in range(2))
    waits = [next(one), next(two)]
    assert isinstance(spawned, Spawn)
    assert list(spawned.work) == [wait.work for wait in waits[:1] if isinstance(wait, Wait)]
    repeated = one.send(None)
    assert isinstance(repeated, Spawn)
    assert isinstance(two.send(None), Wait)  # for the repeated call
    run(repeated.flow, Scripted())
    assert (ended(one, None), ended(two, True)) == (2, 2)
    run(spawned.flow, Scripted())  # its loop continued after all
    assert ended(leader, None) == 1
    assert calls._in_flight == {}


def test_waiting_caller_stops_at_its_time_out() -> None:
    calls = SharedCalls()
    leader = calls.join("key", lambda: made(lambda: 1), 10.0)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(next, leader).result()  # it has begun, and does not continue
    result = joined(calls, never, 0.01)
    assert isinstance(result, UpstreamTimeout)
    assert "timeout=" in (result.suggested_fix or "")


def test_a_forked_child_has_no_call_in_flight() -> None:
    calls = SharedCalls()
    next(calls.join("key", lambda: made(lambda: 1), 10.0))
    calls._after_fork()
    assert joined(calls, lambda: made(lambda: 2)) == 2
