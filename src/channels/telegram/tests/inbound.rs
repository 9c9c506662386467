//! What comes in: offsets, one asker at a time, kinds of messages, groups.

use super::*;

fn one(inbox: &Inbox) -> &Message {
    inbox.messages.values().next().expect("a message")
}

#[tokio::test]
async fn an_update_is_forgotten_there_only_when_it_is_safe_here() {
    let played = Played::start().await;
    let inbox = Inbox::connected(&played).await;
    played.writes("bewaar mij");
    let pull = inbox.channel.pull().unwrap();
    let cursor = inbox.cursors.get("updates");
    let first = pull.pull("updates", cursor).await.unwrap();
    // Balie fell over before it was stored: the same question brings the same.
    let again = pull.pull("updates", cursor).await.unwrap();
    assert_eq!((first.items.len(), &first.items), (1, &again.items));
    assert_eq!(played.state()["pending"], 1);
    let next = pull.pull("updates", first.next.as_ref()).await.unwrap();
    assert!(next.items.is_empty());
    assert_eq!(played.state()["pending"], 0, "the next question confirms what is stored");
    let asked = played.asked("getUpdates");
    assert!(asked.iter().all(|question| question["allowed_updates"].as_array().unwrap().len() == 9));
}

#[tokio::test]
async fn a_question_waits_for_news_and_two_askers_are_told_apart() {
    let played = Played::start().await;
    let inbox = Inbox::connected(&played).await;
    let waiting = played.with(&json!({"wait": 20}));
    let cursor = inbox.cursors.get("updates");
    let asks = async |n: usize| {
        while played.asked("getUpdates").len() < n {
            tokio::task::yield_now().await;
        }
    };
    let news = async {
        asks(2).await;
        played.writes("ben ik er al?");
    };
    let (batch, ()) = tokio::join!(waiting.pull().unwrap().pull("updates", cursor), news);
    let batch = batch.unwrap();
    assert_eq!(batch.items.len(), 1);
    // Another program asks with the same token: the one that waited is told so, in words.
    let other = async {
        asks(3).await;
        played.connect().pull().unwrap().pull("updates", batch.next.as_ref()).await.unwrap();
    };
    let (ended, ()) = tokio::join!(waiting.pull().unwrap().pull("updates", batch.next.as_ref()), other);
    let error = ended.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (Class::Transient, "telegram.second_asker"));
    assert!(error.cure.en.contains("/revoke") && error.cause.nl.contains("ander programma"));
}

#[tokio::test]
async fn a_webhook_of_another_program_is_named_and_our_own_is_ended() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let set = async |address: &str| {
        let url = format!("{}/bot{}/setWebhook?url={address}", played.running.url, played.platform.token());
        let client = Client::new(true).unwrap();
        client.send(client.request(Method::POST, &url.parse().unwrap()).unwrap()).await.unwrap();
    };
    set("https://elders.example/haak").await;
    for error in [inbox.pull().await.unwrap_err(), inbox.channel.probe().await.unwrap_err()] {
        assert_eq!((error.class, error.code.as_str()), (Class::Rejected, "telegram.webhook_set"));
        assert!(error.cause.en.contains("elders.example") && !error.cause.en.contains("haak"));
    }
    inbox.channel = played.with(&json!({"hook": "https://elders.example/haak"}));
    played.writes("na de haak");
    inbox.pull().await.unwrap();
    inbox.find("na de haak");
    assert_eq!(played.state()["webhook"], "");
}

#[tokio::test]
async fn what_waited_before_we_came_is_history() {
    let played = Played::start().await;
    for n in 0..120 {
        played.writes(&format!("eerder <{n}>"));
    }
    played.clock.advance(Duration::from_secs(60));
    played.writes("net voor de eerste blik");
    let mut inbox = Inbox::connected(&played).await;
    assert_eq!(inbox.messages.len(), 121);
    assert!(!inbox.find("net voor de eerste blik").history);
    assert!(inbox.messages.values().filter(|message| message.text.contains("eerder")).all(|message| message.history));
    played.writes("nu");
    inbox.pull().await.unwrap();
    assert!(!inbox.find("nu").history);
}

#[tokio::test]
async fn numbers_that_begin_anew_after_a_quiet_week_hide_nothing() {
    let played = Played::start().await;
    let (mut inbox, _) = asked(&played, "de eerste").await;
    inbox.pull().await.unwrap();
    played.clock.advance(Duration::from_secs(8 * 86_400));
    played.play("renumber", &json!({"from": 1_000}));
    played.writes("een week later");
    inbox.pull().await.unwrap();
    inbox.find("een week later");
    inbox.pull().await.unwrap();
    assert_eq!(played.state()["pending"], 0);
}

#[tokio::test]
async fn an_album_is_one_turn_in_one_thread() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    for (n, text) in [(1, "drie foto's van de schade"), (2, ""), (3, "")] {
        let file = json!({"kind": "photo", "name": format!("{n}.jpg"), "mime": "image/jpeg", "base64": "aGFsbG8="});
        played.play("say", &json!({"from": played.customer["id"], "text": text, "album": "138", "file": file}));
    }
    inbox.pull().await.unwrap();
    assert_eq!(inbox.messages.len(), 3);
    let threads: std::collections::BTreeSet<_> = inbox.messages.values().map(|m| &m.thread.external_id).collect();
    assert_eq!(threads.len(), 1);
    assert!(inbox.messages.values().all(|m| m.meta["album"] == "138" && m.files.len() == 1));
    assert!(inbox.messages.values().all(|m| m.direction == Direction::In && !m.text.contains("cannot")));
}

#[tokio::test]
async fn files_come_by_reference_and_the_token_stays_inside() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let file = |size: Option<i64>| json!({"kind": "document", "name": "bon.pdf", "mime": "application/pdf", "base64": "JVBERi0=", "size": size});
    played.play("say", &json!({"from": played.customer["id"], "text": "mijn bon", "file": file(None)}));
    played.play("say", &json!({"from": played.customer["id"], "text": "mijn film", "file": file(Some(21 << 20))}));
    inbox.pull().await.unwrap();
    let message = inbox.find("mijn bon");
    assert!(!format!("{message:?}").contains(&played.platform.token()));
    assert_eq!((message.files[0].name.as_deref(), message.files[0].size), (Some("bon.pdf"), Some(5)));
    let files = inbox.channel.files().unwrap();
    assert_eq!(&files.fetch(&message.files[0].url, 1_000).await.unwrap()[..], b"%PDF-");
    let error = files.fetch(&inbox.find("mijn film").files[0].url, 40 << 20).await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (Class::Rejected, "telegram.file_too_big"));
    for bad in ["https://elders.example/x", "telegram:file/../../x", "telegram:file/", "telegram:file/weg"] {
        assert_eq!(files.fetch(bad, 1_000).await.unwrap_err().class, Class::Rejected, "{bad}");
    }
    played.running.wire.inject(Rule::new("/file/*", Fault::status(503)));
    let error = files.fetch(&message.files[0].url, 1_000).await.unwrap_err();
    assert!(error.is_transient() && !format!("{error:?}").contains(&played.platform.token()));
}

#[tokio::test]
async fn a_kind_that_is_new_to_us_says_so_and_is_kept_whole() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let fields = json!({"hologram": {"beam": 9_007_199_254_740_993_i64}});
    played.play("say", &json!({"from": played.customer["id"], "fields": fields}));
    played.play("update", &json!({"update": {"telepathy": {"thought": "?"}}}));
    inbox.pull().await.unwrap();
    assert_eq!((inbox.messages.len(), inbox.unreadable.len()), (1, 0));
    let message = one(&inbox);
    assert!(message.text.starts_with("(hologram)") && message.direction == Direction::In);
    assert!(message.meta["raw"].as_str().unwrap().contains("9007199254740993"));
}

#[tokio::test]
async fn who_shares_where_they_are_and_walks_on_says_it_once() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let place = |kind: &str, lat: f64, more: Value| {
        let date = played.clock.now().0 / 1_000;
        let mut message = json!({
            "message_id": 900, "date": date, "chat": {"id": played.customer["id"], "type": "private"}, "from": played.customer,
            "location": {"latitude": lat, "longitude": 4.9, "live_period": 28_800},
        });
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        played.play("update", &json!({"update": {kind: message}}));
    };
    place("message", 52.1, json!({}));
    for step in 2..6 {
        place("edited_message", 52.0 + f64::from(step) / 10.0, json!({"edit_date": played.clock.now().0 / 1_000}));
    }
    inbox.pull().await.unwrap();
    assert_eq!((inbox.messages.len(), inbox.unreadable.len()), (1, 0));
    let message = one(&inbox);
    assert_eq!((inbox.seen[&message.external_id], message.edited_at), (1, None));
    assert!(message.text.contains("52.1"), "{}", message.text);
}

#[tokio::test]
async fn two_edits_within_a_second_keep_their_order() {
    let played = Played::start().await;
    let (mut inbox, _) = asked(&played, "eerst").await;
    let id = number(&one(&inbox).external_id).1;
    let edit = |text: &str| {
        let edit = json!({"from": played.customer["id"], "message_id": id, "text": text});
        played.platform.play("edit", &edit).unwrap();
    };
    edit("toen");
    inbox.pull().await.unwrap();
    let before = one(&inbox).edited_at.unwrap();
    edit("nu");
    inbox.pull().await.unwrap();
    assert!(one(&inbox).edited_at.unwrap() > before);
    assert_eq!(one(&inbox).text, "nu");
}

#[tokio::test]
async fn the_button_that_opens_a_chat_asks_nothing() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    played.writes("/start");
    played.writes("/start order1234");
    inbox.pull().await.unwrap();
    let directions: Vec<_> = inbox.messages.values().map(|message| message.direction).collect();
    assert_eq!(directions, [Direction::Context, Direction::In]);
}

#[tokio::test]
async fn in_a_group_only_what_is_meant_for_us_rings() {
    let played = Played::start().await;
    played.platform.privacy(false);
    let mut inbox = Inbox::connected(&played).await;
    let say = |who: &Value, text: &str, to: Option<i64>| {
        let given = json!({"from": who["id"], "chat": played.group, "text": text, "reply_to": to});
        played.play("say", &given)["message_id"].as_i64().unwrap()
    };
    let chat = say(&played.other, "lekker weer", None);
    say(&played.customer, "@MerkBot kijk hier eens", Some(chat));
    say(&played.other, "/help", None);
    say(&played.other, "mail naar info@merkbot.example", None);
    inbox.pull().await.unwrap();
    let direction = |text: &str| inbox.messages.values().find(|m| m.text.contains(text)).unwrap().direction;
    assert_eq!(direction("lekker weer"), Direction::Context);
    assert_eq!(direction("kijk hier eens"), Direction::In);
    assert_eq!(direction("/help"), Direction::In);
    assert_eq!(direction("mail naar"), Direction::Context);
    let question = inbox.find("kijk hier eens").clone();
    assert_eq!((question.thread.lane, question.thread.title.as_deref()), (Lane::Public, Some("Wijk")));
    assert_eq!(question.reply_to, Some(format!("{}:{chat}", played.group)));
    assert!(question.url.unwrap().starts_with("https://t.me/c/"));
    // A reply to what we said needs no name.
    let sent = inbox.channel.reply().unwrap();
    let sent =
        sent.deliver(&inbox.answer(&inbox.find("kijk hier").clone(), "We kijken!", &played.clock)).await.unwrap();
    say(&played.other, "fijn", Some(number(&sent.external_id).1));
    inbox.pull().await.unwrap();
    assert_eq!(inbox.find("fijn").direction, Direction::In);
    assert_eq!(inbox.find("We kijken!").direction, Direction::Out, "what was answered comes along");
}

#[tokio::test]
async fn a_forum_topic_and_the_comments_under_a_post_have_their_places() {
    let played = Played::start().await;
    played.platform.privacy(false);
    let mut inbox = Inbox::connected(&played).await;
    let fields = json!({"is_topic_message": true});
    let say = |fields: &Value, topic: Option<i64>, text: &str| {
        let given = json!({"from": played.customer["id"], "chat": played.group, "text": text, "topic": topic, "fields": fields});
        played.play("say", &given)["message_id"].as_i64().unwrap()
    };
    say(&fields, Some(17), "@merkbot in het onderwerp");
    let post = say(
        &json!({"is_automatic_forward": true, "sender_chat": {"id": -1_009, "type": "channel", "title": "Nieuws"}}),
        None,
        "onze nieuwe winkel",
    );
    let given = json!({"from": played.other["id"], "chat": played.group, "text": "hoe laat open?", "reply_to": post, "topic": post});
    played.play("say", &given);
    inbox.pull().await.unwrap();
    assert_eq!(inbox.find("in het onderwerp").thread.external_id, format!("chat:{}:topic:17", played.group));
    let comment = inbox.find("hoe laat open?");
    assert_eq!(
        (comment.direction, comment.thread.external_id.as_str()),
        (Direction::In, format!("chat:{}", played.group).as_str())
    );
    assert_eq!(inbox.messages[&format!("{}:{post}", played.group)].author.name, "Nieuws");
    let question = inbox.find("in het onderwerp").clone();
    inbox.channel.reply().unwrap().deliver(&inbox.answer(&question, "Hier dus.", &played.clock)).await.unwrap();
    assert_eq!(played.asked("sendMessage")[0]["message_thread_id"], 17);
}

#[tokio::test]
async fn a_pressed_button_is_a_message_and_is_answered_at_once() {
    let played = Played::start().await;
    let (mut inbox, _) = asked(&played, "welke maat?").await;
    let keyboard = json!({"inline_keyboard": [[{"text": "Maat M", "callback_data": "m"}, {"text": "Maat L", "callback_data": "l"}]]});
    let menu = json!({"chat": played.customer["id"], "text": "Kies", "fields": {"from": {"id": 7_000_000_001_i64, "is_bot": true, "first_name": "Het Merk"}, "reply_markup": keyboard}});
    let id = played.play("say", &menu)["message_id"].clone();
    played.play("press", &json!({"from": played.customer["id"], "message_id": id, "data": "l"}));
    inbox.pull().await.unwrap();
    let press = inbox.find("▸ Maat L");
    assert_eq!(
        (press.direction, press.thread.external_id.as_str()),
        (Direction::In, format!("chat:{}", played.customer["id"]).as_str())
    );
    assert_eq!(played.state()["presses"], json!([]));
}

#[tokio::test]
async fn reactions_come_in_and_go_away() {
    let played = Played::start().await;
    let (mut inbox, question) = asked(&played, "dank je").await;
    for emoji in [json!("🔥"), Value::Null] {
        let react = json!({"from": played.customer["id"], "message_id": question.meta["message"], "emoji": emoji});
        played.play("react", &react);
    }
    inbox.pull().await.unwrap();
    let seen: Vec<_> = inbox
        .others
        .iter()
        .filter_map(|item| match item {
            Item::Reaction { external_id, author, emoji, .. } => {
                Some((external_id.clone(), author.name.clone(), emoji.clone()))
            }
            _ => None,
        })
        .collect();
    let id = question.external_id;
    assert_eq!(seen, [(id.clone(), "Noor".to_owned(), Some("🔥".to_owned())), (id, "Noor".to_owned(), None)]);
}

#[tokio::test]
async fn a_customer_who_blocks_the_bot_closes_the_composer_with_a_cause() {
    let played = Played::start().await;
    let (mut inbox, question) = asked(&played, "laat maar").await;
    let mut memory = json!({});
    for (verb, code) in [("block", Some("telegram.blocked")), ("unblock", None)] {
        played.play(verb, &json!({"from": played.customer["id"]}));
        inbox.others.clear();
        inbox.pull().await.unwrap();
        let [Item::Remember { thread, memory: news }] = inbox.others.as_slice() else { panic!("{:?}", inbox.others) };
        assert_eq!(*thread, question.thread.external_id);
        memory.as_object_mut().unwrap().extend(news.as_object().unwrap().clone());
        let allowance = inbox.channel.allowance(&question.thread, &json!({"thread": memory}));
        assert_eq!((allowance.may_reply, allowance.code.as_deref()), (code.is_none(), code));
        if code.is_some() {
            assert!(allowance.words.unwrap().nl.contains("geblokkeerd"));
            let sent =
                inbox.channel.reply().unwrap().deliver(&inbox.answer(&question, "toch nog", &played.clock)).await;
            let error = sent.unwrap_err();
            assert_eq!((error.class, error.code.as_str()), (Class::Rejected, "telegram.blocked"));
        }
    }
}

#[tokio::test]
async fn a_group_that_becomes_a_supergroup_keeps_its_thread() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let group = played.play("group", &json!({"title": "Flat", "kind": "group"}))["id"].as_i64().unwrap();
    played.play("say", &json!({"from": played.customer["id"], "chat": group, "text": "@merkbot lift kapot"}));
    inbox.pull().await.unwrap();
    let question = inbox.find("lift kapot").clone();
    let new = played.play("migrate", &json!({"chat": group}))["id"].as_i64().unwrap();
    // The answer was on its way under the old name: it arrives once, in the new group.
    let sent = inbox.channel.reply().unwrap();
    let sent = sent.deliver(&inbox.answer(&question, "Monteur komt.", &played.clock)).await.unwrap();
    assert_eq!(sent.external_id.split(':').next(), Some(new.to_string().as_str()));
    assert_eq!(played.chat(&json!({"chat": new})).iter().filter(|m| m["text"] == "Monteur komt.").count(), 1);
    inbox.pull().await.unwrap();
    let moved = inbox.others.iter().find_map(|item| match item {
        Item::Moved { from, to } => Some((from.clone(), to.external_id.clone())),
        _ => None,
    });
    assert_eq!(moved, Some((format!("chat:{group}"), format!("chat:{new}"))));
}

#[tokio::test]
async fn a_file_that_is_gone_or_too_large_is_no_matter_of_the_token() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let file = json!({"kind": "document", "name": "bon.pdf", "mime": "application/pdf", "base64": "JVBERi0="});
    played.play("say", &json!({"from": played.customer["id"], "text": "mijn bon", "file": file}));
    inbox.pull().await.unwrap();
    let url = inbox.find("mijn bon").files[0].url.clone();
    let files = inbox.channel.files().unwrap();
    // What a server says whose files lie elsewhere (`--local`), or of a path that has ended.
    let body = json!({"ok": false, "error_code": 404, "description": "Not Found"}).to_string();
    played.running.wire.inject(Rule::new("/file/*", Fault::Answer { status: 404, headers: Vec::new(), body }));
    let error = files.fetch(&url, 1_000).await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (Class::Rejected, "telegram.file_gone"));
    // Not every server says how large a file is before it is there.
    let silent = Fault::json(|answer| {
        answer["result"].as_object_mut().unwrap().remove("file_size");
    });
    played.running.wire.inject(Rule::new("/bot*/getFile", silent));
    let error = files.fetch(&url, 3).await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (Class::Rejected, "telegram.file_too_big"));
}

#[tokio::test]
async fn what_stands_under_a_caption_and_cannot_be_shown_says_so() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let fields = json!({"caption": "de schade", "hologram": {"beam": 1}});
    played.play("say", &json!({"from": played.customer["id"], "fields": fields}));
    inbox.pull().await.unwrap();
    let message = one(&inbox);
    assert!(message.text.starts_with("de schade\n\n(hologram) "), "{}", message.text);
    assert!(message.meta["raw"].as_str().unwrap().contains("beam"));
}

#[tokio::test]
async fn in_the_direct_messages_of_a_channel_its_own_people_are_no_customers() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let chat = json!({"id": -1_002_000_000_777_i64, "type": "supergroup", "title": "Merk", "is_direct_messages": true});
    let topic = json!({"topic_id": played.customer["id"], "user": played.customer});
    let says = |number: i64, more: Value| {
        let mut message = json!({"message_id": number, "date": played.clock.now().0 / 1_000, "chat": chat, "direct_messages_topic": topic});
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        played.play("update", &json!({"update": {"message": message}}));
    };
    says(1, json!({"from": played.customer, "text": "kan ik ruilen?"}));
    says(
        2,
        json!({"from": played.other, "sender_chat": {"id": -1_002_000_000_001_i64, "type": "channel", "title": "Merk"}, "text": "dat kan, zegt een collega"}),
    );
    inbox.pull().await.unwrap();
    let asked = inbox.find("kan ik ruilen?");
    assert_eq!((asked.direction, asked.thread.lane), (Direction::In, Lane::Private));
    assert_eq!(inbox.find("zegt een collega").direction, Direction::Out);
}
