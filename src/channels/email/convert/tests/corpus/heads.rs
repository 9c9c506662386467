//! Headers in every state: encoded, doubled, missing, broken, forged.

use super::{ARRIVED, Case, DATE, plain, usual};

pub fn cases() -> Vec<Case> {
    let mut cases = subjects();
    cases.extend(missing());
    cases.extend(people());
    cases.extend(broken());
    cases.extend(dates());
    cases.extend(forged());
    cases
}

fn with_subject(subject: &[u8]) -> Vec<u8> {
    let mut raw = format!("From: anna@thuis.example\r\nTo: help@merk.example\r\nDate: {DATE}\r\nMessage-ID: <s@thuis.example>\r\nSubject: ").into_bytes();
    raw.extend_from_slice(subject);
    raw.extend(b"\r\n\r\nhoi\r\n");
    raw
}

fn subjects() -> Vec<Case> {
    let known: &[(&[u8], &str)] = &[
        (b"=?utf-8?Q?Klacht_over_caf=C3=A9?=", "Klacht over café"),
        (b"=?UTF-8?B?S2xhY2h0?=\r\n =?UTF-8?B?IG92ZXI=?=", "Klacht over"),
        (b"=?utf-8?Q?caf=C3?=\r\n =?utf-8?Q?=A9?=", "café"),
        (b"Re: =?iso-8859-1?Q?caf=E9?= dicht", "Re: café dicht"),
        (b"=?windows-1252?Q?=80_5?=", "€ 5"),
        (b"=?iso-2022-jp?B?GyRCJU8lbSE8GyhC?=", "ハロー"),
        (b"=?koi8-r?B?8NLJ18XU?=", "Привет"),
        (b"=?gb2312?B?xOO6ww==?=", "你好"),
        (b"=?utf-8*nl?Q?met_taal?=", "met taal"),
        (b"=?utf-8?q?kleine_letter?=", "kleine letter"),
        (b"=?utf-8?Q?Waar is het??= nu", "Waar is het? nu"),
        (b"=?utf-8?X?onbekend?=", "=?utf-8?X?onbekend?="),
        (b"=?utf-8?Q?niet af", "=?utf-8?Q?niet af"),
        ("rauw utf-8 café 😀".as_bytes(), "rauw utf-8 café 😀"),
        (b"rauw latin caf\xe9", "rauw latin café"),
        (b"=?utf-8?B?8J+YgA==?=", "😀"),
        (b"=?utf-8?B?****?=", "=?utf-8?B?****?="),
        (b"a\ttab", "a tab"),
        (b"=?utf-8?Q?regel=0D=0ABcc:_x?=", "regel Bcc: x"),
        ("draai \u{202e}om".as_bytes(), "draai om"),
        (b"gevouwen\r\n over\r\n\tregels", "gevouwen over regels"),
    ];
    known
        .iter()
        .enumerate()
        .map(|(n, (raw, text))| Case::new(format!("subject {n}"), with_subject(raw)).subject(*text).text("hoi"))
        .collect()
}

fn missing() -> Vec<Case> {
    vec![
        Case::new("no Message-ID", "From: anna@thuis.example\r\nSubject: x\r\n\r\nhoi")
            .text("hoi")
            .from("anna@thuis.example"),
        Case::new("empty Message-ID", "Message-ID: <>\r\nFrom: anna@thuis.example\r\n\r\nhoi").text("hoi"),
        Case::new("Message-ID without brackets", "Message-ID: m1@Thuis.Example\r\nFrom: anna@thuis.example\r\n\r\nhoi")
            .id("m1@thuis.example"),
        Case::new("Message-ID with a space", "Message-ID: < m1 @thuis.example>\r\nFrom: anna@thuis.example\r\n\r\nhoi")
            .id("m1@thuis.example"),
        Case::new(
            "two Message-IDs",
            "Message-ID: <een@x>\r\nMessage-ID: <twee@x>\r\nFrom: anna@thuis.example\r\n\r\nhoi",
        )
        .id("een@x"),
        Case::new("no Date", "From: anna@thuis.example\r\n\r\nhoi").text("hoi").sent_at(ARRIVED),
        Case::new("no From", "Subject: wie ben ik\r\n\r\nhoi").text("hoi").from("unknown@invalid").reply(&[]),
        Case::new("no From but a Sender", "Sender: anna@thuis.example\r\nSubject: x\r\n\r\nhoi")
            .from("anna@thuis.example"),
        Case::new("no From but a Return-Path", "Return-Path: <anna@thuis.example>\r\nSubject: x\r\n\r\nhoi")
            .from("anna@thuis.example"),
        Case::new("no To", "From: anna@thuis.example\r\n\r\nhoi").text("hoi").reply(&["anna@thuis.example"]),
        Case::new("no Subject", "From: anna@thuis.example\r\n\r\nhoi").text("hoi"),
        Case::new("header only", "From: anna@thuis.example\r\nSubject: alleen kop").text("alleen kop"),
        Case::new("header and an empty line", "From: anna@thuis.example\r\nSubject: alleen kop\r\n\r\n")
            .text("alleen kop"),
        Case::new("no header", "Zomaar wat tekst\r\n\r\nzonder kop").unreadable(),
        Case::new("nothing", "").unreadable(),
        Case::new("only empty lines", "\r\n\r\n\r\n").unreadable(),
        Case::new("bytes of no mail", b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec()).unreadable(),
        Case::new("an HTTP answer", "HTTP/1.1 200 OK\r\nServer: x\r\nConnection: close\r\n\r\nhoi").unreadable(),
        Case::new("NULs only", vec![0; 300]).unreadable(),
    ]
}

fn people() -> Vec<Case> {
    let from = |from: &str| format!("From: {from}\r\nTo: help@merk.example\r\nDate: {DATE}\r\n\r\nhoi");
    let mut cases: Vec<Case> = [
        ("anna@thuis.example", "anna@thuis.example"),
        ("<anna@thuis.example>", "anna@thuis.example"),
        ("Anna de Vries <Anna@Thuis.Example>", "anna@thuis.example"),
        ("\"Vries, Anna de\" <anna@thuis.example>", "anna@thuis.example"),
        ("Vries, Anna de <anna@thuis.example>", "anna@thuis.example"),
        ("anna@thuis.example (Anna de Vries)", "anna@thuis.example"),
        ("=?utf-8?Q?Ann=C3=A9?= <anna@thuis.example>", "anna@thuis.example"),
        ("\"=?utf-8?Q?Ann=C3=A9?=\" <anna@thuis.example>", "anna@thuis.example"),
        ("Anna <anna@thuis.example>, Bert <bert@thuis.example>", "anna@thuis.example"),
        ("\"help@merk.example\" <kwaad@elders.example>", "kwaad@elders.example"),
        ("Anna <anna+winkel@thuis.example>", "anna+winkel@thuis.example"),
        ("Anna <anna@thuis.example", "anna@thuis.example"),
        ("Jörg <jörg@bücher.example>", "jörg@bücher.example"),
    ]
    .into_iter()
    .map(|(raw, address)| Case::new(format!("from {raw}"), from(raw)).from(address).text("hoi"))
    .collect();
    cases.push(
        Case::new("from in raw latin", b"From: Ren\xe9 <rene@thuis.example>\r\n\r\nhoi".to_vec())
            .from("rene@thuis.example"),
    );
    let to = |more: &str| format!("Message-ID: <p@x>\r\nFrom: Anna <anna@thuis.example>\r\n{more}\r\n\r\nhoi");
    cases.extend([
        Case::new("everybody", to("To: Merk <help@merk.example>, bert@thuis.example\r\nCc: Cees <cees@thuis.example>, info@merk.example")).reply(&["anna@thuis.example"]).reply_all(&["bert@thuis.example", "cees@thuis.example"]),
        Case::new("our own address with a tag", to("To: HELP@Merk.example, help@merk.example")).reply_all(&[]),
        Case::new("reply-to", to("To: help@merk.example\r\nReply-To: klanten@thuis.example")).reply(&["klanten@thuis.example"]),
        Case::new("reply-to is us", to("To: help@merk.example\r\nReply-To: help@merk.example")).reply(&["anna@thuis.example"]),
        Case::new("group", to("To: Vrienden: bert@thuis.example, Cees <cees@thuis.example>;")).reply_all(&["bert@thuis.example", "cees@thuis.example"]),
        Case::new("undisclosed", to("To: undisclosed-recipients:;")).reply_all(&[]),
        Case::new("nobody twice", to("To: bert@thuis.example\r\nTo: BERT@thuis.example\r\nCc: bert@thuis.example")).reply_all(&["bert@thuis.example"]),
        Case::new("no addresses at all", to("To: <>, @, x, <a b@c>")).reply_all(&[]),
        Case::new("list that writes for its members", to("List-Id: <buurt.lijst.example>\r\nX-Original-From: Bert <bert@thuis.example>\r\nTo: buurt@lijst.example")).from("bert@thuis.example").automatic("list"),
    ]);
    cases
}

fn broken() -> Vec<Case> {
    let usual_lf = usual("Vraag").replace("\r\n", "\n");
    let mut cases = vec![
        Case::new("bare line feeds", format!("{usual_lf}\nhoi\nallemaal\n")).text("hoi\nallemaal").subject("Vraag"),
        Case::new("bare carriage returns", format!("{}\rhoi\r", usual_lf.replace('\n', "\r")))
            .text("hoi")
            .subject("Vraag"),
        Case::new("mixed line ends", format!("{usual_lf}\r\nhoi\r\nallemaal\n")).text("hoi\nallemaal"),
        Case::new("mbox line above", format!("From anna@thuis.example Mon Mar  2 09:14:05 2026\n{usual_lf}\nhoi"))
            .text("hoi")
            .subject("Vraag"),
        Case::new(
            "escaped mbox line above",
            format!(">From anna@thuis.example Mon Mar  2 09:14:05 2026\n{usual_lf}\nhoi"),
        )
        .text("hoi")
        .subject("Vraag"),
        Case::new("byte order mark above", format!("\u{feff}{}\r\nhoi", usual("Vraag"))).text("hoi").subject("Vraag"),
        Case::new("empty lines above", format!("\r\n\r\n{}\r\nhoi", usual("Vraag"))).text("hoi").subject("Vraag"),
        Case::new("a line that is no field", format!("dit hoort hier niet\r\n{}\r\nhoi", usual("Vraag")))
            .has("hoi")
            .subject("Vraag"),
        Case::new(
            "a line that is no field, in the middle",
            "From: anna@thuis.example\r\nzomaar\r\nSubject: Vraag\r\n\r\nhoi",
        )
        .has("hoi")
        .subject("Vraag"),
        Case::new("blank before the colon", "From : anna@thuis.example\r\nSubject : Vraag\r\n\r\nhoi")
            .subject("Vraag")
            .text("hoi"),
        Case::new("no blank after the colon", "From:anna@thuis.example\r\nSubject:Vraag\r\n\r\nhoi")
            .subject("Vraag")
            .text("hoi"),
        Case::new("field names in capitals", "FROM: anna@thuis.example\r\nSUBJECT: Vraag\r\n\r\nhoi")
            .subject("Vraag")
            .from("anna@thuis.example"),
        Case::new("fold of blanks only", "From: anna@thuis.example\r\nSubject: Vraag\r\n \r\n\r\nhoi")
            .subject("Vraag")
            .text("hoi"),
        Case::new("NUL in a field", b"From: anna@thuis.example\r\nSubject: Vra\0ag\r\n\r\nhoi".to_vec()).text("hoi"),
        Case::new("doubled fields", format!("Subject: Eerste\r\n{}\r\nhoi", usual("Tweede")))
            .subject("Eerste")
            .text("hoi"),
        Case::new("a field of 200 kB", format!("X-Lang: {}\r\n{}\r\nhoi", "x".repeat(200_000), usual("Vraag")))
            .text("hoi")
            .subject("Vraag"),
        Case::new("ten thousand fields", format!("{}{}\r\nhoi", "X-Veel: 1\r\n".repeat(10_000), usual("Vraag")))
            .text("hoi")
            .subject("Vraag"),
        Case::new("references without end", plain(&format!("References: {}\r\n", "<a@b> ".repeat(5_000)), "hoi"))
            .text("hoi"),
        Case::new(
            "in-reply-to in prose",
            plain("In-Reply-To: Your message of \"Mon, 2 Mar\" <vorige@merk.example>\r\n", "hoi"),
        )
        .text("hoi"),
        Case::new("an escape sequence", plain("X-Term: \x1b[2J\r\n", "hoi\x1b[31m")).has("hoi"),
    ];
    let mut cut = usual("Vraag").into_bytes();
    cut.truncate(60);
    cases.push(Case::new("cut off in the header", cut));
    cases
}

fn dates() -> Vec<Case> {
    [
        ("Mon, 02 Mar 2026 10:14:05 +0100", ARRIVED),
        ("2 Mar 2026 09:14:05 GMT", ARRIVED),
        ("Mon, 2 Mar 2026 04:14:05 EST", ARRIVED),
        ("Mon, 02 Mar 2026 10:14:05 +0100 (CET)", ARRIVED),
        ("Mon, 02 Mar 2026 08:00:00 +0000", ARRIVED - 4_445_000),
        ("Thu, 01 Jan 1970 00:00:00 +0000", ARRIVED),
        ("Mon, 02 Mar 2099 10:14:05 +0100", ARRIVED),
        ("Mon, 23 Feb 2026 10:14:05 +0100", ARRIVED),
        ("gisteren", ARRIVED),
        ("Mon, 99 Foo 2026 99:99:99 +9999", ARRIVED),
        ("", ARRIVED),
        ("Mon, 02 Mar 99999999999 10:14:05 +0100", ARRIVED),
    ]
    .into_iter()
    .map(|(date, at)| {
        Case::new(format!("date {date}"), format!("From: anna@thuis.example\r\nDate: {date}\r\n\r\nhoi"))
            .sent_at(at)
            .text("hoi")
    })
    .collect()
}

fn forged() -> Vec<Case> {
    let ours =
        |more: &str| format!("Message-ID: <f@x>\r\nFrom: Merk <help@merk.example>\r\nDate: {DATE}\r\n{more}\r\nhoi");
    vec![
        Case::new("in our name, to a customer, nobody vouches", ours("To: klant@thuis.example\r\n")).direction("context"),
        Case::new("in our name, to a customer, vouched for", ours("To: klant@thuis.example\r\nAuthentication-Results: mx.merk.example; dmarc=pass header.from=merk.example\r\n")).direction("out"),
        Case::new("in our name, vouched for by a stranger", ours("To: klant@thuis.example\r\nAuthentication-Results: mx.kwaad.example; dmarc=pass header.from=merk.example\r\n")).direction("context"),
        Case::new("a form on our site", ours("To: help@merk.example\r\nReply-To: Klant <klant@thuis.example>\r\n")).direction("in").from("klant@thuis.example").person().reply(&["klant@thuis.example"]),
        Case::new("to ourselves", ours("To: help@merk.example\r\n")).direction("in"),
        Case::new("in the Sent folder", ours("To: klant@thuis.example\r\n")).sent().direction("out").reply(&["klant@thuis.example"]),
        Case::new("in the Sent folder, by another", format!("From: anna@thuis.example\r\nDate: {DATE}\r\n\r\nhoi")).sent().direction("in"),
        Case::new("in the Sent folder, with Exchange's id", ours("To: klant@thuis.example\r\nX-Balie-Message: <out.7@merk.example>\r\n")).sent().id("out.7@merk.example"),
        Case::new("our mark outside the Sent folder", ours("To: klant@thuis.example\r\nX-Balie-Message: <out.7@merk.example>\r\n")).id("f@x"),
        Case::new("what went round", format!("From: anna@thuis.example\r\nX-Balie-Loop: Help@Merk.example\r\nDate: {DATE}\r\n\r\nhoi")).automatic("notice"),
        Case::new("written with Balie by another", format!("From: balie@winkel.example\r\nX-Balie-Loop: balie@winkel.example\r\nDate: {DATE}\r\n\r\nhoi")).person(),
    ]
}
