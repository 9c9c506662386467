//! The form as visitors and robots meet it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};

use super::DESCRIPTOR;
use crate::channels::{
    Channel, ChannelError, Class, Client, Context, Hook, HookAnswer, Item, MemorySecrets, Message, Pushed, ThreadRef,
};
use crate::clock::Clock;
use crate::model::{ClaimKind, Direction, Lane, MessageKind, ThreadKind, Timestamp};

const NOW: Timestamp = Timestamp(1_772_442_845_000);
const ONCE: &str = "6f1c1f3e-0000-4000-8000-000000000001";
/// What those answers are known by.
const NAME: &str = "02fa4541-6c2c-428f-bc95-1dd632b2811d";
const FILLED: &[(&str, &str)] = &[
    ("_once", ONCE),
    ("name", "Noor de Vries"),
    ("email", "Noor@Voorbeeld.nl"),
    ("phone", "06-1234 5678"),
    ("order", "12345"),
    ("bought", "2026-02-14"),
    ("wish", "refund"),
    ("what", "De motor <b>bromt</b>.\r\nEn hij lekt."),
];

fn form(settings: &Value) -> Result<Arc<dyn Channel>, ChannelError> {
    let mut all = json!({"definition": include_str!("guarantee.json"), "language": "nl", "country": "+31"});
    all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    (DESCRIPTOR.connect)(Context {
        client: Client::new(false).unwrap(),
        clock: Clock::manual(NOW),
        settings: all,
        secrets: Arc::new(MemorySecrets::default()),
        history: Duration::from_secs(7 * 86_400),
    })
}

async fn call(
    channel: &dyn Channel,
    method: Method,
    headers: &[(&'static str, &str)],
    query: &str,
    body: &[u8],
) -> Pushed {
    let mut all = HeaderMap::new();
    for (name, value) in headers {
        all.insert(*name, HeaderValue::from_str(value).unwrap());
    }
    let (secrets, from) = (json!({}), IpAddr::from([203, 0, 113, 7]));
    let hook = Hook { method: &method, headers: &all, query, body, secrets: &secrets, from };
    channel.push().unwrap().receive(&hook).await.unwrap()
}

fn encoded(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

async fn sends(channel: &dyn Channel, fields: &[(&str, &str)]) -> (u16, String, Pushed) {
    let kind = [("content-type", "application/x-www-form-urlencoded")];
    let pushed = call(channel, Method::POST, &kind, "", encoded(fields).as_bytes()).await;
    let (status, body) = exactly(&pushed);
    (status, body, pushed)
}

fn exactly(pushed: &Pushed) -> (u16, String) {
    match &pushed.answer {
        Some(HookAnswer::Exactly { status, body, .. }) => (*status, body.clone()),
        other => panic!("{other:?}"),
    }
}

fn header<'p>(pushed: &'p Pushed, name: &str) -> Option<&'p str> {
    let Some(HookAnswer::Exactly { headers, .. }) = &pushed.answer else { panic!("{pushed:?}") };
    headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
}

fn message(pushed: &Pushed) -> &Message {
    match &pushed.batch.items[..] {
        [Item::Message(message), Item::Remember { thread, .. }] if *thread == message.thread.external_id => message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_claim_becomes_a_conversation_with_a_deadline() {
    let form = form(&json!({})).unwrap();
    let (status, page, pushed) = sends(&*form, FILLED).await;
    assert_eq!(status, 200);
    assert!(page.contains("binnen 14 dagen") && page.contains("02FA4541"), "{page}");
    let message = message(&pushed);
    assert_eq!(
        (message.kind, message.thread.kind, message.thread.lane),
        (MessageKind::Form, ThreadKind::Form, Lane::Private)
    );
    assert_eq!((message.direction, message.sent_at), (Direction::In, NOW));
    assert_eq!(message.thread.title.as_deref(), Some("Garantieclaim 02FA4541"));
    assert_eq!(message.external_id, NAME);
    assert_eq!(message.due_at, Some(Timestamp(NOW.0 + 14 * 86_400_000)));
    assert_eq!(
        (message.author.name.as_str(), message.author.external_id.as_str()),
        ("Noor de Vries", "noor@voorbeeld.nl")
    );
    let claims: Vec<_> = message.author.claims.iter().map(|c| (c.kind, c.value.as_str(), c.verified)).collect();
    assert_eq!(
        claims,
        [(ClaimKind::Email, "noor@voorbeeld.nl", false), (ClaimKind::Phone, "+31612345678", false)],
        "typed, so vouched for by nobody"
    );
    let fields: Vec<_> = message.fields.iter().map(|f| (f.label.as_str(), f.value.as_str())).collect();
    assert_eq!(
        fields[3..6],
        [("Bestelnummer", "12345"), ("Aankoopdatum", "2026-02-14"), ("Wat wil je het liefst?", "Geld terug")]
    );
    assert_eq!(fields[6].1, "De motor <b>bromt</b>.\nEn hij lekt.", "as it was typed");
    assert!(message.text.contains("Bestelnummer: 12345") && message.html.is_none());
    // Pressed twice, or sent again after a lost answer: the same message.
    let (_, _, again) = sends(&*form, FILLED).await;
    assert_eq!(again.batch.items, pushed.batch.items);
}

#[tokio::test]
async fn other_answers_from_the_same_page_are_another_message() {
    let form = form(&json!({})).unwrap();
    let mut other = FILLED.to_vec();
    other[7].1 = "En nu rookt hij ook.";
    let (first, second) = (sends(&*form, FILLED).await, sends(&*form, &other).await);
    let (one, two) = (message(&first.2), message(&second.2));
    assert_ne!((&one.external_id, &one.thread.external_id), (&two.external_id, &two.thread.external_id));
    let reference = |one: &Message| one.thread.title.as_ref().unwrap().rsplit(' ').next().unwrap().to_owned();
    let (old, new) = (reference(one), reference(two));
    assert!(old != new && first.1.contains(&old) && second.1.contains(&new), "everyone is told their own");
    assert_eq!(message(&sends(&*form, &other).await.2).external_id, two.external_id, "that one, too, is sent once");
}

#[tokio::test]
async fn the_conversation_says_how_to_answer_and_what_it_may_end_in() {
    let form = form(&json!({})).unwrap();
    assert!(form.reply().is_none());
    let thread = ThreadRef { title: Some("Garantieclaim 6F1C1F3E".to_owned()), ..ThreadRef::default() };
    let ask = |memory: Value| form.allowance(&thread, &json!({"thread": memory}));
    let allowance = ask(json!({"email": "noor&co@voorbeeld.nl", "phone": "06-1234 5678"}));
    assert!(!allowance.may_reply);
    assert_eq!(
        allowance.outcomes.iter().map(|o| o.nl.as_str()).collect::<Vec<_>>(),
        ["Gerepareerd", "Vervangen", "Terugbetaald", "Afgewezen"]
    );
    let hand_off = allowance.hand_off.unwrap();
    assert_eq!(hand_off.url.as_deref(), Some("mailto:noor%26co@voorbeeld.nl?subject=Garantieclaim%206F1C1F3E"));
    assert!(hand_off.words.nl.contains("noor&co@voorbeeld.nl"));
    assert_eq!(ask(json!({"phone": "06-1234 5678"})).hand_off.unwrap().url.as_deref(), Some("tel:0612345678"));
    assert_eq!(ask(Value::Null).hand_off.unwrap().url, None);
}

#[tokio::test]
async fn what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost() {
    let form = form(&json!({})).unwrap();
    let evil = "\"><script>alert(1)</script>";
    let typed = [
        ("_once", ONCE),
        ("name", evil),
        ("email", "noor"),
        ("wish", "everything"),
        ("bought", "gisteren"),
        ("what", evil),
    ];
    let (status, page, pushed) = sends(&*form, &typed).await;
    assert_eq!(status, 422);
    assert!(pushed.batch.items.is_empty() && pushed.batch.unreadable.is_empty());
    for key in ["email", "order", "bought", "wish"] {
        assert!(page.contains(&format!("<p class=\"wrong\" id=\"w-{key}\">")), "{key}");
        assert!(page.contains(&format!("href=\"#f-{key}\"")), "{key} in the summary");
    }
    assert!(!page.contains("id=\"w-what\"") && !page.contains("id=\"w-phone\""));
    assert!(page.contains("aria-invalid=\"true\"") && page.contains("role=\"alert\"") && page.contains(ONCE));
    assert!(!page.contains("<script") && page.contains("&quot;&gt;&lt;script&gt;"), "typed text is text");
}

#[tokio::test]
async fn the_page_runs_nothing_loads_nothing_and_is_shown_by_whom_it_may() {
    let form = form(&json!({"sites": "https://www.voorbeeld.nl/ http://localhost:3000"})).unwrap();
    for (query, lang, title) in
        [("", "nl", "Garantieclaim"), ("lang=en", "en", "Guarantee claim"), ("lang=xx", "nl", "Garantieclaim")]
    {
        let pushed = call(&*form, Method::GET, &[], query, b"").await;
        let (status, page) = exactly(&pushed);
        assert_eq!(status, 200);
        assert!(
            page.contains(&format!("<html lang=\"{lang}\">")) && page.contains(&format!("<h1>{title}</h1>")),
            "{page}"
        );
        assert!(!page.contains("<script") && !page.contains("http") && !page.contains(" style="));
        assert!(!page.split([' ', '<']).any(|word| word.starts_with("on") && word.contains('=')));
        assert_eq!(page.matches("<label").count(), 8, "seven questions and the trap");
        let policy = header(&pushed, "content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(policy.ends_with("frame-ancestors https://www.voorbeeld.nl http://localhost:3000"), "{policy}");
        assert!(!policy.contains("unsafe"));
    }
    // No two pages send under one name.
    let name_in = |page: &str| page.split("name=\"_once\" value=\"").nth(1).unwrap()[..36].to_owned();
    let one = exactly(&call(&*form, Method::GET, &[], "", b"").await).1;
    assert_ne!(name_in(&one), name_in(&exactly(&call(&*form, Method::GET, &[], "", b"").await).1));
    let alone = self::form(&json!({})).unwrap();
    let pushed = call(&*alone, Method::GET, &[], "", b"").await;
    assert!(header(&pushed, "content-security-policy").unwrap().ends_with("frame-ancestors 'none'"));
}

#[tokio::test]
async fn a_site_of_ours_may_send_by_script_and_a_strange_one_hears_nothing() {
    let form = form(&json!({"sites": "https://www.voorbeeld.nl"})).unwrap();
    let body: Value = FILLED.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
    let body = body.to_string();
    let json_from = |origin| [("content-type", "application/json"), ("origin", origin)];
    let ours = call(&*form, Method::POST, &json_from("https://www.voorbeeld.nl"), "lang=en", body.as_bytes()).await;
    assert_eq!(exactly(&ours), (202, "{\"reference\":\"02FA4541\"}".to_owned()));
    assert_eq!(header(&ours, "access-control-allow-origin"), Some("https://www.voorbeeld.nl"));
    assert_eq!(message(&ours).fields[5].value, "Money back");
    for origin in ["https://evil.example", "https://www.voorbeeld.nl.evil.example", "null"] {
        let theirs = call(&*form, Method::OPTIONS, &[("origin", origin)], "", b"").await;
        assert_eq!(header(&theirs, "access-control-allow-origin"), None, "{origin}");
    }
    let asked = call(&*form, Method::OPTIONS, &[("origin", "https://www.voorbeeld.nl")], "", b"").await;
    assert_eq!(exactly(&asked).0, 204);
    assert_eq!(header(&asked, "access-control-allow-methods"), Some("POST"));
    let empty = call(&*form, Method::POST, &json_from("https://www.voorbeeld.nl"), "", b"{}").await;
    let (status, body) = exactly(&empty);
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &body["errors"]["order"]), (422, &json!("Vul dit in.")));
}

#[tokio::test]
async fn a_robot_is_thanked_and_waits_outside() {
    let form = form(&json!({})).unwrap();
    let mut robot = FILLED.to_vec();
    robot.push(("_more", "http://pills.example"));
    let long = "x".repeat(10_000);
    robot.push(("comment", &long));
    let (status, page, pushed) = sends(&*form, &robot).await;
    assert_eq!(status, 200);
    assert_eq!(page, sends(&*form, FILLED).await.1, "it sees what everybody sees");
    assert!(pushed.batch.items.is_empty());
    let held = &pushed.batch.unreadable[0];
    assert!(held.payload.contains("12345") && held.error.contains("robot"));
    assert!(
        !held.payload.contains("xxx") && !held.payload.contains("pills"),
        "only what the form asks: {}",
        held.payload
    );
    // It was a person whose browser filled in everything: an admin lets it in.
    let batch = form.pull().unwrap().reread("hook", &held.payload).await.unwrap();
    assert!(matches!(&batch.items[0], Item::Message(message) if message.external_id == NAME));
    for payload in ["", "[]", "{}", "{\"name\": 1}"] {
        assert_eq!(form.pull().unwrap().reread("hook", payload).await.unwrap().unreadable.len(), 1, "{payload}");
    }
}

#[tokio::test]
async fn a_robot_that_fills_it_in_wrongly_is_told_what_everybody_is_told() {
    let form = form(&json!({})).unwrap();
    let (status, _, pushed) = sends(&*form, &[("_more", "x"), ("name", "y")]).await;
    assert_eq!(status, 422);
    assert!(pushed.batch.items.is_empty() && pushed.batch.unreadable.is_empty(), "nothing is kept");
}

#[tokio::test]
async fn who_sends_too_often_waits() {
    let form = form(&json!({})).unwrap();
    for _ in 0..20 {
        assert_eq!(sends(&*form, &[("name", "x")]).await.0, 422);
    }
    let (status, page, pushed) = sends(&*form, FILLED).await;
    assert_eq!((status, header(&pushed, "retry-after")), (429, Some("600")));
    assert!(page.contains("te vaak") && pushed.batch.items.is_empty());
    assert_eq!(exactly(&call(&*form, Method::GET, &[], "", b"").await).0, 200, "looking is free");
}

#[tokio::test]
async fn whatever_is_sent_has_an_answer() {
    let form = form(&json!({})).unwrap();
    let long = "é".repeat(6_000);
    for (kind, body, status) in [
        ("text/plain", "hoi".as_bytes().to_vec(), 415),
        ("", Vec::new(), 415),
        ("multipart/form-data; boundary=x", b"--x--".to_vec(), 415),
        ("application/json", b"[1,2]".to_vec(), 415),
        ("application/json", b"{\"name\": {\"a\": []}, \"email\": null}".to_vec(), 422),
        ("application/json", b"\xff\xfe".to_vec(), 415),
        ("application/x-www-form-urlencoded", b"%ff%fe&&&==&name=%00".to_vec(), 422),
        ("application/x-www-form-urlencoded", format!("what={long}").into_bytes(), 422),
        ("application/x-www-form-urlencoded", vec![b'a'; 300 * 1024], 413),
        ("application/x-www-form-urlencoded", "a=b&".repeat(10_000).into_bytes(), 422),
    ] {
        let pushed = call(&*form, Method::POST, &[("content-type", kind)], "", &body).await;
        assert_eq!(exactly(&pushed).0, status, "{kind} {:?}", &body[..body.len().min(20)]);
        assert!(pushed.batch.items.is_empty());
    }
}

#[test]
fn settings_that_cannot_work_are_refused_with_a_cure() {
    for (settings, code) in [
        (json!({"definition": "{"}), "form.definition"),
        (json!({"sites": "voorbeeld.nl"}), "form.site"),
        (json!({"sites": "javascript:alert(1)"}), "form.site"),
        (json!({"country": "31"}), "form.country"),
    ] {
        let Err(error) = form(&settings) else { panic!("{settings}") };
        assert_eq!((error.class, error.code.as_str()), (Class::Rejected, code));
        assert!(!error.cure.nl.is_empty());
    }
}
