#!/usr/bin/env python3
"""Judges our Telegram with an unmodified python-telegram-bot.

    telegram_ptb.py URL TOKEN

Customers act through /_play, as no bot can. Prints one line a check.
"""
import asyncio
import sys
import uuid

import httpx

from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, InputMediaDocument, InputMediaPhoto, ReplyParameters
from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken, RetryAfter
from telegram.ext import Application, CallbackQueryHandler, MessageHandler, filters

url, token = sys.argv[1:3]
mark = uuid.uuid4().hex[:8]
checks = []
KINDS = ["message", "edited_message", "callback_query", "my_chat_member", "business_connection", "business_message",
         "edited_business_message", "deleted_business_messages", "message_reaction"]
PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000154a24f5d0000000049454e44ae426082")


def check(f):
    checks.append(f)
    return f


def bot(secret=token):
    return Bot(secret, base_url=url + "/bot", base_file_url=url + "/file/bot")


async def play(verb, **given):
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{url}/_play/{verb}", json=given)
    assert answer.status_code == 200, f"{verb}: {answer.text}"
    return answer.json()


async def news(b, offset=None, timeout=0):
    return await b.get_updates(offset=offset, timeout=timeout, allowed_updates=KINDS)


async def drained(b):
    """Forgets what waits, and gives the next offset."""
    seen = await news(b, -1)
    at = seen[-1].update_id + 1 if seen else None
    if at:
        await news(b, at)
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
    assert me.is_bot and me.username == "merkbot" and not me.can_read_all_group_messages
    await refuses(InvalidToken, bot("7000000001:" + "x" * 35).get_me())
    await refuses(InvalidToken, bot("nonsense:token").get_me())


@check
async def an_update_stays_until_the_next_offset(b):
    noor = await play("user", name="Noor", username=f"noor_{mark}")
    await drained(b)
    for n in range(3):
        await play("say", **{"from": noor["id"], "text": f"vraag {n} {mark} 📦 @merkbot"})
    first = await news(b)
    again = await news(b)
    assert [u.update_id for u in first] == [u.update_id for u in again] and len(first) == 3
    message = first[0].message
    assert message.chat.type == "private" and message.from_user.id == noor["id"]
    assert [message.parse_entity(e) for e in message.entities] == ["@merkbot"], "offsets are in UTF-16"
    assert len(await b.get_updates(offset=first[0].update_id, limit=1, timeout=0)) == 1
    rest = await news(b, first[1].update_id)
    assert [u.update_id for u in rest] == [first[1].update_id, first[2].update_id]
    last = await news(b, -1)
    assert [u.update_id for u in last] == [first[2].update_id]
    assert await news(b, first[2].update_id + 1) == ()


@check
async def a_question_waits_and_a_second_asker_ends_the_first(b):
    noor = await play("user", name="Noor")
    at = await drained(b)

    async def later():
        await asyncio.sleep(0.3)
        await play("say", **{"from": noor["id"], "text": f"laat {mark}"})

    waited, _ = await asyncio.gather(news(b, at, timeout=10), later())
    assert [u.message.text for u in waited] == [f"laat {mark}"]
    at = waited[0].update_id + 1
    second = bot()
    async with second:
        async def interrupt():
            await asyncio.sleep(0.3)
            await second.get_updates(offset=at, timeout=0)

        ended, _ = await asyncio.gather(refuses(Conflict, news(b, at, timeout=10), "other getUpdates"), interrupt())
        assert ended


@check
async def a_webhook_stops_the_questions(b):
    assert (await b.get_webhook_info()).url == ""
    await refuses(BadRequest, b.set_webhook("http://shop.example/hook"), "HTTPS")
    await refuses(BadRequest, b.set_webhook("https://shop.example:8080/hook"), "ports")
    await refuses(BadRequest, b.set_webhook("https://shop.example/hook", secret_token="no spaces"), "unallowed")
    await b.set_webhook("https://shop.example/hook", secret_token="s-1", max_connections=3)
    info = await b.get_webhook_info()
    assert info.url == "https://shop.example/hook" and info.max_connections == 3
    await refuses(Conflict, news(b), "webhook is active")
    await b.delete_webhook()
    await news(b)


@check
async def messages_are_sent_answered_changed_and_taken_back(b):
    noor = await play("user", name="Noor")
    asked = await play("say", **{"from": noor["id"], "text": f"waar blijft mijn pakket? {mark}"})
    said = await b.send_message(noor["id"], "  Onderweg!\n\nGroet 👩‍💻  ", reply_parameters=ReplyParameters(
        asked["message_id"], quote="mijn pakket", allow_sending_without_reply=True))
    assert said.text == "Onderweg!\n\nGroet 👩‍💻" and said.reply_to_message.message_id == asked["message_id"] and said.from_user.is_bot
    assert said.quote.text == "mijn pakket"
    await refuses(BadRequest, b.send_message(noor["id"], "x", reply_parameters=ReplyParameters(asked["message_id"], quote="niet gezegd")), "QUOTE")
    await refuses(BadRequest, b.send_message(noor["id"], "x", reply_parameters=ReplyParameters(999_999)), "to be replied not found")
    assert (await b.send_message(noor["id"], "toch", reply_parameters=ReplyParameters(999_999, allow_sending_without_reply=True))).reply_to_message is None
    edited = await b.edit_message_text("Bezorgd!", chat_id=noor["id"], message_id=said.message_id)
    assert edited.text == "Bezorgd!" and edited.edit_date
    await refuses(BadRequest, b.edit_message_text("Bezorgd!", chat_id=noor["id"], message_id=said.message_id), "not modified")
    assert await b.delete_message(noor["id"], said.message_id)
    await refuses(BadRequest, b.delete_message(noor["id"], said.message_id), "not found")
    await refuses(BadRequest, b.send_message(noor["id"], "📦" * 2049), "too long")
    assert len((await b.send_message(noor["id"], "📦" * 2048)).text) == 2048
    await b.send_chat_action(noor["id"], "typing")
    await b.set_message_reaction(noor["id"], asked["message_id"], "👍")
    chat = await b.get_chat(noor["id"])
    assert chat.first_name == "Noor"


@check
async def files_go_both_ways(b):
    noor = await play("user", name="Noor")
    await play("say", **{"from": noor["id"], "text": "/start"})
    photo = await b.send_photo(noor["id"], PNG, caption="kijk")
    assert photo.caption == "kijk" and photo.photo[-1].file_size == len(PNG)
    document = await b.send_document(noor["id"], b"%PDF-1.4", filename="bon.pdf")
    assert document.document.file_name == "bon.pdf"
    again = await b.send_document(noor["id"], document.document.file_id)
    assert again.document.file_unique_id == document.document.file_unique_id
    album = await b.send_media_group(noor["id"], [InputMediaPhoto(PNG, caption="een"), InputMediaPhoto(PNG)])
    assert len(album) == 2 and album[0].media_group_id == album[1].media_group_id and album[0].caption == "een"
    await refuses(BadRequest, b.send_media_group(noor["id"], [InputMediaPhoto(PNG), InputMediaDocument(b"x", filename="x.txt")]), "album")
    await refuses(BadRequest, b.send_photo(noor["id"], PNG, caption="é" * 1025), "caption is too long")
    at = await drained(b)
    await play("say", **{"from": noor["id"], "file": {"kind": "document", "name": "klacht.txt", "mime": "text/plain", "base64": "aGFsbG8="}})
    await play("say", **{"from": noor["id"], "file": {"kind": "video", "name": "film.mp4", "mime": "video/mp4", "size": 21 << 20}})
    sent, large = [u.message for u in await news(b, at)]
    file = await b.get_file(sent.document.file_id)
    assert bytes(await file.download_as_bytearray()) == b"hallo"
    await refuses(BadRequest, b.get_file(large.video.file_id), "too big")


@check
async def refusals_are_the_platforms(b):
    noor = await play("user", name="Noor")
    await refuses(Forbidden, b.send_message(noor["id"], "koud"), "can't initiate")
    await refuses(BadRequest, b.send_message(1, "niemand"), "chat not found")
    await play("say", **{"from": noor["id"], "text": "hoi"})
    await play("block", **{"from": noor["id"]})
    await refuses(Forbidden, b.send_message(noor["id"], "hoi"), "blocked by the user")
    changed = (await news(b, -1))[-1].my_chat_member
    assert changed.new_chat_member.status == "kicked" and changed.chat.id == noor["id"]
    await play("unblock", **{"from": noor["id"]})
    await play("limit", calls=1, seconds=7)
    limited = await refuses(RetryAfter, b.send_message(noor["id"], "snel"))
    assert int(limited._retry_after.total_seconds()) == 7
    group = (await play("group", title="Flat", kind="group"))["id"]
    new = (await play("migrate", chat=group))["id"]
    moved = await refuses(ChatMigrated, b.send_message(group, "hallo"))
    assert moved.new_chat_id == new
    assert (await b.send_message(new, "hallo")).chat.type == "supergroup"


@check
async def a_business_account_is_answered_for(b):
    owner, noor = await play("user", name="Winkel"), await play("user", name="Noor")
    at = await drained(b)
    connection = (await play("business", owner=owner["id"]))["id"]
    said = await play("say", **{"from": noor["id"], "business": connection, "text": f"open? {mark}"})
    await play("say", **{"from": owner["id"], "chat": noor["id"], "business": connection, "text": "ja"})
    opened, asked, answered = await news(b, at)
    assert opened.business_connection.rights.can_reply and opened.business_connection.user.id == owner["id"]
    assert asked.business_message.business_connection_id == connection and answered.business_message.from_user.id == owner["id"]
    sent = await b.send_message(noor["id"], "tot 9", business_connection_id=connection)
    assert sent.sender_business_bot.username == "merkbot" and sent.from_user.id == owner["id"]
    assert await b.read_business_message(connection, noor["id"], said["message_id"])
    assert (await b.get_business_connection(connection)).is_enabled
    await play("delete", chat=noor["id"], business=connection, message_id=said["message_id"])
    gone = (await news(b, -1))[-1].deleted_business_messages
    assert gone.message_ids == (said["message_id"],)
    await b.delete_business_messages(connection, [sent.message_id])
    await play("business", id=connection, can_reply=False)
    await refuses(BadRequest, b.send_message(noor["id"], "nog iets", business_connection_id=connection), "BUSINESS")


@check
async def an_application_polls_presses_and_reacts(b):
    """The whole machinery: Application, updater, handlers."""
    noor = await play("user", name="Noor")
    app = Application.builder().token(token).base_url(url + "/bot").base_file_url(url + "/file/bot").build()
    heard = asyncio.Queue()

    async def on_text(update, context):
        keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Maat M", callback_data="m")]])
        await heard.put(await update.effective_message.reply_text("Welke maat?", reply_markup=keyboard, do_quote=True))

    async def on_press(update, context):
        await update.callback_query.answer("Genoteerd")
        await heard.put(update.callback_query.data)

    app.add_handler(MessageHandler(filters.TEXT, on_text))
    app.add_handler(CallbackQueryHandler(on_press))
    async with app:
        await app.updater.start_polling(timeout=5, allowed_updates=KINDS, drop_pending_updates=True)
        await app.start()
        await play("say", **{"from": noor["id"], "text": f"trui {mark}"})
        menu = await asyncio.wait_for(heard.get(), 10)
        assert menu.reply_to_message.text == f"trui {mark}"
        await play("press", **{"from": noor["id"], "message_id": menu.message_id, "data": "m"})
        assert await asyncio.wait_for(heard.get(), 10) == "m"
        await app.updater.stop()
        await app.stop()
    state = await play("state")
    assert any(done.get("text") == "Genoteerd" for done in state["done"]) and state["presses"] == []


async def main():
    bad = 0
    async with bot() as b:
        for f in checks:
            try:
                await f(b)
                print(f"ok {f.__name__}", flush=True)
            except Exception as e:
                bad += 1
                print(f"not ok {f.__name__}: {type(e).__name__}: {e}", flush=True)
    return bad



sys.exit(1 if asyncio.run(main()) else 0)
