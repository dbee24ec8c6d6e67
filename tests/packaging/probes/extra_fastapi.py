"""Extra `fastapi`: a dependency in an endpoint."""

import asyncio
from typing import Annotated, Any

from fastapi import Depends, FastAPI

from vendo_starlette import install, vendo_routes, vendo_token

app = FastAPI(routes=vendo_routes())
install(app)


@app.get("/")
async def home(token: Annotated[str, Depends(vendo_token("openai"))]) -> str:
    return token


sent: list[Any] = []


async def main() -> None:
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)


asyncio.run(main())
assert sent[0]["status"] == 200
assert sent[1]["body"] == b'"sk-probe"'
assert "token" not in str(app.openapi()["paths"])
