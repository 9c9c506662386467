//! What a thread has to remember, and what is allowed in it by that: blocked, thrown out, the window of a business chat.
//!
//! The memory travels as a [`Item::Remember`] and comes back to `allowance` under `thread` in the facts; what the bot may do
//! for a whole business account is told apart from that, and known to this connection only.

use serde_json::{Value, json};

use super::convert::WINDOW;
use super::place::Place;
use super::wire::{Business, Membership, Message as Wire, moment};
use crate::channels::{Item, Message, Words};
use crate::model::{Direction, Timestamp};

/// Why a thread cannot be answered.
pub struct Closed {
    pub code: &'static str,
    pub words: Words,
}

/// Somebody let the bot in, threw it out or blocked it.
pub fn membership(membership: &Membership) -> Option<Item> {
    let out = match membership.new_chat_member.status.as_str() {
        "kicked" | "left" => true,
        "member" | "administrator" | "restricted" => false,
        _ => return None,
    };
    let why = match (out, membership.chat.is_private()) {
        (false, _) => Value::Null,
        (true, true) => json!("blocked"),
        (true, false) => json!("kicked"),
    };
    Some(Item::Remember { thread: Place::chat(membership.chat.id).thread_id(), memory: json!({"closed": why}) })
}

/// A customer's message opens the window of a business chat; changing an older one opens nothing.
pub fn window(message: &Wire, converted: &Message) -> Option<Item> {
    if converted.direction != Direction::In || !message.chat.is_private() || message.edit_date.is_some() {
        return None;
    }
    message.business_connection_id.as_ref()?;
    let until = moment(message.date).plus(WINDOW);
    Some(Item::Remember { thread: converted.thread.external_id.clone(), memory: json!({"until": until.0}) })
}

/// Until when a thread may be answered by what it remembers; `None` without an end.
pub fn until(thread: &Value) -> Option<Timestamp> {
    thread["until"].as_i64().map(Timestamp)
}

/// Why a thread is closed, by what it remembers and by what is known of its business account.
pub fn closed(thread: &Value, business: Option<&Business>, now: Timestamp) -> Option<Closed> {
    match thread["closed"].as_str() {
        Some("blocked") => return Some(blocked()),
        Some("kicked") => return Some(kicked()),
        _ => {}
    }
    if let Some(business) = business {
        if !business.is_enabled {
            return Some(Closed {
                code: "telegram.business_off",
                words: Words::new(
                    "The business account is no longer connected to the bot (Telegram Business → Chatbots).",
                    "Het zakelijke account is niet meer met de bot verbonden (Telegram Business → Chatbots).",
                ),
            });
        }
        if !business.rights.can_reply {
            return Some(Closed {
                code: "telegram.business_no_reply",
                words: Words::new(
                    "The business account lets the bot read but not reply (Telegram Business → Chatbots → Reply to messages).",
                    "Het zakelijke account laat de bot lezen maar niet antwoorden (Telegram Business → Chatbots → Berichten beantwoorden).",
                ),
            });
        }
    }
    if until(thread).is_some_and(|until| until <= now) {
        return Some(window_over());
    }
    None
}

pub fn blocked() -> Closed {
    Closed {
        code: "telegram.blocked",
        words: Words::new(
            "The customer has blocked the bot. Only they can undo that.",
            "De klant heeft de bot geblokkeerd. Alleen de klant kan dat ongedaan maken.",
        ),
    }
}

pub fn kicked() -> Closed {
    Closed {
        code: "telegram.kicked",
        words: Words::new(
            "The bot was removed from this group. An administrator of the group has to add it again.",
            "De bot is uit deze groep verwijderd. Een beheerder van de groep moet hem weer toevoegen.",
        ),
    }
}

pub fn window_over() -> Closed {
    Closed {
        code: "telegram.window_over",
        words: Words::new(
            "More than 24 hours have passed since the customer's last message; Telegram lets a bot answer in a business chat within 24 hours. Answer in the Telegram app.",
            "Er zijn meer dan 24 uur voorbij sinds het laatste bericht van de klant; Telegram laat een bot in een zakelijke chat binnen 24 uur antwoorden. Antwoord in de Telegram-app.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::{Business, closed};
    use crate::channels::telegram::wire::Rights;
    use crate::model::Timestamp;
    use serde_json::json;

    #[test]
    fn a_thread_says_why_it_is_closed() {
        let now = Timestamp(1_000_000);
        let business = |is_enabled, can_reply| Business {
            id: "bc".to_owned(),
            is_enabled,
            rights: Rights { can_reply, can_read_messages: false },
        };
        let code =
            |thread, business: Option<Business>| closed(&thread, business.as_ref(), now).map(|closed| closed.code);
        assert_eq!(code(json!(null), None), None);
        assert_eq!(code(json!({"closed": "blocked"}), None), Some("telegram.blocked"));
        assert_eq!(code(json!({"closed": null}), None), None);
        assert_eq!(code(json!({"until": 1_000_001}), Some(business(true, true))), None);
        assert_eq!(code(json!({"until": 1_000_000}), None), Some("telegram.window_over"));
        assert_eq!(code(json!({"until": 1_000_001}), Some(business(true, false))), Some("telegram.business_no_reply"));
        assert_eq!(code(json!({"until": 1_000_001}), Some(business(false, true))), Some("telegram.business_off"));
    }
}
