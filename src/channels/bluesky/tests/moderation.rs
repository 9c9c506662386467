//! What may be done to messages and people, and that twice is once.

use serde_json::{Value, json};

use super::Stage;
use crate::channels::contract::{Harness, Inbox, Say, Who};
use crate::channels::error::Class;
use crate::channels::fake::{Fault, Rule};
use crate::channels::{Action, Message};

async fn asked(stage: &Stage) -> (Inbox, Message) {
    let mut inbox = Inbox::connected(stage).await;
    stage.say(Say::mention(Who::Customer, "een bericht")).await;
    inbox.pull().await.unwrap();
    let message = inbox.find("een bericht").clone();
    (inbox, message)
}

async fn act(inbox: &Inbox, action: Action, message: &Message) -> Result<(), crate::channels::ChannelError> {
    let moderate = inbox.channel.moderate().unwrap();
    moderate.act(action, &message.external_id, &message.author.external_id, &message.meta, Some("reden")).await
}

#[tokio::test]
async fn records_about_a_subject_are_made_once_and_taken_back_wherever_they_were_made() {
    let stage = Stage::start().await;
    let (inbox, message) = asked(&stage).await;
    let brand = stage.did(Who::Brand);
    let count = |kind: &str| stage.network.lock().all_of(&brand, kind).len();
    for (on, off, kind) in
        [(Action::Like, Action::Unlike, "app.bsky.feed.like"), (Action::Boost, Action::Unboost, "app.bsky.feed.repost")]
    {
        // In another client first: ours finds it and adds nothing.
        let record =
            json!({"subject": {"uri": message.external_id, "cid": "c"}, "createdAt": stage.clock.now().to_rfc3339()});
        stage.network.lock().create(&brand, kind, record).ok().unwrap();
        act(&inbox, on, &message).await.unwrap();
        assert_eq!(count(kind), 1);
        act(&inbox, off, &message).await.unwrap();
        assert_eq!(count(kind), 0);
        // The index does not show it yet: the key keeps it single, and lets it be taken back.
        for _ in 0..2 {
            stage.wire().inject(Rule::new("*getPosts", Fault::json(|answer| answer["posts"][0]["viewer"] = json!({}))));
            act(&inbox, on, &message).await.unwrap();
        }
        assert_eq!(count(kind), 1);
        stage.wire().inject(Rule::new("*getPosts", Fault::json(|answer| answer["posts"][0]["viewer"] = json!({}))));
        act(&inbox, off, &message).await.unwrap();
        assert_eq!(count(kind), 0);
    }
    act(&inbox, Action::Block, &message).await.unwrap();
    act(&inbox, Action::Block, &message).await.unwrap();
    assert_eq!(count("app.bsky.graph.block"), 1);
}

#[tokio::test]
async fn muting_and_reporting_reach_the_platform() {
    let stage = Stage::start().await;
    let (inbox, message) = asked(&stage).await;
    act(&inbox, Action::Mute, &message).await.unwrap();
    act(&inbox, Action::Report, &message).await.unwrap();
    let report = stage.wire().calls_to(&reqwest::Method::POST, "*createReport").pop().unwrap();
    let report: Value = serde_json::from_slice(&report.body).unwrap();
    assert_eq!((&report["subject"]["uri"], &report["reason"]), (&json!(message.external_id), &json!("reden")));
    stage.wire().inject(Rule::new("*createReport", Fault::CutAfter));
    assert_eq!(act(&inbox, Action::Report, &message).await.unwrap_err().class, Class::Uncertain);
}

#[tokio::test]
async fn nobody_elses_post_is_touched() {
    let stage = Stage::start().await;
    let (inbox, message) = asked(&stage).await;
    let error = act(&inbox, Action::Delete, &message).await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (Class::Rejected, "bluesky.not_ours"));
    assert_eq!(stage.calls("deleteRecord"), 0);
    let chat = Message { external_id: "chat:a/b".into(), ..message.clone() };
    assert_eq!(act(&inbox, Action::Like, &chat).await.unwrap_err().class, Class::Rejected);
    act(&inbox, Action::Report, &chat).await.unwrap();
}
