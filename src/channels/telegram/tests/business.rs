//! Business accounts: two people in a chat, the bot beside one of them.

use super::*;

struct Shop {
    played: Played,
    owner: Value,
    connection: Value,
}

impl Shop {
    async fn open() -> (Self, Inbox) {
        let played = Played::start().await;
        let owner = played.play("user", &json!({"name": "Winkel"}));
        let inbox = Inbox::connected(&played).await;
        let connection = played.play("business", &json!({"owner": owner["id"]}))["id"].clone();
        (Self { played, owner, connection }, inbox)
    }

    fn says(&self, who: &Value, text: &str) -> Value {
        let customer = &self.played.customer["id"];
        self.played
            .play("say", &json!({"from": who["id"], "chat": customer, "business": self.connection, "text": text}))
    }

    fn change(&self, given: &Value) {
        let mut change = json!({"id": self.connection});
        change.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
        self.played.play("business", &change);
    }

    fn chat(&self) -> Vec<Value> {
        self.played.chat(&json!({"chat": self.played.customer["id"], "business": self.connection}))
    }
}

#[tokio::test]
async fn the_customer_asks_the_owner_answers_elsewhere_and_so_do_we() {
    let (shop, mut inbox) = Shop::open().await;
    let question = shop.says(&shop.played.customer, "heeft u dit in rood?");
    shop.says(&shop.owner, "vanaf mijn telefoon: ja");
    inbox.pull().await.unwrap();
    let asked = inbox.find("in rood?").clone();
    let connection = shop.connection.as_str().unwrap();
    assert_eq!(asked.thread.external_id, format!("business:{connection}:{}", shop.played.customer["id"]));
    assert_eq!((asked.direction, asked.thread.lane), (Direction::In, Lane::Private));
    let elsewhere = inbox.find("vanaf mijn telefoon");
    assert_eq!((elsewhere.direction, elsewhere.thread.external_id == asked.thread.external_id), (Direction::Out, true));
    let sent = inbox.channel.reply().unwrap();
    let sent = sent.deliver(&inbox.answer(&asked, "En in blauw.", &shop.played.clock)).await.unwrap();
    assert_eq!(shop.played.asked("sendMessage")[0]["business_connection_id"], shop.connection);
    assert!(
        shop.played.state()["done"].as_array().unwrap().iter().any(|done| done["read"] == question["message_id"]),
        "the read tick"
    );
    // What we send there comes back as ours: that is how a doubtful one is found.
    inbox.pull().await.unwrap();
    let echo = inbox.find("En in blauw.");
    assert_eq!((echo.direction, &echo.external_id), (Direction::Out, &sent.external_id));
    // The same person writing to the bot itself is another chat.
    shop.played.writes("hallo bot");
    inbox.pull().await.unwrap();
    assert_ne!(inbox.find("hallo bot").thread.external_id, asked.thread.external_id);
}

#[tokio::test]
async fn what_is_deleted_there_is_told() {
    let (shop, mut inbox) = Shop::open().await;
    let said = shop.says(&shop.played.customer, "oeps");
    inbox.pull().await.unwrap();
    let id = inbox.find("oeps").external_id.clone();
    shop.played.play(
        "delete",
        &json!({"chat": shop.played.customer["id"], "business": shop.connection, "message_id": said["message_id"]}),
    );
    inbox.pull().await.unwrap();
    assert!(inbox.removed.contains(&id));
    let mut edited = shop.says(&shop.played.customer, "rood");
    edited["from"] = shop.played.customer["id"].clone();
    shop.played.play("edit", &json!({"chat": shop.played.customer["id"], "business": shop.connection, "message_id": edited["message_id"], "text": "groen"}));
    inbox.pull().await.unwrap();
    assert!(inbox.find("groen").edited_at.is_some());
}

#[tokio::test]
async fn the_window_and_the_rights_stand_in_the_allowance() {
    let (shop, mut inbox) = Shop::open().await;
    shop.says(&shop.played.customer, "bent u open?");
    inbox.pull().await.unwrap();
    let asked = inbox.find("bent u open?").clone();
    let [Item::Remember { thread, memory }] = inbox.others.as_slice() else { panic!("{:?}", inbox.others) };
    assert_eq!(*thread, asked.thread.external_id);
    let facts = json!({"thread": memory});
    let code = |inbox: &Inbox| inbox.channel.allowance(&asked.thread, &facts).code;
    let allowance = inbox.channel.allowance(&asked.thread, &facts);
    assert!(allowance.may_reply);
    let left = allowance.until.unwrap().since(asked.sent_at);
    assert!(left <= Duration::from_secs(86_400) && left > Duration::from_secs(86_399), "{left:?}");
    shop.change(&json!({"can_reply": false}));
    inbox.pull().await.unwrap();
    assert_eq!(code(&inbox).as_deref(), Some("telegram.business_no_reply"));
    let error =
        inbox.channel.reply().unwrap().deliver(&inbox.answer(&asked, "Ja", &shop.played.clock)).await.unwrap_err();
    assert_eq!(error.code, "telegram.business_refused");
    shop.change(&json!({"is_enabled": false}));
    inbox.pull().await.unwrap();
    assert_eq!(code(&inbox).as_deref(), Some("telegram.business_off"));
    shop.change(&json!({}));
    inbox.pull().await.unwrap();
    assert_eq!(code(&inbox), None);
    shop.played.clock.advance(Duration::from_secs(86_400));
    assert_eq!(code(&inbox).as_deref(), Some("telegram.window_over"));
    let error =
        inbox.channel.reply().unwrap().deliver(&inbox.answer(&asked, "Ja", &shop.played.clock)).await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (Class::Rejected, "telegram.window_over"));
    assert_eq!(shop.chat().len(), 1);
}

#[tokio::test]
async fn rights_are_asked_after_when_a_connection_is_new_to_us() {
    let (shop, mut inbox) = Shop::open().await;
    shop.change(&json!({"can_reply": false}));
    inbox.pull().await.unwrap();
    inbox.restart(&shop.played);
    shop.says(&shop.played.customer, "iemand daar?");
    inbox.pull().await.unwrap();
    let thread = inbox.find("iemand daar?").thread.clone();
    let allowance = inbox.channel.allowance(&thread, &json!({}));
    assert_eq!((allowance.may_reply, allowance.code.as_deref()), (false, Some("telegram.business_no_reply")));
}

#[tokio::test]
async fn our_own_words_can_be_taken_back_there_too() {
    let (shop, mut inbox) = Shop::open().await;
    shop.says(&shop.played.customer, "wat kost dat?");
    inbox.pull().await.unwrap();
    let asked = inbox.find("wat kost dat?").clone();
    let sent =
        inbox.channel.reply().unwrap().deliver(&inbox.answer(&asked, "100 euro", &shop.played.clock)).await.unwrap();
    let moderate = inbox.channel.moderate().unwrap();
    moderate.act(Action::Delete, &sent.external_id, "", &sent.meta, Some("fout")).await.unwrap();
    assert_eq!(shop.chat().len(), 1);
    let liked = moderate.act(Action::Like, &asked.external_id, "", &asked.meta, None).await.unwrap_err();
    assert_eq!((liked.class, liked.code.as_str()), (Class::Rejected, "telegram.business_reaction"));
}

#[tokio::test]
async fn an_edit_of_an_old_message_does_not_shorten_the_window() {
    let (shop, mut inbox) = Shop::open().await;
    let first = shop.says(&shop.played.customer, "bent u open?");
    shop.played.clock.advance(Duration::from_secs(20 * 3_600));
    shop.says(&shop.played.customer, "hallo?");
    inbox.pull().await.unwrap();
    let edit = json!({"chat": shop.played.customer["id"], "business": shop.connection, "message_id": first["message_id"], "text": "bent u nog open?"});
    shop.played.play("edit", &edit);
    inbox.pull().await.unwrap();
    let asked = inbox.find("nog open?").clone();
    let latest = inbox.find("hallo?").sent_at;
    let mut memory = json!({});
    for item in &inbox.others {
        if let Item::Remember { memory: given, .. } = item {
            memory.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
        }
    }
    let until = inbox.channel.allowance(&asked.thread, &json!({"thread": memory})).until;
    assert_eq!(until, Some(latest.plus(Duration::from_secs(86_400))));
}
