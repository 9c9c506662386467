//! The played forum after a restart: what was posted is still so, and it counts on from there.

use std::path::Path;

use super::super::fake;
use super::*;

struct Forum {
    running: Running,
    client: Client,
}

impl Forum {
    async fn on(file: &Path, clock: &Clock) -> Self {
        let address = "127.0.0.1:0".parse().unwrap();
        let running = fake::boxed(address, clock.clone(), Some(file.to_owned())).await.unwrap();
        Self { running, client: Client::new(true).unwrap() }
    }

    async fn ask(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}/{path}", self.running.url).parse().unwrap();
        let request = self.client.request(method, &url).unwrap().header("api-key", KEY).header("api-username", "brand");
        let answer = self.client.send(request.json(body)).await.unwrap();
        (answer.status.as_u16(), serde_json::from_slice(&answer.body).unwrap())
    }

    async fn plays(&self, what: &Value) -> String {
        self.ask(Method::POST, "_play", what).await.1["id"].as_str().unwrap_or_default().to_owned()
    }
}

#[tokio::test]
async fn a_world_that_is_written_and_read_back_answers_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("forum.json");
    let clock = Clock::manual(Timestamp(1_772_442_845_000));
    let first = Forum::on(&file, &clock).await;
    let post = |by: &str, raw: &str| json!({"do": "post", "by": by, "raw": raw});
    let asked = first.plays(&post("klant", "@brand hoe reset ik hem?")).await;
    let solved = first.plays(&json!({"do": "post", "by": "buur", "raw": "tien tellen", "to": asked})).await;
    first.plays(&json!({"do": "accept", "id": solved})).await;
    let gone = first.plays(&post("klant", "@brand laat maar")).await;
    first.plays(&json!({"do": "delete", "id": gone})).await;
    clock.advance(Duration::from_secs(60));
    first.plays(&json!({"do": "edit", "id": asked, "raw": "@brand hoe reset ik deze?"})).await;
    let direct = json!({"do": "post", "by": "klant", "raw": "onder ons", "private": "brand"});
    let direct = first.plays(&direct).await;
    let topic = first.ask(Method::GET, &format!("posts/{asked}.json"), &Value::Null).await.1["topic_id"].clone();
    let answer = json!({"topic_id": topic, "raw": "Wij helpen!", "reply_to_post_number": 1});
    let (status, ours) = first.ask(Method::POST, "posts.json", &answer).await;
    assert_eq!(status, 200, "{ours}");

    let questions = [
        "notifications.json".to_owned(),
        "user_actions.json".to_owned(),
        format!("t/{topic}.json"),
        format!("posts/by_number/{topic}/2.json"),
        format!("posts/{asked}.json"),
        format!("posts/{gone}.json"),
        format!("posts/{direct}.json"),
        "_play".to_owned(),
    ];
    let answers = async |forum: &Forum| {
        let mut all = Vec::new();
        for path in &questions {
            all.push((path.clone(), forum.ask(Method::GET, path, &Value::Null).await));
        }
        all
    };
    let before = answers(&first).await;
    drop(first);

    let next = Forum::on(&file, &clock).await;
    assert_eq!(answers(&next).await, before);
    let later = next.plays(&post("klant", "@brand bent u er weer?")).await;
    assert!(later.parse::<u64>().unwrap() > ours["id"].as_u64().unwrap(), "{later} after {ours}");
    let page = next.ask(Method::GET, "notifications.json", &Value::Null).await.1["notifications"].clone();
    let mut ids: Vec<u64> = page.as_array().unwrap().iter().filter_map(|notice| notice["id"].as_u64()).collect();
    ids.dedup();
    assert_eq!(ids.len(), before[0].1.1["notifications"].as_array().unwrap().len() + 1, "{page}");
}
