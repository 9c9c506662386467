//! What a refusal to send says, in words about a message. The first sentence that fits decides.
//!
//! Source: the table of the sheet of 2026-11; names of BUSINESS_* errors are not confirmed there.

use super::api::{Api, Refused};
use super::{rejected, state};
use crate::channels::error::Class;
use crate::channels::{ChannelError, Words};

/// A refusal of a call that sends.
pub fn of_message(api: &Api, refused: &Refused) -> ChannelError {
    // Nobody but the platform's own sentence can say more than the status.
    if !matches!(refused.code, 400 | 403 | 413) || refused.description.is_empty() && refused.code != 413 {
        return api.refusal(refused);
    }
    let says = |part: &str| refused.says(part);
    if says("blocked by the user") || says("user is deactivated") || says("can't initiate conversation") {
        let closed = state::blocked();
        return unreachable(closed.code, closed.words);
    }
    if says("bot was kicked") || says("not a member") {
        let closed = state::kicked();
        return unreachable(closed.code, closed.words);
    }
    if says("business_peer_usage_missing") {
        let closed = state::window_over();
        return unreachable(closed.code, closed.words);
    }
    if says("business_connection") {
        return rejected(
            "telegram.business_refused",
            (
                "The business account does not let the bot do this (any more).",
                "Het zakelijke account staat de bot dit niet (meer) toe.",
            ),
            (
                "Look in its Telegram app under Telegram Business → Chatbots, or answer there.",
                "Kijk in de Telegram-app van het account onder Telegram Business → Chatbots, of antwoord daar.",
            ),
        );
    }
    if says("chat not found") || says("peer_id_invalid") {
        return rejected(
            "telegram.no_chat",
            (
                "The bot has no chat with this customer: it was never started, or it is gone.",
                "De bot heeft geen chat met deze klant: die is nooit begonnen of bestaat niet meer.",
            ),
            ("The customer has to write to the bot first.", "De klant moet eerst zelf naar de bot schrijven."),
        );
    }
    if says("not enough rights") || says("chat_write_forbidden") || says("have no rights") || says("need administrator")
    {
        return rejected(
            "telegram.no_rights",
            ("The bot may not do this in this chat.", "De bot mag dit niet in deze chat."),
            (
                "Ask an administrator of the group to give the bot the right to send messages.",
                "Vraag een beheerder van de groep om de bot het recht te geven berichten te sturen.",
            ),
        );
    }
    if says("topic_closed") || says("topic_deleted") || says("message thread not found") {
        return rejected(
            "telegram.topic_closed",
            ("The topic was closed or removed.", "Het onderwerp is gesloten of verwijderd."),
            ("Answer in another topic, or privately.", "Antwoord in een ander onderwerp, of privé."),
        );
    }
    if refused.code == 413 || says("too large") || says("too big") {
        return rejected(
            "reply.file_too_large",
            (
                "A file is larger than Telegram takes: 10 MB for a picture, 50 MB for anything else.",
                "Een bestand is groter dan Telegram aanneemt: 10 MB voor een foto, 50 MB voor al het andere.",
            ),
            ("Send a smaller one, or a link.", "Stuur een kleiner bestand, of een link."),
        );
    }
    api.refusal(refused)
}

fn unreachable(code: &str, cause: Words) -> ChannelError {
    ChannelError::new(
        Class::Rejected,
        code,
        cause,
        Words::new(
            "Reach the customer in another way, or close the conversation.",
            "Bereik de klant op een andere manier, of sluit het gesprek.",
        ),
    )
}
