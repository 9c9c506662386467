//! What machines write: absences, lists, bounces, receipts, complaints.

use super::{Case, DATE, OURS, multipart, part, plain};

pub fn cases() -> Vec<Case> {
    let mut cases = answers();
    cases.extend(bounces());
    cases.extend(receipts());
    cases.extend(through_machines());
    cases
}

fn titled(subject: &str, fields: &str, text: &str) -> Vec<u8> {
    format!("Message-ID: <auto@thuis.example>\r\nFrom: Anna <anna@thuis.example>\r\nTo: help@merk.example\r\nDate: {DATE}\r\nSubject: {subject}\r\n{fields}\r\n{}\r\n", text.replace('\n', "\r\n")).into_bytes()
}

fn answers() -> Vec<Case> {
    let away = "Ik ben er niet.";
    let mut cases = vec![
        Case::new(
            "Exchange, away, nl",
            titled(
                "Automatisch antwoord: Pakket",
                "Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\n",
                away,
            ),
        )
        .automatic("notice"),
        Case::new(
            "Exchange, away, nl, without RFC 3834",
            titled("Automatisch antwoord: Pakket", "X-Auto-Response-Suppress: All\r\n", away),
        )
        .automatic("reply"),
        Case::new(
            "Exchange, away, en",
            titled("Automatic reply: Parcel", "X-Auto-Response-Suppress: All\r\n", "I am out of office."),
        )
        .automatic("reply"),
        Case::new("Exchange, away, de", titled("Automatische Antwort: Paket", "", "Ich bin nicht da."))
            .automatic("reply"),
        Case::new("away, fr", titled("Réponse automatique : Colis", "", "Je suis absent.")).automatic("reply"),
        Case::new(
            "Gmail, away",
            titled("Re: Pakket", "Auto-Submitted: auto-replied\r\nPrecedence: bulk\r\nX-Autoreply: yes\r\n", away),
        )
        .automatic("reply"),
        Case::new(
            "sieve vacation",
            titled("Out of office: Pakket", "Auto-Submitted: auto-replied (vacation)\r\nReturn-Path: <>\r\n", away),
        )
        .automatic("reply")
        .no_receipt(),
        Case::new("precedence auto_reply", titled("Re: Pakket", "Precedence: auto_reply\r\n", away)).automatic("reply"),
        Case::new("a person answers an absence", titled("Re: Automatisch antwoord: Pakket", "", "Welkom terug!"))
            .person(),
        Case::new(
            "a person whose Exchange suppresses answers",
            titled("Pakket kwijt", "X-Auto-Response-Suppress: DR, OOF\r\n", "Waar is het?"),
        )
        .person(),
        Case::new("auto-submitted no", titled("Pakket", "Auto-Submitted: no\r\n", "Waar is het?")).person(),
        Case::new(
            "newsletter",
            titled("Nieuws!", "List-Unsubscribe: <https://x.example/u>\r\nPrecedence: bulk\r\n", "Lees meer"),
        )
        .automatic("list"),
        Case::new("mailing list", titled("[buurt] Feest", "List-Id: Buurt <buurt.lijst.example>\r\n", "Kom je?"))
            .automatic("list"),
        Case::new("cron", titled("Cron <root@host> backup", "Auto-Submitted: auto-generated\r\n", "klaar"))
            .automatic("notice"),
        Case::new("null sender", titled("Iets", "Return-Path: <>\r\n", "tekst")).automatic("notice"),
        Case::new("ordinary", titled("Iets", "Return-Path: <anna@thuis.example>\r\n", "tekst")).person(),
    ];
    for from in [
        "no-reply@winkel.example",
        "noreply@winkel.example",
        "do_not_reply@winkel.example",
        "MAILER-DAEMON@winkel.example",
        "bounce+x@winkel.example",
    ] {
        cases.push(
            Case::new(format!("from {from}"), format!("From: {from}\r\nSubject: Bericht\r\nDate: {DATE}\r\n\r\ntekst"))
                .automatic("notice"),
        );
    }
    cases
}

/// What customers wrote into somebody's form, and what only looks like it.
fn through_machines() -> Vec<Case> {
    let written = |from: &str, reply_to: &str, more: &str| {
        format!(
            "Message-ID: <f1@dienst.example>\r\nFrom: Formulieren <{from}>\r\nReply-To: {reply_to}\r\nTo: help@merk.example\r\nDate: {DATE}\r\nSubject: Nieuw bericht\r\n{more}\r\nWaar is het?"
        )
    };
    let dienst = "noreply@dienst.example";
    let customer =
        |name: &str, raw: String| Case::new(name, raw).from("klant@thuis.example").reply(&["klant@thuis.example"]);
    let machine = |name: &str, raw: String| Case::new(name, raw).from(dienst).automatic("notice");
    vec![
        customer("a form service", written(dienst, "Klant <klant@thuis.example>", "")).person(),
        customer("our own site's machine", written("no-reply@merk.example", "klant@thuis.example", "")).person(),
        customer(
            "a form service, as a list",
            written(dienst, "klant@thuis.example", "List-Unsubscribe: <https://x.example/u>\r\n"),
        )
        .automatic("list"),
        customer(
            "a form service that says it is a machine",
            written(dienst, "klant@thuis.example", "Auto-Submitted: auto-generated\r\n"),
        )
        .automatic("notice"),
        machine("a machine and its own desk", written(dienst, "service@dienst.example", "")),
        machine("a machine and its own desk elsewhere", written(dienst, "service@mail.dienst.example", "")),
        machine("a machine and another one", written(dienst, "do-not-reply@thuis.example", "")),
        machine("a machine that sends us to ourselves", written(dienst, "help@merk.example", "")),
        Case::new(
            "a mail server that names a customer",
            written("mailer-daemon@dienst.example", "klant@thuis.example", ""),
        )
        .automatic("notice"),
    ]
}

fn original() -> String {
    format!(
        "Message-ID: <{OURS}>\r\nReferences: <q1@thuis.example>\r\nFrom: Merk <help@merk.example>\r\nTo: weg@thuis.example\r\nSubject: Re: Vraag\r\nDate: {DATE}\r\n"
    )
}

fn report(from: &str, kind: &str, text: &str, status: &str, original_kind: &str, original: &str) -> Vec<u8> {
    let raw = multipart(
        kind,
        &[
            part("Content-Type: text/plain; charset=utf-8", text),
            part("Content-Type: message/delivery-status", status.replace('\n', "\r\n")),
            part(&format!("Content-Type: {original_kind}"), original),
        ],
    );
    let raw = String::from_utf8_lossy(&raw)
        .replace("From: Anna de Vries <anna@thuis.example>", &format!("From: {from}\r\nReturn-Path: <>"));
    raw.replace("Message-ID: <q1@thuis.example>\r\nDate", "Message-ID: <bounce1@mx.example>\r\nDate").into_bytes()
}

const REPORT: &str = "report; report-type=delivery-status";
const FAILED: &str = "Reporting-MTA: dns; mail.thuis.example\n\nFinal-Recipient: rfc822; weg@thuis.example\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 User unknown\n";

fn bounces() -> Vec<Case> {
    let delayed = FAILED.replace("failed", "delayed").replace("5.1.1", "4.4.1");
    let whole = format!("{}\r\nHoi Anna", original());
    let prose = |from: &str, subject: &str, more: &str, text: &str| {
        format!("Message-ID: <bounce2@mx.example>\r\nReturn-Path: <>\r\nFrom: {from}\r\nTo: help@merk.example\r\nDate: {DATE}\r\nSubject: {subject}\r\n{more}\r\n{}\r\n", text.replace("\r\n", "\n").replace('\n', "\r\n")).into_bytes()
    };
    let full = FAILED.replace("5.1.1", "5.2.2");
    vec![
        Case::new("Postfix", report("MAILER-DAEMON@mail.thuis.example", REPORT, "This is the mail system at host mail.thuis.example.\r\n", FAILED, "message/rfc822", &whole)).automatic("bounce").receipt(OURS, "failed"),
        Case::new("Postfix, header only", report("MAILER-DAEMON@mail.thuis.example", REPORT, "This is the mail system.\r\n", FAILED, "text/rfc822-headers", &original())).automatic("bounce").receipt(OURS, "failed"),
        Case::new("Postfix, delayed", report("MAILER-DAEMON@mail.thuis.example", REPORT, "THIS IS A WARNING ONLY.\r\n", &delayed, "message/rfc822", &whole)).automatic("notice").no_receipt(),
        Case::new("Exchange", report("postmaster@thuis.example", REPORT, "Your message to weg@thuis.example couldn't be delivered.\r\n", &FAILED.replace("5.1.1", "5.1.10"), "message/rfc822", &whole)).automatic("bounce").receipt(OURS, "failed"),
        Case::new("Gmail", report("Mail Delivery Subsystem <mailer-daemon@googlemail.com>", REPORT, "** Address not found **\r\n", FAILED, "message/rfc822", &whole)).automatic("bounce").receipt(OURS, "failed"),
        Case::new("a full mailbox", report("MAILER-DAEMON@mx.example", REPORT, "full\r\n", &full, "message/rfc822", &whole)).automatic("bounce").receipt(OURS, "failed"),
        Case::new("without report-type", report("MAILER-DAEMON@mx.example", "report", "failed\r\n", FAILED, "message/rfc822", &whole)).automatic("bounce").receipt(OURS, "failed"),
        Case::new("as multipart/mixed", report("MAILER-DAEMON@mx.example", "mixed", "failed\r\n", FAILED, "message/rfc822", &whole)).automatic("bounce").receipt(OURS, "failed"),
        Case::new("delivered", report("MAILER-DAEMON@mx.example", REPORT, "delivered\r\n", &FAILED.replace("failed", "delivered").replace("5.1.1", "2.0.0"), "message/rfc822", &whole)).automatic("notice").receipt(OURS, "delivered"),
        Case::new("without the original", report("MAILER-DAEMON@mx.example", REPORT, "failed\r\n", FAILED, "text/plain", "weg")).automatic("bounce").no_receipt(),
        Case::new("in UTF-8 (RFC 6533)", String::from_utf8_lossy(&report("MAILER-DAEMON@mx.example", REPORT, "failed\r\n", FAILED, "message/global-headers", &original())).replace("message/delivery-status", "message/global-delivery-status").into_bytes()).automatic("bounce").receipt(OURS, "failed"),
        Case::new("Exim", prose("Mail Delivery System <Mailer-Daemon@exim.example>", "Mail delivery failed: returning message to sender", "X-Failed-Recipients: weg@thuis.example\r\nAuto-Submitted: auto-replied\r\n", &format!("This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its recipients. This is a permanent error.\n\n  weg@thuis.example\n    550 5.1.1 User unknown\n\n------ This is a copy of the message, including all the headers. ------\n\n{whole}"))).automatic("bounce").receipt(OURS, "failed"),
        Case::new("Exim, delayed", prose("Mail Delivery System <Mailer-Daemon@exim.example>", "Warning: message delayed 24 hours", "Auto-Submitted: auto-replied\r\n", &format!("This message was created automatically by mail delivery software.\nNo action is required on your part. Delivery attempts will continue.\n\n{whole}"))).automatic("notice").no_receipt(),
        Case::new("qmail", prose("MAILER-DAEMON@qmail.example", "failure notice", "", &format!("Hi. This is the qmail-send program at qmail.example.\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n<weg@thuis.example>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n\n{whole}"))).automatic("bounce").receipt(OURS, "failed"),
        Case::new("a gateway in Dutch", prose("postmaster@gateway.example", "Onbestelbaar: Re: Vraag", "", &format!("Uw bericht kon niet worden afgeleverd.\n\n{whole}"))).automatic("bounce").receipt(OURS, "failed"),
        Case::new("an absence that repeats our mail", titled("Automatisch antwoord: Vraag", "Auto-Submitted: auto-replied\r\nReturn-Path: <>\r\n", &format!("Ik kan niet antwoorden, delivery failed.\n\n{whole}"))).automatic("reply").no_receipt(),
        Case::new("a person who quotes a bounce", plain("", &format!("Ik kreeg dit: undeliverable\n\n{whole}"))).person().no_receipt(),
    ]
}

fn receipts() -> Vec<Case> {
    let mdn = |disposition: &str| {
        multipart(
            "report; report-type=disposition-notification",
            &[
                part("Content-Type: text/plain", "Uw bericht is gelezen."),
                part(
                    "Content-Type: message/disposition-notification",
                    format!(
                        "Reporting-UA: thuis.example\r\nFinal-Recipient: rfc822;anna@thuis.example\r\nOriginal-Message-ID: <{OURS}>\r\nDisposition: {disposition}\r\n"
                    ),
                ),
            ],
        )
    };
    vec![
        Case::new("read", mdn("manual-action/MDN-sent-manually; displayed")).automatic("notice").receipt(OURS, "read"),
        Case::new("thrown away unread", mdn("manual-action/MDN-sent-manually; deleted")).automatic("notice").no_receipt(),
        Case::new("a complaint (ARF)", multipart("report; report-type=feedback-report", &[
            part("Content-Type: text/plain", "This is an email abuse report."),
            part("Content-Type: message/feedback-report", "Feedback-Type: abuse\r\nUser-Agent: SomeGenerator/1.0\r\nVersion: 1\r\nOriginal-Mail-From: <help@merk.example>\r\n"),
            part("Content-Type: message/rfc822", format!("{}\r\nHoi Anna", original())),
        ])).automatic("notice").no_receipt(),
        Case::new("a report of another kind", multipart("report; report-type=zomaar", &[part("Content-Type: text/plain", "Iets")])).automatic("notice").no_receipt(),
    ]
}
