//! What is left where it cannot be answered goes to a mailbox, is answered by mail, and the customer's mail comes back; and a visitor's
//! transcript by mail. The mail server is the one we play.

use balie::channels::fake::Running;
use balie::channels::mailbox::fake::world::Sent;
use balie::channels::mailbox::fake::{self, Letter, Post, Trouble};
use balie::model::{AccountId, Role};
use balie::work::send::send_due;
use mail_parser::MessageParser;
use serde_json::{Value, json};

use super::server::{Answer, Caller, House};
use super::visit::{Visitor, a_minute_passes, answer, answer_then, chat, connect, only};
use crate::at_the_door;

const ONCE: &str = "6f1c1f3e-0000-4000-8000-000000000001";

/// A mailbox on a mail server of our own.
struct Mail {
    post: Post,
    id: String,
    /// The server, for as long as it is needed.
    _running: Running,
}

impl Mail {
    async fn connect(house: &House, admin: &Caller) -> Self {
        let (running, post) = fake::start("127.0.0.1:0".parse().unwrap(), house.clock.clone()).await.unwrap();
        let at = &running.accounts;
        let settings = json!({
            "address": at["brand"]["address"], "name": "Merk", "password": at["brand"]["password"],
            "imap_host": at["imap"]["host"], "imap_port": at["imap"]["port"], "imap_security": "none",
            "smtp_host": at["smtp"]["host"], "smtp_port": at["smtp"]["port"], "smtp_security": "none", "plus": true,
        });
        let made = admin.post("/api/accounts", json!({ "channel": "email", "settings": settings })).await.must_be(201);
        assert_eq!(made["mailbox"], true);
        let mail = Self { post, id: made["id"].as_str().unwrap().to_owned(), _running: running };
        mail.read(house).await;
        mail
    }

    /// Takes in what is in the mailbox.
    async fn read(&self, house: &House) {
        let id: AccountId = self.id.parse().unwrap();
        let account = house.desk.store().account(id).await.unwrap().unwrap();
        let channel = house.desk.connections().get(&account).unwrap();
        let pull = channel.pull().unwrap();
        for feed in pull.feeds() {
            let cursor = house.desk.store().cursor(id, feed.key).await.unwrap();
            let batch = pull.pull(feed.key, cursor.as_ref()).await.unwrap();
            house.desk.ingest(&account, feed.key, &batch).await.unwrap();
        }
    }

    fn sent(&self) -> Vec<Sent> {
        self.post.lock().sent.clone()
    }

    /// The head of the last mail that left, unfolded, a line per field.
    fn head(&self) -> Vec<String> {
        let raw = self.sent().last().unwrap().raw.clone();
        let text = String::from_utf8_lossy(&raw).into_owned();
        let head = text.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ").replace("\r\n\t", " ");
        head.lines().map(str::to_owned).collect()
    }

    fn text(&self) -> String {
        let raw = self.sent().last().unwrap().raw.clone();
        MessageParser::default().parse(&raw[..]).unwrap().body_text(0).unwrap().replace("\r\n", "\n")
    }

    fn message_id(&self) -> String {
        let raw = self.sent().last().unwrap().raw.clone();
        MessageParser::default().parse(&raw[..]).unwrap().message_id().unwrap().to_owned()
    }
}

fn field<'h>(head: &'h [String], name: &str) -> Option<&'h str> {
    head.iter().find_map(|line| line.strip_prefix(&format!("{name}: ")))
}

async fn a_form(admin: &Caller, more: Value) -> String {
    let mut settings = json!({ "language": "nl" });
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = admin.post("/api/accounts", json!({ "channel": "form", "settings": settings })).await.must_be(201);
    made["id"].as_str().unwrap().to_owned()
}

async fn fills_in(house: &House, form: &str, more: Value) -> Answer {
    let mut all = json!({
        "_once": ONCE, "name": "Noor de Vries", "email": "klant@thuis.test", "order": "12345", "bought": "2026-02-14",
        "wish": "refund", "what": "De motor bromt.",
    });
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let nobody = Caller { origin: None, ..house.stranger() };
    nobody.post(&format!("/hooks/{form}"), all).await
}

async fn conversations(agent: &Caller) -> Vec<Value> {
    agent.get("/api/conversations?status=open").await.must_be(200)["items"].as_array().unwrap().clone()
}

async fn opened(agent: &Caller, row: &Value) -> Value {
    agent.get(&format!("/api/conversations/{}", row["id"].as_str().unwrap())).await.must_be(200)
}

async fn account(admin: &Caller, id: &str) -> Value {
    admin.get(&format!("/api/accounts/{id}")).await.must_be(200)
}

at_the_door! {
    async fn what_is_left_in_the_chat_is_answered_by_mail_and_the_answer_comes_back(house) {
        let admin = house.signed_in("Beheer", Role::Admin).await;
        let mail = Mail::connect(house, &admin).await;
        let chat = connect(&admin, "Korst", json!({ "mailbox": "HELP@merk.test" })).await;
        assert_eq!(account(&admin, &chat).await["settings"]["mailbox"], json!(mail.id), "kept as its id");
        let anna = Visitor::arrive(house, &chat).await;
        let body = json!({
            "client_id": "0b2c1d7e-4a41-4f0e-9d6a-111111111111", "name": "Anna", "email": "klant@thuis.test",
            "text": "Zijn jullie maandag open?", "page": { "url": "https://korst.example/winkel", "title": "Winkel" },
        });
        anna.post("offline", json!({ "client_id": "0b2c1d7e-4a41-4f0e-9d6a-222222222222", "text": "x" })).await.must_turn_away(422, "incomplete");
        assert_eq!(anna.post("offline", body.clone()).await.must_be(201), json!({ "by": "mail" }));
        for _ in 0..12 {
            assert_eq!(anna.post("offline", body.clone()).await.must_be(200), json!({ "by": "mail" }));
        }
        let mut other = body.clone();
        other["text"] = json!("Iets anders");
        anna.post("offline", other).await.must_turn_away(409, "client_id_reused");
        assert_eq!(anna.texts().await, [] as [String; 0], "the chat itself has nothing to wait for");

        let sanne = house.signed_in("Sanne", Role::Agent).await;
        let row = only(&sanne, "open").await;
        assert_eq!((&row["channel"], &row["subject"]), (&json!("email"), &json!("Je bericht aan Korst")));
        let said = opened(&sanne, &row).await["messages"][0].clone();
        assert_eq!((&said["kind"], &said["text"], &said["author"]["handle"]), (&json!("chat"), &json!("Zijn jullie maandag open?"), &json!("klant@thuis.test")));
        assert!(said["extra"]["fields"].to_string().contains("https://korst.example/winkel"), "{said}");
        assert_eq!(said["extra"]["recipients"]["reply"], json!([{ "address": "klant@thuis.test", "name": "Anna" }]));

        answer(house, &sanne, &row, "Ja, vanaf acht uur.").await;
        let sent = mail.sent();
        assert_eq!((sent.len(), &sent[0].to), (1, &vec!["klant@thuis.test".to_owned()]));
        let head = mail.head();
        assert_eq!(field(&head, "Subject"), Some("Re: Je bericht aan Korst"));
        assert!(field(&head, "To").unwrap().contains("Anna") && field(&head, "Auto-Submitted").is_none(), "{head:?}");
        assert!(field(&head, "Reply-To").unwrap().contains("help+t-"), "{head:?}");
        let text = mail.text();
        assert!(text.starts_with("Ja, vanaf acht uur.") && text.contains("> Zijn jullie maandag open?"), "{text}");

        // By what it answers; by the address alone, when a mail program drops the rest.
        let ours = mail.message_id();
        let reply_to = field(&head, "Reply-To").unwrap().rsplit_once('<').unwrap().1.trim_end_matches('>').to_owned();
        for (words, to, answers) in [("Dank je!", "help@merk.test", vec![ours]), ("En dinsdag?", &*reply_to, Vec::new())] {
            a_minute_passes(house);
            mail.post.lock().write(&Letter { from: "Anna <klant@thuis.test>".into(), to: to.into(), subject: "Re: iets".into(), text: words.into(), answers });
            mail.read(house).await;
            let now = only(&sanne, "open").await;
            assert_eq!((&now["id"], &now["snippet"]), (&row["id"], &json!(words)));
        }
        assert_eq!(opened(&sanne, &row).await["threads"].as_array().unwrap().len(), 1);
    }

    async fn a_form_goes_to_its_mailbox_once_whatever_is_chosen_meanwhile(house) {
        let admin = house.signed_in("Beheer", Role::Admin).await;
        let mail = Mail::connect(house, &admin).await;
        let form = a_form(&admin, json!({ "mailbox": mail.id })).await;
        let at = format!("/api/accounts/{form}");
        let both = tokio::join!(fills_in(house, &form, json!({})), fills_in(house, &form, json!({})));
        assert_eq!((both.0.status, both.1.status), (202, 202), "{} {}", both.0.text, both.1.text);
        let rows = conversations(&admin).await;
        assert_eq!(rows.len(), 1);
        let row = &rows[0];
        assert_eq!((&row["channel"], &row["subject"]), (&json!("email"), &json!("Garantieclaim DFC17939")));
        assert!(row["due_at"].is_i64(), "{row}");
        let shown = opened(&admin, row).await;
        let (message, allowance) = (&shown["messages"][0], &shown["threads"][0]["allowance"]);
        assert_eq!((&message["kind"], &message["author"]["name"]), (&json!("form"), &json!("Noor de Vries")));
        assert_eq!(message["extra"]["fields"][2], json!({ "label": "Bestelnummer", "value": "12345" }));
        assert_eq!((&allowance["may_reply"], &allowance["outcomes"][2]["nl"], &allowance["hand_off"]), (&json!(true), &json!("Terugbetaald"), &Value::Null));
        let closed = json!({ "status": "closed", "outcome": "Terugbetaald" });
        admin.call("PUT", &format!("/api/conversations/{}/status", row["id"].as_str().unwrap()), closed).await.must_be(200);

        // None: what went stays gone, what comes now stays here and is not doubled by choosing again.
        admin.call("PATCH", &at, json!({ "settings": { "mailbox": null } })).await.must_be(200);
        assert_eq!(account(&admin, &form).await["settings"].get("mailbox"), None);
        fills_in(house, &form, json!({})).await.must_be(202);
        assert_eq!(conversations(&admin).await.len(), 0);
        let second = json!({ "_once": "6f1c1f3e-0000-4000-8000-000000000002", "email": "zoeker@elders.test" });
        fills_in(house, &form, second.clone()).await.must_be(202);
        let rows = conversations(&admin).await;
        assert_eq!((rows.len(), &rows[0]["channel"]), (1, &json!("form")));
        assert!(opened(&admin, &rows[0]).await["threads"][0]["allowance"]["hand_off"]["url"].as_str().unwrap().starts_with("mailto:"));
        admin.call("PATCH", &at, json!({ "settings": { "mailbox": "help@merk.test" } })).await.must_be(200);
        fills_in(house, &form, second).await.must_be(202);
        assert_eq!(conversations(&admin).await.len(), 1);
        assert_eq!(account(&admin, &form).await["health"]["state"], "ok");

        // Switched off, then disconnected: nothing is lost, and the account says what to do.
        admin.call("PATCH", &format!("/api/accounts/{}", mail.id), json!({ "enabled": false })).await.must_be(200);
        assert_eq!(account(&admin, &form).await["health"]["code"], "mailbox.off");
        admin.call("DELETE", &format!("/api/accounts/{}", mail.id), Value::Null).await;
        let sick = account(&admin, &form).await;
        assert_eq!((&sick["health"]["state"], &sick["health"]["code"]), (&json!("degraded"), &json!("mailbox.gone")));
        assert!(sick["health"]["cause"]["nl"].is_string() && sick["health"]["cure"]["en"].is_string());
        let third = json!({ "_once": "6f1c1f3e-0000-4000-8000-000000000003", "email": "derde@elders.test" });
        fills_in(house, &form, third).await.must_be(202);
        assert_eq!(conversations(&admin).await.iter().filter(|row| row["channel"] == "form").count(), 2);
        // Another setting can be changed all the same.
        admin.call("PATCH", &at, json!({ "settings": { "mailbox": mail.id, "country": "+32" } })).await.must_be(200);
    }

    async fn who_sends_the_same_page_again_with_other_words_is_heard_again(house) {
        let admin = house.signed_in("Beheer", Role::Admin).await;
        let mail = Mail::connect(house, &admin).await;
        let form = a_form(&admin, json!({})).await;
        let at = format!("/api/accounts/{form}");
        for (mailbox, once, words) in [(json!(mail.id), ONCE, ["een", "twee"]), (Value::Null, "6f1c1f3e-0000-4000-8000-000000000002", ["drie", "vier"])] {
            admin.call("PATCH", &at, json!({ "settings": { "mailbox": mailbox } })).await.must_be(200);
            let first = fills_in(house, &form, json!({ "_once": once })).await.must_be(202);
            for row in conversations(&admin).await {
                let path = format!("/api/conversations/{}/status", row["id"].as_str().unwrap());
                admin.call("PUT", &path, json!({ "status": "closed" })).await.must_be(200);
            }
            for what in words {
                let again = fills_in(house, &form, json!({ "_once": once, "what": what })).await.must_be(202);
                assert_ne!(first["reference"], again["reference"]);
                fills_in(house, &form, json!({ "_once": once, "what": what })).await.must_be(202);
            }
            let mut heard = Vec::new();
            for row in conversations(&admin).await {
                for said in opened(&admin, &row).await["messages"].as_array().unwrap() {
                    assert!(said["edited_at"].is_null(), "{said}");
                    heard.extend(said["extra"]["fields"].as_array().unwrap().last().map(|field| field["value"].clone()));
                }
            }
            for what in words {
                assert_eq!(heard.iter().filter(|value| *value == what).count(), 1, "{what} in {heard:?}");
            }
        }
    }

    async fn who_types_header_lines_writes_no_header_and_to_nobody_else(house) {
        let admin = house.signed_in("Beheer", Role::Admin).await;
        let mail = Mail::connect(house, &admin).await;
        let form = a_form(&admin, json!({ "mailbox": mail.id, "definition": json!({
            "title": "Vraag", "fields": [
                { "key": "name", "label": "Naam", "kind": "lines" },
                { "key": "email", "label": "E-mail", "kind": "email" },
                { "key": "what", "label": "Wat", "kind": "lines" },
            ],
        }).to_string() })).await;
        let evil = "Eve\r\nBcc: victim@elders.test\r\n\r\n<script>alert(1)</script>\r\n.\r\nRCPT TO:<victim@elders.test>\u{0}";
        for address in ["klant@thuis.test\r\nBcc: victim@elders.test", "klant@thuis.test, victim@elders.test", "<klant@thuis.test>", "\"a b\"@thuis.test"] {
            assert_eq!(fills_in(house, &form, json!({ "email": address })).await.status, 422, "{address}");
        }
        fills_in(house, &form, json!({ "name": evil, "what": evil })).await.must_be(202);
        let row = only(&admin, "open").await;
        answer(house, &admin, &row, "Dank je").await;
        let (head, sent) = (mail.head(), mail.sent());
        assert_eq!(sent[0].to, ["klant@thuis.test"]);
        let known = ["From", "To", "Subject", "Date", "Message-ID", "X-Balie-Message", "X-Balie-Loop", "In-Reply-To", "References", "Reply-To", "Content-Type", "MIME-Version"];
        for line in &head {
            let name = line.split(':').next().unwrap();
            assert!(known.contains(&name), "{line}");
        }
        assert!(field(&head, "To").unwrap().ends_with("<klant@thuis.test>"), "{head:?}");
        let html = MessageParser::default().parse(&sent[0].raw[..]).unwrap().body_html(0).unwrap().into_owned();
        assert!(!html.contains("<script>") && html.contains("&lt;script&gt;"), "{html}");
        // Our own address is nobody's to be answered at: it stays in the form.
        let ours = json!({ "_once": "6f1c1f3e-0000-4000-8000-00000000000a", "email": "help@merk.test" });
        fills_in(house, &form, ours).await.must_be(202);
        assert_eq!(only(&admin, "open").await["channel"], "form");
    }

    async fn only_a_mailbox_can_be_chosen(house) {
        let (admin, chat) = chat(house, json!({})).await;
        assert_eq!(account(&admin, &chat).await["mailbox"], false);
        for wrong in [chat.as_str(), "help@merk.test", "Korst"] {
            let settings = json!({ "language": "nl", "mailbox": wrong });
            let refused = admin.post("/api/accounts", json!({ "channel": "form", "settings": settings })).await;
            assert_eq!((refused.code(), &refused.body["field"]), ("account.field", &json!("mailbox")), "{}", refused.text);
            let refused = admin.call("PATCH", &format!("/api/accounts/{chat}"), json!({ "settings": { "mailbox": wrong } })).await;
            assert_eq!((refused.code(), &refused.body["field"]), ("account.field", &json!("mailbox")), "{}", refused.text);
        }
    }

    async fn looking_at_a_form_is_not_sending_it(house) {
        let admin = house.signed_in("Beheer", Role::Admin).await;
        let mail = Mail::connect(house, &admin).await;
        let form = a_form(&admin, json!({ "mailbox": mail.id })).await;
        let nobody = house.stranger();
        for _ in 0..25 {
            let head = nobody.send(nobody.request(reqwest::Method::HEAD, &format!("/hooks/{form}"))).await;
            assert_eq!((head.status, head.headers["content-type"].to_str().unwrap()), (200, "text/html; charset=utf-8"));
        }
        let sent = fills_in(house, &form, json!({})).await;
        assert!(sent.status < 300, "{} {}", sent.status, sent.text);
        fills_in(house, &form, json!({ "what": "x".repeat(4 * 1024 * 1024) })).await.must_refuse(413, "body.too_large");
    }

    async fn a_transcript_leaves_by_mail_once_and_holds_what_the_visitor_saw(house) {
        let admin = house.signed_in("Beheer", Role::Admin).await;
        let mail = Mail::connect(house, &admin).await;
        let chat = connect(&admin, "Korst", json!({ "mailbox": mail.id })).await;
        let anna = Visitor::arrive(house, &chat).await;
        assert_eq!(anna.get("config").await.body["transcript"], json!({ "download": true, "mail": true }));
        let wish = json!({ "email": "Klant@thuis.test" });
        anna.post("transcript", wish.clone()).await.must_turn_away(409, "not_possible");
        anna.say("Dag").await.must_be(201);
        anna.post("transcript", wish.clone()).await.must_turn_away(409, "not_possible");
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        let row = only(&sanne, "open").await;
        sanne.post(&format!("/api/conversations/{}/notes", row["id"].as_str().unwrap()), json!({ "text": "lastige klant" })).await.must_be(201);
        answer_then(house, &sanne, &row, "Tot ziens", "closed").await;

        anna.post("transcript", json!({ "email": "geen adres" })).await.must_turn_away(400, "invalid");
        let both = tokio::join!(anna.post("transcript", wish.clone()), anna.post("transcript", wish.clone()));
        let mut statuses = [both.0.status, both.1.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [202, 429], "{} {}", both.0.text, both.1.text);
        anna.post("transcript", json!({ "email": "victim@elders.test" })).await.must_turn_away(409, "not_possible");
        // The server is busy: it waits, and nothing else does.
        mail.post.lock().troubles.push(Trouble::Refuse("451 4.7.1 later".to_owned()));
        send_due(&house.desk, "test").await.unwrap();
        assert_eq!(mail.sent().len(), 0);
        let closed = only(&sanne, "closed").await;
        assert_eq!((&closed["id"], &closed["delivery_problem"]), (&row["id"], &json!(false)));
        anna.say("Toch nog iets").await.must_be(201);
        let again = only(&sanne, "open").await;
        let said = answer(house, &sanne, &again, "Zeg het maar").await;
        let states = |shown: &Value| shown["messages"].as_array().unwrap().iter().filter(|m| m["direction"] == "out").map(|m| m["delivery"]["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        let shown = opened(&sanne, &row).await;
        assert_eq!(states(&shown), ["sent", "waiting", "sent"], "{said}");

        a_minute_passes(house);
        send_due(&house.desk, "test").await.unwrap();
        send_due(&house.desk, "test").await.unwrap();
        let sent = mail.sent();
        assert_eq!((sent.len(), &sent[0].to), (1, &vec!["klant@thuis.test".to_owned()]));
        let (head, text) = (mail.head(), mail.text());
        assert_eq!((field(&head, "Subject"), field(&head, "Auto-Submitted")), (Some("Je gesprek met Korst"), Some("auto-generated")));
        assert!(text.contains("Dag") && text.contains("Sanne (Korst):\nTot ziens") && !text.contains("lastig"), "{text}");
        assert!(!text.contains("Zeg het maar"), "as it was when it was asked for: {text}");

        // The copy in the Sent folder is no news, the visitor's own thread has none of it, and agents see to whom it went.
        mail.read(house).await;
        assert_eq!(anna.texts().await, ["Dag", "Tot ziens", "Toch nog iets", "Zeg het maar"]);
        let shown = opened(&sanne, &row).await;
        let told = shown["messages"].as_array().unwrap().iter().find(|m| m["automatic"] == "notice").unwrap();
        assert_eq!((&told["delivery"]["state"], &told["extra"]["addressed"]["to"][0]["address"]), (&json!("sent"), &json!("klant@thuis.test")));
        assert_eq!(sanne.get("/api/conversations?status=open").await.body["items"], json!([]));
        a_minute_passes(house);
        house.later(std::time::Duration::from_secs(600));
        assert_eq!(anna.post("transcript", json!({})).await.status, 202, "their address is known by now");
    }

    async fn a_transcript_that_nobody_takes_wakes_nobody_and_one_whose_fate_is_unknown_is_not_sent_again(house) {
        let admin = house.signed_in("Beheer", Role::Admin).await;
        let mail = Mail::connect(house, &admin).await;
        let chat = connect(&admin, "Korst", json!({ "mailbox": mail.id })).await;
        let anna = Visitor::arrive(house, &chat).await;
        anna.say("Dag").await.must_be(201);
        let row = only(&admin, "open").await;
        answer_then(house, &admin, &row, "Tot ziens", "closed").await;
        for (trouble, state) in [(Trouble::Refuse("550 5.1.1 nobody".to_owned()), "rejected"), (Trouble::Cut, "uncertain")] {
            house.later(std::time::Duration::from_secs(601));
            anna.post("transcript", json!({ "email": "klant@thuis.test" })).await.must_be(202);
            mail.post.lock().troubles.push(trouble);
            for _ in 0..3 {
                send_due(&house.desk, "test").await.unwrap();
                house.later(std::time::Duration::from_secs(3600));
            }
            let closed = only(&admin, "closed").await;
            assert_eq!(closed["delivery_problem"], true, "a person sees it, and nobody waits");
            let shown = opened(&admin, &row).await;
            assert_eq!(shown["messages"].as_array().unwrap().last().unwrap()["delivery"]["state"], state);
        }
    }
}
