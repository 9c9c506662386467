//! What goes out: names, visibility, files, keys, moderation.

use super::*;

#[tokio::test]
async fn a_reply_names_whom_it_is_for_and_is_unlisted() {
    let played = Played::start().await;
    let (inbox, message) = asked(&played, "@buur kijk eens", Visibility::Public).await;
    let reply = inbox.channel.reply().unwrap();
    let sent = reply.deliver(&inbox.answer(&message, "Hoi!", &played.clock)).await.unwrap();
    let seen = played.platform.seen(&sent.external_id).unwrap();
    assert_eq!((seen.text.as_str(), seen.visibility), ("@klant@zorgplein.example @buur Hoi!", Visibility::Unlisted));
    // Named by hand is named.
    let mut outgoing = inbox.answer(&message, "Dag @klant@zorgplein.example en @buur.", &played.clock);
    outgoing.visibility = Some("public".to_owned());
    outgoing.content_warning = Some("rekening".to_owned());
    let sent = reply.deliver(&outgoing).await.unwrap();
    let seen = played.platform.seen(&sent.external_id).unwrap();
    assert_eq!((seen.text.as_str(), seen.visibility), ("Dag @klant@zorgplein.example en @buur.", Visibility::Public));
    let call = played.running.wire.calls_to(&Method::POST, "/api/v1/statuses").pop().unwrap();
    let body: serde_json::Value = serde_json::from_slice(&call.body).unwrap();
    assert_eq!((&body["language"], &body["spoiler_text"]), (&json!("nl"), &json!("rekening")));
    assert_eq!(call.headers["idempotency-key"].to_str().unwrap(), outgoing.key.to_string());
}

#[tokio::test]
async fn a_reply_is_never_wider_than_what_it_answers() {
    let played = Played::start().await;
    let (inbox, message) = asked(&played, "alleen voor volgers", Visibility::Private).await;
    let reply = inbox.channel.reply().unwrap();
    for (visibility, refused) in
        [("public", true), ("unlisted", true), ("private", false), ("direct", false), ("everybody", true)]
    {
        let outgoing = crate::channels::Outgoing {
            visibility: Some(visibility.to_owned()),
            ..inbox.answer(&message, "Antwoord", &played.clock)
        };
        let done = reply.deliver(&outgoing).await;
        assert_eq!(done.is_err(), refused, "{visibility}");
        if let Err(error) = done {
            assert_eq!(error.class, Class::Rejected);
        }
    }
    let sent = reply.deliver(&inbox.answer(&message, "Zonder keuze", &played.clock)).await.unwrap();
    assert_eq!(played.platform.seen(&sent.external_id).unwrap().visibility, Visibility::Private);
}

#[tokio::test]
async fn a_private_reply_cannot_leak_to_a_stranger() {
    let played = Played::start().await;
    let (inbox, message) = asked(&played, "vertrouwelijk", Visibility::Direct).await;
    let reply = inbox.channel.reply().unwrap();
    let error = reply.deliver(&inbox.answer(&message, "Zoals @buur al zei", &played.clock)).await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (Class::Rejected, "reply.names_stranger"));
    assert!(played.platform.by("brand").is_empty());
    for visibility in ["public", "unlisted", "private"] {
        let outgoing = crate::channels::Outgoing {
            visibility: Some(visibility.to_owned()),
            ..inbox.answer(&message, "Antwoord", &played.clock)
        };
        assert_eq!(reply.deliver(&outgoing).await.unwrap_err().class, Class::Rejected);
    }
    reply.deliver(&inbox.answer(&message, "Tussen ons", &played.clock)).await.unwrap();
    // Into the thread without a message to answer: the same people, the same guard.
    let alone = crate::channels::Outgoing { reply_to: None, ..inbox.answer(&message, "Nog iets", &played.clock) };
    reply.deliver(&alone).await.unwrap();
    for call in played.running.wire.calls_to(&Method::POST, "/api/v1/statuses") {
        let body: serde_json::Value = serde_json::from_slice(&call.body).unwrap();
        assert_eq!(body["visibility"], "direct");
        assert_eq!(body["allowed_mentions"].as_array().map(Vec::len), Some(1));
        assert!(body["status"].as_str().unwrap().starts_with("@klant@zorgplein.example "));
    }
}

#[tokio::test]
async fn a_film_is_waited_for_and_keeps_its_description() {
    let played = Played::start().await;
    let (inbox, message) = asked(&played, "hoe werkt dit?", Visibility::Public).await;
    let file = |name: &str, mime: &str| OutFile {
        name: name.to_owned(),
        mime: mime.to_owned(),
        alt: format!("Uitleg: {name}"),
        bytes: "bytes".into(),
    };
    let outgoing = crate::channels::Outgoing {
        files: vec![file("a.png", "image/png"), file("b.mp4", "video/mp4")],
        ..inbox.answer(&message, "Zo:", &played.clock)
    };
    inbox.channel.reply().unwrap().deliver(&outgoing).await.unwrap();
    assert_eq!(played.running.wire.calls_to(&Method::GET, "/api/v1/media/*").len(), 3, "twice busy, then ready");
    let mut inbox = inbox;
    inbox.pull().await.unwrap();
    let files = &inbox.find("Zo:").files;
    assert_eq!(
        files.iter().filter_map(|file| file.alt.as_deref()).collect::<Vec<_>>(),
        ["Uitleg: a.png", "Uitleg: b.mp4"]
    );
    let wrong = crate::channels::Outgoing {
        files: vec![file("a.exe", "application/x-msdownload")],
        ..inbox.answer(&message, "Zo:", &played.clock)
    };
    assert_eq!(inbox.channel.reply().unwrap().deliver(&wrong).await.unwrap_err().code, "reply.file_refused");
    assert_eq!(played.platform.by("brand").len(), 1);
}

#[tokio::test]
async fn long_after_the_key_died_nothing_is_posted_blindly() {
    let played = Played::start().await;
    let (inbox, message) = asked(&played, "en?", Visibility::Public).await;
    let outgoing = inbox.answer(&message, "een late poging", &played.clock);
    played.clock.advance(Duration::from_secs(3 * 3_600));
    played.running.wire.inject(Rule::new("/api/v1/statuses", Fault::CutAfter).method(Method::POST));
    let reply = inbox.channel.reply().unwrap();
    assert_eq!(reply.deliver(&outgoing).await.unwrap_err().class, Class::Uncertain);
    played.clock.advance(Duration::from_secs(2 * 3_600));
    reply.deliver(&outgoing).await.unwrap();
    assert_eq!(played.platform.by("brand").len(), 1);
}

#[tokio::test]
async fn people_can_be_muted_blocked_and_reported() {
    let played = Played::start().await;
    let (inbox, message) = asked(&played, "onzin", Visibility::Public).await;
    let moderate = inbox.channel.moderate().unwrap();
    for action in [Action::Mute, Action::Block, Action::Report, Action::Boost, Action::Unboost] {
        moderate
            .act(action, &message.external_id, &message.author.external_id, &message.meta, Some("spam"))
            .await
            .unwrap();
    }
    // Without what was remembered, by address.
    moderate.act(Action::Mute, &message.external_id, "buur", &json!({}), Some("spam")).await.unwrap();
    let klant = "klant@zorgplein.example".to_owned();
    assert_eq!(
        played.platform.turned_away("brand"),
        [("mute", "buur".to_owned()), ("mute", klant.clone()), ("block", klant.clone()), ("report", klant)]
    );
}
