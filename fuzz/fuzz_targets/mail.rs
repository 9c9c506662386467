//! Any bytes are a mail or are kept whole, and never break the reader. The panic hook of the fuzzer ends the process also where
//! the reader would catch it.
#![no_main]

use balie::channels::Item;
use balie::channels::email::convert;
use balie::channels::email::me::{Folder, Me};
use balie::channels::html;
use balie::model::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|raw: &[u8]| {
    let me = Me {
        addresses: vec!["help@merk.example".to_owned()],
        trusts: Some("mx.merk.example".to_owned()),
        ..Me::default()
    };
    let folder = if raw.len() % 2 == 0 { Folder::Watched } else { Folder::Sent };
    match convert::read(raw, &me, Timestamp(1_772_442_845_000), folder) {
        Ok(items) => {
            let messages: Vec<_> = items
                .iter()
                .filter_map(|item| match item {
                    Item::Message(message) => Some(message),
                    _ => None,
                })
                .collect();
            assert_eq!(messages.len(), 1);
            assert_eq!(messages[0].source.as_ref().map(|source| source.bytes.as_ref()), Some(raw));
            if let Some(shown) = &messages[0].html {
                assert_eq!(*shown, html::sanitise(shown));
            }
        }
        Err(held) => assert_eq!(convert::raw_of(&held.payload), raw),
    }
    if let Some(page) = convert::page(raw) {
        let shown = html::page(&page, |_| html::Picture::Blocked);
        assert!(!shown.to_ascii_lowercase().contains("<script"));
    }
});
