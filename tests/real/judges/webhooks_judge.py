#!/usr/bin/env python3
"""Judges our signed webhooks, both ways, with the library of Standard Webhooks, unmodified.

    webhooks_judge.py HOOK SECRET NEW_SECRET PORT

HOOK is where Balie takes events. On PORT this is the system that takes replies: whatever arrives there is verified by the
library; `GET /` lists what was verified and what was not. Prints one line a check, then stays until it is told to stop.
"""
import json
import sys
import threading
import uuid
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests
from standardwebhooks import Webhook, WebhookVerificationError

hook, secret, new_secret, port = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
verified, refused, checks = [], [], []


class System(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        headers = {k.lower(): v for k, v in self.headers.items()}
        try:
            event = Webhook(secret).verify(body, headers)
        except WebhookVerificationError as e:
            refused.append(str(e))
            self.send_response(401)
            self.end_headers()
            return
        verified.append({"id": headers["webhook-id"], "event": event if isinstance(event, dict) else json.loads(body)})
        said = json.dumps({"external_id": f"r-{headers['webhook-id']}"}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def do_GET(self):
        said = json.dumps({"verified": verified, "refused": refused}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass


def check(f):
    checks.append(f)
    return f


def post(data, kind="message.created", by=None, at=None, tamper=""):
    body = json.dumps({"type": kind, "timestamp": datetime.now(timezone.utc).isoformat(), "data": data})
    at, ident = at or datetime.now(timezone.utc), f"msg_{uuid.uuid4().hex}"
    signature = Webhook(by or secret).sign(ident, at, body)
    return requests.post(hook, data=(body + tamper).encode(), timeout=10, headers={
        "webhook-id": ident, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature, "content-type": "application/json"})


def message(text, ident=None):
    return {"external_id": ident or uuid.uuid4().hex, "thread": {"external_id": "t-1", "subject": "Bestelling"},
            "author": {"external_id": "c-7", "name": "Noor", "email": "noor@voorbeeld.nl", "verified": True}, "text": text}


@check
def what_the_library_signs_is_believed():
    answer = post(message("waar blijft mijn pakket?", "m-1"))
    assert answer.status_code == 202, answer.text
    (became,) = answer.json()["messages"]
    assert became["external_id"] == "m-1" and became["id"] and became["thread_id"] and became["duplicate"] is False


@check
def the_same_message_again_is_the_same_message():
    first, second = post(message("één keer", "m-2")).json(), post(message("één keer", "m-2")).json()
    assert second["messages"][0]["duplicate"] is True and second["messages"][0]["id"] == first["messages"][0]["id"]


@check
def a_body_that_was_changed_is_not():
    assert post(message("x"), tamper=" ").status_code == 401


@check
def another_secret_is_not():
    assert post(message("x"), by=new_secret).status_code == 401


@check
def yesterday_is_not():
    for by in (timedelta(minutes=-6), timedelta(minutes=6), timedelta(days=-1)):
        assert post(message("x"), at=datetime.now(timezone.utc) + by).status_code == 401
    assert post(message("x"), at=datetime.now(timezone.utc) - timedelta(minutes=4)).status_code == 202


@check
def a_wrong_field_is_named():
    answer = post({**message("x"), "thread": {}})
    assert answer.status_code == 422 and "external_id" in answer.json()["detail"], answer.text


@check
def a_ping_is_answered():
    assert post({}, kind="ping").status_code == 204


@check
def what_balie_signs_is_believed_by_the_library():
    assert not refused, refused
    assert any(said["event"]["type"] == "ping" for said in verified), "Balie says hello when it is connected"


server = ThreadingHTTPServer(("127.0.0.1", port), System)
threading.Thread(target=server.serve_forever, daemon=True).start()
print("listening", flush=True)
sys.stdin.readline()
for f in checks:
    try:
        f()
        print(f"ok {f.__name__}", flush=True)
    except Exception as e:
        print(f"not ok {f.__name__}: {type(e).__name__}: {e}", flush=True)
print("judged", flush=True)
sys.stdin.readline()
