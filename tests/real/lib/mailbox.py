#!/usr/bin/env python3
"""People with mail programs: Python's own smtplib and imaplib, told what to do line by line in JSON.

    mailbox.py HOST IMAP_PORT SMTP_PORT CA_FILE

Reads one command a line, answers one line: {"ok": …} or {"error": …}.
  send   {user, password, from?, to, cc?, subject?, text?, html?, in_reply_to?, references?, headers?, files?, id?}
  list   {user, password, folder?}      every mail of a folder, read without being marked
  append {user, password, folder, …}    as send, but only filed: what a person wrote from elsewhere
  raw    {user, password, to, raw}      sends bytes (base64) as they are
"""
import base64
import email
import email.policy
import email.utils
import imaplib
import json
import smtplib
import ssl
import sys
import time
from email.message import EmailMessage

host, imap_port, smtp_port, ca = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
trust = ssl.create_default_context(cafile=ca)


def write(c):
    mail = EmailMessage(policy=email.policy.SMTP)
    mail["From"] = c.get("from", c["user"])
    mail["To"] = ", ".join(c["to"]) if isinstance(c["to"], list) else c["to"]
    if c.get("cc"):
        mail["Cc"] = ", ".join(c["cc"])
    if c.get("subject") is not None:
        mail["Subject"] = c["subject"]
    mail["Date"] = email.utils.formatdate(localtime=False)
    mail["Message-ID"] = c.get("id") or email.utils.make_msgid(domain=c["user"].split("@")[1])
    if c.get("in_reply_to"):
        mail["In-Reply-To"] = c["in_reply_to"]
    if c.get("references"):
        mail["References"] = " ".join(c["references"])
    for name, value in (c.get("headers") or {}).items():
        mail[name] = value
    mail.set_content(c.get("text", ""))
    if c.get("html"):
        mail.add_alternative(c["html"], subtype="html")
    for file in c.get("files") or []:
        kind, sub = file["mime"].split("/")
        mail.add_attachment(base64.b64decode(file["content"]), maintype=kind, subtype=sub, filename=file["name"])
    return mail


def submit(c, raw, to):
    with smtplib.SMTP(host, smtp_port, timeout=20) as smtp:
        smtp.starttls(context=trust)
        smtp.login(c["user"], c["password"])
        smtp.sendmail(c["user"], to, raw)


def recipients(c):
    to = c["to"] if isinstance(c["to"], list) else [c["to"]]
    return [email.utils.parseaddr(a)[1] for a in to + (c.get("cc") or [])]


def told(mail):
    return {"id": mail["Message-ID"], "references": (mail["References"] or "").split() + [mail["Message-ID"]]}


def send(c):
    mail = write(c)
    submit(c, mail.as_bytes(), recipients(c))
    return told(mail)


def raw(c):
    submit(c, base64.b64decode(c["raw"]), recipients(c))
    return {}


def opened(c):
    imap = imaplib.IMAP4(host, imap_port, timeout=20)
    imap.starttls(trust)
    imap.login(c["user"], c["password"])
    return imap


def append(c):
    imap, mail = opened(c), write(c)
    try:
        imap.append(c["folder"], "(\\Seen)", imaplib.Time2Internaldate(time.time()), mail.as_bytes())
    finally:
        imap.logout()
    return told(mail)


def plain(part):
    return part.get_content() if part is not None else ""


def list_(c):
    imap = opened(c)
    try:
        imap.select(c.get("folder", "INBOX"), readonly=True)
        found = []
        for uid in imap.uid("search", None, "ALL")[1][0].split():
            data = imap.uid("fetch", uid, "(FLAGS BODY.PEEK[])")[1]
            mail = email.message_from_bytes(data[0][1], policy=email.policy.default)
            found.append({
                "id": mail["Message-ID"], "in_reply_to": mail["In-Reply-To"], "references": (mail["References"] or "").split(),
                "subject": mail["Subject"], "from": mail["From"], "to": mail["To"], "cc": mail["Cc"], "bcc": mail["Bcc"],
                "reply_to": mail["Reply-To"], "automatic": mail["Auto-Submitted"], "type": mail.get_content_type(),
                "text": plain(mail.get_body(("plain",))), "html": plain(mail.get_body(("html",))),
                "files": [{"name": p.get_filename(), "mime": p.get_content_type(),
                           "content": base64.b64encode(p.get_payload(decode=True) or b"").decode()}
                          for p in mail.iter_attachments()] if mail.is_multipart() else [],
                "flags": data[0][0].decode().split("FLAGS (")[1].split(")")[0].split(),
            })
        return found
    finally:
        imap.logout()


doing = {"send": send, "list": list_, "append": append, "raw": raw}
print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    command = json.loads(line)
    try:
        answer = {"ok": doing[command["do"]](command)}
    except Exception as error:  # the other side decides what it means
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
