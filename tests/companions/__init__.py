"""Packages that people have beside an adapter: a real site with each, on a real server.

A site is used as its users would: a request that needs a token, a provider that is not connected, a
Vendo that is down, the way to connect a provider, a webhook, and a restart.
"""

from __future__ import annotations

#: The headers that the platform's proxy adds for a signed-in user.
ADA = {
    "X-Vendo-User-Id": "usr_ada",
    "X-Vendo-User-Email": "ada@example.com",
    "X-Vendo-User-Name": "Ada Example",
    "X-Vendo-Tenant-Id": "ten_1",
    "X-Vendo-Role": "member",
    "X-Vendo-User-JWT": "ada.one.jwt",
}
JWT = ADA["X-Vendo-User-JWT"]
