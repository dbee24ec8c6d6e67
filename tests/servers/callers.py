"""What the workers are given to do, and what their results must be."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias

import requests

from servers import SLUGS
from soak.ledger import Ledger
from vendo.testing._state.connections import user_of

if TYPE_CHECKING:
    from vendo.testing import LocalVendo

    #: The arguments of `app.call`.
    Call: TypeAlias = dict[str, str]

CALLS = 1_000
_CALLERS = 12
USERS = [f"user.{n}.jwt" for n in range(4)]


def calls(seed: int = 7, number: int = CALLS) -> list[Call]:
    """Return so many calls, each with a number of its own."""
    random = Random(seed)
    return [
        {"slug": random.choice(SLUGS), "user": random.choice(USERS), "n": str(n)}
        for n in range(number)
    ]


class Results:
    """The results of all calls, and those that are wrong."""

    def __init__(self, server: LocalVendo) -> None:
        self._ledger = Ledger(server)
        self._users = {jwt: user_of(jwt) for jwt in USERS}
        self.wrong: list[str] = []
        self.processes: set[int] = set()

    def check(self, call: Call, result: dict[str, Any]) -> None:
        echo = {"provider": call["slug"], "n": call["n"]}
        if not self._ledger.is_of(result["token"], call["slug"], call["user"]):
            self.wrong.append(f"{call} got the token {result['token'][:16]}…")
        if result["echoes"] != [echo, echo] or result["user"] != self._users[call["user"]]:
            self.wrong.append(f"{call} got the responses {result['echoes']} of {result['user']}")
        if result["watch is wrong"]:
            self.wrong.append("a watch counts as running, and its thread does not exist")
        self.processes.add(result["pid"])

    def request(self, site: str) -> None:
        """Have the workers of a site make all calls, from concurrent callers."""

        def request(call: Call) -> None:
            try:
                # A connection for each, so that all workers get some.
                response = requests.get(site, params=call, timeout=60)
            except requests.RequestException as error:
                self.wrong.append(f"{call}: {type(error).__name__}")
                return
            if response.status_code != 200:
                self.wrong.append(f"{call}: HTTP {response.status_code}")
            else:
                self.check(call, response.json())

        with ThreadPoolExecutor(_CALLERS) as pool:
            list(pool.map(request, calls()))
