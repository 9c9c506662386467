//! Answering in public, and the lengths of both lanes.
//!
//! The key of the record and its time follow from the message, so every attempt writes the same record to the same place:
//! `putRecord` again changes nothing (tried on the reference PDS). That is why a lost answer is `Transient` here and not
//! `Uncertain`: trying again is the look-up.
//! Promises: nothing is cut silently; the parent is looked at right before posting; a file too large is refused with its size.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde_json::{Value, json};
use unicode_segmentation::UnicodeSegmentation;

use super::api::Api;
use super::facets::{self, What};
use super::wire::{AtUri, Node, Record, Ref};
use super::{convert, image, tid, xrpc};
use crate::channels::{AttachmentLimit, ChannelError, Class, Measure, OutFile, Outgoing, Sent, Unit, limits};
use serde::Deserialize;

pub const POSTS: &str = "app.bsky.feed.post";

/// The longest text of a lane: graphemes and UTF-8 bytes, whichever comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths {
    pub graphemes: usize,
    pub bytes: usize,
}

/// `app.bsky.feed.post` (lexicon, read 2026-11-22).
pub const POST: Lengths = Lengths { graphemes: 300, bytes: 3_000 };
/// `chat.bsky.convo.defs#messageInput` (lexicon, read 2026-11-22).
pub const DM: Lengths = Lengths { graphemes: 1_000, bytes: 10_000 };
/// The lexicon allows 2,000,000 since 2026; servers with an older one refuse more than this.
const IMAGE_BYTES: usize = 1_000_000;
const IMAGES: usize = 4;
const ALT_MAX: usize = 2_000;
const IMAGE_MIMES: &[&str] = &["image/jpeg", "image/png", "image/webp", "image/gif"];

impl Lengths {
    #[must_use]
    pub fn fits(self, text: &str) -> bool {
        text.len() <= self.bytes && text.graphemes(true).count() <= self.graphemes
    }
}

/// What may be attached to a post.
#[must_use]
pub fn attachments() -> AttachmentLimit {
    AttachmentLimit {
        max: 4,
        max_bytes: 1_000_000,
        mimes: IMAGE_MIMES.iter().map(ToString::to_string).collect(),
        alt_max: 2_000,
    }
}

/// Counts a text, and proposes parts when it is too long.
#[must_use]
pub fn measure(text: &str, lengths: Lengths) -> Measure {
    let graphemes = text.graphemes(true).count();
    let over = !lengths.fits(text);
    let mut notes = Vec::new();
    if graphemes <= lengths.graphemes && over {
        // Few signs, many bytes: without this the counter would contradict the refusal.
        notes.push("too_many_bytes".to_owned());
    }
    if facets::detect(text).iter().any(|found| matches!(found.what, What::Mention(_))) {
        notes.push("mentions_others".to_owned());
    }
    Measure {
        used: i64::try_from(graphemes).unwrap_or(i64::MAX),
        max: i64::try_from(lengths.graphemes).unwrap_or(i64::MAX),
        unit: Unit::Graphemes,
        over,
        parts: over
            .then(|| limits::split(text, |part| lengths.fits(part)))
            .filter(|parts| parts.iter().all(|part| lengths.fits(part))),
        notes,
    }
}

/// Refuses what the platform would refuse.
///
/// # Errors
/// `Rejected`.
pub fn check_length(text: &str, lengths: Lengths) -> Result<(), ChannelError> {
    if lengths.fits(text) {
        return Ok(());
    }
    let count = text.graphemes(true).count();
    Err(xrpc::fault(
        Class::Rejected,
        "too_long",
        (
            &format!(
                "The text has {count} characters and {} bytes; {} and {} are allowed.",
                text.len(),
                lengths.graphemes,
                lengths.bytes
            ),
            &format!(
                "De tekst heeft {count} tekens en {} bytes; toegestaan zijn {} en {}.",
                text.len(),
                lengths.graphemes,
                lengths.bytes
            ),
        ),
        ("Make it shorter or send it in parts.", "Maak de tekst korter of verstuur hem in delen."),
    ))
}

/// The facets of a text; handles that nobody has stay plain.
///
/// # Errors
/// `Transient` when a handle could not be looked up: leaving it plain now and live at the next attempt would make two records.
pub async fn facets(api: &Api, text: &str) -> Result<Vec<Value>, ChannelError> {
    let mut dids = HashMap::new();
    for found in facets::detect(text) {
        if let What::Mention(handle) = found.what
            && let Entry::Vacant(vacant) = dids.entry(handle)
        {
            let did = api.resolve(vacant.key()).await?;
            vacant.insert(did);
        }
    }
    Ok(facets::build(text, |handle| dids.get(handle).cloned().flatten()))
}

/// Posts a reply, or a post in the thread when no message is answered.
///
/// # Errors
/// `Rejected` when the parent is gone or closed for us; the classes of any call.
pub async fn deliver(api: &Api, outgoing: &Outgoing) -> Result<Sent, ChannelError> {
    if outgoing.text.trim().is_empty() && outgoing.files.is_empty() {
        return Err(ChannelError::rejected("bluesky.empty", "an empty message cannot be posted."));
    }
    check_length(&outgoing.text, POST)?;
    check_files(&outgoing.files)?;
    let refs = match refs(api, outgoing).await {
        Ok(refs) => refs,
        // What we said may stand although what it answered is gone since: then it was sent.
        Err(error) if error.class == Class::Rejected => return find(api, outgoing).await?.ok_or(error),
        Err(error) => return Err(error),
    };
    let mut record = json!({
        "$type": POSTS,
        "text": outgoing.text,
        "createdAt": outgoing.written_at.to_rfc3339(),
        "reply": {"root": refs.root, "parent": refs.parent},
    });
    if let Some(language) = outgoing.language.as_deref().filter(|language| !language.is_empty()) {
        record["langs"] = json!([language]);
    }
    let facets = facets(api, &outgoing.text).await?;
    if !facets.is_empty() {
        record["facets"] = json!(facets);
    }
    if !outgoing.files.is_empty() {
        let mut images = Vec::new();
        for file in &outgoing.files {
            // A file stored twice is one file: its reference is its hash.
            let blob = api.upload(&file.mime, file.bytes.clone()).await?;
            let mut image = json!({"alt": file.alt, "image": blob});
            if let Some((width, height)) = image::dimensions(&file.bytes) {
                image["aspectRatio"] = json!({"width": width, "height": height});
            }
            images.push(image);
        }
        record["embed"] = json!({"$type": "app.bsky.embed.images", "images": images});
    }
    let rkey = tid::for_message(outgoing.key, outgoing.written_at);
    let answer = api.put(POSTS, &rkey, &record).await?;
    let did = api.login().await?.did;
    Ok(sent(&did, &rkey, &answer, &record, outgoing))
}

/// Whether an earlier attempt arrived.
///
/// # Errors
/// The classes of any call.
pub async fn find(api: &Api, outgoing: &Outgoing) -> Result<Option<Sent>, ChannelError> {
    let did = api.login().await?.did;
    let rkey = tid::for_message(outgoing.key, outgoing.written_at);
    let found = api.record(&did, POSTS, &rkey).await?;
    Ok(found.map(|answer| sent(&did, &rkey, &answer, &answer["value"], outgoing)))
}

fn sent(did: &str, rkey: &str, answer: &Value, record: &Value, outgoing: &Outgoing) -> Sent {
    let uri = format!("at://{did}/{POSTS}/{rkey}");
    let url = AtUri::parse(&uri).map(|at| at.permalink());
    Sent {
        external_id: uri,
        url,
        at: Some(outgoing.written_at),
        meta: json!({"cid": answer["cid"], "root": record["reply"]["root"]}),
    }
}

struct Refs {
    root: Ref,
    parent: Ref,
}

/// The parent as it is now, and where its thread begins.
async fn refs(api: &Api, outgoing: &Outgoing) -> Result<Refs, ChannelError> {
    let parent = outgoing.reply_to.as_ref().map_or(outgoing.thread.external_id.as_str(), |(id, _)| id.as_str());
    let parent = convert::address(parent);
    let at =
        AtUri::parse(parent).ok_or_else(|| ChannelError::rejected("bluesky.no_post", "this thread is not a post."))?;
    match api.thread(parent, 0, 0).await? {
        Node::Post(post) if post.post.viewer.reply_disabled => Err(xrpc::fault(
            Class::Rejected,
            "reply_disabled",
            ("The author does not allow us to reply here.", "De auteur staat niet toe dat wij hier reageren."),
            (
                "Answer in another way, for example by direct message.",
                "Antwoord op een andere manier, bijvoorbeeld per privébericht.",
            ),
        )),
        Node::Post(post) => {
            let parent = Ref { uri: post.post.uri.clone(), cid: post.post.cid.clone() };
            let root = post.post.record.reply.map_or_else(|| parent.clone(), |reply| reply.root);
            Ok(Refs { root, parent })
        }
        Node::Blocked { .. } => Err(xrpc::fault(
            Class::Rejected,
            "blocked",
            (
                "The author has blocked this account, or this account has blocked the author.",
                "De auteur heeft dit account geblokkeerd, of dit account de auteur.",
            ),
            ("Answer in another way.", "Antwoord op een andere manier."),
        )),
        // What the index does not have may be newer than the index (the first part of an answer in parts): ask who keeps it.
        Node::NotFound { .. } => match api.record(at.did, at.collection, at.rkey).await? {
            Some(answer) => {
                let parent = Ref { uri: parent.to_owned(), cid: answer["cid"].as_str().unwrap_or_default().to_owned() };
                let root = Record::deserialize(&answer["value"])
                    .unwrap_or_default()
                    .reply
                    .map_or_else(|| parent.clone(), |reply| reply.root);
                Ok(Refs { root, parent })
            }
            None => Err(xrpc::fault(
                Class::Rejected,
                "parent_removed",
                ("The message you answer has been removed.", "Het bericht waarop je antwoordt is verwijderd."),
                ("Answer another message of the thread.", "Antwoord op een ander bericht uit de draad."),
            )),
        },
    }
}

fn check_files(files: &[OutFile]) -> Result<(), ChannelError> {
    let refuse = |code: &str, en: String, nl: String| {
        Err(xrpc::fault(
            Class::Rejected,
            code,
            (&en, &nl),
            ("Change the attachments and send it again.", "Pas de bijlagen aan en verstuur het opnieuw."),
        ))
    };
    if files.len() > IMAGES {
        return refuse(
            "too_many_files",
            format!("{} images, and {IMAGES} are allowed.", files.len()),
            format!("{} afbeeldingen, en {IMAGES} zijn toegestaan.", files.len()),
        );
    }
    for file in files {
        let name: String = file.name.chars().take(80).collect();
        if !IMAGE_MIMES.contains(&file.mime.as_str()) {
            return refuse(
                "file_kind",
                format!("\"{name}\" is not an image that can be posted."),
                format!("\"{name}\" is geen afbeelding die geplaatst kan worden."),
            );
        }
        if file.bytes.len() >= IMAGE_BYTES {
            let kb = file.bytes.len() / 1_000;
            return refuse(
                "file_size",
                format!("\"{name}\" has {kb} kB; less than 1,000 kB is allowed."),
                format!("\"{name}\" is {kb} kB; minder dan 1.000 kB is toegestaan."),
            );
        }
        if file.alt.graphemes(true).count() > ALT_MAX {
            return refuse(
                "alt_long",
                format!("The description of \"{name}\" is longer than {ALT_MAX} characters."),
                format!("De beschrijving van \"{name}\" is langer dan {ALT_MAX} tekens."),
            );
        }
    }
    Ok(())
}
