"""The default client: its methods and sub-APIs are the functions of the package.

It follows the environment at each call, so one client serves the whole life of a process.
"""

from __future__ import annotations

from vendo._client.blocking import Vendo

client: Vendo = Vendo()
