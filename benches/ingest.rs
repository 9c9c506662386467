//! How fast messages come in, against bare inserts of the very rows they became.
//!
//! Both ways write to a fresh database of the same schema, in the same batches, one transaction each; the bare way is one
//! prepared `INSERT` per row and reads nothing. Rounds alternate, the middle one counts.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use balie::channels::{self, Batch, File, Item};
use balie::model::message::ThreadRow;
use balie::model::{
    AccountId, AttachmentId, AttachmentKind, AttachmentState, ContactId, ConversationId, EventKind, IdentityId,
    MessageId, ThreadId, Timestamp, UserId,
};
use balie::store::conversations::Conversation;
use balie::store::messages::Stored;
use balie::store::{Actor, Store};
use balie::{read, run};
use serde_json::{Value, json};
use sqlx::types::Json;

use crate::report::{Report, median};
use crate::support::{Engine, Fixture, START, direct, follow_up, mention};

const BATCHES: usize = 120;
/// What a page of a platform's feed holds.
const BATCH: usize = 40;
const ROUNDS: usize = 5;
const CUSTOMERS: u64 = 2_500;
/// The copy's events come after those that made its world.
const AFTER: i64 = 1_000;

pub async fn measure(engine: Engine, report: &mut Report) {
    let batches = batches();
    let messages = (BATCHES * BATCH) as f64;
    let (mut rates, mut bare_rates) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let f = Fixture::new(engine).await;
        let began = Instant::now();
        for batch in &batches {
            f.later(Duration::from_secs(1));
            f.desk.ingest(&f.account, "notifications", batch).await.unwrap();
        }
        rates.push(messages / began.elapsed().as_secs_f64());

        let rows = Rows::of(&f.store).await;
        assert_eq!(rows.messages(), BATCHES * BATCH);
        let bare = Fixture::new(engine).await;
        let mut copy = bare.account.clone();
        copy.id = f.account.id;
        "copy".clone_into(&mut copy.name);
        adopt(&bare.store, &copy).await;
        let began = Instant::now();
        rows.insert(&bare.store).await;
        bare_rates.push(messages / began.elapsed().as_secs_f64());
        bare.store.close().await;
        f.store.close().await;
    }
    let name = format!("ingest/{}", crate::name(engine));
    report.at_least(name, median(rates), "msg/s", median(bare_rates), 0.5);
}

/// The account that the rows point to.
pub async fn adopt(store: &Store, account: &balie::store::accounts::Account) {
    let mut tx = store.begin(Actor::System).await.unwrap();
    tx.insert_account(account).await.unwrap();
    tx.commit().await.unwrap();
}

/// What a busy day looks like: mentions of many customers, some of whom write again, in the same thread or privately; one in
/// eight with a picture.
fn batches() -> Vec<Batch> {
    let mut random = Random(7);
    let mut firsts: Vec<channels::Message> = Vec::new();
    (0..BATCHES)
        .map(|batch| {
            let items = (0..BATCH)
                .map(|i| {
                    let n = batch * BATCH + i;
                    let (id, at) = (format!("m{n}"), (n / BATCH) as i64);
                    let customer = format!("customer{}", random.below(CUSTOMERS));
                    let text = text(&mut random);
                    let mut message = match random.below(100) {
                        0..30 if !firsts.is_empty() => {
                            let first = &firsts[random.below(firsts.len() as u64) as usize];
                            follow_up(first, &id, &text, at)
                        }
                        30..45 => direct(&id, &customer, &text, at),
                        _ => {
                            let message = mention(&id, &customer, &text, at);
                            firsts.push(message.clone());
                            message
                        }
                    };
                    message.files.clear();
                    if n.is_multiple_of(8) {
                        message.files.push(picture(n));
                    }
                    Item::Message(Box::new(message))
                })
                .collect();
            Batch { items, next: Some(json!({ "last": format!("m{}", batch * BATCH) })), ..Batch::default() }
        })
        .collect()
}

fn picture(n: usize) -> File {
    File {
        kind: AttachmentKind::Image,
        url: format!("https://cdn.example.org/{n}.jpg"),
        mime: Some("image/jpeg".to_owned()),
        name: None,
        alt: Some("een doos met een deuk".to_owned()),
        size: Some(120_000),
        width: Some(1200),
        height: Some(900),
        ..File::default()
    }
}

fn text(random: &mut Random) -> String {
    const WORDS: [&str; 16] = [
        "pakket",
        "levering",
        "vandaag",
        "kapot",
        "bestelling",
        "wanneer",
        "winkel",
        "refund",
        "please",
        "nog steeds",
        "niemand",
        "antwoord",
        "factuur",
        "account",
        "broken",
        "bedankt",
    ];
    (0..8 + random.below(20)).map(|_| WORDS[random.below(16) as usize]).collect::<Vec<_>>().join(" ")
}

/// The same numbers in every run.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

type ContactRow = (ContactId, String, Timestamp);
type IdentityRow = (IdentityId, ContactId, String, String, String, String, Option<String>, Option<String>, Timestamp);
type AttachmentRow = (
    AttachmentId,
    MessageId,
    i64,
    AttachmentKind,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    AttachmentState,
    i64,
);
type EventRow = (
    i64,
    Timestamp,
    EventKind,
    Option<ConversationId>,
    Option<MessageId>,
    Option<AccountId>,
    String,
    Option<UserId>,
    Json<Value>,
);

/// Everything one batch left behind.
#[derive(Default)]
pub struct Left {
    contacts: Vec<ContactRow>,
    identities: Vec<IdentityRow>,
    conversations: Vec<Conversation>,
    threads: Vec<(ThreadRow, Timestamp)>,
    messages: Vec<Stored>,
    attachments: Vec<AttachmentRow>,
    events: Vec<EventRow>,
}

/// By the moment of the batch.
pub struct Rows(BTreeMap<i64, Left>);

macro_rules! all {
    ($store:expr, $sql:expr) => {
        read!($store, db => sqlx::query_as(sqlx::AssertSqlSafe($sql.to_string())).fetch_all(db).await).unwrap()
    };
}

impl Rows {
    pub async fn of(store: &Store) -> Self {
        let mut batches: BTreeMap<i64, Left> = BTreeMap::new();
        let contacts: Vec<ContactRow> = all!(store, "SELECT id, name, created_at FROM contacts ORDER BY id");
        for row in contacts {
            batches.entry(row.2.0).or_default().contacts.push(row);
        }
        let identities: Vec<IdentityRow> = all!(
            store,
            "SELECT id, contact_id, channel, external_id, handle, name, avatar_url, url, created_at FROM identities ORDER BY id"
        );
        for row in identities {
            batches.entry(row.8.0).or_default().identities.push(row);
        }
        let conversations: Vec<Conversation> = all!(store, "SELECT * FROM conversations ORDER BY id");
        for row in conversations {
            batches.entry(row.created_at.0).or_default().conversations.push(row);
        }
        let threads: Vec<ThreadRow> = all!(store, "SELECT * FROM threads ORDER BY id");
        let times: Vec<(ThreadId, Timestamp)> = all!(store, "SELECT id, created_at FROM threads ORDER BY id");
        for (row, (_, at)) in threads.into_iter().zip(times) {
            batches.entry(at.0).or_default().threads.push((row, at));
        }
        let messages: Vec<Stored> = all!(store, "SELECT * FROM messages ORDER BY id");
        let mut moments = BTreeMap::new();
        for row in messages {
            moments.insert(row.id, row.ingested_at.0);
            batches.entry(row.ingested_at.0).or_default().messages.push(row);
        }
        let attachments: Vec<AttachmentRow> = all!(
            store,
            "SELECT id, message_id, position, kind, remote_url, mime, alt, size, width, height, state, due_at FROM attachments ORDER BY id"
        );
        for row in attachments {
            batches.entry(moments[&row.1]).or_default().attachments.push(row);
        }
        let events: Vec<EventRow> = all!(
            store,
            format!(
                "SELECT seq, at, kind, conversation_id, message_id, account_id, actor, user_id, data FROM events WHERE at > {} ORDER BY seq",
                START.0
            )
        );
        for row in events {
            batches.entry(row.1.0).or_default().events.push(row);
        }
        Self(batches)
    }

    pub fn messages(&self) -> usize {
        self.0.values().map(|left| left.messages.len()).sum()
    }

    pub async fn insert(&self, store: &Store) {
        for left in self.0.values() {
            left.insert(store).await;
        }
    }
}

impl Left {
    async fn insert(&self, store: &Store) {
        let mut tx = store.begin(Actor::Channel).await.unwrap();
        for r in &self.contacts {
            run!(
                tx,
                sqlx::query("INSERT INTO contacts (id, name, created_at) VALUES ($1, $2, $3)")
                    .bind(r.0)
                    .bind(&r.1)
                    .bind(r.2)
            )
            .unwrap();
        }
        for r in &self.identities {
            run!(tx, sqlx::query("INSERT INTO identities (id, contact_id, channel, external_id, handle, name, avatar_url, url, created_at, handle_key, name_key) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
                .bind(r.0).bind(r.1).bind(&r.2).bind(&r.3).bind(&r.4).bind(&r.5).bind(&r.6).bind(&r.7).bind(r.8).bind(r.4.to_lowercase()).bind(r.5.to_lowercase())).unwrap();
        }
        for c in &self.conversations {
            run!(tx, sqlx::query(
                "INSERT INTO conversations (id, account_id, contact_id, identity_id, status, lane, subject, snippet, last_direction, priority, queue_key, \
                 waiting_since, snoozed_until, reopened_at, woken_at, closed_at, assignee_id, team_id, claim_user_id, claim_token, claim_until, message_count, \
                 delivery_problem, history, version, first_in_at, last_in_at, last_out_at, last_message_at, created_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30)")
                .bind(c.id).bind(c.account_id).bind(c.contact_id).bind(c.identity_id).bind(c.status).bind(c.lane).bind(&c.subject).bind(&c.snippet)
                .bind(&c.last_direction).bind(c.priority).bind(c.queue_key).bind(c.waiting_since).bind(c.snoozed_until).bind(c.reopened_at)
                .bind(c.woken_at).bind(c.closed_at).bind(c.assignee_id).bind(c.team_id).bind(c.claim_user_id).bind(c.claim_token).bind(c.claim_until)
                .bind(c.message_count).bind(c.delivery_problem).bind(c.history).bind(c.version).bind(c.first_in_at).bind(c.last_in_at).bind(c.last_out_at)
                .bind(c.last_message_at).bind(c.created_at)).unwrap();
        }
        for (t, at) in &self.threads {
            run!(tx, sqlx::query("INSERT INTO threads (id, account_id, conversation_id, external_id, lane, kind, title, url, version, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
                .bind(t.id).bind(t.account_id).bind(t.conversation_id).bind(&t.external_id).bind(t.lane).bind(t.kind).bind(&t.title).bind(&t.url).bind(t.version).bind(*at)).unwrap();
        }
        for m in &self.messages {
            run!(tx, sqlx::query(
                "INSERT INTO messages (id, conversation_id, thread_id, account_id, direction, origin, kind, external_id, identity_id, user_id, text, html, language, \
                 content_warning, visibility, url, reply_to, reply_to_id, meta, history, turn, liked, boosted, sent_at, ingested_at, edited_at, removed_at, delivery, automatic, extra) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30)")
                .bind(m.id).bind(m.conversation_id).bind(m.thread_id).bind(m.account_id).bind(m.direction).bind(m.origin).bind(m.kind)
                .bind(&m.external_id).bind(m.identity_id).bind(m.user_id).bind(&m.text).bind(&m.html).bind(&m.language).bind(&m.content_warning)
                .bind(&m.visibility).bind(&m.url).bind(&m.reply_to).bind(m.reply_to_id).bind(&m.meta).bind(m.history).bind(m.turn).bind(m.liked)
                .bind(m.boosted).bind(m.sent_at).bind(m.ingested_at).bind(m.edited_at).bind(m.removed_at).bind(m.delivery).bind(m.automatic).bind(&m.extra)).unwrap();
        }
        for a in &self.attachments {
            run!(tx, sqlx::query("INSERT INTO attachments (id, message_id, position, kind, remote_url, mime, alt, size, width, height, state, due_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)")
                .bind(a.0).bind(a.1).bind(a.2).bind(a.3).bind(&a.4).bind(&a.5).bind(&a.6).bind(a.7).bind(a.8).bind(a.9).bind(a.10).bind(a.11)).unwrap();
        }
        for e in &self.events {
            run!(tx, sqlx::query("INSERT INTO events (seq, at, kind, conversation_id, message_id, account_id, actor, user_id, data) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)")
                .bind(e.0 + AFTER).bind(e.1).bind(e.2).bind(e.3).bind(e.4).bind(e.5).bind(&e.6).bind(e.7).bind(&e.8)).unwrap();
        }
        tx.commit().await.unwrap();
    }
}
