#!/usr/bin/env python3
"""Judges a server that claims to be Mastodon with a client that we did not write: Mastodon.py, unmodified.

    mastodon_judge.py URL BRAND_TOKEN CUSTOMER_TOKEN [--strict]

Prints one line a check ("ok NAME" or "not ok NAME: why") and ends with 0 when all are ok. --strict adds what a real
Mastodon does and the stand-in (mastodon-mock) is known not to do.
"""
import sys
import time
import uuid

from mastodon import (
    Mastodon,
    MastodonAPIError,
    MastodonNotFoundError,
    MastodonUnauthorizedError,
)

url, brand_token, customer_token = sys.argv[1:4]
strict = "--strict" in sys.argv


def client(token):
    return Mastodon(api_base_url=url, access_token=token, ratelimit_method="throw", request_timeout=10)


brand, customer = client(brand_token), client(customer_token)
checks = []


def check(f):
    checks.append(f)
    return f


def wait(what, look, seconds=5):
    end = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.05)


def refuses(kind, f, status=None):
    try:
        f()
    except kind as e:
        if status is not None:
            assert status in e.args, f"{e.args} without {status}"
        return
    raise AssertionError(f"was accepted, {kind.__name__} expected")


me, them = brand.account_verify_credentials(), customer.account_verify_credentials()
mark = uuid.uuid4().hex[:8]
state = {}


@check
def says_who_it_is():
    instance = brand.instance()
    assert instance.version, "a version, by which clients switch features"
    assert me.acct and me.url and me.avatar, "the account has name, address and avatar"
    config = brand.instance_v2().configuration
    assert config.statuses.max_characters == 500
    assert config.media_attachments.supported_mime_types


@check
def a_mention_is_notified():
    state["asked"] = customer.status_post(f"@{me.acct} waar blijft mijn pakket? {mark}", language="nl")
    assert [m.id for m in state["asked"].mentions] == [me.id]
    seen = wait("the mention", lambda: [n for n in brand.notifications(types=["mention"]) if n.status and n.status.id == state["asked"].id])
    assert len(seen) == 1 and seen[0].type == "mention" and seen[0].account.id == them.id
    assert seen[0].created_at.tzinfo is not None
    state["notified"] = seen[0]
    assert brand.notifications(since_id=seen[0].id, types=["mention"]) == []


@check
def notifications_are_paged():
    for i in range(3):
        customer.status_post(f"@{me.acct} nog een {i} {mark}")
    first = wait("three more", lambda: (lambda p: p if len(p) == 2 else None)(brand.notifications(types=["mention"], limit=2)))
    second = brand.fetch_next(first)
    assert second and not {n.id for n in first} & {n.id for n in second}, "the Link header leads to the next page"
    newer = brand.notifications(min_id=state["notified"].id, types=["mention"], limit=1)
    assert len(newer) == 1 and int(newer[0].id) > int(state["notified"].id)


@check
def a_reply_is_threaded_and_sent_once():
    key = str(uuid.uuid4())
    send = lambda: brand.status_post(f"@{them.acct} Wat vervelend! {mark}", in_reply_to_id=state["asked"].id, visibility="unlisted",
                                     spoiler_text="bestelling", language="nl", idempotency_key=key)
    one, two = send(), send()
    assert one.id == two.id, "the same Idempotency-Key is the same status"
    assert one.in_reply_to_id == state["asked"].id and one.in_reply_to_account_id == them.id
    assert one.visibility == "unlisted" and one.spoiler_text == "bestelling" and one.language == "nl"
    context = customer.status_context(state["asked"].id)
    assert [s.id for s in context.descendants].count(one.id) == 1
    assert [s.id for s in customer.status_context(one.id).ancestors][-1] == state["asked"].id
    state["reply"] = one


@check
def an_answer_without_a_name_is_in_the_thread():
    state["answer"] = customer.status_post(f"12345, dank je {mark}", in_reply_to_id=state["reply"].id)
    assert state["answer"].id in [s.id for s in brand.status_context(state["asked"].id).descendants]


@check
def an_edit_is_a_version():
    customer.status_update(state["answer"].id, f"12346, dank je {mark}")
    now = brand.status(state["answer"].id)
    assert now.edited_at and "12346" in now.content
    versions = brand.status_history(state["answer"].id)
    assert "12345" in versions[0].content and "12346" in versions[-1].content


@check
def a_direct_message_is_a_conversation():
    sent = customer.status_post(f"@{me.acct} dit is privé {mark}", visibility="direct")
    mine = wait("the conversation", lambda: [c for c in brand.conversations() if c.last_status and c.last_status.id == sent.id])
    assert mine[0].unread and [a.id for a in mine[0].accounts] == [them.id]
    assert mine[0].last_status.visibility == "direct"
    brand.conversations_read(mine[0].id)


@check
def media_with_a_description():
    png = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000001000000010806000000"
                        "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082")
    media = brand.media_post(png, mime_type="image/png", description="een label", file_name="label.png")
    status = brand.status_post(f"kijk {mark}", media_ids=[media])
    assert status.media_attachments[0].description == "een label"
    assert status.media_attachments[0].type == "image"


@check
def likes_and_boosts():
    assert brand.status_favourite(state["asked"].id).favourited
    assert not brand.status_unfavourite(state["asked"].id).favourited
    boosted = brand.status_reblog(state["asked"].id)
    assert boosted.reblog.id == state["asked"].id
    brand.status_unreblog(state["asked"].id)


@check
def mute_block_and_report():
    assert brand.account_mute(them.id).muting
    assert not brand.account_unmute(them.id).muting
    assert brand.account_block(them.id).blocking
    assert not brand.account_unblock(them.id).blocking
    brand.report(them.id, status_ids=[state["asked"].id], comment="spam")


@check
def too_long_and_empty_are_refused():
    refuses(MastodonAPIError, lambda: brand.status_post("x" * 501), 422)
    refuses(MastodonAPIError, lambda: brand.status_post(""), 422)


@check
def a_bad_token_is_refused():
    refuses(MastodonUnauthorizedError, lambda: client("no-such-token").account_verify_credentials())


@check
def what_is_deleted_is_gone():
    customer.status_delete(state["answer"].id)
    refuses(MastodonNotFoundError, lambda: brand.status(state["answer"].id))
    assert state["answer"].id not in [s.id for s in brand.status_context(state["asked"].id).descendants]


def a_reply_to_nothing_is_refused():
    refuses(MastodonNotFoundError, lambda: brand.status_post("hallo?", in_reply_to_id="999999999999999999"))


def rate_limits_are_announced():
    brand.account_verify_credentials()
    assert brand.ratelimit_limit == 300 and brand.ratelimit_remaining < 300 and brand.ratelimit_reset > time.time() - 1


if strict:
    checks += [a_reply_to_nothing_is_refused, rate_limits_are_announced]


bad = 0
for f in checks:
    try:
        f()
        print(f"ok {f.__name__}")
    except Exception as e:  # a judge reports everything that is wrong, not the first
        bad += 1
        print(f"not ok {f.__name__}: {type(e).__name__}: {e}")
sys.exit(1 if bad else 0)
