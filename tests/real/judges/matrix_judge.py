#!/usr/bin/env python3
"""Judges a server that claims to be a Matrix homeserver with a client that we did not write: matrix-nio, unmodified.

    matrix_judge.py URL BRAND CUSTOMER      each as USER_ID:PASSWORD with the last colon dividing

Prints one line a check ("ok NAME" or "not ok NAME: why") and ends with 0 when all are ok.
"""
import asyncio
import io
import sys
import uuid

from nio import (
    AsyncClient,
    AsyncClientConfig,
    DownloadResponse,
    JoinResponse,
    LoginError,
    LoginResponse,
    RoomCreateResponse,
    RoomGetEventResponse,
    RoomMessagesResponse,
    RoomMessageText,
    RoomRedactResponse,
    RoomSendError,
    RoomSendResponse,
    SyncError,
    SyncResponse,
    UploadResponse,
)
from nio.api import MessageDirection
from nio.events import ReactionEvent, RedactedEvent, RedactionEvent

url = sys.argv[1]
(brand_id, brand_pass), (customer_id, customer_pass) = (a.rsplit(":", 1) for a in sys.argv[2:4])
mark = uuid.uuid4().hex[:8]
state = {}
checks = []
config = AsyncClientConfig(encryption_enabled=False, max_limit_exceeded=0, max_timeouts=0, request_timeout=10)
brand, customer = AsyncClient(url, brand_id, config=config), AsyncClient(url, customer_id, config=config)


def check(f):
    checks.append(f)
    return f


def is_(kind, answer):
    assert isinstance(answer, kind), f"{kind.__name__} expected: {answer}"
    return answer


async def said(client, room, look, kind=RoomMessageText, timeout=3000):
    """Syncs until an event of the room passes `look`."""
    for _ in range(5):
        answer = is_(SyncResponse, await client.sync(timeout=timeout))
        info = answer.rooms.join.get(room)
        for event in info.timeline.events if info else []:
            if isinstance(event, kind) and look(event):
                return event
    raise AssertionError("it did not come")


@check
async def it_signs_in_with_a_password():
    is_(LoginError, await brand.login("not-the-password"))
    is_(LoginResponse, await brand.login(brand_pass, device_name="judge"))
    is_(LoginResponse, await customer.login(customer_pass))
    who = await brand.whoami()
    assert (who.user_id, who.device_id) == (brand_id, brand.device_id)


@check
async def a_first_sync_shows_the_rooms():
    answer = is_(SyncResponse, await brand.sync(timeout=0, full_state=True))
    assert answer.next_batch
    is_(SyncResponse, await customer.sync(timeout=0))


@check
async def an_invitation_to_a_private_room():
    made = is_(RoomCreateResponse, await customer.room_create(is_direct=True, invite=[brand_id]))
    state["room"] = made.room_id
    answer = is_(SyncResponse, await brand.sync(timeout=3000))
    invite = answer.rooms.invite[made.room_id]
    ours = [e for e in invite.invite_state if getattr(e, "state_key", None) == brand_id]
    assert ours and ours[0].membership == "invite" and ours[0].content["is_direct"] is True
    is_(JoinResponse, await brand.join(made.room_id))
    answer = is_(SyncResponse, await brand.sync(timeout=3000))
    assert made.room_id in answer.rooms.join and brand.rooms[made.room_id].member_count == 2
    await customer.sync(timeout=3000)


@check
async def a_message_arrives_while_it_is_waited_for():
    waiting = asyncio.create_task(said(brand, state["room"], lambda e: mark in e.body, timeout=8000))
    await asyncio.sleep(0)
    sent = is_(RoomSendResponse, await customer.room_send(state["room"], "m.room.message", {"msgtype": "m.text", "body": f"waar blijft het? {mark}"}))
    event = await asyncio.wait_for(waiting, 8)
    assert event.event_id == sent.event_id and event.sender == customer_id and event.server_timestamp > 0
    state["asked"] = event


@check
async def a_reply_is_sent_once():
    content = {"msgtype": "m.text", "body": f"Wij kijken {mark}", "m.relates_to": {"m.in_reply_to": {"event_id": state["asked"].event_id}}}
    send = lambda: brand.room_send(state["room"], "m.room.message", content, tx_id=f"judge-{mark}")
    one, two = is_(RoomSendResponse, await send()), is_(RoomSendResponse, await send())
    assert one.event_id == two.event_id, "the same transaction is the same event"
    event = await said(brand, state["room"], lambda e: e.event_id == one.event_id)
    assert event.source["unsigned"]["transaction_id"] == f"judge-{mark}"
    event = await said(customer, state["room"], lambda e: e.event_id == one.event_id)
    assert "transaction_id" not in event.source["unsigned"], "only the sender's device knows it"
    assert event.source["content"]["m.relates_to"]["m.in_reply_to"]["event_id"] == state["asked"].event_id
    state["answer"] = one.event_id


@check
async def an_edit_is_an_event_and_stands_beside_the_first():
    new = {"msgtype": "m.text", "body": f"waar blijft hij? {mark}"}
    await customer.room_send(state["room"], "m.room.message", {**new, "m.new_content": new, "m.relates_to": {"rel_type": "m.replace", "event_id": state["asked"].event_id}})
    event = await said(brand, state["room"], lambda e: "hij" in e.body)
    assert event.source["content"]["m.relates_to"]["rel_type"] == "m.replace"
    now = is_(RoomGetEventResponse, await brand.room_get_event(state["room"], state["asked"].event_id)).event
    assert "het?" in now.body and "hij" in now.source["unsigned"]["m.relations"]["m.replace"]["content"]["m.new_content"]["body"]


@check
async def a_reaction_and_its_removal():
    sent = await customer.room_send(state["room"], "m.reaction", {"m.relates_to": {"rel_type": "m.annotation", "event_id": state["answer"], "key": "👍"}})
    event = await said(brand, state["room"], lambda e: True, ReactionEvent)
    assert (event.reacts_to, event.key) == (state["answer"], "👍")
    is_(RoomRedactResponse, await customer.room_redact(state["room"], sent.event_id))
    event = await said(brand, state["room"], lambda e: True, RedactionEvent)
    assert event.redacts == sent.event_id
    gone = is_(RoomGetEventResponse, await brand.room_get_event(state["room"], sent.event_id)).event
    assert isinstance(gone, RedactedEvent), gone


@check
async def what_a_sync_leaves_out_is_read_back():
    begin = brand.next_batch
    for n in range(7):
        await customer.room_send(state["room"], "m.room.message", {"msgtype": "m.text", "body": f"n{n} {mark}"})
    answer = is_(SyncResponse, await brand.sync(timeout=0, sync_filter={"room": {"timeline": {"limit": 2}}}))
    timeline = answer.rooms.join[state["room"]].timeline
    assert timeline.limited and [e.body[:2] for e in timeline.events] == ["n5", "n6"]
    page = is_(RoomMessagesResponse, await brand.room_messages(state["room"], timeline.prev_batch, end=begin, direction=MessageDirection.back, limit=3))
    assert [e.body[:2] for e in page.chunk] == ["n4", "n3", "n2"]
    page = is_(RoomMessagesResponse, await brand.room_messages(state["room"], page.end, end=begin, direction=MessageDirection.back, limit=10))
    assert [e.body[:2] for e in page.chunk] == ["n1", "n0"]


@check
async def a_receipt_is_told():
    await customer.room_read_markers(state["room"], state["answer"], state["answer"])
    await customer.update_receipt_marker(state["room"], state["answer"])
    answer = is_(SyncResponse, await brand.sync(timeout=3000))
    events = [e for info in answer.rooms.join.values() for e in info.ephemeral]
    receipts = [r for e in events for r in getattr(e, "receipts", [])]
    assert [(r.event_id, r.user_id, r.receipt_type) for r in receipts] == [(state["answer"], customer_id, "m.read")]


@check
async def media_need_a_token():
    data = b"\x89PNG not really"
    sent, _ = await customer.upload(lambda *_: io.BytesIO(data), content_type="image/png", filename="x.png", filesize=len(data))
    uri = is_(UploadResponse, sent).content_uri
    got = is_(DownloadResponse, await brand.download(uri))
    assert got.body == data and got.content_type == "image/png"


@check
async def too_large_and_strangers_are_refused():
    refused = is_(RoomSendError, await brand.room_send(state["room"], "m.room.message", {"msgtype": "m.text", "body": "x" * 70_000}))
    assert refused.status_code == "M_TOO_LARGE"
    made = is_(RoomCreateResponse, await customer.room_create())
    refused = is_(RoomSendError, await brand.room_send(made.room_id, "m.room.message", {"msgtype": "m.text", "body": "hoi"}))
    assert refused.status_code == "M_FORBIDDEN"


@check
async def a_bad_token_is_refused():
    stranger = AsyncClient(url, brand_id, config=config)
    stranger.access_token = "no-such-token"
    refused = is_(SyncError, await stranger.sync(timeout=0))
    await stranger.close()
    assert refused.status_code == "M_UNKNOWN_TOKEN"


async def main():
    bad = 0
    for f in checks:
        try:
            await asyncio.wait_for(f(), 30)
            print(f"ok {f.__name__}")
        except Exception as e:  # a judge reports everything that is wrong, not the first
            bad += 1
            print(f"not ok {f.__name__}: {type(e).__name__}: {e}".replace("\n", " "))
    await brand.close()
    await customer.close()
    return 1 if bad else 0


sys.exit(asyncio.run(main()))
