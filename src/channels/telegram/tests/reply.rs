//! What goes out: files, refusals and their cures, limits.

use super::*;

fn file(name: &str, mime: &str) -> OutFile {
    OutFile { name: name.to_owned(), mime: mime.to_owned(), alt: "uitleg".to_owned(), bytes: "inhoud".into() }
}

fn with(inbox: &Inbox, to: &Message, text: &str, files: Vec<OutFile>, clock: &Clock) -> Outgoing {
    Outgoing { files, ..inbox.answer(to, text, clock) }
}

#[tokio::test]
async fn an_answer_survives_that_its_question_is_gone() {
    let played = Played::start().await;
    let (inbox, question) = asked(&played, "vergeet het").await;
    played.play("delete", &json!({"from": played.customer["id"], "message_id": question.meta["message"]}));
    inbox.channel.reply().unwrap().deliver(&inbox.answer(&question, "Toch even dit.", &played.clock)).await.unwrap();
    let asked = played.asked("sendMessage");
    assert_eq!(asked[0]["reply_parameters"]["allow_sending_without_reply"], true);
    // A server that refuses all the same is asked without.
    let refusal = r#"{"ok":false,"error_code":400,"description":"Bad Request: message to be replied not found"}"#;
    played.running.wire.inject(Rule::new(
        "/bot*/sendMessage",
        Fault::Answer { status: 400, headers: Vec::new(), body: refusal.to_owned() },
    ));
    inbox.channel.reply().unwrap().deliver(&inbox.answer(&question, "En dit.", &played.clock)).await.unwrap();
    assert!(played.asked("sendMessage")[2]["reply_parameters"].is_null());
    assert_eq!(played.said().await.len(), 2);
}

#[tokio::test]
async fn files_go_as_what_they_are_and_several_as_one_album() {
    let played = Played::start().await;
    let (inbox, question) = asked(&played, "hoe ziet dat eruit?").await;
    let reply = inbox.channel.reply().unwrap();
    let deliver = async |text: &str, files: Vec<OutFile>| {
        reply.deliver(&with(&inbox, &question, text, files, &played.clock)).await
    };
    deliver("Zo:", vec![file("a.png", "image/png")]).await.unwrap();
    let album = deliver("En zo:", vec![file("b.jpg", "image/jpeg"), file("c.mp4", "video/mp4")]).await.unwrap();
    deliver("Alles:", vec![file("d.pdf", "application/pdf"), file("e.png", "image/png")]).await.unwrap();
    deliver("", vec![file("f.gif", "image/gif")]).await.unwrap();
    let chat = played.chat(&json!({"chat": played.customer["id"]}));
    let sent: Vec<(&str, &str)> = chat
        .iter()
        .filter(|m| m["from"]["is_bot"] == true)
        .map(|message| {
            let kind = ["animation", "photo", "video", "document"].into_iter().find(|kind| !message[kind].is_null());
            (kind.unwrap(), message["caption"].as_str().unwrap_or_default())
        })
        .collect();
    assert_eq!(
        sent,
        [
            ("photo", "Zo:"),
            ("photo", "En zo:"),
            ("video", ""),
            ("document", "Alles:"),
            ("document", ""),
            ("animation", "")
        ]
    );
    assert_eq!(album.meta["messages"].as_array().unwrap().len(), 2);
    let moderate = inbox.channel.moderate().unwrap();
    moderate.act(Action::Delete, &album.external_id, "", &album.meta, Some("verkeerd")).await.unwrap();
    assert_eq!(played.chat(&json!({"chat": played.customer["id"]})).len(), chat.len() - 2, "the whole album went");
}

#[tokio::test]
async fn a_text_with_a_file_has_less_room_and_is_refused_whole() {
    let played = Played::start().await;
    let (inbox, question) = asked(&played, "leg eens uit").await;
    let text = "é".repeat(1_025);
    let outgoing = with(&inbox, &question, &text, vec![file("a.png", "image/png")], &played.clock);
    let error = inbox.channel.reply().unwrap().deliver(&outgoing).await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (Class::Rejected, "reply.too_long"));
    // Emoji count double: 2,049 of them are too long without a file, too.
    let error =
        inbox.channel.reply().unwrap().deliver(&inbox.answer(&question, &"📦".repeat(2_049), &played.clock)).await;
    assert_eq!(error.unwrap_err().code, "reply.too_long");
    inbox.channel.reply().unwrap().deliver(&inbox.answer(&question, &"📦".repeat(2_048), &played.clock)).await.unwrap();
    assert_eq!(played.said().await.len(), 1);
}

#[tokio::test]
async fn the_wait_the_platform_names_is_kept() {
    let played = Played::start().await;
    let (mut inbox, question) = asked(&played, "snel!").await;
    played.play("limit", &json!({"calls": 1, "seconds": 17}));
    let error =
        inbox.channel.reply().unwrap().deliver(&inbox.answer(&question, "Ja!", &played.clock)).await.unwrap_err();
    let Class::RateLimited { until } = error.class else { panic!("{error:?}") };
    let wait = until.since(played.clock.now());
    assert!(wait >= Duration::from_secs(17) && wait < Duration::from_secs(20), "{wait:?}");
    // Asking for news has its own.
    played.play("limit", &json!({"calls": 1, "seconds": 5, "method": "getUpdates"}));
    assert!(matches!(inbox.pull().await.unwrap_err().class, Class::RateLimited { .. }));
}

#[tokio::test]
async fn every_refusal_to_send_has_words_of_its_own() {
    let played = Played::start().await;
    let (inbox, question) = asked(&played, "mag dit?").await;
    for (status, description, class, code) in [
        (400, "Bad Request: chat not found", Class::Rejected, "telegram.no_chat"),
        (403, "Forbidden: user is deactivated", Class::Rejected, "telegram.blocked"),
        (403, "Forbidden: bot can't initiate conversation with a user", Class::Rejected, "telegram.blocked"),
        (403, "Forbidden: bot was kicked from the supergroup chat", Class::Rejected, "telegram.kicked"),
        (
            400,
            "Bad Request: not enough rights to send text messages to the chat",
            Class::Rejected,
            "telegram.no_rights",
        ),
        (400, "Bad Request: CHAT_WRITE_FORBIDDEN", Class::Rejected, "telegram.no_rights"),
        (400, "Bad Request: TOPIC_CLOSED", Class::Rejected, "telegram.topic_closed"),
        (400, "Bad Request: BUSINESS_PEER_USAGE_MISSING", Class::Rejected, "telegram.window_over"),
        (413, "Request Entity Too Large", Class::Rejected, "reply.file_too_large"),
        (400, "Bad Request: something new", Class::Rejected, "telegram.refused"),
        (401, "Unauthorized", Class::Unauthorized, "telegram.token_refused"),
        (404, "Not Found", Class::Unauthorized, "telegram.token_unknown"),
        (500, "Internal Server Error", Class::Uncertain, "answer_lost"),
        (502, "Bad Gateway", Class::Uncertain, "answer_lost"),
    ] {
        let body = json!({"ok": false, "error_code": status, "description": description}).to_string();
        played.running.wire.inject(Rule::new("/bot*/sendMessage", Fault::Answer { status, headers: Vec::new(), body }));
        let error =
            inbox.channel.reply().unwrap().deliver(&inbox.answer(&question, "Nee", &played.clock)).await.unwrap_err();
        assert_eq!((error.class, error.code.as_str()), (class, code), "{description}");
        assert!(!error.cure.en.is_empty() && !error.cure.nl.is_empty());
    }
    assert!(played.said().await.is_empty());
}

#[tokio::test]
async fn what_certainly_did_not_leave_is_tried_again() {
    let played = Played::start().await;
    let (inbox, question) = asked(&played, "hallo?").await;
    let gone = played.with(&json!({"url": "http://127.0.0.1:9"}));
    let error = gone.reply().unwrap().deliver(&inbox.answer(&question, "Hallo!", &played.clock)).await.unwrap_err();
    assert_eq!(error.class, Class::Transient);
}

#[tokio::test]
async fn a_token_that_was_taken_back_stops_the_account_with_a_cure() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let _ = played.platform.revoke();
    let error = inbox.pull().await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (Class::Unauthorized, "telegram.token_refused"));
    assert!(error.cure.nl.contains("@BotFather"));
    for token in ["", "hallo", "12:../getMe", "1:a b"] {
        let context =
            Context { secrets: Arc::new(MemorySecrets::new(json!({"token": token}))), ..played.context(&json!({})) };
        let error = (DESCRIPTOR.connect)(context).unwrap().probe().await.unwrap_err();
        assert_eq!((error.class, error.code.as_str()), (Class::Unauthorized, "telegram.no_token"), "{token}");
    }
}
