//! A million conversations, made by the database itself.
//!
//! As after some busy years: one in ten open, one in twenty waiting for the customer, one in a hundred asleep, the rest closed; six
//! accounts of very different size, teams, agents, common and rare tags, one message each.

use balie::model::{AccountId, Role, TagId, TeamId, UserId};
use balie::run;
use balie::store::Actor;
use balie::store::tags::Tag;
use balie::store::teams::Team;

use crate::support::{Engine, Fixture, START, connect, person};

pub const CONVERSATIONS: i64 = 1_000_000;
const CONTACTS: i64 = 400_000;

/// What the lists are asked for.
pub struct Many {
    pub f: Fixture,
    /// Has most of the conversations.
    pub large: AccountId,
    /// Has one in five thousand.
    pub small: AccountId,
    pub team: TeamId,
    pub agent: UserId,
    /// On one in ten conversations.
    pub common: TagId,
    /// On one in ten thousand.
    pub rare: TagId,
}

impl Many {
    pub async fn make(engine: Engine) -> Self {
        let f = Fixture::new(engine).await;
        let mut accounts = vec![f.account.id];
        for name in ["shop", "service", "news", "jobs", "small"] {
            accounts.push(connect(&f.store, name).await.id);
        }
        let agent = person(&f.store, "Busy", Role::Agent).await.user_id;
        let (team, other) = (TeamId::new(), TeamId::new());
        let (common, rare) = (TagId::new(), TagId::new());
        let mut tx = f.store.begin(Actor::System).await.unwrap();
        for (id, name) in [(team, "Service"), (other, "Press")] {
            tx.insert_team(&Team { id, name: name.to_owned(), created_at: START }).await.unwrap();
        }
        for (id, name) in [(common, "delivery"), (rare, "legal")] {
            let tag = Tag { id, name: name.to_owned(), color: String::new(), archived: false, created_at: START };
            tx.insert_tag(&tag).await.unwrap();
        }
        // Press sees the small account alone; Daan is of the press and sees what is everybody's and that.
        tx.set_account_teams(accounts[5], &[other]).await.unwrap();
        tx.set_account_teams(accounts[0], &[team]).await.unwrap();
        tx.set_team_users(other, &[f.daan.user_id]).await.unwrap();
        tx.commit().await.unwrap();

        let sql = Sql { engine };
        let at = START.0;
        let status = "CASE WHEN n % 10 = 3 THEN 'open' WHEN n % 20 = 7 THEN 'pending' WHEN n % 100 = 9 THEN 'snoozed' ELSE 'closed' END";
        let account = format!(
            "CASE WHEN n % 5000 < 2 THEN {} WHEN n % 7 < 4 THEN {} WHEN n % 7 = 4 THEN {} WHEN n % 7 = 5 THEN {} WHEN n % 3 = 0 THEN {} ELSE {} END",
            sql.uuid(accounts[5].0),
            sql.uuid(accounts[0].0),
            sql.uuid(accounts[1].0),
            sql.uuid(accounts[2].0),
            sql.uuid(accounts[3].0),
            sql.uuid(accounts[4].0)
        );
        let person = format!("n % {CONTACTS} + 1");
        let said = format!("{at} - ({CONVERSATIONS} - n) * 60000");
        f.fill(CONTACTS, "contacts (id, name, created_at)", &format!("{}, 'Klant ' || n, {at}", sql.id(1, "n"))).await;
        f.fill(
            CONTACTS,
            "identities (id, contact_id, channel, external_id, handle, name, created_at)",
            &format!(
                "{}, {}, 'bluesky', 'did:plc:' || n, 'klant' || n || '.test', 'Klant ' || n, {at}",
                sql.id(2, "n"),
                sql.id(1, "n")
            ),
        )
        .await;
        f.fill(
            CONVERSATIONS,
            "conversations (id, account_id, contact_id, identity_id, status, lane, snippet, last_direction, priority, queue_key, waiting_since, \
             snoozed_until, closed_at, assignee_id, team_id, message_count, version, first_in_at, last_in_at, last_message_at, created_at)",
            &format!(
                "{}, {account}, {}, {}, {status}, CASE WHEN n % 4 = 0 THEN 'private' ELSE 'public' END, 'Waar blijft mijn pakket ' || n, 'in', 'normal', \
                 CASE WHEN n % 10 = 3 THEN {said} ELSE -({said}) END, CASE WHEN n % 10 = 3 THEN {said} END, CASE WHEN n % 100 = 9 THEN {at} + 86400000 END, \
                 CASE WHEN n % 10 <> 3 AND n % 20 <> 7 AND n % 100 <> 9 THEN {said} END, \
                 CASE WHEN n % 60 < 40 THEN {} WHEN n % 60 < 45 THEN {} END, CASE WHEN n % 9 < 5 THEN {} WHEN n % 9 < 7 THEN {} END, 1, 1, {said}, {said}, {said}, {said}",
                sql.id(3, "n"), sql.id(1, &person), sql.id(2, &person),
                sql.uuid(f.sanne.user_id.0), sql.uuid(agent.0), sql.uuid(team.0), sql.uuid(other.0)
            ),
        )
        .await;
        f.fill(
            CONVERSATIONS,
            "messages (id, conversation_id, account_id, direction, origin, kind, external_id, identity_id, text, meta, turn, sent_at, ingested_at)",
            &format!(
                "{}, {}, {account}, 'in', 'channel', 'mention', 'm' || n, {}, 'Waar blijft mijn pakket, bestelling ' || n || ' is al ' || n % 50 || ' dagen onderweg', \
                 '{{}}', n % 2 = 0, {said}, {said}",
                sql.id(4, "n"), sql.id(3, "n"), sql.id(2, &person)
            ),
        )
        .await;
        for (tag, every) in [(common, 10), (rare, 10_000)] {
            // Open ones among them: 3 modulo 10.
            let which = format!("n * {every} + 3");
            f.fill(
                CONVERSATIONS / every - 1,
                "conversation_tags (conversation_id, tag_id)",
                &format!("{}, {}", sql.id(3, &which), sql.uuid(tag.0)),
            )
            .await;
        }
        // PostgreSQL does this by itself, a minute later. SQLite never does, and so it is measured.
        if let Engine::Postgres = engine {
            let mut tx = f.store.begin(Actor::System).await.unwrap();
            run!(tx, sqlx::query("ANALYZE")).unwrap();
            tx.commit().await.unwrap();
        }
        Self { large: accounts[0], small: accounts[5], team, agent, common, rare, f }
    }
}

impl Fixture {
    /// `INSERT INTO {into} SELECT {columns}` for n = 1 … `count`, in pieces.
    async fn fill(&self, count: i64, into: &str, columns: &str) {
        const PIECE: i64 = 200_000;
        let mut first = 1;
        while first <= count {
            let last = count.min(first + PIECE - 1);
            let text = format!("{} INSERT INTO {into} SELECT {columns} FROM series", Sql::series(first, last));
            let mut tx = self.store.begin(Actor::System).await.unwrap();
            run!(tx, sqlx::query(sqlx::AssertSqlSafe(text.as_str()))).unwrap();
            tx.commit().await.unwrap();
            first = last + 1;
        }
    }
}

/// How each engine says it.
struct Sql {
    engine: Engine,
}

impl Sql {
    fn series(first: i64, last: i64) -> String {
        format!(
            "WITH RECURSIVE series (n) AS (SELECT CAST({first} AS BIGINT) AS n UNION ALL SELECT n + 1 FROM series WHERE n < {last})"
        )
    }

    /// The id of the n-th row of a kind; later rows have later ids, as in life.
    fn id(&self, kind: u8, n: &str) -> String {
        match self.engine {
            Engine::Sqlite => format!("unhex(printf('0190%01x00070008%019x', {kind}, {n}))"),
            Engine::Postgres => format!("('0190{kind:01x}00070008' || lpad(to_hex({n}), 19, '0'))::uuid"),
        }
    }

    fn uuid(&self, id: uuid::Uuid) -> String {
        match self.engine {
            Engine::Sqlite => format!("x'{}'", id.simple()),
            Engine::Postgres => format!("'{id}'::uuid"),
        }
    }
}
