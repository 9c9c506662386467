//! Any bytes are a feed or are refused, and every entry of a feed is a message or is held back whole.
#![no_main]

use balie::channels::feed::read;
use balie::model::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let Ok(url) = "https://blog.example/feed".parse() else { return };
    let Ok(found) = read::feed(body, &url) else { return };
    for entry in &found.entries {
        let _ = entry.message(&found.title, false, Timestamp(1_772_442_845_000));
        assert!(read::again(&entry.raw()).is_ok());
    }
});
