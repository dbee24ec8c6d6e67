"""A program that uses each part of the library, and prints what it gets as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import jobs
import vendo


async def token() -> str:
    found = await vendo.aio.token("gmail")
    await vendo.aio.aclose()
    return found


def main() -> None:
    report: dict[str, object] = {"found": jobs.lookup(), "async": asyncio.run(token())}
    try:
        jobs.fail()
    except vendo.NotConnected as error:
        report["failed"] = error.slug
    with vendo.testing.LocalVendo(connections=["slack"]) as server, server.client() as client:
        report["connected"] = client.connections.connected_slugs()
    if "where" in sys.argv:
        report["where"] = str(Path(vendo.__file__).parent)
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    main()
