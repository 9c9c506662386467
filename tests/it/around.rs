//! What media bring besides words: machines that write, receipts, reactions, threads that move, files that come along.

use std::time::Duration;

use balie::channels::{Author, ChannelError, File, Item, Message, Sent, Source, ThreadRef};
use balie::desk::DeskError;
use balie::desk::reply::NewReply;
use balie::model::{
    Addressed, Answered, AttachmentState, Automatic, Claim, ClaimKind, DeliveryState, Direction, Lane, Mailbox,
    MessageKind, ReceiptState, Recipients, Status, ThreadKind, Timestamp,
};
use bytes::Bytes;
use serde_json::json;

use crate::on_both_engines;
use crate::replies::{answer, claimed};
use crate::support::{Fixture, START, direct, follow_up, mention};

pub const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89";

fn mail(id: &str, from: &str, text: &str, seconds: i64) -> Message {
    Message {
        thread: ThreadRef {
            external_id: format!("mail:{from}"),
            kind: ThreadKind::Mail,
            lane: Lane::Private,
            title: Some("Waar blijft het?".into()),
            url: None,
        },
        kind: MessageKind::Mail,
        ..direct(id, from, text, seconds)
    }
}

/// An answer of Sanne that the platform took under this id.
async fn sent(f: &Fixture, external_id: &str) -> balie::desk::view::Conversation {
    let (opened, token) = claimed(f).await;
    f.desk.reply(&f.sanne, opened.row.id, &answer(&opened, token, "Hoi"), "k").await.unwrap();
    let rows = f.desk.lease_deliveries("node", Duration::from_secs(60), 10, &[]).await.unwrap();
    let sent = Sent { external_id: external_id.into(), url: None, at: None, meta: json!({}) };
    f.desk.settle(&rows[0], Ok(sent)).await.unwrap();
    opened
}

fn receipt(id: &str, state: ReceiptState) -> Item {
    Item::Receipt { external_id: id.into(), state, at: None, error: None }
}

on_both_engines! {
    async fn a_file_that_a_power_cut_emptied_is_written_again(f) {
        let hash = f.desk.upload(&f.sanne, "foto.png", PNG).await.unwrap().hash;
        let path = f.kept(&hash);
        std::fs::write(&path, b"").unwrap();
        f.desk.upload(&f.sanne, "foto.png", PNG).await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), PNG);
    }

    async fn an_answer_that_a_list_gives_back_stands_there_once(f) {
        let first = mail("1", "anna", "Waar blijft het?", 0);
        f.arrives(first.clone()).await;
        let id = sent(&f, "out.1@brand.test").await.row.id;
        f.later(Duration::from_secs(60));
        // In our name, and nobody vouches for it.
        let ours = Author { external_id: "help@brand.test".into(), handle: "help@brand.test".into(), ..Author::default() };
        let back = |text: &str| Message {
            external_id: "out.1@brand.test".into(),
            direction: Direction::Context,
            author: ours.clone(),
            text: text.into(),
            thread: first.thread.clone(),
            ..mail("2", "anna", text, 60)
        };
        for _ in 0..2 {
            assert!(!f.arrives(back("Hoi")).await.is_news());
        }
        assert_eq!(f.desk.open(&f.sanne, id).await.unwrap().messages.len(), 2);
        // Other words under its name are not ours.
        assert_eq!(f.arrives(back("Maak het over naar dit nummer")).await.added, 1);
        let messages = f.desk.open(&f.sanne, id).await.unwrap().messages;
        assert_eq!(messages.iter().filter(|message| message.text == "Hoi").count(), 1);
        assert!(messages.iter().all(|message| message.versions.is_empty()));
    }

    async fn what_a_machine_wrote_wakes_nobody(f) {
        let first = mail("1", "anna", "Waar blijft mijn pakket?", 0);
        f.arrives(first.clone()).await;
        let id = f.only(Status::Open).await;
        f.desk.set_status(&f.sanne, id, Status::Closed, None, None).await.unwrap();
        let version = f.desk.open(&f.sanne, id).await.unwrap().threads[0].version;

        f.arrives(Message { automatic: Some(Automatic::Reply), ..follow_up(&first, "ooo", "Ik ben er niet.", 60) }).await;
        let opened = f.desk.open(&f.sanne, id).await.unwrap();
        assert_eq!((opened.row.status, opened.row.waiting_since), (Status::Closed, None));
        assert_eq!(opened.messages[1].automatic, Some(Automatic::Reply));
        assert_eq!(opened.threads[0].version, version, "nobody has to read a machine before answering");

        f.arrives(Message { automatic: Some(Automatic::List), ..mail("2", "nieuws", "Onze acties", 90) }).await;
        assert!(f.list(Status::Open).await.items.is_empty());
        assert_eq!(f.list(Status::Closed).await.items.len(), 2, "it can still be found");

        f.arrives(follow_up(&first, "again", "Hallo?", 120)).await;
        assert_eq!(f.only(Status::Open).await, id, "a person wakes it");
    }

    async fn an_answer_goes_to_the_customer_and_not_to_their_machine(f) {
        let first = mail("1", "anna", "Waar blijft mijn pakket?", 0);
        f.arrives(first.clone()).await;
        f.arrives(Message { automatic: Some(Automatic::Reply), ..follow_up(&first, "ooo", "Ik ben er niet.", 60) }).await;
        let id = f.only(Status::Open).await;
        let token = f.desk.claim(&f.sanne, id).await.unwrap().token;
        let opened = f.desk.open(&f.sanne, id).await.unwrap();
        let reply = NewReply { visibility: None, ..answer(&opened, token, "Hij komt morgen.") };
        let reply = f.desk.reply(&f.sanne, id, &reply, "k").await.unwrap();
        assert_eq!(reply.reply_to, Some(opened.messages[0].id));
        assert_eq!(reply.kind, MessageKind::Mail);
    }

    async fn everything_around_the_words_is_kept(f) {
        let anna = Mailbox { address: "anna@example.org".into(), name: "Anna".into() };
        let message = Message {
            quoted: Some("> eerder".into()),
            recipients: Some(Recipients { to: vec![anna.clone()], reply: vec![anna.clone()], ..Recipients::default() }),
            fields: vec![Answered { label: "Ordernummer".into(), value: "1234".into() }],
            due_at: Some(Timestamp(START.0 + 86_400_000)),
            source: Some(Source { mime: "message/rfc822".into(), bytes: Bytes::from_static(b"From: anna\r\n\r\nHoi") }),
            files: vec![
                File { content: Some(PNG.into()), content_id: Some("logo@1".into()), name: Some("logo.png".into()), mime: Some("text/html".into()), ..File::default() },
                File { url: "mxc://server/abc".into(), ..File::default() },
                File::default(),
            ],
            ..mail("1", "anna", "Hoi", 0)
        };
        f.arrives(message.clone()).await;
        f.arrives(message).await;
        let opened = f.desk.open(&f.sanne, f.only(Status::Open).await).await.unwrap();
        assert_eq!(opened.messages.len(), 1);
        let extra = opened.messages[0].extra.clone().unwrap();
        assert_eq!(extra.quoted.as_deref(), Some("> eerder"));
        assert_eq!(extra.recipients.unwrap().reply, [anna]);
        assert_eq!(extra.fields[0].value, "1234");
        assert_eq!(opened.row.due_at, extra.due_at);
        assert!(opened.row.why.iter().any(|why| why.code == "due"));
        let source = extra.source.unwrap();
        assert_eq!(&f.desk.read_media(&source.digest).await.unwrap()[..], b"From: anna\r\n\r\nHoi");
        let files = &opened.messages[0].attachments;
        assert_eq!(files.len(), 2, "a file without place or content is none: {files:?}");
        assert_eq!((files[0].state, files[0].mime.as_deref()), (AttachmentState::Stored, Some("image/png")), "the content says what it is");
        assert_eq!(files[0].content_id.as_deref(), Some("logo@1"));
        assert_eq!(files[1].state, AttachmentState::Pending, "the channel fetches its own references");
    }

    async fn a_receipt_only_goes_further(f) {
        let opened = sent(&f, "ours").await;
        let state = async || f.desk.open(&f.sanne, opened.row.id).await.unwrap().messages[1].extra.clone().unwrap().receipt.unwrap().state;
        f.batch(vec![receipt("ours", ReceiptState::Read)]).await;
        assert_eq!(state().await, ReceiptState::Read);
        assert!(!f.batch(vec![receipt("ours", ReceiptState::Delivered), receipt("ours", ReceiptState::Read)]).await.is_news());
        assert_eq!(state().await, ReceiptState::Read);
        assert!(!f.batch(vec![receipt("unknown", ReceiptState::Read), receipt(&mention("1", "anna", "", 0).external_id, ReceiptState::Read)]).await.is_news());
    }

    async fn what_came_back_is_a_problem_and_the_customer_waits_again(f) {
        let opened = sent(&f, "ours").await;
        let error = ChannelError::rejected("mail.unknown_address", "550 no such user");
        let bounce = Item::Receipt { external_id: "ours".into(), state: ReceiptState::Failed, at: None, error: Some(Box::new(error)) };
        f.batch(vec![bounce.clone()]).await;
        let after = f.desk.open(&f.sanne, opened.row.id).await.unwrap();
        assert_eq!((after.row.status, after.row.delivery_problem), (Status::Open, true));
        assert_eq!(after.row.waiting_since, opened.row.waiting_since);
        let delivery = after.messages[1].delivery.clone().unwrap();
        assert_eq!((delivery.state, delivery.code.as_deref()), (DeliveryState::Rejected, Some("mail.unknown_address")));
        assert!(!f.batch(vec![bounce]).await.is_news(), "told once");
    }

    async fn one_person_has_one_reaction_and_may_take_it_back(f) {
        let first = mention("1", "anna", "Dank!", 0);
        f.arrives(first.clone()).await;
        let react = |emoji: Option<&str>| Item::Reaction {
            external_id: first.external_id.clone(),
            author: Box::new(Author { external_id: "did:plc:piet".into(), name: "Piet".into(), ..Author::default() }),
            emoji: emoji.map(str::to_owned),
            at: None,
        };
        let shown = async || f.desk.open(&f.sanne, f.only(Status::Open).await).await.unwrap().messages[0].extra.clone().map(|extra| extra.reactions).unwrap_or_default();
        f.batch(vec![react(Some("👍"))]).await;
        f.batch(vec![react(Some("🎉"))]).await;
        assert!(!f.batch(vec![react(Some("🎉"))]).await.is_news());
        let reactions = shown().await;
        assert_eq!((reactions.len(), reactions[0].emoji.as_str(), reactions[0].name.as_str()), (1, "🎉", "Piet"));
        f.batch(vec![react(None)]).await;
        assert!(shown().await.is_empty());
    }

    async fn a_reaction_that_is_read_back_later_does_not_replace_a_newer_one(f) {
        let first = mention("1", "anna", "Dank!", 0);
        f.arrives(first.clone()).await;
        f.later(Duration::from_secs(60));
        let react = |emoji: Option<&str>, seconds: u64| Item::Reaction {
            external_id: first.external_id.clone(),
            author: Box::new(Author { external_id: "did:plc:piet".into(), name: "Piet".into(), ..Author::default() }),
            emoji: emoji.map(str::to_owned),
            at: Some(START.plus(Duration::from_secs(seconds))),
        };
        let id = f.only(Status::Open).await;
        let shown = async || {
            let reactions = f.desk.open(&f.sanne, id).await.unwrap().messages[0].extra.clone().map(|extra| extra.reactions);
            reactions.unwrap_or_default().into_iter().map(|reaction| reaction.emoji).collect::<Vec<_>>()
        };
        f.batch(vec![react(Some("❤️"), 20)]).await;
        for older in [Some("👍"), None] {
            assert!(!f.batch(vec![react(older, 10)]).await.is_news());
            assert_eq!(shown().await, ["❤️"]);
        }
        f.batch(vec![react(Some("🎉"), 20)]).await;
        assert_eq!(shown().await, ["🎉"], "within one second the one that comes later counts");
        f.batch(vec![react(None, 30)]).await;
        assert!(shown().await.is_empty());
    }

    async fn a_thread_that_moved_goes_on_under_its_new_name(f) {
        let first = direct("1", "anna", "Hoi", 0);
        f.arrives(first.clone()).await;
        let id = f.only(Status::Open).await;
        let to = ThreadRef { external_id: "supergroup".into(), ..first.thread.clone() };
        let next = Message { thread: to.clone(), ..follow_up(&first, "2", "Ben je er?", 5) };
        f.batch(vec![Item::Message(Box::new(next)), Item::Moved { from: first.thread.external_id.clone(), to: to.clone() }]).await;
        let opened = f.desk.open(&f.sanne, id).await.unwrap();
        assert_eq!((opened.messages.len(), opened.threads.len()), (2, 1));
        assert!(!f.batch(vec![Item::Moved { from: first.thread.external_id.clone(), to }]).await.is_news());
    }

    async fn what_a_peer_solved_closes_and_says_by_whom(f) {
        let first = mention("1", "anna", "Hoe zet ik hem aan?", 0);
        f.arrives(first.clone()).await;
        let id = f.only(Status::Open).await;
        let solved = Item::Solved { thread: first.thread.external_id.clone(), by: "piet".into(), url: Some("javascript:alert(1)".into()), at: None };
        f.batch(vec![solved.clone()]).await;
        let opened = f.desk.open(&f.sanne, id).await.unwrap();
        assert_eq!((opened.row.status, opened.row.waiting_since), (Status::Closed, None));
        assert_eq!(opened.log.last().unwrap().data, json!({ "solved_by": "piet", "url": null }));
        assert!(!f.batch(vec![solved]).await.is_news());
    }

    async fn closing_may_have_an_outcome_and_opening_has_none(f) {
        f.arrives(mention("1", "anna", "Garantie?", 0)).await;
        let id = f.only(Status::Open).await;
        let refused = f.desk.set_status(&f.sanne, id, Status::Pending, Some("Toegekend"), None).await;
        assert!(matches!(refused, Err(DeskError::Refused { code: "status.outcome", .. })));
        let row = f.desk.set_status(&f.sanne, id, Status::Closed, Some(" Toegekend "), None).await.unwrap();
        assert_eq!((row.status, row.outcome.as_deref()), (Status::Closed, Some("Toegekend")));
    }

    async fn who_goes_to_whom_is_refused_where_the_channel_decides_it(f) {
        let (opened, token) = claimed(&f).await;
        let piet = Mailbox { address: "piet@example.org".into(), name: String::new() };
        let to = Addressed { to: vec![piet], ..Addressed::default() };
        let reply = NewReply { recipients: Some(to), ..answer(&opened, token, "Hoi") };
        let refused = f.desk.reply(&f.sanne, opened.row.id, &reply, "k").await;
        assert!(matches!(refused, Err(DeskError::Refused { code: "reply.recipients", .. })), "{refused:?}");
    }

    async fn evidence_is_kept_and_what_was_vouched_for_stays_so(f) {
        let claim = |verified| Claim { kind: ClaimKind::Email, value: "anna@example.org".into(), verified };
        let with = |id: &str, claims: Vec<Claim>, at| {
            let message = direct(id, "anna", "Hoi", at);
            Message { author: Author { claims, ..message.author.clone() }, ..message }
        };
        f.arrives(with("1", vec![claim(true)], 0)).await;
        f.arrives(with("2", vec![claim(false)], 5)).await;
        let contact = f.desk.open(&f.sanne, f.only(Status::Open).await).await.unwrap().contact;
        assert_eq!(contact.identities[0].claims, [claim(true)]);
    }

    async fn a_history_of_machines_and_the_brand_opens_nothing(f) {
        let own = Message { direction: Direction::Out, ..mail("1", "anna", "Onze nieuwsbrief", 0) };
        f.arrives(own).await;
        assert!(f.list(Status::Open).await.items.is_empty());
    }
}
