//! A visitor's words as a message of the desk, and an agent's words as a visitor sees them.

use serde_json::{Map, Value, json};

use super::super::visit::{GivenFile, Guest, Presented, Question, Rated, Said, Shown, VisitedPage, Wrong};
use super::super::{AnswerAt, Author, File, Message, ThreadRef, claims};
use super::settings::Settings;
use super::{LONGEST_TEXT, MOST_FILES};
use crate::model::{Answered, AttachmentKind, Automatic, Direction, Lane, MessageKind, ThreadKind};

const LONGEST_ANSWER: usize = 500;
const LONGEST_ADDRESS: usize = 2000;
/// Buttons under one message.
const MOST_QUICK: usize = 6;

/// What a visitor said.
pub fn message(settings: &Settings, said: Said) -> Result<(Message, Guest), Wrong> {
    if said.text.chars().count() > LONGEST_TEXT || said.files.len() > MOST_FILES {
        return Err(Wrong::TooLong);
    }
    if said.text.trim().is_empty() && said.files.is_empty() {
        return Err(Wrong::Empty);
    }
    let mut guest = said.guest;
    let typed = said.answers.get("email").and_then(Value::as_str).and_then(email);
    let answers = read_answers(settings, &said.answers, &mut guest, said.first, said.left)?;
    let dutch = settings.language == "nl";
    let mut fields = answers;
    if (said.first || said.left)
        && let Some(page) = &said.page
    {
        push(&mut fields, if dutch { "Pagina" } else { "Page" }, &page_line(page));
        let referrer = page.referrer.as_deref().map(|url| clip(url, LONGEST_ADDRESS)).unwrap_or_default();
        push(&mut fields, if dutch { "Gekomen van" } else { "Came from" }, &referrer);
    }
    let page = said
        .page
        .map(|page| json!({ "url": clip(&page.url, LONGEST_ADDRESS), "title": clip(&page.title, LONGEST_ANSWER) }));
    // Where they ask for it, also when another address is proven: they are told that the answer goes there.
    let answer_at = typed.or_else(|| guest.email.clone()).filter(|_| said.left).map(|address| AnswerAt {
        address,
        name: guest.name.clone(),
        subject: subject(settings, guest.language.as_deref()),
    });
    let message = Message {
        external_id: said.external_id,
        thread: thread(&guest),
        author: author(settings, &guest),
        direction: Direction::In,
        kind: MessageKind::Chat,
        text: said.text.trim_end().to_owned(),
        language: guest.language.clone(),
        sent_at: said.at,
        files: said.files.into_iter().map(file).collect(),
        fields,
        answer_at,
        meta: json!({ "page": page, "trigger": said.trigger.map(|trigger| clip(&trigger, 40)), "left": said.left }),
        ..Message::default()
    };
    Ok((message, guest))
}

/// What a mail that answers somebody is about, in their own language where we have it.
fn subject(settings: &Settings, language: Option<&str>) -> String {
    let tongue = language.and_then(|tag| tag.get(..2)).unwrap_or(&settings.language);
    let words = if tongue.eq_ignore_ascii_case("nl") { "Je bericht aan" } else { "Your message to" };
    format!("{words} {}", settings.name)
}

/// What somebody told about themselves without proof.
pub fn tidy(presented: &Presented) -> Guest {
    let name = presented.name.as_deref().map(|name| clip(name.trim(), 100)).filter(|name| !name.is_empty());
    let picture = presented.avatar_url.as_deref().filter(|url| url.starts_with("https://") && url.len() <= 1000);
    Guest {
        name,
        email: presented.email.as_deref().and_then(email),
        phone: presented.phone.as_deref().and_then(phone),
        avatar_url: picture.map(str::to_owned),
        ..Guest::default()
    }
}

/// What a visitor thought of it.
pub fn rating(settings: &Settings, rated: &Rated) -> Message {
    let stars: String = (1..=5).map(|n| if n <= rated.score { '★' } else { '☆' }).collect();
    let comment = clip(rated.comment.trim(), LONGEST_TEXT);
    Message {
        external_id: rated.external_id.clone(),
        thread: thread(&rated.guest),
        author: author(settings, &rated.guest),
        direction: Direction::In,
        kind: MessageKind::Chat,
        text: if comment.is_empty() { stars } else { format!("{stars}\n{comment}") },
        sent_at: rated.at,
        edited_at: rated.again.then_some(rated.at),
        automatic: Some(Automatic::Notice),
        meta: json!({ "rating": rated.score.to_string() }),
        ..Message::default()
    }
}

fn thread(guest: &Guest) -> ThreadRef {
    ThreadRef { external_id: guest.id.clone(), lane: Lane::Private, kind: ThreadKind::Chat, title: None, url: None }
}

/// A visitor without a name gets one that tells them from the next.
fn author(settings: &Settings, guest: &Guest) -> Author {
    let short: String = guest.id.chars().rev().filter(char::is_ascii_alphanumeric).take(4).collect();
    let nameless = format!("{} {short}", if settings.language == "nl" { "Bezoeker" } else { "Visitor" });
    let name = guest.name.clone().filter(|name| !name.trim().is_empty());
    let claims = [
        guest.email.as_deref().and_then(|address| claims::email(address, guest.email_verified)),
        guest.phone.as_deref().and_then(|number| claims::phone(number, Some("+31"), guest.phone_verified)),
        guest.customer.as_deref().and_then(|key| claims::customer(key, true)),
    ];
    Author {
        external_id: guest.id.clone(),
        handle: guest.email.clone().unwrap_or_else(|| nameless.clone()),
        name: name.unwrap_or(nameless),
        avatar_url: guest.avatar_url.clone(),
        url: None,
        claims: claims.into_iter().flatten().collect(),
    }
}

/// Answers of the form, checked; name, address and number also become the guest's own.
fn read_answers(
    settings: &Settings,
    answers: &Map<String, Value>,
    guest: &mut Guest,
    first: bool,
    left: bool,
) -> Result<Vec<Answered>, Wrong> {
    let given = |key: &str| {
        let text = answers.get(key)?;
        let text = text.as_str().map_or_else(|| text.to_string(), str::to_owned);
        Some(clip(text.trim(), LONGEST_ANSWER)).filter(|text| !text.is_empty())
    };
    let mut fields = Vec::new();
    for question in &settings.questions {
        let Some(answer) = given(&question.key).or_else(|| known(question, guest)) else {
            if question.required && (first || left) {
                return Err(Wrong::Missing(question.key.clone()));
            }
            continue;
        };
        if !question.options.is_empty() && !question.options.contains(&answer) {
            return Err(Wrong::Invalid(question.key.clone()));
        }
        let label = question.label.clone().unwrap_or_else(|| default_label(settings, &question.key).to_owned());
        if first || left || given(&question.key).is_some() {
            push(&mut fields, &label, &answer);
        }
    }
    // A verified name or address is not overwritten by what somebody types.
    if guest.customer.is_none() || guest.name.is_none() {
        guest.name = given("name").or_else(|| guest.name.take());
    }
    if let Some(address) = given("email") {
        let address = email(&address).ok_or_else(|| Wrong::Invalid("email".to_owned()))?;
        if !guest.email_verified {
            guest.email = Some(address);
        }
    }
    if left && guest.email.is_none() {
        return Err(Wrong::Missing("email".to_owned()));
    }
    if let Some(number) = given("phone") {
        let number = phone(&number).ok_or_else(|| Wrong::Invalid("phone".to_owned()))?;
        if !guest.phone_verified {
            guest.phone = Some(number);
        }
    }
    Ok(fields)
}

fn known(question: &Question, guest: &Guest) -> Option<String> {
    match question.key.as_str() {
        "name" => guest.name.clone(),
        "email" => guest.email.clone(),
        "phone" => guest.phone.clone(),
        _ => None,
    }
}

fn default_label(settings: &Settings, key: &str) -> &'static str {
    match (key, settings.language == "nl") {
        ("name", true) => "Naam",
        ("name", false) => "Name",
        ("email", true) => "E-mailadres",
        ("email", false) => "E-mail address",
        ("phone", true) => "Telefoonnummer",
        _ => "Telephone number",
    }
}

fn push(fields: &mut Vec<Answered>, label: &str, value: &str) {
    if !value.is_empty() {
        fields.push(Answered { label: label.to_owned(), value: value.to_owned() });
    }
}

fn page_line(page: &VisitedPage) -> String {
    let (title, url) = (clip(page.title.trim(), LONGEST_ANSWER), clip(page.url.trim(), LONGEST_ADDRESS));
    match (title.is_empty(), url.is_empty()) {
        (false, false) => format!("{title} ({url})"),
        (true, _) => url,
        (_, true) => title,
    }
}

fn file(given: GivenFile) -> File {
    let kind = match given.mime.split('/').next() {
        Some("image") => AttachmentKind::Image,
        Some("video") => AttachmentKind::Video,
        Some("audio") => AttachmentKind::Audio,
        _ => AttachmentKind::File,
    };
    File {
        kind,
        size: i64::try_from(given.content.len()).ok(),
        mime: Some(given.mime),
        name: Some(given.name),
        content: Some(given.content),
        ..File::default()
    }
}

/// An address that mail could go to; `None` for anything else.
fn email(text: &str) -> Option<String> {
    claims::email(text, false).map(|claim| claim.value)
}

/// A number as the world dials it; one without a country is of the chat's own.
fn phone(text: &str) -> Option<String> {
    claims::phone(text, Some("+31"), false).map(|claim| claim.value)
}

/// The last line `[One] [Two]` of an agent's message becomes buttons.
pub fn shown(text: &str) -> Shown {
    let whole = || Shown { text: text.to_owned(), quick_replies: Vec::new() };
    let (before, last) = text.trim_end().rsplit_once('\n').unwrap_or(("", text.trim_end()));
    let mut quick_replies = Vec::new();
    let mut rest = last.trim();
    while !rest.is_empty() {
        let Some((one, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) else { return whole() };
        let one = one.trim();
        if one.is_empty() || one.chars().count() > 60 || after.starts_with('(') {
            return whole();
        }
        quick_replies.push(one.to_owned());
        rest = after.trim_start();
    }
    if before.trim().is_empty() || quick_replies.is_empty() || quick_replies.len() > MOST_QUICK {
        return whole();
    }
    Shown { text: before.trim_end().to_owned(), quick_replies }
}

fn clip(text: &str, most: usize) -> String {
    text.chars().filter(|c| !c.is_control() || *c == '\n').take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_last_line_of_brackets_becomes_buttons_and_nothing_else_does() {
        let made = shown("Is het gelukt?\n[Ja] [Nee, nog niet]");
        assert_eq!((made.text.as_str(), made.quick_replies.len()), ("Is het gelukt?", 2));
        for plain in
            ["[Ja] [Nee]", "Zie [1]", "Kijk\n[hier](https://voorbeeld.nl)", "Dag\n[Ja] of [Nee]", "Dag\n[]", "Dag"]
        {
            assert_eq!(shown(plain).text, plain);
            assert!(shown(plain).quick_replies.is_empty(), "{plain}");
        }
    }
}
