"""The default client: its methods and sub-APIs are the functions of the package.

It follows the environment at each call, so one client serves the whole life of a process.
"""

from __future__ import annotations

from vendo._client.base import BaseClient
from vendo._client.blocking import Vendo

TYPE_CHECKING = False

client: Vendo = Vendo()

if not TYPE_CHECKING:
    #: As they are before a test replaces one on the class: the package keeps what it is given.
    _MEMBERS = {**vars(BaseClient), **vars(Vendo)}

    def __getattr__(name: str) -> object:
        if name.startswith("_") or name not in _MEMBERS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return _MEMBERS[name].__get__(client, Vendo)
