"""Look-ups of a real provider's name, which end in an error during a test.

Python reports each look-up to an audit hook, from whatever library. A fake `getaddrinfo` of a test
reports none. Behind a proxy the name is in a request of `http.client`, which is reported as well.
An audit hook stays until the process ends. So there is one, which acts while a run asks for it.
"""

from __future__ import annotations

import sys

from vendo.testing import provider_at
from vendo_pytest._interceptor import GuardError, real, running

_LOOK_UPS = frozenset({"socket.getaddrinfo", "socket.gethostbyname"})
_TUNNEL = b"CONNECT "
_PLATFORM = ".vendo.run"
_is_observed = False


def observe() -> None:
    """Add the hook, unless it is there."""
    global _is_observed
    if not _is_observed:
        _is_observed = True
        sys.addaudithook(_on_event)


def _on_event(event: str, arguments: tuple[object, ...]) -> None:
    if event in _LOOK_UPS:
        host = arguments[0]
    elif event == "http.client.send":
        data = arguments[1]
        if not isinstance(data, bytes) or not data.startswith(_TUNNEL):
            return
        host = data[len(_TUNNEL) :].partition(b":")[0]
    else:
        return
    if any(run.keeps_local for run in running):
        _check(host)


def _check(host: object) -> None:
    __tracebackhide__ = True
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if not isinstance(host, str):
        return
    found = provider_at(host)
    if found is not None:
        raise GuardError(_message(host, *found))
    if f".{host.lower().removesuffix('.')}".endswith(_PLATFORM):
        raise GuardError(
            f"The code under test requested {host}, a host of the real Vendo. Fix: the fixture "
            f"vendo_server. {real(_moment(), 'the real one')}"
        )


def _message(host: str, slug: str, name: str) -> str:
    problem = f"The code under test requested {host}, a host of the real {name}. Fix: "
    moment = _moment()
    live = real(moment, "the real one")
    address = f'provider_url("{slug}")'
    if moment is None:
        return f"{problem}do it in a test, not before the tests begin. {live}"
    for run in running:
        if run.server is not None:
            return f"{problem}{run.server}.{address} is the address of its fake provider. {live}"
    server = "vendo_server" if moment == "function" else "vendo_session_server"
    return (
        f"{problem}the fixture {server}, whose {address} is the address of a fake provider, for "
        f"any client. {live}"
    )


def _moment() -> str | None:
    """Return the scope of the fixture that runs now; one wider than a test's comes first."""
    moments = {run.moment for run in running} - {None}
    return next(iter(moments - {"function"} or moments), None)
