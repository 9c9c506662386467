//! How fast mails come in: from their bytes to messages in conversations, against bare inserts of the very rows they became.
//!
//! The mails are as customers write them: HTML with what it answers quoted below, one in eight with a picture. The bare way has
//! no mail to read and no file to keep, and is what the database alone could do; reading alone is shown beside it.

use std::time::{Duration, Instant};

use balie::channels::email::convert;
use balie::channels::email::me::{Folder, Me};
use balie::channels::{Batch, Item};
use serde_json::json;

use crate::ingest::{Random, Rows, adopt};
use crate::report::{Report, median};
use crate::support::{Engine, Fixture, START};

const BATCHES: usize = 60;
const BATCH: usize = 25;
const ROUNDS: usize = 3;

pub async fn measure(engine: Engine, report: &mut Report) {
    let me = Me { addresses: vec!["help@merk.example".to_owned()], ..Me::default() };
    let mails = mails();
    let total = mails.len() as f64;
    let (mut rates, mut reading, mut bare_rates) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let f = Fixture::new(engine).await;
        let (began, mut spent) = (Instant::now(), Duration::ZERO);
        for (n, some) in mails.chunks(BATCH).enumerate() {
            f.later(Duration::from_secs(1));
            let read = Instant::now();
            let items: Vec<Item> =
                some.iter().flat_map(|raw| convert::read(raw, &me, START, Folder::Watched).unwrap()).collect();
            spent += read.elapsed();
            let batch = Batch { items, next: Some(json!({ "uid": n * BATCH })), ..Batch::default() };
            f.desk.ingest(&f.account, "mail", &batch).await.unwrap();
        }
        rates.push(total / began.elapsed().as_secs_f64());
        reading.push(total / spent.as_secs_f64());

        let rows = Rows::of(&f.store).await;
        assert_eq!(rows.messages(), mails.len());
        let bare = Fixture::new(engine).await;
        let mut copy = bare.account.clone();
        copy.id = f.account.id;
        "copy".clone_into(&mut copy.name);
        adopt(&bare.store, &copy).await;
        let began = Instant::now();
        rows.insert(&bare.store).await;
        bare_rates.push(total / began.elapsed().as_secs_f64());
        bare.store.close().await;
        f.store.close().await;
    }
    let name = crate::name(engine);
    report.at_least(format!("mail ingest/{name}"), median(rates), "mail/s", median(bare_rates), 0.1);
    report.plain(format!("mail reading/{name}"), median(reading), "mail/s");
}

/// Mails of many customers, some of whom write again.
fn mails() -> Vec<Vec<u8>> {
    let mut random = Random(11);
    (0..BATCHES * BATCH)
        .map(|n| {
            let customer = random.below(400);
            let words = (0..40 + random.below(120)).map(|_| ["pakket", "levering", "vandaag", "kapot", "bestelling", "wanneer", "graag", "antwoord"][random.below(8) as usize]);
            let text = words.collect::<Vec<_>>().join(" ");
            let quoted = "Beste klant, dank voor uw bericht. Wij zoeken het uit. ".repeat(10);
            let references = if n > 400 { format!("References: <m{}@thuis.example>\r\n", random.below(400)) } else { String::new() };
            let picture = if n.is_multiple_of(8) {
                format!("--b\r\nContent-Type: image/jpeg; name=foto.jpg\r\nContent-Transfer-Encoding: base64\r\n\r\n{}{n:08}\r\n", "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgG".repeat(600))
            } else {
                String::new()
            };
            format!(
                "Received: from mx.thuis.example by mail.merk.example; Mon, 02 Mar 2026 10:14:05 +0100\r\nMessage-ID: <m{n}@thuis.example>\r\n{references}\
                 Date: Mon, 02 Mar 2026 10:14:05 +0100\r\nFrom: Klant {customer} <klant{customer}@thuis.example>\r\nTo: Merk <help@merk.example>\r\nSubject: Bestelling {n}\r\nMIME-Version: 1.0\r\n\
                 Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n--a\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n--a\r\n\
                 Content-Type: text/html; charset=utf-8\r\n\r\n<div dir=ltr>{text}</div><br><div class=gmail_quote><div class=gmail_attr>Op ma schreef Merk:</div><blockquote class=gmail_quote>{quoted}</blockquote></div>\r\n--a--\r\n{picture}--b--\r\n"
            )
            .into_bytes()
        })
        .collect()
}
