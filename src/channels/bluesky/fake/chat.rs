//! The chat service.

use serde_json::{Value, json};

use super::records::with_cursor;
use super::{Answer, Ask, CHAT, Net, No, invalid, no, unknown};
use crate::model::Timestamp;

/// Every conversation, and the log over them.
#[derive(Default)]
pub struct Chat {
    convos: Vec<Convo>,
    log: Vec<Entry>,
}

struct Convo {
    id: String,
    rev: String,
    members: Vec<Member>,
    messages: Vec<Said>,
    /// The name of a group; whoever is added to one reads along.
    group: Option<String>,
}

struct Member {
    did: String,
    accepted: bool,
    unread: u32,
    /// Messages this one deleted from their own view.
    hidden: Vec<String>,
}

#[derive(Clone)]
struct Said {
    id: String,
    rev: String,
    by: String,
    at: i64,
    input: Value,
}

struct Entry {
    to: String,
    rev: String,
    view: Value,
}

impl Said {
    fn view(&self) -> Value {
        let mut view = json!({
            "$type": "chat.bsky.convo.defs#messageView", "id": self.id, "rev": self.rev, "text": self.input["text"],
            "sender": {"did": self.by}, "sentAt": Timestamp(self.at).to_rfc3339(),
        });
        for key in ["facets", "embed"] {
            if !self.input[key].is_null() {
                view[key] = self.input[key].clone();
            }
        }
        view
    }
}

impl Net {
    /// The conversation of exactly these people, made when there is none.
    pub fn convo_of(&mut self, by: &str, others: &[&str]) -> String {
        let mut dids: Vec<&str> = others.to_vec();
        dids.push(by);
        dids.sort_unstable();
        dids.dedup();
        let found = self.chat.convos.iter().filter(|convo| convo.group.is_none()).find(|convo| {
            let mut members: Vec<&str> = convo.members.iter().map(|member| member.did.as_str()).collect();
            members.sort_unstable();
            members == dids
        });
        if let Some(convo) = found {
            return convo.id.clone();
        }
        let id = self.tid();
        let members = dids
            .into_iter()
            .map(|did| {
                let accepted = did == by || self.accounts.get(did).is_none_or(|account| account.open_chat);
                Member { did: did.to_owned(), accepted, unread: 0, hidden: Vec::new() }
            })
            .collect();
        self.chat.convos.push(Convo { id: id.clone(), rev: id.clone(), members, messages: Vec::new(), group: None });
        self.chat_log(&id, None, "logBeginConvo", None);
        id
    }

    /// A group of these people, made by the first of them.
    pub fn group_of(&mut self, dids: &[&str], name: &str) -> String {
        let id = self.tid();
        let member = |did: &&str| Member { did: (*did).to_owned(), accepted: true, unread: 0, hidden: Vec::new() };
        let members = dids.iter().map(member).collect();
        let group = Some(name.to_owned());
        self.chat.convos.push(Convo { id: id.clone(), rev: id.clone(), members, messages: Vec::new(), group });
        self.chat_log(&id, None, "logBeginConvo", None);
        id
    }

    /// Adds somebody to a group.
    pub fn join(&mut self, convo: &str, did: &str) {
        if let Some(held) = self.chat.convos.iter_mut().find(|held| held.id == convo && held.group.is_some()) {
            held.members.push(Member { did: did.to_owned(), accepted: true, unread: 0, hidden: Vec::new() });
        }
        self.chat_log(convo, None, "logAddMember", None);
    }

    /// Takes somebody out of a conversation, as one who leaves it in another client.
    pub fn leave(&mut self, convo: &str, did: &str) {
        if let Some(held) = self.chat.convos.iter_mut().find(|held| held.id == convo) {
            held.members.retain(|member| member.did != did);
        }
    }

    /// Says something in a conversation and gives the message's view.
    ///
    /// # Errors
    /// As the service words it.
    pub fn chat_say(&mut self, by: &str, convo: &str, input: &Value) -> Answer {
        let text = input["text"].as_str().ok_or_else(|| invalid("Input/message must have the property \"text\""))?;
        let graphemes = unicode_segmentation::UnicodeSegmentation::graphemes(text, true).count();
        if graphemes > 1_000 || text.len() > 10_000 {
            return Err(invalid(format!("Input/message/text must not be longer than 1000 graphemes, got {graphemes}")));
        }
        let (id, rev, at) = (self.tid(), self.tid(), self.now());
        let held = self.convo_mut(by, convo)?;
        let said = Said { id, rev: rev.clone(), by: by.to_owned(), at, input: input.clone() };
        held.rev = rev;
        for member in &mut held.members {
            if member.did == by {
                // Who answers a request has accepted it.
                member.accepted = true;
            } else {
                member.unread += 1;
            }
        }
        held.messages.push(said.clone());
        self.chat_log(convo, None, "logCreateMessage", Some(said.view()));
        Ok(said.view())
    }

    /// Every message of a conversation as (sender, id, text), oldest first.
    pub fn chat_said(&self) -> Vec<(String, String, String, String)> {
        let all = self.chat.convos.iter().flat_map(|convo| {
            convo.messages.iter().map(|said| {
                (
                    said.by.clone(),
                    convo.id.clone(),
                    said.id.clone(),
                    said.input["text"].as_str().unwrap_or_default().to_owned(),
                )
            })
        });
        all.collect()
    }

    fn chat_log(&mut self, convo: &str, only: Option<&str>, kind: &str, message: Option<Value>) {
        let rev = self.tid();
        let Some(held) = self.chat.convos.iter().find(|held| held.id == convo) else { return };
        let mut view = json!({"$type": format!("chat.bsky.convo.defs#{kind}"), "rev": rev, "convoId": convo});
        if let Some(message) = message {
            view["message"] = message;
        }
        for member in held.members.iter().filter(|member| only.is_none_or(|only| only == member.did)) {
            self.chat.log.push(Entry { to: member.did.clone(), rev: rev.clone(), view: view.clone() });
        }
    }

    fn convo_mut(&mut self, who: &str, id: &str) -> Result<&mut Convo, No> {
        let found = self
            .chat
            .convos
            .iter_mut()
            .find(|convo| convo.id == id && convo.members.iter().any(|member| member.did == who));
        found.ok_or_else(|| no(400, "InvalidConvo", "Convo not found"))
    }

    fn convo_view(&self, convo: &Convo, viewer: &str) -> Value {
        let members: Vec<Value> = convo
            .members
            .iter()
            .map(|member| {
                let mut profile = self.profile(&member.did, viewer);
                if let Some(fields) = profile.as_object_mut() {
                    fields.remove("indexedAt");
                }
                profile
            })
            .collect();
        let me = convo.members.iter().find(|member| member.did == viewer);
        let mut view = json!({
            "id": convo.id, "rev": convo.rev, "members": members, "muted": false,
            "status": if me.is_some_and(|me| me.accepted) { "accepted" } else { "request" },
            "unreadCount": me.map_or(0, |me| me.unread),
        });
        // Services that know no groups do not say what a conversation is: as one of three people here.
        if let Some(name) = &convo.group {
            view["kind"] = json!({
                "$type": "chat.bsky.convo.defs#groupConvo", "name": name, "memberCount": convo.members.len(),
                "lockStatus": "unlocked", "createdAt": Timestamp(0).to_rfc3339(),
            });
        } else if convo.members.len() == 2 {
            view["kind"] = json!({"$type": "chat.bsky.convo.defs#directConvo"});
        }
        if let Some(last) = convo.messages.last() {
            view["lastMessage"] = last.view();
        }
        view
    }

    fn view_of(&mut self, who: &str, id: &str) -> Answer {
        self.convo_mut(who, id)?;
        let convo = self.chat.convos.iter().find(|convo| convo.id == id).ok_or_else(unknown)?;
        Ok(json!({"convo": self.convo_view(convo, who)}))
    }

    pub(super) fn convo(&mut self, ask: &Ask) -> Answer {
        let caller = self.caller(ask)?;
        let ours = self.accounts.contains_key(&caller.did) && ask.header("atproto-proxy").is_none();
        if ours {
            // Without the header nobody knows which chat service is meant.
            return Err(unknown());
        }
        if ask.header("atproto-proxy").is_some_and(|proxy| proxy != CHAT) {
            return Err(invalid("could not resolve proxy did service url"));
        }
        if !caller.chat {
            return Err(no(400, "InvalidToken", "Bad token method"));
        }
        let me = caller.did.as_str();
        let input = if ask.method == axum::http::Method::POST { ask.json()? } else { Value::Null };
        let id = input["convoId"]
            .as_str()
            .map(ToOwned::to_owned)
            .or_else(|| ask.get("convoId").map(ToOwned::to_owned))
            .unwrap_or_default();
        match ask.nsid.rsplit('.').next().unwrap_or_default() {
            "getLog" => Ok(self.log_page(ask, me)),
            "listConvos" | "listConvoRequests" => {
                let status = if ask.nsid.ends_with("Requests") { Some("request") } else { ask.get("status") };
                let limit = ask.limit(50)?;
                let mut all: Vec<&Convo> = self
                    .chat
                    .convos
                    .iter()
                    .filter(|convo| convo.members.iter().any(|member| member.did == me))
                    .collect();
                all.sort_by(|a, b| b.rev.cmp(&a.rev));
                let views: Vec<Value> = all
                    .into_iter()
                    .filter(|convo| ask.get("cursor").is_none_or(|before| convo.rev.as_str() < before))
                    .map(|convo| self.convo_view(convo, me))
                    .filter(|view| status.is_none_or(|status| view["status"] == status))
                    .take(limit)
                    .collect();
                let cursor = (views.len() == limit)
                    .then(|| views.last().and_then(|view| view["rev"].as_str()).map(ToOwned::to_owned))
                    .flatten();
                Ok(with_cursor(json!({"convos": views}), cursor))
            }
            "getConvo" => self.view_of(me, &id),
            "getConvoForMembers" => {
                let members: Vec<String> = ask.all("members").into_iter().map(ToOwned::to_owned).collect();
                if members.iter().any(|did| !did.starts_with("did:")) || members.is_empty() {
                    return Err(no(400, "RecipientNotFound", "Recipient not found"));
                }
                let others: Vec<&str> = members.iter().map(String::as_str).collect();
                let id = self.convo_of(me, &others);
                self.view_of(me, &id)
            }
            "getMessages" => {
                let limit = ask.limit(50)?;
                let before = ask.get("cursor").map(ToOwned::to_owned);
                let convo = self.convo_mut(me, &id)?;
                let hidden = convo
                    .members
                    .iter()
                    .find(|member| member.did == me)
                    .map(|member| member.hidden.clone())
                    .unwrap_or_default();
                let page: Vec<&Said> = convo
                    .messages
                    .iter()
                    .rev()
                    .filter(|said| {
                        before.as_ref().is_none_or(|before| said.rev < *before) && !hidden.contains(&said.id)
                    })
                    .take(limit)
                    .collect();
                let cursor = (page.len() == limit).then(|| page.last().map(|said| said.rev.clone())).flatten();
                let views: Vec<Value> = page.iter().map(|said| said.view()).collect();
                Ok(with_cursor(json!({"messages": views}), cursor))
            }
            "sendMessage" => self.chat_say(me, &id, &input["message"]),
            "acceptConvo" => {
                let convo = self.convo_mut(me, &id)?;
                for member in &mut convo.members {
                    member.accepted |= member.did == me;
                }
                self.chat_log(&id, Some(me), "logAcceptConvo", None);
                Ok(json!({"rev": self.tid()}))
            }
            "updateRead" => {
                let convo = self.convo_mut(me, &id)?;
                for member in convo.members.iter_mut().filter(|member| member.did == me) {
                    member.unread = 0;
                }
                self.view_of(me, &id)
            }
            "deleteMessageForSelf" => {
                let message = input["messageId"].as_str().unwrap_or_default().to_owned();
                let convo = self.convo_mut(me, &id)?;
                let said = convo
                    .messages
                    .iter()
                    .find(|said| said.id == message)
                    .cloned()
                    .ok_or_else(|| invalid("Message not found"))?;
                for member in convo.members.iter_mut().filter(|member| member.did == me) {
                    member.hidden.push(message.clone());
                }
                let gone = json!({
                    "$type": "chat.bsky.convo.defs#deletedMessageView", "id": said.id, "rev": said.rev, "sender": {"did": said.by}, "sentAt": Timestamp(said.at).to_rfc3339(),
                });
                self.chat_log(&id, Some(me), "logDeleteMessage", Some(gone.clone()));
                let mut plain = gone;
                if let Some(fields) = plain.as_object_mut() {
                    fields.remove("$type");
                }
                Ok(plain)
            }
            _ => Err(unknown()),
        }
    }

    fn log_page(&self, ask: &Ask, me: &str) -> Value {
        const PAGE: usize = 100;
        let mine: Vec<&Entry> = self.chat.log.iter().filter(|entry| entry.to == me).collect();
        let newest = mine.last().map_or_else(|| "2222222222222".to_owned(), |entry| entry.rev.clone());
        // Without a place the log begins now.
        let Some(after) = ask.get("cursor") else { return json!({"logs": [], "cursor": newest}) };
        let page: Vec<&&Entry> = mine.iter().filter(|entry| entry.rev.as_str() > after).take(PAGE).collect();
        let cursor = page.last().map_or_else(|| after.to_owned(), |entry| entry.rev.clone());
        let logs: Vec<&Value> = page.iter().map(|entry| &entry.view).collect();
        json!({"logs": logs, "cursor": cursor})
    }
}
