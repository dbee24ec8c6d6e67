"""The blocking driver, and calls that are shared: rules that need no backend."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from vendo._protocol.steps import Pause, Request, Response, Spawn, Wait
from vendo._tokens.single_flight import SharedCalls
from vendo._transports import async_driver
from vendo._transports import driver as blocking_driver
from vendo._transports.driver import run
from vendo.errors import NotConnected, UpstreamError, UpstreamTimeout, VendoError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vendo._protocol.steps import Flow


class Scripted:
    """A transport that answers with what it was given, in turn."""

    def __init__(self, *answers: Response | BaseException) -> None:
        self.answers: Iterator[Response | BaseException] = iter(answers)
        self.made = 0

    def send(self, _request: Request) -> Response:
        answer = next(self.answers)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def close(self) -> None:
        pass

    def __call__(self) -> Scripted:
        self.made += 1
        return self


def request() -> Request:
    return Request("GET", "https://vendo.example/", {}, None, 1.0, 100)


def test_a_flow_is_sent_its_answers_and_returns_its_result() -> None:
    def flow() -> Flow[int]:
        answer: Response = yield request()
        yield Pause(0.0)
        return answer.status

    assert run(flow(), Scripted(Response(204, {}, b""))) == 204


def test_the_transport_is_made_when_a_request_is_to_be_sent() -> None:
    def flow() -> Flow[str]:
        yield from ()
        return "at once"

    transport = Scripted()
    assert run(flow(), transport) == "at once"
    assert transport.made == 0


def test_a_failed_request_is_thrown_into_the_flow() -> None:
    def flow() -> Flow[str]:
        try:
            yield request()
        except UpstreamError as error:
            return error.message
        raise AssertionError

    assert run(flow(), Scripted(UpstreamError("upstream_error", "down"))) == "down"


def test_what_a_flow_raises_comes_out() -> None:
    def flow() -> Flow[None]:
        yield request()

    with pytest.raises(UpstreamError, match="down"):
        run(flow(), Scripted(UpstreamError("upstream_error", "down")))


@pytest.mark.parametrize("kind", [KeyboardInterrupt, LookupError])
def test_a_flow_is_closed_however_it_ends(kind: type[BaseException]) -> None:
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
    """Work that others wait for."""

    def __init__(self, loop: Any = None) -> None:
        self.loop = loop


class RunningLoop:
    """A loop that is asked now and then whether it runs."""

    def __init__(self, *answers: bool, at_last: Callable[[], object] = lambda: None) -> None:
        self.answers = list(answers)
        self.at_last = at_last

    def is_running(self) -> bool:
        answer = self.answers.pop(0)
        if not self.answers:
            self.at_last()
        return answer


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
    """A driver, which looks after those for whom it waits all the time."""
    for driver in (blocking_driver, async_driver):
        monkeypatch.setattr(driver, "POLL_SECONDS", 0.001)
    chosen: str = request.param
    return chosen


def test_one_waits_for_a_loop_for_as_long_as_it_runs(way: str) -> None:
    future: Future[None] = Future()
    loop = RunningLoop(*[True] * 5, at_last=lambda: future.set_result(None))
    assert driven(way, waiting(Wait(future, 10.0, Led(loop)))) is True
    assert loop.answers == []


def test_one_does_not_wait_for_a_loop_that_does_not_run(way: str) -> None:
    assert driven(way, waiting(Wait(Future(), 10.0, Led(RunningLoop(False))))) is None


def test_one_stops_to_wait_for_a_loop_that_ends(way: str) -> None:
    loop = RunningLoop(True, True, False)
    assert driven(way, waiting(Wait(Future(), 10.0, Led(loop)))) is None


def test_one_notices_which_loop_the_work_depends_on_after_it_has_begun(way: str) -> None:
    class Late:
        """Whoever leads has claimed it, and is about to say which loop does it."""

        answers: ClassVar[list[Any]] = [None, None, RunningLoop(False)]

        @property
        def loop(self) -> Any:
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    assert driven(way, waiting(Wait(Future(), 10.0, Late()))) is None  # type: ignore[arg-type]  # read only


def test_a_wait_that_takes_too_long_is_no_wait_in_vain(way: str) -> None:
    loop = RunningLoop(*[True] * 10_000)
    assert driven(way, waiting(Wait(Future(), 0.02, Led(loop)))) is False
    assert driven(way, waiting(Wait(Future(), 0.02, Led()))) is False


def test_a_thread_that_runs_a_loop_waits_for_another_thread_but_for_no_loop() -> None:
    future: Future[None] = Future()

    async def main() -> list[object]:
        return [
            run(waiting(Wait(future, timeout, Led(loop))), Scripted())
            for timeout, loop in ((10.0, RunningLoop(True)), (0.01, None))
        ]

    assert asyncio.run(main()) == [None, False]


def test_a_wait_says_whether_it_was_worth_it() -> None:
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


def made(answer: Callable[[], object]) -> Flow[Any]:
    """A call that needs no backend: the rest is up to who drives it."""
    yield Pause(0.0)
    return answer()


def never() -> Flow[Any]:
    yield from ()
    raise AssertionError("two calls at the same time")


def joined(calls: SharedCalls, make: Callable[[], Flow[Any]], timeout: float = 10.0) -> object:
    """What a call gives, or the error it ends with."""
    return ended(calls.join("key", make, timeout), None)


def ended(flow: Flow[Any], outcome: object) -> object:
    """What a flow that was begun gives, once it is sent the outcome of its step."""

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


def overlapping(calls: SharedCalls, answer: Callable[[], object], n: int) -> list[object]:
    """What n callers get, of whom the first leads while the others wait."""
    leader = calls.join("key", lambda: made(answer), 10.0)
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


def test_equal_calls_that_overlap_share_the_very_answer() -> None:
    answers = overlapping(SharedCalls(), lambda: ["an answer"], 5)
    assert len(answers) == 5
    assert all(answer is answers[0] for answer in answers)


def test_the_error_of_a_shared_call_reaches_each_as_its_own() -> None:
    def fail() -> object:
        raise NotConnected("binding_missing", "none")

    answers = overlapping(SharedCalls(), fail, 5)
    assert {type(answer) for answer in answers} == {NotConnected}
    assert len({id(answer) for answer in answers}) == 5


def test_nothing_of_a_shared_call_is_kept() -> None:
    calls = SharedCalls()
    first, second = (joined(calls, lambda: made(lambda: [1])) for _ in range(2))
    assert first == second
    assert first is not second
    assert calls._in_flight == {}


def test_a_call_whose_leader_was_interrupted_is_made_anew() -> None:
    calls = SharedCalls()

    def interrupted() -> object:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        joined(calls, lambda: made(interrupted))
    assert joined(calls, lambda: made(lambda: "served")) == "served"


def test_a_waiter_takes_the_place_of_a_leader_that_gave_up() -> None:
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


def test_one_for_whom_the_loop_of_a_shared_call_is_lost_makes_it_and_others_join_that() -> None:
    calls = SharedCalls()
    leader = calls.join("key", lambda: made(lambda: 1), 10.0)
    spawned = next(leader)
    one, two = (calls.join("key", lambda: made(lambda: 2), 10.0) for _ in range(2))
    waits = [next(one), next(two)]
    assert isinstance(spawned, Spawn)
    assert list(spawned.work) == [wait.work for wait in waits[:1] if isinstance(wait, Wait)]
    anew = one.send(None)
    assert isinstance(anew, Spawn)
    assert isinstance(two.send(None), Wait)  # for the call that was made anew
    run(anew.flow, Scripted())
    assert (ended(one, None), ended(two, True)) == (2, 2)
    run(spawned.flow, Scripted())  # its loop went on after all
    assert ended(leader, None) == 1
    assert calls._in_flight == {}


def test_one_who_waits_for_too_long_stops() -> None:
    calls = SharedCalls()
    leader = calls.join("key", lambda: made(lambda: 1), 10.0)
    next(leader)  # it has begun, and goes no further
    answer = joined(calls, never, 0.01)
    assert isinstance(answer, UpstreamTimeout)
    assert "timeout=" in (answer.suggested_fix or "")


def test_a_forked_child_has_no_call_in_flight() -> None:
    calls = SharedCalls()
    next(calls.join("key", lambda: made(lambda: 1), 10.0))
    calls._after_fork()
    assert joined(calls, lambda: made(lambda: 2)) == 2
