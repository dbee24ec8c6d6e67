"""Every call of a client against a backend that fails. Run as a program; it prints JSON."""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
from typing import TYPE_CHECKING, Any

import vendo
from canary.run import Outcomes, main, wait_a_minute
from vendo import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

#: Seconds. The time-out of a backend that is silent passes, any other does not.
SILENT, PATIENT = 0.2, 20.0


def _events(client: vendo.Vendo) -> None:
    with client.events.subscribe(0.01) as events:
        closing = threading.Timer(SILENT, events.close)
        closing.start()
        for _ in events:  # a stream connects again after most failures
            pass
        closing.join()


def _watch(client: Any) -> None:
    with client.events.watch():
        threading.Event().wait(SILENT)  # for it to meet the failure


async def _events_in_task(client: vendo.AsyncVendo) -> None:
    async with asyncio.timeout(SILENT), client.events.subscribe(0.01) as events:
        async for _ in events:
            pass


def _bootstrap(client: vendo.Vendo) -> None:
    from vendo import reconciler

    reconciler.bootstrap(
        env_file=os.environ["CANARY_FILE"], mapping={"MAIL": "gmail"}, client=client
    )


def _verify(client: Any) -> None:
    client.webhooks.verify({"Vendo-Signature": "v1=00", "Vendo-Timestamp": "1"}, b"{}")


#: The calls that a `Vendo` and an `AsyncVendo` both have.
CALLS: dict[str, Callable[[Any], Any]] = {
    "token": lambda client: client.token("gmail"),
    "tokens": lambda client: client.tokens(["gmail", "slack"]),
    "connections": lambda client: client.connections.list(),
    "connection": lambda client: client.connections.get("gmail"),
    "slugs": lambda client: client.connections.connected_slugs(),
    "integrations": lambda client: client.integrations.list(),
    "integration": lambda client: client.integrations.get("gmail"),
    "balance": lambda client: client.billing.balance(),
    "caps": lambda client: client.billing.spend_caps(),
    "usage": lambda client: client.billing.usage(),
    "action": lambda client: client.data.execute("GMAIL_FETCH_EMAILS", {"query": "x"}),
    "header": lambda client: client.for_user(f"{os.environ['CANARY_JWT']}\n.x").token("gmail"),
    "slug": lambda client: client.token("no such slug"),
}
BLOCKING: dict[str, Callable[[Any], Any]] = {
    **CALLS,
    "events": _events,
    "watch": _watch,
    "link": lambda client: client.connect_url("gmail", return_to="not an address"),
    "request": lambda client: client.for_request({"X-Vendo-User-JWT": "a b"}),
    "session": lambda client: client.session("gmail", hosts=["*"]),
    "reconciler": _bootstrap,
    "webhook": _verify,
    "pickle": lambda client: __import__("pickle").dumps(client),
}
IN_TASKS: dict[str, Callable[[Any], Any]] = {**CALLS, "events": _events_in_task}


def active(
    client: Any, calls: Iterable[str], failure: str, outcomes: Outcomes
) -> Iterator[tuple[Any, str, Any]]:
    """Yield each client, the name of a call that it makes, and where its outcome is noted."""
    users = client.for_user(os.environ["CANARY_JWT"])
    for name, (who, one) in itertools.product(calls, (("app", client), ("user", users))):
        if failure.startswith("echo") and (who == "app" or name == "watch"):
            continue  # the backend sends a JWT that it did not get: a watch is the application's
        outcomes.search.value("the client", one)
        yield one, name, outcomes.of(f"{failure}, {name}, {who}")


def settings(url: str, failure: str) -> dict[str, Any]:
    """Return the settings of a client of this backend."""
    return {
        **dict.fromkeys(("base_url", "credentials_url", "data_proxy_url"), url),
        "timeout": SILENT if failure == "silent" else PATIENT,
        "retry": RetryPolicy(2, backoff=0.001),
    }


def run(way: str, urls: dict[str, str], outcomes: Outcomes) -> None:
    """Make every call of a client, and of one for a user, against every failure."""

    def blocking() -> None:
        for failure, url in urls.items():
            with vendo.Vendo(**settings(url, failure)) as client:
                for one, name, noted in active(client, BLOCKING, failure, outcomes):
                    with noted:
                        BLOCKING[name](one)

    async def in_tasks() -> None:
        transport: Any = way
        for failure, url in urls.items():
            async with vendo.AsyncVendo(**settings(url, failure), transport=transport) as client:
                for one, name, noted in active(client, IN_TASKS, failure, outcomes):
                    with noted:
                        await IN_TASKS[name](one)

    if way == "blocking":
        blocking()
    else:
        asyncio.run(in_tasks(), debug=True)
    wait_a_minute()


if __name__ == "__main__":
    main(run)
