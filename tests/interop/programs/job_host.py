"""Hand jobs over to a tool, as an application does, and print how they end.

A line of input is a JSON list of JWTs, and each of them is a job. All are handed over before the
first one is awaited. A line of output is the list of their outcomes.
"""

from __future__ import annotations

import asyncio
import json
import pickle
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import import_module
from queue import SimpleQueue
from threading import Thread
from typing import Any

import vendo

SECONDS = 60

#: The module of the manual's page that has the work itself.
mail: Any = import_module("mail")

#: What a job ended with: its value or its error, and what the tool stored of them.
Outcome = dict[str, Any]
#: Hand a job over for a JWT, and return what waits for its outcome.
Submit = Callable[[str], Callable[[], Outcome]]


def outcome_of(get: Callable[[], Any]) -> Outcome:
    try:
        return {"value": get()}
    except vendo.VendoError as error:
        return failure(error)


def failure(error: vendo.VendoError) -> Outcome:
    copies = [error, pickle.loads(pickle.dumps(error)), type(error)(*error.args)]
    return {
        "type": type(error).__name__,
        "text": str(error),
        "attributes": [[c.slug, c.code, c.suggested_fix, type(c).__name__] for c in copies],
    }


def celery() -> Submit:
    tasks: Any = import_module("tasks")

    def submit(jwt: str) -> Callable[[], Outcome]:
        result = tasks.enqueue(jwt)

        def wait() -> Outcome:
            outcome = outcome_of(lambda: result.get(timeout=SECONDS))
            backend = tasks.app.backend
            stored = backend.get(backend.get_key_for_task(result.id)).decode()
            return {**outcome, "stored": stored}

        return wait

    return submit


def rq() -> Submit:
    from rq.results import Result

    queued: Any = import_module("queued")

    def submit(jwt: str) -> Callable[[], Outcome]:
        job = queued.enqueue(jwt)

        def wait() -> Outcome:
            result = job.latest_result(timeout=SECONDS)
            while result.type == Result.Type.RETRIED:
                job.connection.xread({Result.get_key(job.id): result.id}, block=SECONDS * 1000)
                result = job.latest_result()
            stored = {"stored": f"{job.description} {result.return_value} {result.exc_string}"}
            if result.exc_string:
                return {"text": result.exc_string, **stored}
            return {"value": result.return_value, **stored}

        return wait

    return submit


def django_tasks() -> Submit:
    import django

    django.setup()
    work: Any = import_module("work")

    def submit(jwt: str) -> Callable[[], Outcome]:
        result = work.address.enqueue(jwt)

        def wait() -> Outcome:
            deadline = time.monotonic() + SECONDS
            while not result.is_finished and time.monotonic() < deadline:
                time.sleep(0.02)  # a database cannot be waited on
                result.refresh()
            if not result.errors:
                return {"value": result.return_value, "stored": result.return_value}
            error = result.errors[0]
            text = error.traceback
            return {"type": error.exception_class.__name__, "text": text, "stored": text}

        return wait

    return submit


def scheduler(executor: str) -> Submit:
    from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED
    from apscheduler.executors.pool import ProcessPoolExecutor as Processes
    from apscheduler.executors.pool import ThreadPoolExecutor as Threads
    from apscheduler.schedulers.background import BackgroundScheduler

    running = BackgroundScheduler(executors={"threads": Threads(2), "processes": Processes(2)})
    ended: dict[str, SimpleQueue[Any]] = {}
    running.add_listener(
        lambda event: ended[event.job_id].put(event), EVENT_JOB_EXECUTED | EVENT_JOB_ERROR
    )
    running.start()

    def submit(jwt: str) -> Callable[[], Outcome]:
        name = str(len(ended))
        ended[name] = SimpleQueue()
        # A busy machine starts a job late.
        running.add_job(
            mail.address, args=[jwt], id=name, executor=executor, misfire_grace_time=None
        )

        def wait() -> Outcome:
            event = ended[name].get(timeout=SECONDS)
            return failure(event.exception) if event.exception else {"value": event.retval}

        return wait

    return submit


def threads() -> Submit:
    pool = ThreadPoolExecutor(4)

    def submit(jwt: str) -> Callable[[], Outcome]:
        future = pool.submit(mail.address, jwt)
        return lambda: outcome_of(lambda: future.result(SECONDS))

    return submit


def thread() -> Submit:
    def submit(jwt: str) -> Callable[[], Outcome]:
        future: Future[Outcome] = Future()
        Thread(target=lambda: future.set_result(outcome_of(lambda: mail.address(jwt)))).start()
        return lambda: future.result(SECONDS)

    return submit


def loops() -> Submit:
    import vendo.aio

    async def address(jwt: str) -> str:
        async with vendo.aio.client() as client:
            mine = client.for_user(jwt) if client.is_vendo_mode() else client
            async with await mine.session("gmail") as gmail:
                response = await gmail.get("gmail/v1/users/me/profile")
                found: str = (await response.json())["emailAddress"]
                return found

    return lambda jwt: lambda: outcome_of(lambda: asyncio.run(address(jwt)))


TOOLS: dict[str, Callable[[], Submit]] = {
    "celery prefork": celery,
    "celery solo": celery,
    "rq": rq,
    "django database": django_tasks,
    "django immediate": django_tasks,
    "scheduler threads": lambda: scheduler("threads"),
    "scheduler processes": lambda: scheduler("processes"),
    "threads": threads,
    "thread": thread,
    "asyncio": loops,
}

if __name__ == "__main__":
    submit = TOOLS[sys.argv[1]]()
    for line in sys.stdin:
        waiting = [submit(jwt) for jwt in json.loads(line)]
        sys.stdout.write(json.dumps([wait() for wait in waiting]) + "\n")
        sys.stdout.flush()
