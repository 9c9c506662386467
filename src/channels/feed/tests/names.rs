//! Entries that share a name, and entries without a date.

use std::time::Duration;

use serde_json::json;

use super::{Played, messages};
use crate::channels::contract::Harness;
use crate::channels::fake::{Fault, Rule};

#[tokio::test]
async fn entries_under_one_name_are_told_apart_and_stay_who_they_are() {
    // As many a status page does; and without a name all go by the page's address.
    for name in ["<guid>https://status.example/</guid>", "<link>https://status.example/</link>"] {
        let played = Played::start().await;
        let channel = played.file("x.xml");
        let mut cursor = json!({});
        let mut look = async |items: &[(&str, &str, &str)]| {
            let items: String = items
                .iter()
                .map(|(title, text, date)| {
                    let date = if date.is_empty() {
                        String::new()
                    } else {
                        format!("<pubDate>Mon, 02 Mar 2026 {date}:00 GMT</pubDate>")
                    };
                    format!("<item>{name}<title>{title}</title><description>{text}</description>{date}</item>")
                })
                .collect();
            let body = format!("<rss version=\"2.0\"><channel><title>T</title>{items}</channel></rss>");
            played.running.wire.inject(Rule::new("/x.xml", Fault::Answer { status: 200, headers: Vec::new(), body }));
            played.clock.advance(Duration::from_secs(3_600));
            let batch = channel.pull().unwrap().pull("entries", Some(&cursor)).await.unwrap();
            cursor = batch.next.clone().unwrap();
            messages(&batch).iter().map(|m| (m.external_id.clone(), m.text.clone(), m.edited_at)).collect::<Vec<_>>()
        };
        let (one, two, odd) =
            (("Storing", "betalen", "08:00"), ("Storing", "inloggen", "09:00"), ("Onderhoud", "zo", ""));
        let first = look(&[one]).await;
        assert_eq!((first.len(), first[0].0.as_str()), (1, "https://status.example/"));
        let second = look(&[odd, two, one]).await;
        assert_eq!(second.len(), 2, "what is known is not brought again: {second:?}");
        assert!(second.iter().all(|new| new.2.is_none() && new.0 != first[0].0) && second[0].0 != second[1].0);
        for _ in 0..3 {
            assert!(look(&[odd, two, one]).await.is_empty(), "nothing changed");
        }
        let two = ("Storing", "inloggen gaat weer", "09:00");
        let edited = look(&[odd, two, one]).await;
        assert_eq!((edited.len(), edited[0].0.as_str()), (1, second[1].0.as_str()));
        assert!(edited[0].2.is_some());
        // The last that is left of them is still itself.
        assert!(look(&[two]).await.is_empty());
        // The same words at the same moment, twice: one entry.
        assert!(look(&[two, two]).await.is_empty());
    }
}

#[tokio::test]
async fn what_stands_undated_in_a_feed_when_it_is_connected_is_no_news() {
    let played = Played::start().await;
    let channel = played.file("x.xml");
    let serve = |names: &[&str]| {
        let items: String =
            names.iter().map(|name| format!("<item><guid>{name}</guid><title>{name}</title></item>")).collect();
        let dated = "<item><guid>d</guid><title>d</title><pubDate>Sun, 01 Mar 2026 09:00:00 GMT</pubDate></item>";
        let body = format!("<rss version=\"2.0\"><channel><title>T</title>{items}{dated}</channel></rss>");
        played.running.wire.inject(Rule::new("/x.xml", Fault::Answer { status: 200, headers: Vec::new(), body }));
    };
    serve(&["a", "b"]);
    let first = channel.pull().unwrap().pull("entries", None).await.unwrap();
    assert_eq!(messages(&first).iter().map(|m| (m.text.as_str(), m.history)).collect::<Vec<_>>(), [("d", true)]);
    serve(&["c", "a", "b"]);
    let second = channel.pull().unwrap().pull("entries", first.next.as_ref()).await.unwrap();
    assert_eq!(messages(&second).iter().map(|m| (m.text.as_str(), m.history)).collect::<Vec<_>>(), [("c", false)]);
}
