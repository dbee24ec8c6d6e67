"""Run jobs of APScheduler in threads, in processes and on an event loop; print their results."""

from __future__ import annotations

import asyncio
import json
import sys
from queue import SimpleQueue
from typing import Any

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED
from apscheduler.executors.pool import ProcessPoolExecutor, ThreadPoolExecutor
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.schedulers.background import BackgroundScheduler

import jobs
import vendo
import vendo.aio

#: A busy machine starts a job late.
NEVER_TOO_LATE = {"misfire_grace_time": None}


async def lookup_async() -> dict[str, str]:
    async with await vendo.aio.session("gmail") as session:
        response = await session.get("gmail/v1/users/me/profile")
        profile = await response.json()
    return {
        "token": await vendo.aio.token("gmail"),
        "mail": profile["emailAddress"],
        "mode": "vendo" if vendo.aio.is_vendo_mode() else "oss",
    }


def outcome(event: Any) -> Any:
    if event.exception is None:
        return event.retval
    return [type(event.exception).__name__, event.exception.slug]


def in_the_background() -> dict[str, Any]:
    events: SimpleQueue[Any] = SimpleQueue()
    executors = {"threads": ThreadPoolExecutor(2), "processes": ProcessPoolExecutor(1)}
    scheduler = BackgroundScheduler(executors=executors, job_defaults=NEVER_TOO_LATE)
    scheduler.add_listener(events.put, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
    for executor in executors:
        for job in (jobs.lookup, jobs.fail):
            scheduler.add_job(job, executor=executor, id=f"{job.__name__} in {executor}")
    scheduler.start()
    found = [events.get(timeout=60) for _ in range(4)]
    scheduler.shutdown()
    return {event.job_id: outcome(event) for event in found}


async def on_the_loop() -> Any:
    done: asyncio.Queue[Any] = asyncio.Queue()
    scheduler = AsyncIOScheduler(job_defaults=NEVER_TOO_LATE)
    scheduler.add_listener(done.put_nowait, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
    scheduler.add_job(lookup_async)
    scheduler.start()
    event = await asyncio.wait_for(done.get(), 60)
    scheduler.shutdown()
    await vendo.aio.aclose()
    return outcome(event)


if __name__ == "__main__":
    report = {**in_the_background(), "on the loop": asyncio.run(on_the_loop())}
    sys.stdout.write(json.dumps(report))
