//! Bytes within JSON: base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize as _, Deserializer, Serializer};

pub fn serialize<S: Serializer>(bytes: &Bytes, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&STANDARD.encode(bytes))
}

pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Bytes, D::Error> {
    unpacked(&String::deserialize(from)?)
}

fn unpacked<E: serde::de::Error>(text: &str) -> Result<Bytes, E> {
    STANDARD.decode(text).map(Bytes::from).map_err(E::custom)
}

/// Where there may be none.
pub mod maybe {
    use super::{Bytes, Deserializer, Serializer, unpacked};
    use serde::Deserialize as _;

    #[allow(clippy::ref_option, reason = "serde asks for it")]
    pub fn serialize<S: Serializer>(bytes: &Option<Bytes>, to: S) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => super::serialize(bytes, to),
            None => to.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Bytes>, D::Error> {
        Option::<String>::deserialize(from)?.map(|text| unpacked(&text)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use crate::channels::{Author, ChannelError, File, Item, Message, Source, ThreadRef};
    use crate::model::{ReceiptState, Timestamp};
    use bytes::Bytes;
    use serde_json::json;

    #[test]
    fn whatever_can_be_said_comes_back_from_its_json_as_it_was() {
        let content = Bytes::from_static(&[0, 255, 10]);
        let message = Message {
            external_id: "1".into(),
            text: "één 🙂".into(),
            source: Some(Source { mime: "message/rfc822".into(), bytes: content.clone() }),
            files: vec![File { content: Some(content), ..File::default() }, File::default()],
            meta: json!({ "topic": 7 }),
            ..Message::default()
        };
        let error = Some(Box::new(ChannelError::rate_limited(Timestamp(1))));
        for item in [
            Item::Message(Box::new(message)),
            Item::Removed { external_id: "1".into(), at: Some(Timestamp(1)) },
            Item::Receipt { external_id: "1".into(), state: ReceiptState::Failed, at: None, error },
            Item::Reaction { external_id: "1".into(), author: Box::default(), emoji: None, at: None },
            Item::Moved { from: "a".into(), to: ThreadRef::default() },
            Item::Remember { thread: "a".into(), memory: json!({ "blocked": true }) },
            Item::Solved { thread: "a".into(), by: "bram".into(), url: None, at: None },
        ] {
            let held = serde_json::to_string(&item).unwrap();
            assert_eq!(serde_json::from_str::<Item>(&held).unwrap(), item, "{held}");
        }
        let _: Author = serde_json::from_str("{}").unwrap();
        assert!(serde_json::from_str::<Item>(r#"{"message":{"source":{"mime":"","bytes":"?"}}}"#).is_err());
    }
}
