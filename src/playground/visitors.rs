//! Invented visitors of the invented brand's site: they open the chat, ask something, wait for an answer and thank for it.
//!
//! They come in by the same door as everybody (`docs/WEBCHAT.md`), over HTTP on the server's own address.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::STILL;
use crate::channels::{Client, webchat};

/// The channel they use.
pub const CHANNEL: &str = webchat::DESCRIPTOR.key;
/// How the account is called.
pub const NAME: &str = "Kabelkraai";

/// Longer than this nobody waits for an answer.
const PATIENCE: u32 = 200;
const LOOK: Duration = Duration::from_secs(3);
/// Between one visitor and the next.
const BETWEEN: Duration = Duration::from_secs(150);

/// Who comes, on which page, and what they say: the first words, then one for each answer.
struct Script {
    name: &'static str,
    page: &'static str,
    title: &'static str,
    says: &'static [&'static str],
}

const SCRIPTS: &[Script] = &[
    Script {
        name: "Noor",
        page: "https://kabelkraai.example/internet/snelheid",
        title: "Snelheid meten",
        says: &[
            "Hoi! Mijn internet is sinds gisteravond maar 3 Mbit. Ligt dat aan jullie of aan mij?",
            "Modem al twee keer uit en aan gezet. Postcode is 3511 AB.",
            "Top, dan wacht ik de monteur af. Dank je wel!",
        ],
    },
    Script {
        name: "Henk",
        page: "https://kabelkraai.example/rekening",
        title: "Je rekening",
        says: &[
            "Goedemiddag, op mijn rekening staat 4,50 voor iets dat 'servicebijdrage' heet. Wat is dat?",
            "Dat had ik graag vooraf geweten. Kan het eraf?",
            "Keurig opgelost, fijne dag nog.",
        ],
    },
    Script {
        name: "Priya",
        page: "https://kabelkraai.example/en/moving",
        title: "Moving house",
        says: &[
            "Hello! I am moving on the 14th. Can I take my subscription with me?",
            "The new address is Kraaienlaan 7, Zwolle. Is there fibre?",
            "Perfect, thank you!",
        ],
    },
];

/// The settings of the brand's chat.
#[must_use]
pub fn settings() -> Value {
    json!({
        "name": NAME,
        "origins": "https://kabelkraai.example",
        "greeting": "Waar kunnen we mee helpen?",
        "prechat": "name*\nemail",
        "quick_replies": "Mijn internet is traag\nIk heb een vraag over mijn rekening\nIk ga verhuizen",
        "triggers": "20s /demo/bestellen Lukt het bestellen? Vraag het gerust.",
    })
}

/// Plays for ever; drop it to stop. `account` is the chat's, `address` the server's own. `pace` is things that happen a minute in
/// all of the playground: at the usual pace somebody new comes every few minutes.
pub async fn play(address: SocketAddr, account: String, pace: f64) {
    if pace < STILL {
        return std::future::pending().await;
    }
    let Ok(client) = Client::new(false) else { return std::future::pending().await };
    let client = client.and_also(address);
    let between = BETWEEN.div_f64((pace / 12.0).clamp(0.2, 20.0));
    for script in SCRIPTS.iter().cycle() {
        if let Ok(base) = Url::parse(&format!("http://{address}/visit/{account}/")) {
            // Whoever finds the door closed comes back another time.
            let _ = Visitor { client: &client, base, token: String::new() }.visit(script).await;
        }
        tokio::time::sleep(between).await;
    }
}

struct Visitor<'a> {
    client: &'a Client,
    base: Url,
    token: String,
}

impl Visitor<'_> {
    async fn visit(mut self, script: &Script) -> Option<()> {
        tokio::time::sleep(LOOK).await;
        let entered = self.call(reqwest::Method::POST, "session", Some(&json!({ "locale": "nl" }))).await?;
        entered["token"].as_str()?.clone_into(&mut self.token);
        for (beat, text) in script.says.iter().enumerate() {
            if beat > 0 {
                self.answers(beat).await?;
                // People read and type.
                tokio::time::sleep(LOOK * 2).await;
            }
            let said = json!({
                "client_id": uuid::Uuid::new_v4(), "text": text, "fields": { "name": script.name },
                "page": { "url": script.page, "title": script.title },
            });
            self.call(reqwest::Method::POST, "messages", Some(&said)).await?;
        }
        Some(())
    }

    /// Waits until we answered so many times.
    async fn answers(&self, many: usize) -> Option<()> {
        for _ in 0..PATIENCE {
            tokio::time::sleep(LOOK).await;
            let page = self.call(reqwest::Method::GET, "messages", None).await?;
            let answers = page["messages"].as_array()?.iter().filter(|line| line["from"] == "agent");
            if answers.count() >= many {
                return Some(());
            }
        }
        None
    }

    async fn call(&self, method: reqwest::Method, path: &str, body: Option<&Value>) -> Option<Value> {
        let mut request = self.client.request(method, &self.base.join(path).ok()?).ok()?;
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = self.client.send(request).await.ok()?;
        answer.status.is_success().then(|| serde_json::from_slice(&answer.body).ok()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::{SCRIPTS, settings};
    use crate::channels::{Client, Context, MemorySecrets, webchat};

    #[test]
    fn the_chat_of_the_invented_brand_can_be_connected_and_its_visitors_have_something_to_say() {
        let context = Context {
            client: Client::new(true).unwrap(),
            clock: crate::clock::Clock::system(),
            settings: settings(),
            secrets: std::sync::Arc::new(MemorySecrets::default()),
            history: std::time::Duration::ZERO,
        };
        assert!((webchat::DESCRIPTOR.connect)(context).is_ok());
        assert!(SCRIPTS.iter().all(|script| script.says.len() > 1));
    }
}
