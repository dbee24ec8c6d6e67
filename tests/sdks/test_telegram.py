"""python-telegram-bot: the token is in the path of the URL."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest
import telegram
from telegram.error import Forbidden, InvalidToken
from telegram.ext import Application, MessageHandler, filters
from telegram.request import HTTPXRequest

import vendo
from sdks.checks import DUMMY, provider_texts
from sdks.scenarios import Calls, Scenarios

if TYPE_CHECKING:
    from vendo.testing import LocalVendo

pytestmark = pytest.mark.sdk


def request_of(client: vendo.Vendo | vendo.AsyncVendo) -> HTTPXRequest:
    return HTTPXRequest(httpx_kwargs={"auth": client.httpx_auth("telegram", override=True)})


def bot_of(client: vendo.Vendo | vendo.AsyncVendo) -> telegram.Bot:
    return telegram.Bot(DUMMY, request=request_of(client), get_updates_request=request_of(client))


class TestTelegram(Scenarios):
    slug = "telegram"
    other = ("POST", "/getUpdates")
    unauthenticated = InvalidToken
    forbidden = Forbidden
    shows_dummy = True

    def error_body(self, reason: str) -> dict[str, Any]:
        return {"ok": False, "error_code": 401, "description": reason}

    def make(self, client: vendo.Vendo, stack: AsyncExitStack) -> Calls:
        bot = bot_of(client)
        stack.push_async_callback(bot.shutdown)

        async def say(text: str) -> object:
            await bot.initialize()
            return await bot.send_message(1, text)

        async def other() -> object:
            await bot.initialize()
            return await bot.get_updates()

        async def stream() -> str:
            file = await bot.get_file("1")
            return (await file.download_as_bytearray()).decode()

        return Calls(say, other, stream, [bot, bot.request])


def test_application_gets_updates_through_new_tokens(
    server: LocalVendo, client: vendo.Vendo, runner: asyncio.Runner
) -> None:
    chat = {"id": 1, "type": "private"}
    sent = {"message_id": 1, "date": 1_777_680_000, "chat": chat, "text": "Hello"}
    server.respond(
        "telegram",
        "POST",
        "/getUpdates",
        body={"ok": True, "result": [{"update_id": 1, "message": sent}]},
    )

    async def main() -> None:
        application: Any = (
            Application.builder()
            .token(DUMMY)
            .request(request_of(client))
            .get_updates_request(request_of(client))
            .build()
        )
        texts: asyncio.Queue[str] = asyncio.Queue()

        async def receive(update: Any, context: Any) -> None:
            await texts.put(update.message.text)

        application.add_handler(MessageHandler(filters.ALL, receive))
        async with application:
            await application.start()
            await application.updater.start_polling()
            for _ in range(2):
                assert await asyncio.wait_for(texts.get(), 30) == "Hello"
                server.expire("telegram")
            await application.updater.stop()
            await application.stop()

    runner.run(main())
    assert all(DUMMY not in text for text in provider_texts(server, "telegram"))


def test_client_of_asyncio_serves_it_too(server: LocalVendo, runner: asyncio.Runner) -> None:
    async def main() -> str | None:
        async with server.async_client() as client, bot_of(client) as bot:
            server.expire("telegram")
            return (await bot.get_me()).username

    assert runner.run(main()) == "local_vendo_bot"
