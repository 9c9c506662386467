//! The played platform after a restart: what it heard and what it told is still so, and it counts on from there.

use std::path::Path;

use super::super::fake;
use super::*;

struct Telegram {
    running: Running,
    token: String,
    client: Client,
}

impl Telegram {
    async fn on(file: &Path, clock: &Clock) -> Self {
        let address = "127.0.0.1:0".parse().unwrap();
        let running = fake::serve(address, clock.clone(), Some(file.to_owned())).await.unwrap();
        let token = running.accounts["brand"]["token"].as_str().unwrap().to_owned();
        Self { running, token, client: Client::new(true).unwrap() }
    }

    /// Status and answer; `BOT` in the path is the brand's.
    async fn ask(&self, path: &str, body: &Value) -> (u16, String) {
        let path = path.replace("BOT", &format!("bot{}", self.token));
        let url = format!("{}/{path}", self.running.url).parse().unwrap();
        let answer = self.client.send(self.client.request(Method::POST, &url).unwrap().json(body)).await.unwrap();
        (answer.status.as_u16(), String::from_utf8(answer.body.to_vec()).unwrap())
    }

    async fn does(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.ask(path, body).await;
        assert_eq!(status, 200, "{path}: {answer}");
        serde_json::from_str(&answer).unwrap()
    }
}

#[tokio::test]
async fn a_world_that_is_written_and_read_back_answers_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("telegram.json");
    let clock = Clock::manual(Timestamp(1_772_442_845_000));
    let first = Telegram::on(&file, &clock).await;
    let (noor, bas) =
        (&first.running.accounts["customer"]["id"].clone(), &first.running.accounts["customer2"]["id"].clone());

    let asked =
        first.does("_play/say", &json!({"from": noor, "text": "waar blijft mijn pakje?"})).await["message_id"].clone();
    let heard = first.does("BOT/getUpdates", &json!({})).await["result"][0]["update_id"].as_i64().unwrap();
    first.does("BOT/getUpdates", &json!({"offset": heard + 1})).await;
    let note = json!({"kind": "document", "name": "bon.txt", "mime": "text/plain", "base64": "aG9p"});
    let with_file = first.does("_play/say", &json!({"from": noor, "text": "dit is de bon", "file": note})).await;
    let reply = json!({"chat_id": noor, "text": "onderweg", "reply_parameters": {"message_id": asked}});
    first.does("BOT/sendMessage", &reply).await;
    let liked = json!({"chat_id": noor, "message_id": asked, "reaction": [{"type": "emoji", "emoji": "👍"}]});
    first.does("BOT/setMessageReaction", &liked).await;
    first.does("BOT/sendChatAction", &json!({"chat_id": noor, "action": "typing"})).await;
    let shop = first.does("_play/business", &json!({"owner": bas})).await["id"].clone();
    first.does("_play/say", &json!({"business": shop, "from": noor, "text": "is de winkel open?"})).await;
    first.does("_play/press", &json!({"from": noor, "message_id": asked, "data": "ja"})).await;
    first.does("_play/say", &json!({"from": bas, "text": "laat maar"})).await;
    first.does("_play/block", &json!({"from": bas})).await;
    let group = first.does("_play/group", &json!({"title": "Wijk"})).await["id"].clone();
    first.does("_play/migrate", &json!({"chat": group, "from": noor})).await;
    first.does("_play/limit", &json!({"method": "getMe", "calls": 3, "seconds": 7})).await;
    let last = first.does("_play/say", &json!({"from": noor, "text": "hallo?"})).await["message_id"].as_i64().unwrap();

    let file_id = &with_file["document"]["file_id"];
    let file_path = first.does("BOT/getFile", &json!({"file_id": file_id})).await["result"]["file_path"].clone();
    let questions = [
        ("BOT/getUpdates".to_owned(), json!({})),
        ("BOT/getMe".to_owned(), json!({})),
        ("BOT/getChat".to_owned(), json!({"chat_id": noor})),
        ("BOT/getFile".to_owned(), json!({"file_id": file_id})),
        (format!("file/BOT/{}", file_path.as_str().unwrap()), json!({})),
        ("BOT/getBusinessConnection".to_owned(), json!({"business_connection_id": shop})),
        ("BOT/getWebhookInfo".to_owned(), json!({})),
        ("BOT/sendMessage".to_owned(), json!({"chat_id": bas, "text": "toch nog"})),
        ("BOT/sendMessage".to_owned(), json!({"chat_id": group, "text": "allemaal"})),
        ("_play/chat".to_owned(), json!({"chat": noor})),
        ("_play/chat".to_owned(), json!({"chat": noor, "business": shop})),
        ("_play/state".to_owned(), json!({})),
    ];
    let answers = async |telegram: &Telegram| {
        let mut all = Vec::new();
        for (path, body) in &questions {
            all.push((path.clone(), telegram.ask(path, body).await));
        }
        all
    };
    let before = answers(&first).await;
    assert_eq!(before[1].1.0, 429, "one of three slow answers is given");
    assert_eq!(before[4].1, (200, "hoi".to_owned()));
    let accounts = first.running.accounts.clone();
    drop(first);

    let next = Telegram::on(&file, &clock).await;
    assert_eq!(next.running.accounts, accounts);
    assert_eq!(answers(&next).await, before);

    let said = next.does("_play/say", &json!({"from": noor, "text": "bent u er weer?"})).await;
    assert_eq!(said["message_id"], last + 1);
    let page = next.does("BOT/getUpdates", &json!({})).await["result"].as_array().unwrap().clone();
    let numbers: Vec<i64> = page.iter().map(|update| update["update_id"].as_i64().unwrap()).collect();
    assert!(numbers.windows(2).all(|two| two[1] == two[0] + 1) && numbers[0] > heard, "{numbers:?}");
    let who = next.does("_play/user", &json!({"name": "Iemand"})).await["id"].clone();
    assert!(who != *noor && who != *bas, "{who}");
    let more = json!({"from": noor, "file": {"name": "nog.txt", "mime": "text/plain", "base64": "aG9p"}});
    assert_ne!(next.does("_play/say", &more).await["document"]["file_id"], *file_id);
}

#[tokio::test]
async fn a_webhook_goes_on_being_called_with_its_secret() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("telegram.json");
    let clock = Clock::manual(Timestamp(1_772_442_845_000));
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let taken = axum::Router::new().fallback(move |headers: axum::http::HeaderMap, body: String| {
        let secret = headers["x-telegram-bot-api-secret-token"].to_str().unwrap_or_default().to_owned();
        tell.send((secret, body)).unwrap();
        async { "ok" }
    });
    let address = "127.0.0.1:0".parse().unwrap();
    let bot = crate::channels::fake::serve(address, taken, Wire::default(), json!({})).await.unwrap();

    let first = Telegram::on(&file, &clock).await;
    let noor = first.running.accounts["customer"]["id"].clone();
    first.does("BOT/setWebhook", &json!({"url": bot.url, "secret_token": "geheim"})).await;
    first.does("_play/say", &json!({"from": noor, "text": "waar blijft mijn pakje?"})).await;
    assert!(told.recv().await.unwrap().1.contains("mijn pakje"));
    drop(first);

    let next = Telegram::on(&file, &clock).await;
    next.does("_play/say", &json!({"from": noor, "text": "bent u er weer?"})).await;
    // What was taken just before the end may be told once more, as the real one may.
    let (secret, body) = loop {
        let call = told.recv().await.unwrap();
        if !call.1.contains("mijn pakje") {
            break call;
        }
    };
    assert!(body.contains("er weer"), "{body}");
    assert_eq!(secret, "geheim");
}
