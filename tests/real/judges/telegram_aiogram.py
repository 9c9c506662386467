#!/usr/bin/env python3
"""Judges our Telegram with an unmodified aiogram, whose types refuse what is not the Bot API's.

    telegram_aiogram.py URL TOKEN

Customers act through /_play, as no bot can. Prints one line a check.
"""
import asyncio
import contextlib
import sys
import uuid

import aiohttp
from aiogram import Bot, Dispatcher, F
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (TelegramBadRequest, TelegramConflictError, TelegramForbiddenError, TelegramMigrateToChat,
                                TelegramRetryAfter, TelegramUnauthorizedError)
from aiogram.types import BufferedInputFile, InputMediaPhoto, ReactionTypeEmoji, ReplyParameters
from aiogram.webhook.aiohttp_server import SimpleRequestHandler, setup_application
from aiohttp import web

url, token = sys.argv[1:3]
mark = uuid.uuid4().hex[:8]
checks = []


def check(f):
    checks.append(f)
    return f


def bot(secret=token):
    return Bot(secret, session=AiohttpSession(api=TelegramAPIServer.from_base(url)))


async def play(verb, **given):
    async with aiohttp.ClientSession() as http, http.post(f"{url}/_play/{verb}", json=given) as answer:
        body = await answer.json()
        assert answer.status == 200, f"{verb}: {body}"
        return body


async def drained(b):
    seen = await b.get_updates(offset=-1)
    at = seen[-1].update_id + 1 if seen else None
    if at:
        await b.get_updates(offset=at)
    return at


async def refuses(kind, awaitable, says=""):
    try:
        await awaitable
    except kind as e:
        assert says.lower() in str(e).lower(), f"{e} without {says}"
        return e
    raise AssertionError("was accepted")


@check
async def the_bot_says_who_it_is(b):
    me = await b.get_me()
    assert me.is_bot and me.username == "merkbot"
    other = bot("7000000001:" + "x" * 35)
    await refuses(TelegramUnauthorizedError, other.get_me())
    await other.session.close()


@check
async def every_kind_of_update_has_its_shape(b):
    noor, owner = await play("user", name="Noor"), await play("user", name="Winkel")
    await b.get_updates(allowed_updates=["message", "edited_message", "callback_query", "my_chat_member", "business_connection",
                                         "business_message", "edited_business_message", "deleted_business_messages", "message_reaction"])
    at = await drained(b)
    said = await play("say", **{"from": noor["id"], "text": "hoi"})
    await play("edit", **{"from": noor["id"], "message_id": said["message_id"], "text": "hallo"})
    await play("react", **{"from": noor["id"], "message_id": said["message_id"], "emoji": "🔥"})
    for kind, mime in [("photo", "image/jpeg"), ("video", "video/mp4"), ("audio", "audio/mpeg"), ("voice", "audio/ogg"),
                       ("animation", "video/mp4"), ("sticker", "image/webp"), ("video_note", "video/mp4"), ("document", "application/pdf")]:
        await play("say", **{"from": noor["id"], "file": {"kind": kind, "name": f"x.{kind}", "mime": mime, "base64": "aGFsbG8="}})
    for verb in ["block", "unblock"]:
        await play(verb, **{"from": noor["id"]})
    connection = (await play("business", owner=owner["id"]))["id"]
    asked = await play("say", **{"from": noor["id"], "business": connection, "text": "open?"})
    await play("edit", business=connection, chat=noor["id"], message_id=asked["message_id"], text="nu open?")
    await play("delete", business=connection, chat=noor["id"], message_id=asked["message_id"])
    kinds = [update.event_type for update in await b.get_updates(offset=at, limit=100)]
    assert kinds == ["message", "edited_message", "message_reaction"] + ["message"] * 8 + ["my_chat_member"] * 2 + [
        "business_connection", "business_message", "edited_business_message", "deleted_business_messages"], kinds


@check
async def an_update_stays_until_the_next_offset(b):
    noor = await play("user", name="Noor")
    await drained(b)
    for n in range(4):
        await play("say", **{"from": noor["id"], "text": f"{n} {mark}"})
    first = await b.get_updates(limit=2)
    assert len(first) == 2
    second = await b.get_updates(offset=first[-1].update_id + 1)
    assert [u.message.text for u in second] == [f"2 {mark}", f"3 {mark}"]
    assert await b.get_updates(offset=second[-1].update_id + 1) == []


@check
async def messages_files_albums_and_reactions_are_sent(b):
    noor = await play("user", name="Noor")
    asked = await play("say", **{"from": noor["id"], "text": f"vraag {mark}"})
    said = await b.send_message(noor["id"], "antwoord", reply_parameters=ReplyParameters(message_id=asked["message_id"]))
    assert said.reply_to_message.message_id == asked["message_id"]
    photo = await b.send_photo(noor["id"], BufferedInputFile(b"png", "x.png"), caption="kijk")
    got = await b.download(photo.photo[-1])
    assert got.read() == b"png"
    album = await b.send_media_group(noor["id"], [InputMediaPhoto(media=BufferedInputFile(b"1", "1.png")), InputMediaPhoto(media=BufferedInputFile(b"2", "2.png"))])
    assert len({m.media_group_id for m in album}) == 1
    assert await b.set_message_reaction(noor["id"], asked["message_id"], [ReactionTypeEmoji(emoji="👍")])
    edited = await b.edit_message_text("beter", chat_id=noor["id"], message_id=said.message_id)
    assert edited.text == "beter"
    assert await b.delete_messages(noor["id"], [m.message_id for m in album])
    chat = (await play("chat", chat=noor["id"]))
    assert not {m.message_id for m in album} & {m["message_id"] for m in chat["messages"]}


@check
async def refusals_are_the_platforms(b):
    noor = await play("user", name="Noor")
    await refuses(TelegramForbiddenError, b.send_message(noor["id"], "koud"), "can't initiate")
    await refuses(TelegramBadRequest, b.send_message(1, "niemand"), "chat not found")
    await play("say", **{"from": noor["id"], "text": "hoi"})
    await play("limit", calls=1, seconds=7)
    assert (await refuses(TelegramRetryAfter, b.send_message(noor["id"], "snel"))).retry_after == 7
    group = (await play("group", title="Flat", kind="group"))["id"]
    new = (await play("migrate", chat=group))["id"]
    assert (await refuses(TelegramMigrateToChat, b.send_message(group, "hallo"))).migrate_to_chat_id == new


@check
async def a_second_asker_ends_the_first(b):
    at = await drained(b)
    second = bot()

    async def interrupt():
        await asyncio.sleep(0.3)
        await second.get_updates(offset=at)

    await asyncio.gather(refuses(TelegramConflictError, b.get_updates(offset=at, timeout=10), "other getUpdates"), interrupt())
    await second.session.close()


@check
async def a_dispatcher_polls_and_answers(b):
    noor = await play("user", name="Noor")
    dispatcher, mine = Dispatcher(), bot()
    answered = asyncio.Event()

    @dispatcher.message(F.text)
    async def on_text(message):
        await message.reply(f"gehoord: {message.text}")
        answered.set()

    running = asyncio.create_task(dispatcher.start_polling(mine, handle_signals=False, polling_timeout=5))
    await play("say", **{"from": noor["id"], "text": f"trui {mark}"})
    await asyncio.wait_for(answered.wait(), 15)
    await dispatcher.stop_polling()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.wait_for(running, 10)
    said = [m["text"] for m in (await play("chat", chat=noor["id"]))["messages"]]
    assert said == [f"trui {mark}", f"gehoord: trui {mark}"]


@check
async def a_webhook_is_called_with_the_secret_until_it_says_yes(b):
    noor = await play("user", name="Noor")
    await drained(b)
    dispatcher, heard, refusals = Dispatcher(), asyncio.Queue(), [500]

    @dispatcher.message(F.text)
    async def on_text(message):
        await heard.put(message.text)

    @web.middleware
    async def hiccup(request, handler):
        if refusals:
            return web.Response(status=refusals.pop())
        return await handler(request)

    app = web.Application(middlewares=[hiccup])
    SimpleRequestHandler(dispatcher=dispatcher, bot=b, secret_token="s-1", handle_in_background=False).register(app, path="/hook")
    setup_application(app, dispatcher, bot=b)
    # The session belongs to the judge: the application must not close it.
    app.on_shutdown.clear()
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    await b.set_webhook(f"http://127.0.0.1:{port}/hook", secret_token="s-1")
    await play("say", **{"from": noor["id"], "text": f"gebeld {mark}"})
    assert await asyncio.wait_for(heard.get(), 15) == f"gebeld {mark}"
    for _ in range(50):
        info = await b.get_webhook_info()
        if not info.pending_update_count:
            break
        await asyncio.sleep(0.1)
    assert info.pending_update_count == 0 and "500" in info.last_error_message
    # With another secret the client refuses, and the update waits.
    await b.set_webhook(f"http://127.0.0.1:{port}/hook", secret_token="s-2")
    await play("say", **{"from": noor["id"], "text": f"vals {mark}"})
    for _ in range(50):
        info = await b.get_webhook_info()
        if info.last_error_message:
            break
        await asyncio.sleep(0.1)
    assert "401" in info.last_error_message and info.pending_update_count == 1
    await b.delete_webhook(drop_pending_updates=True)
    await runner.cleanup()


async def main():
    bad = 0
    b = bot()
    for f in checks:
        try:
            await f(b)
            print(f"ok {f.__name__}", flush=True)
        except Exception as e:
            bad += 1
            print(f"not ok {f.__name__}: {type(e).__name__}: {e}", flush=True)
    await b.session.close()
    return bad



sys.exit(1 if asyncio.run(main()) else 0)
