#!/usr/bin/env python3
"""Judges a mail server with clients that we did not write: Python's own imaplib and smtplib, unmodified.

    mail_judge.py JSON

JSON: {"imap": {"host", "port"}, "smtp": {"host", "port"}, "brand": {"address", "password", "token"?}, "customer": {…}}.
Prints one line a check ("ok NAME" or "not ok NAME: why") and ends with 0 when all are ok.
"""
import base64
import email
import email.policy
import imaplib
import json
import re
import smtplib
import sys
import time
import uuid
from email.message import EmailMessage

at = json.loads(sys.argv[1])
brand, customer = at["brand"], at["customer"]
checks = []


def check(f):
    checks.append(f)
    return f


def imap(who=brand):
    box = imaplib.IMAP4(at["imap"]["host"], at["imap"]["port"], timeout=10)
    box.login(who["address"], who["password"])
    return box


def smtp(who=brand):
    out = smtplib.SMTP(at["smtp"]["host"], at["smtp"]["port"], timeout=10)
    out.ehlo()
    out.login(who["address"], who["password"])
    return out


def letter(sender=customer, to=brand, subject=None, text="Waar blijft mijn pakket?"):
    mail = EmailMessage()
    mail["From"], mail["To"] = sender["address"], to["address"]
    mail["Subject"] = subject or f"Vraag {uuid.uuid4()}"
    mail["Message-ID"] = f"<{uuid.uuid4()}@judge.test>"
    mail.set_content(text)
    return mail


def send(mail, who=customer):
    with smtp(who) as out:
        assert out.send_message(mail) == {}
    return mail["Message-ID"]


def uids(box, *what):
    kind, data = box.uid("SEARCH", *what)
    assert kind == "OK", (kind, data)
    return [int(n) for n in data[0].split()]


def arrives(box, message_id, seconds=5):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        box.noop()
        found = uids(box, "HEADER", "Message-ID", f'"{message_id}"')
        if found:
            return found[0]
        time.sleep(0.02)
    raise AssertionError("the mail did not arrive")


@check
def it_says_what_it_can():
    box = imap()
    assert "IMAP4REV1" in box.capabilities and "IDLE" in box.capabilities, box.capabilities
    box.logout()


@check
def wrong_passwords_are_refused():
    box = imaplib.IMAP4(at["imap"]["host"], at["imap"]["port"], timeout=10)
    try:
        box.login(brand["address"], "wrong")
        raise RuntimeError("was let in")
    except imaplib.IMAP4.error as e:
        assert "AUTHENTICATIONFAILED" in str(e), e
    out = smtplib.SMTP(at["smtp"]["host"], at["smtp"]["port"], timeout=10)
    try:
        out.login(brand["address"], "wrong")
        raise RuntimeError("was let in")
    except smtplib.SMTPAuthenticationError as e:
        assert e.smtp_code == 535, e


@check
def plain_and_xoauth2_let_in():
    box = imaplib.IMAP4(at["imap"]["host"], at["imap"]["port"], timeout=10)
    box.authenticate("PLAIN", lambda _: f"\0{brand['address']}\0{brand['password']}".encode())
    assert box.select("INBOX")[0] == "OK"
    box.logout()
    if "token" not in brand:
        return
    sasl = f"user={brand['address']}\1auth=Bearer {brand['token']}\1\1"
    box = imaplib.IMAP4(at["imap"]["host"], at["imap"]["port"], timeout=10)
    box.authenticate("XOAUTH2", lambda _: sasl.encode())
    assert box.select("INBOX")[0] == "OK"
    out = smtplib.SMTP(at["smtp"]["host"], at["smtp"]["port"], timeout=10)
    out.ehlo()
    assert out.docmd("AUTH", "XOAUTH2 " + base64.b64encode(sasl.encode()).decode())[0] == 235
    box = imaplib.IMAP4(at["imap"]["host"], at["imap"]["port"], timeout=10)
    try:
        box.authenticate("XOAUTH2", lambda given: b"" if given else sasl.replace("Bearer ", "Bearer x").encode())
        raise RuntimeError("was let in")
    except imaplib.IMAP4.error:
        pass


@check
def folders_are_listed_with_their_use():
    box = imap()
    kind, rows = box.list()
    names = b"\n".join(rows)
    assert kind == "OK" and b"INBOX" in names and re.search(rb"\\Sent\b", names), rows
    assert box.select('"No such folder"')[0] == "NO"
    box.logout()


@check
def a_mail_goes_from_one_to_the_other():
    text = "Café 😀\n.een punt\n..twee\nlange regel " + "x" * 400
    mail = letter(text=text)
    message_id = send(mail)
    box = imap()
    box.select("INBOX")
    uid = arrives(box, message_id)
    kind, data = box.uid("FETCH", str(uid), "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])")
    head, raw = data[0]
    seen = email.message_from_bytes(raw, policy=email.policy.default)
    assert seen["Message-ID"] == message_id and seen["Subject"] == mail["Subject"]
    assert seen.get_content().replace("\r\n", "\n").strip() == text, seen.get_content()
    assert int(re.search(rb"RFC822.SIZE (\d+)", head).group(1)) == len(raw)
    assert rb"\Seen" not in head, head
    assert imaplib.Internaldate2tuple(head) is not None, head
    box.logout()


@check
def uids_grow_and_never_come_back():
    box = imap()
    box.select("INBOX")
    validity = box.response("UIDVALIDITY")[1]
    first = arrives(box, send(letter()))
    second = arrives(box, send(letter()))
    assert second > first
    kind, data = box.status("INBOX", "(UIDNEXT UIDVALIDITY MESSAGES)")
    assert int(re.search(rb"UIDNEXT (\d+)", data[0]).group(1)) == second + 1, data
    assert validity[0] in data[0], (validity, data)
    box.uid("STORE", str(second), "+FLAGS", r"(\Deleted)")
    box.expunge()
    third = arrives(box, send(letter()))
    assert third > second
    assert second not in uids(box, "ALL")
    kind, data = box.uid("FETCH", f"{third + 1}:*", "(UID)")
    assert str(third).encode() in data[0], "n:* past the end is the last"
    box.logout()


@check
def pieces_of_a_mail_can_be_fetched():
    box = imap()
    box.select("INBOX", readonly=True)
    mail = letter(text="0123456789" * 20)
    uid = arrives(box, send(mail))
    kind, data = box.uid("FETCH", str(uid), "(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID SUBJECT)])")
    assert mail["Subject"].encode() in data[0][1] and b"From:" not in data[0][1], data
    kind, data = box.uid("FETCH", str(uid), "(BODY.PEEK[TEXT]<10.5>)")
    assert data[0][1] == b"01234" and b"<10>" in data[0][0], data
    kind, data = box.uid("FETCH", str(uid), "(BODY.PEEK[HEADER])")
    assert data[0][1].endswith(b"\r\n\r\n"), data
    box.logout()


@check
def flags_are_kept():
    box = imap()
    box.select("INBOX")
    uid = arrives(box, send(letter()))
    box.uid("STORE", str(uid), "+FLAGS", r"(\Seen $Handled)")
    kind, data = box.uid("FETCH", str(uid), "(FLAGS)")
    assert rb"\Seen" in data[0] and b"$Handled" in data[0], data
    assert uid in uids(box, "SEEN") and uid not in uids(box, "UNSEEN")
    box.uid("STORE", str(uid), "-FLAGS.SILENT", r"(\Seen)")
    assert uid in uids(box, "UNSEEN", "KEYWORD", "$Handled")
    box.uid("FETCH", str(uid), "(BODY[])")
    assert uid in uids(box, "SEEN"), "BODY[] marks as read"
    box.logout()


@check
def searching_finds_what_matches():
    box = imap()
    box.select("INBOX")
    mail = letter(subject="Zoek mij")
    uid = arrives(box, send(mail))
    today = time.strftime("%d-%b-%Y", time.gmtime(time.time() - 86400))
    assert uid in uids(box, "SINCE", today)
    assert uid in uids(box, "SUBJECT", '"Zoek mij"')
    assert uid in uids(box, "OR", "SUBJECT", '"nooit"', "FROM", customer["address"])
    assert uid not in uids(box, "NOT", "ALL")
    assert uids(box, "UID", f"{uid}:{uid}") == [uid]
    box.logout()


@check
def a_copy_can_be_filed():
    box = imap()
    raw = letter(sender=brand, to=customer).as_bytes(policy=email.policy.SMTP)
    kind, data = box.append("Sent", r"(\Seen)", imaplib.Time2Internaldate(time.time()), raw)
    assert kind == "OK" and b"APPENDUID" in data[0], data
    box.select("Sent")
    uid = int(re.search(rb"APPENDUID \d+ (\d+)", data[0]).group(1))
    kind, data = box.uid("FETCH", str(uid), "(FLAGS BODY.PEEK[])")
    assert data[0][1] == raw and rb"\Seen" in data[0][0]
    box.logout()


@check
def a_mail_can_be_moved():
    box = imap()
    box.select("INBOX")
    uid = arrives(box, send(letter()))
    kind, data = box.uid("COPY", str(uid), "Trash")
    assert kind == "OK", data
    box.uid("STORE", str(uid), "+FLAGS.SILENT", r"(\Deleted)")
    box.uid("EXPUNGE", str(uid))
    assert uid not in uids(box, "ALL")
    box.logout()


@check
def waiting_is_ended_by_a_new_mail():
    box = imap()
    box.select("INBOX")
    tag = box._new_tag()
    box.send(tag + b" IDLE\r\n")
    assert box.readline().startswith(b"+")
    send(letter())
    line = box.readline()
    assert re.match(rb"\* \d+ EXISTS", line), line
    box.send(b"DONE\r\n")
    while not line.startswith(tag):
        line = box.readline()
    assert b" OK " in line, line
    box.logout()


@check
def changes_since_a_moment_are_told():
    box = imap()
    if "CONDSTORE" not in box.capabilities:
        return
    box.select("INBOX")
    highest = int(box.response("HIGHESTMODSEQ")[1][0])
    uid = arrives(box, send(letter()))
    box.uid("STORE", str(uid), "+FLAGS", r"(\Answered)")
    kind, data = box.uid("FETCH", "1:*", f"(FLAGS) (CHANGEDSINCE {highest})")
    assert any(f"UID {uid}".encode() in row and rb"\Answered" in row for row in data if row), data
    box.logout()


@check
def nobody_sends_without_signing_in_or_for_another():
    out = smtplib.SMTP(at["smtp"]["host"], at["smtp"]["port"], timeout=10)
    out.ehlo()
    assert out.mail(customer["address"])[0] in (530, 535, 550, 553)
    with smtp(customer) as out:
        try:
            out.sendmail(brand["address"], [customer["address"]], b"Subject: x\r\n\r\nx")
            raise RuntimeError("was taken")
        except (smtplib.SMTPSenderRefused, smtplib.SMTPRecipientsRefused):
            pass


@check
def what_is_too_large_is_refused():
    with smtp() as out:
        size = int(out.esmtp_features["size"])
        assert size > 1_000_000
        code, text = out.docmd("MAIL", f"FROM:<{brand['address']}> SIZE={size + 1}")
        assert code == 552, (code, text)


@check
def what_cannot_arrive_comes_back():
    mail = letter(sender=brand, to={"address": "niemand@" + customer["address"].split("@")[1]})
    send(mail, brand)
    box = imap()
    box.select("INBOX")
    end = time.monotonic() + 5
    while True:
        box.noop()
        found = uids(box, "FROM", "MAILER-DAEMON")
        if found:
            break
        assert time.monotonic() < end, "no bounce"
        time.sleep(0.02)
    kind, data = box.uid("FETCH", str(found[-1]), "(BODY.PEEK[])")
    report = email.message_from_bytes(data[0][1], policy=email.policy.default)
    assert report.get_content_type() == "multipart/report" and report["Auto-Submitted"], report
    status = report.get_payload(1)
    assert status.get_content_type() == "message/delivery-status"
    assert any(part["Action"] == "failed" for part in status.get_payload() if part["Action"]), status
    assert mail["Message-ID"] in report.get_payload(2).get_payload(), "names the mail"
    box.logout()


bad = 0
for f in checks:
    name = f.__name__.replace("_", " ")
    try:
        f()
        print(f"ok {name}")
    except BaseException as e:  # noqa: BLE001
        bad += 1
        print(f"not ok {name}: {type(e).__name__} {e}".replace("\n", " ")[:400])
sys.exit(1 if bad else 0)
