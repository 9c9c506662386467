//! A mail's original at the door: shown where it can do nothing, downloaded whole, by nobody who may not see it.

use balie::channels::email::convert;
use balie::channels::email::me::{Folder, Me};
use balie::channels::{Batch, Item};
use balie::model::Role;
use balie::store::Actor;
use balie::store::accounts::Account;
use serde_json::json;
use sqlx::types::Json;

use crate::at_the_door;
use crate::door::server::House;
use crate::support::{self, START};

/// A mail that tries everything.
const HOSTILE: &str = "<html><head><style>@import url(https://evil.example/a.css);@font-face{font-family:x;src:url(https://evil.example/f.woff)}</style>\
<meta http-equiv=refresh content=\"0;url=https://evil.example\"><base href=https://evil.example/><script>alert(1)</script></head>\
<body onload=alert(1) background=https://evil.example/bg.png><svg onload=alert(1)></svg><form action=https://evil.example><input name=pw></form>\
<p style=\"color:red;background:url(https://evil.example/css.png)\">Hallo daar</p><iframe src=https://evil.example></iframe>\
<img src=\"cid:foto@thuis\" alt=foto><img src=\"https://pics.example/logo.png\" alt=Logo><img src=/api/me></body></html>";

fn mail() -> Vec<u8> {
    format!(
        "Message-ID: <h@thuis.example>\r\nFrom: Anna <anna@thuis.example>\r\nTo: help@merk.example\r\nSubject: Hallo\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{HOSTILE}\r\n--b\r\n\
         Content-Type: image/png; name=foto.png\r\nContent-ID: <foto@thuis>\r\nContent-Transfer-Encoding: base64\r\n\r\n\
         iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==\r\n--b--\r\n"
    )
    .into_bytes()
}

/// A mailbox with that mail in it; gives the message's id.
async fn arrived(house: &House) -> (Account, String) {
    let template = support::connect(&house.running.store, "other").await;
    let account = Account {
        id: balie::model::AccountId::new(),
        channel: "email".to_owned(),
        name: "help".to_owned(),
        external_id: "help@merk.example".to_owned(),
        handle: "help@merk.example".to_owned(),
        settings: Json(json!({ "address": "help@merk.example", "imap_host": "127.0.0.1", "smtp_host": "127.0.0.1" })),
        ..template
    };
    let mut tx = house.running.store.begin(Actor::System).await.unwrap();
    tx.insert_account(&account).await.unwrap();
    tx.commit().await.unwrap();
    let me = Me { addresses: vec!["help@merk.example".to_owned()], ..Me::default() };
    let items = convert::read(&mail(), &me, START, Folder::Watched).unwrap();
    assert!(matches!(items[..], [Item::Message(_)]));
    house.desk.ingest(&account, "mail", &Batch { items, ..Batch::default() }).await.unwrap();
    let chief = house.signed_in("Chief", Role::Admin).await;
    let list = chief.get("/api/conversations").await.must_be(200);
    let opened =
        chief.get(&format!("/api/conversations/{}", list["items"][0]["id"].as_str().unwrap())).await.must_be(200);
    (account, opened["messages"][0]["id"].as_str().unwrap().to_owned())
}

at_the_door! {
    async fn a_mail_is_shown_where_it_can_do_nothing(house) {
        let (_, id) = arrived(house).await;
        let chief = house.sign_in("Chief").await;
        let page = chief.get(&format!("/api/messages/{id}/html")).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("sandbox ") && !policy.contains("allow-scripts") && !policy.contains("allow-forms"), "{policy}");
        for part in ["default-src 'none'", "img-src 'self' data:", "form-action 'none'", "base-uri 'none'", "frame-ancestors 'self'"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert_eq!(page.headers["x-blocked-images"], "1");
        let text = page.text.to_ascii_lowercase();
        assert!(text.contains("hallo daar") && text.contains("color:red"), "{text}");
        for bad in ["<script", "<svg", "<form", "<input", "<iframe", "http-equiv", "<base", "onload", "evil.example", "pics.example", "url(", "@import", "src=\"/api/me\""] {
            assert!(!text.contains(bad), "{bad}: {text}");
        }
        let picture = page.text.split("src=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        assert!(picture.starts_with("/api/media/"), "{picture}");
        assert_eq!(chief.get(&picture).await.status, 200, "the picture that came along");

        let page = chief.get(&format!("/api/messages/{id}/html?images=1")).await;
        assert_eq!(page.headers["x-blocked-images"], "0");
        assert!(page.text.contains(&format!("/api/messages/{id}/images?u=https%3A%2F%2Fpics.example%2Flogo.png")), "{}", page.text);
        assert!(!page.text.contains("evil.example"));
    }

    async fn only_pictures_of_this_mail_are_fetched(house) {
        let (_, id) = arrived(house).await;
        let chief = house.sign_in("Chief").await;
        for address in ["https://elsewhere.example/x.png", "http://127.0.0.1:1/", "file:///etc/passwd", "/api/me", ""] {
            let query: String = url::form_urlencoded::byte_serialize(address.as_bytes()).collect();
            chief.get(&format!("/api/messages/{id}/images?u={query}")).await.must_refuse(404, "not_found");
        }
    }

    async fn the_original_is_given_whole_and_as_nothing_a_browser_opens(house) {
        let (_, id) = arrived(house).await;
        let chief = house.sign_in("Chief").await;
        let answer = chief.get(&format!("/api/messages/{id}/source")).await;
        assert_eq!((answer.status, answer.text.as_bytes()), (200, mail().as_slice()));
        assert_eq!(answer.headers["content-type"], "application/octet-stream");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        assert!(answer.headers["content-disposition"].to_str().unwrap().starts_with("attachment; filename=\"message-"));
    }

    async fn who_may_not_see_the_mail_sees_no_original(house) {
        let (account, id) = arrived(house).await;
        let mine = balie::desk::people::add_team(&house.running.store, Actor::System, "Mine").await.unwrap().id;
        let theirs = balie::desk::people::add_team(&house.running.store, Actor::System, "Theirs").await.unwrap().id;
        let mut tx = house.running.store.begin(Actor::System).await.unwrap();
        tx.set_account_teams(account.id, &[theirs]).await.unwrap();
        tx.commit().await.unwrap();
        house.person("Sanne", Role::Agent, vec![mine]).await;
        let sanne = house.sign_in("Sanne").await;
        for path in ["html", "html?images=1", "source", "images?u=https://pics.example/logo.png"] {
            let path = format!("/api/messages/{id}/{path}");
            house.stranger().get(&path).await.must_refuse(401, "session.required");
            sanne.get(&path).await.must_refuse(404, "not_found");
        }
    }
}
