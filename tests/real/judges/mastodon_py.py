#!/usr/bin/env python3
"""Judges what mastodon_judge.py leaves out: registration, PKCE, streaming, walking pages, files that take time, policy.

    mastodon_py.py URL BRAND_TOKEN CUSTOMER_TOKEN

Mastodon.py, unmodified, where it has the call; plain requests for the browser's part. Prints one line a check.
"""
import base64
import hashlib
import html
import queue
import re
import secrets
import sys
import threading
import uuid
from urllib.parse import parse_qs, urlparse

import requests
from mastodon import Mastodon, MastodonAPIError, StreamListener

url, brand_token, customer_token = sys.argv[1:4]


def client(token=None, **more):
    return Mastodon(api_base_url=url, access_token=token, ratelimit_method="throw", request_timeout=10, **more)


brand, customer = client(brand_token), client(customer_token)
me, them = brand.account_verify_credentials(), customer.account_verify_credentials()
mark = uuid.uuid4().hex[:8]
checks = []


def check(f):
    checks.append(f)
    return f


def refuses(f, *status):
    try:
        f()
    except MastodonAPIError as e:
        assert set(status) & set(e.args), f"{e.args} without {status}"
        return
    raise AssertionError("was accepted")


@check
def an_application_is_registered_and_a_code_is_traded():
    redirect = "urn:ietf:wg:oauth:2.0:oob"
    client_id, client_secret = Mastodon.create_app("Judge", scopes=["read", "write"], redirect_uris=redirect, api_base_url=url)
    app = Mastodon(client_id=client_id, client_secret=client_secret, api_base_url=url)
    where = app.auth_request_url(scopes=["read", "write"], redirect_uris=redirect, allow_http=True, skip_server_info=True)
    page = requests.get(where, timeout=10).text
    form = {name: html.unescape(value) for name, value in re.findall(r'<input[^>]* name="([^"]+)" value="([^"]*)">', page) if name != "login"}
    shown = requests.post(url + "/oauth/authorize", data={**form, "login": me.acct}, timeout=10).text
    code = re.search(r'value="([^"]+)"', shown).group(1)
    token = app.log_in(code=code, redirect_uri=redirect, scopes=["read", "write"], allow_http=True)
    assert app.account_verify_credentials().id == me.id
    app.revoke_access_token(allow_http=True)
    refuses(lambda: client(token).account_verify_credentials(), 401)


@check
def a_code_needs_its_verifier():
    redirect = "https://judge.example/back"
    app = requests.post(url + "/api/v1/apps", json={"client_name": "Judge", "redirect_uris": [redirect], "scopes": "read"}, timeout=10).json()
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()

    def code():
        ask = {"response_type": "code", "client_id": app["client_id"], "redirect_uri": redirect, "scope": "read", "state": "s1",
               "code_challenge": challenge, "code_challenge_method": "S256", "login": me.acct}
        back = requests.post(url + "/oauth/authorize", data=ask, allow_redirects=False, timeout=10)
        assert back.status_code in (302, 303)
        query = parse_qs(urlparse(back.headers["location"]).query)
        assert query["state"] == ["s1"]
        return query["code"][0]

    def trade(it, proof):
        return requests.post(url + "/oauth/token", timeout=10, data={
            "grant_type": "authorization_code", "code": it, "client_id": app["client_id"], "client_secret": app["client_secret"],
            "redirect_uri": redirect, "code_verifier": proof})

    wrong = trade(code(), "x" * 64)
    assert wrong.status_code == 400 and wrong.json()["error"] == "invalid_grant"
    once = code()
    right = trade(once, verifier)
    assert right.status_code == 200 and right.json()["token_type"] == "Bearer" and right.json()["scope"] == "read"
    assert trade(once, verifier).status_code == 400, "a code is good once"


@check
def the_stream_tells_mentions_edits_and_deletions():
    heard = queue.Queue()

    class Listener(StreamListener):
        def on_notification(self, notification):
            heard.put(("notification", notification.status.id if notification.status else None))

        def on_status_update(self, status):
            heard.put(("edit", status.id))

        def on_delete(self, status_id):
            heard.put(("delete", str(status_id)))

        def on_conversation(self, conversation):
            heard.put(("conversation", conversation.last_status.id))

    handle = brand.stream_user(Listener(), run_async=True)
    try:
        said = customer.status_post(f"@{me.acct} hoor je mij? {mark}")
        assert heard.get(timeout=5) == ("notification", said.id)
        customer.status_update(said.id, f"@{me.acct} hoor je mij nu? {mark}")
        assert heard.get(timeout=5) == ("edit", said.id)
        customer.status_delete(said.id)
        assert heard.get(timeout=5) == ("delete", str(said.id))
        private = customer.status_post(f"@{me.acct} stil {mark}", visibility="direct")
        both = {heard.get(timeout=5), heard.get(timeout=5)}
        assert both == {("notification", private.id), ("conversation", private.id)}
    finally:
        handle.close()


@check
def pages_are_walked_both_ways_without_a_gap():
    posted = [customer.status_post(f"@{me.acct} pagina {i} {mark}").id for i in range(7)]
    page = brand.notifications(types=["mention"], limit=3)
    every = [n.status.id for n in brand.fetch_remaining(page)]
    assert [s for s in every if s in posted] == posted[::-1]
    oldest = next(n for n in brand.fetch_remaining(page) if n.status.id == posted[0])
    walked, at = [posted[0]], oldest.id
    while True:
        news = brand.notifications(types=["mention"], min_id=at, limit=3)
        if not news:
            break
        walked += [n.status.id for n in reversed(news)]
        at = news[0].id
    assert walked == posted
    newest = brand.notifications(types=["mention"], since_id=oldest.id, limit=3)
    assert [n.status.id for n in newest] == posted[:-4:-1], "since_id gives the newest page"


@check
def a_film_takes_its_time():
    media = brand.media_post(b"not really a film", mime_type="video/mp4", description="uitleg", file_name="film.mp4")
    assert media.url is None
    refuses(lambda: brand.status_post(f"te vroeg {mark}", media_ids=[media]), 422)
    for _ in range(10):
        media = brand.media(media)
        if media.url:
            break
    assert brand.status_post(f"kijk {mark}", media_ids=[media]).media_attachments[0].type == "video"


@check
def strangers_private_mentions_follow_the_policy():
    before = brand.notifications_policy().for_private_mentions
    brand.update_notifications_policy(for_private_mentions="filter")
    hidden = customer.status_post(f"@{me.acct} gefilterd {mark}", visibility="direct")
    assert hidden.id not in [n.status.id for n in brand.notifications(types=["mention"])]
    raw = requests.get(url + "/api/v1/notifications?include_filtered=true", headers={"authorization": f"Bearer {brand_token}"}, timeout=10).json()
    assert [n["filtered"] for n in raw if n["status"]["id"] == str(hidden.id)] == [True]
    brand.update_notifications_policy(for_private_mentions=before)


@check
def what_is_private_is_seen_by_those_in_it():
    private = customer.status_post(f"@{me.acct} onder ons {mark}", visibility="direct")
    assert brand.status(private.id).visibility == "direct"
    refuses(lambda: client().status(private.id), 401, 404)
    leak = requests.post(url + "/api/v1/statuses", headers={"authorization": f"Bearer {customer_token}"}, timeout=10,
                         json={"status": f"@{me.acct} hoi {mark}", "visibility": "direct", "allowed_mentions": ["1"]})
    assert leak.status_code == 422 and [a["id"] for a in leak.json()["unexpected_accounts"]] == [str(me.id)]


@check
def several_posts_in_one_call():
    ids = [customer.status_post(f"veel {i} {mark}").id for i in range(3)]
    customer.status_delete(ids[1])
    seen = brand.statuses(ids)
    assert {s.id for s in seen} == {ids[0], ids[2]}


bad = 0
for f in checks:
    try:
        f()
        print(f"ok {f.__name__}", flush=True)
    except Exception as e:
        bad += 1
        print(f"not ok {f.__name__}: {type(e).__name__}: {e}", flush=True)
sys.exit(1 if bad else 0)
