//! Repositories: records, keys, files, and what a written record sets off.

use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use unicode_segmentation::UnicodeSegmentation;

use super::{Answer, Ask, Net, No, invalid, no, unknown};
use crate::model::Timestamp;

/// Owner, collection, key.
pub type Address = (String, String, String);

/// A record as it stands.
#[derive(Clone)]
pub struct Stored {
    pub cid: String,
    pub value: Value,
    /// When it arrived, whatever it claims.
    pub arrived: i64,
    pub order: u64,
}

/// A content id: version 1, SHA-256, in base 32. `codec` tells a record (0x71) from a file (0x55).
fn cid(codec: u8, bytes: &[u8]) -> String {
    let letters = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut raw = vec![1, codec, 0x12, 0x20];
    raw.extend_from_slice(&Sha256::digest(bytes));
    let mut out = String::from("b");
    let (mut held, mut bits) = (0u32, 0);
    for byte in raw {
        held = (held << 8) | u32::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(char::from(letters[(held >> bits) as usize & 31]));
        }
    }
    if bits > 0 {
        out.push(char::from(letters[(held << (5 - bits)) as usize & 31]));
    }
    out
}

impl Net {
    /// Writes a record; the same again changes nothing.
    ///
    /// # Errors
    /// As the network words it.
    pub fn put(&mut self, did: &str, collection: &str, rkey: &str, mut value: Value) -> Answer {
        value["$type"] = json!(collection);
        check(collection, &value)?;
        let cid = cid(0x71, value.to_string().as_bytes());
        let uri = format!("at://{did}/{collection}/{rkey}");
        let address = (did.to_owned(), collection.to_owned(), rkey.to_owned());
        let order = self.next();
        let before = self.records.get(&address).cloned();
        let same = before.as_ref().is_some_and(|stored| stored.cid == cid);
        if !same {
            let arrived = before.as_ref().map_or(self.now(), |stored| stored.arrived);
            self.records.insert(address, Stored { cid: cid.clone(), value: value.clone(), arrived, order });
            // The index takes no changes of posts: who was told stays told.
            if before.is_none() {
                self.tell(did, collection, &uri, &value);
            }
        }
        let mut answer = json!({"uri": uri, "cid": cid, "validationStatus": "valid"});
        if !same {
            answer["commit"] = json!({"cid": cid, "rev": self.tid()});
        }
        Ok(answer)
    }

    /// Writes a record under a fresh key and gives its address.
    ///
    /// # Errors
    /// As the network words it.
    pub fn create(&mut self, did: &str, collection: &str, value: Value) -> Answer {
        let rkey = self.tid();
        self.put(did, collection, &rkey, value)
    }

    /// Takes a record away; fine when it is not there.
    pub fn remove(&mut self, did: &str, collection: &str, rkey: &str) {
        self.records.remove(&(did.to_owned(), collection.to_owned(), rkey.to_owned()));
        let uri = format!("at://{did}/{collection}/{rkey}");
        self.notes.retain(|note| note.uri != uri);
    }

    pub(super) fn stored(&self, uri: &str) -> Option<(&Address, &Stored)> {
        let mut parts = uri.strip_prefix("at://")?.splitn(3, '/');
        let address = (parts.next()?.to_owned(), parts.next()?.to_owned(), parts.next()?.to_owned());
        self.records.get_key_value(&address)
    }

    /// The version and content of a record.
    #[must_use]
    pub fn record(&self, uri: &str) -> Option<(String, Value)> {
        self.stored(uri).map(|(_, stored)| (stored.cid.clone(), stored.value.clone()))
    }

    /// The records of one kind of one owner, oldest first, with their addresses.
    #[must_use]
    pub fn all_of(&self, did: &str, collection: &str) -> Vec<(String, Value)> {
        let mut all: Vec<_> = self.of(did, collection).collect();
        all.sort_by_key(|(_, stored)| stored.order);
        all.into_iter()
            .map(|(rkey, stored)| (format!("at://{did}/{collection}/{rkey}"), stored.value.clone()))
            .collect()
    }

    /// The records of one kind of one owner.
    pub(super) fn of<'a>(&'a self, did: &'a str, collection: &'a str) -> impl Iterator<Item = (&'a str, &'a Stored)> {
        let from = (did.to_owned(), collection.to_owned(), String::new());
        self.records
            .range(from..)
            .take_while(move |((owner, kind, _), _)| owner == did && kind == collection)
            .map(|((_, _, rkey), stored)| (rkey.as_str(), stored))
    }

    pub(super) fn repo(&mut self, ask: &Ask) -> Answer {
        let method = ask.nsid.rsplit('.').next().unwrap_or_default();
        match method {
            "getRecord" => {
                let (repo, collection, rkey) = (ask.need("repo")?, ask.need("collection")?, ask.need("rkey")?);
                let did = self
                    .by_name(repo)
                    .map(|account| account.did.clone())
                    .ok_or_else(|| invalid(format!("Could not find repo: {repo}")))?;
                let uri = format!("at://{did}/{collection}/{rkey}");
                let (_, stored) = self
                    .stored(&uri)
                    .ok_or_else(|| no(400, "RecordNotFound", format!("Could not locate record: {uri}")))?;
                return Ok(json!({"uri": uri, "cid": stored.cid, "value": stored.value}));
            }
            "listRecords" => {
                let (repo, collection) = (ask.need("repo")?, ask.need("collection")?);
                let did = self
                    .by_name(repo)
                    .map(|account| account.did.clone())
                    .ok_or_else(|| invalid(format!("Could not find repo: {repo}")))?;
                let limit = ask.limit(50)?;
                let before = ask.get("cursor");
                let mut all: Vec<_> =
                    self.of(&did, collection).filter(|(rkey, _)| before.is_none_or(|before| *rkey < before)).collect();
                all.reverse();
                all.truncate(limit);
                let cursor = (all.len() == limit).then(|| all.last().map(|(rkey, _)| (*rkey).to_owned())).flatten();
                let records: Vec<Value> = all.iter().map(|(rkey, stored)| json!({"uri": format!("at://{did}/{collection}/{rkey}"), "cid": stored.cid, "value": stored.value})).collect();
                return Ok(with_cursor(json!({"records": records}), cursor));
            }
            _ => {}
        }
        let caller = self.caller(ask)?;
        if method == "uploadBlob" {
            let mime = ask.header("content-type").unwrap_or("application/octet-stream").to_owned();
            return Ok(json!({"blob": self.blob(&mime, ask.body.clone())}));
        }
        let input = ask.json()?;
        let text = |key: &str| input[key].as_str().unwrap_or_default().to_owned();
        if method == "createReport" {
            let count = self.next();
            let mut report = json!({
                "id": count, "reasonType": input["reasonType"], "subject": input["subject"], "reportedBy": caller.did,
                "createdAt": Timestamp(self.now()).to_rfc3339(),
            });
            if input["reason"].is_string() {
                report["reason"] = input["reason"].clone();
            }
            return Ok(report);
        }
        let repo = text("repo");
        if self.by_name(&repo).map(|account| &account.did) != Some(&caller.did) {
            return Err(no(403, "Forbidden", "Repo does not belong to the account"));
        }
        let collection = text("collection");
        match method {
            "putRecord" => self.put(&caller.did, &collection, &text("rkey"), input["record"].clone()),
            "createRecord" => {
                let rkey = match text("rkey") {
                    none if none.is_empty() => self.tid(),
                    given => given,
                };
                if self.stored(&format!("at://{}/{collection}/{rkey}", caller.did)).is_some() {
                    return Err(no(500, "InternalServerError", "Internal Server Error"));
                }
                self.put(&caller.did, &collection, &rkey, input["record"].clone())
            }
            "deleteRecord" => {
                self.remove(&caller.did, &collection, &text("rkey"));
                Ok(json!({}))
            }
            _ => Err(unknown()),
        }
    }

    fn blob(&mut self, mime: &str, bytes: Bytes) -> Value {
        let cid = cid(0x55, &bytes);
        let size = bytes.len();
        self.blobs.insert(cid.clone(), (mime.to_owned(), bytes));
        json!({"$type": "blob", "ref": {"$link": cid}, "mimeType": mime, "size": size})
    }
}

/// An answer with the place to go on from, left out when there is none: the lexicons know no `null`.
pub fn with_cursor(mut answer: Value, cursor: Option<String>) -> Value {
    if let Some(cursor) = cursor {
        answer["cursor"] = json!(cursor);
    }
    answer
}

fn check(collection: &str, value: &Value) -> Result<(), No> {
    let refuse = |why: String| Err(invalid(format!("Invalid {collection} record: {why}")));
    if value["createdAt"].as_str().and_then(Timestamp::parse_rfc3339).is_none()
        && collection.starts_with("app.bsky.feed.")
    {
        return refuse("Record must have the property \"createdAt\" at $.record".to_owned());
    }
    if collection != "app.bsky.feed.post" {
        return Ok(());
    }
    let Some(text) = value["text"].as_str() else {
        return refuse("Record must have the property \"text\" at $.record".to_owned());
    };
    let graphemes = text.graphemes(true).count();
    if text.len() > 3_000 {
        return refuse(format!("string too big (maximum 3000, got {}) at $.record.text", text.len()));
    }
    if graphemes > 300 {
        return refuse(format!("grapheme too big (maximum 300, got {graphemes}) at $.record.text"));
    }
    for image in value["embed"]["images"].as_array().into_iter().flatten() {
        if image["image"]["size"].as_u64().unwrap_or_default() > 1_000_000 {
            return refuse("blob too big at $.record.embed.images".to_owned());
        }
    }
    Ok(())
}
