//! The form as a page: HTML without script, in two languages, for every screen and every reader.
//!
//! Promises: whatever somebody typed or an admin wrote is text and never mark-up; the page loads nothing and runs nothing
//! (its policy says so); what was typed is still there when something was wrong.

use std::fmt::Write as _;
use std::sync::LazyLock;

use base64::Engine as _;
use sha2::{Digest as _, Sha256};

use super::answers::{Given, Wrong};
use super::definition::{Asked, Definition, Kind};
use crate::channels::Words;

/// Names the trap: people do not see it, robots fill it in.
pub const TRAP: &str = "_more";
/// Carries the name of this one sending, so that sending twice is once.
pub const ONCE: &str = "_once";

const STYLE: &str = include_str!("page.css");

/// Which language it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    En,
    Nl,
}

impl Lang {
    pub const fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Nl => "nl",
        }
    }

    pub fn of(text: &str) -> Option<Self> {
        match text.get(..2)? {
            "en" => Some(Self::En),
            "nl" => Some(Self::Nl),
            _ => None,
        }
    }

    /// The words in this language.
    pub fn say(self, words: &Words) -> &str {
        match self {
            Self::En => &words.en,
            Self::Nl => &words.nl,
        }
    }

    const fn of_two(self, en: &'static str, nl: &'static str) -> &'static str {
        match self {
            Self::En => en,
            Self::Nl => nl,
        }
    }
}

/// What the browser may do with the page: nothing but show it and send the form here. `sites` may show it in a frame.
pub fn policy(sites: &[String]) -> String {
    static HASH: LazyLock<String> =
        LazyLock::new(|| base64::engine::general_purpose::STANDARD.encode(Sha256::digest(STYLE)));
    let frames = if sites.is_empty() { "'none'".to_owned() } else { sites.join(" ") };
    format!(
        "default-src 'none'; style-src 'sha256-{}'; form-action 'self'; base-uri 'none'; frame-ancestors {frames}",
        *HASH
    )
}

/// The empty form, or with what was typed and what is wrong with it.
pub fn ask(form: &Definition, lang: Lang, once: &str, given: &Given, wrong: &Wrong) -> String {
    let mut main = String::new();
    let other = lang.of_two("nl", "en");
    let _ = write!(
        main,
        "<p class=\"lang\"><a href=\"?lang={other}\" lang=\"{other}\" hreflang=\"{other}\">{}</a></p><h1>{}</h1>",
        lang.of_two("Nederlands", "English"),
        escape(lang.say(&form.title))
    );
    if let Some(intro) = &form.intro {
        let _ = write!(main, "<p>{}</p>", escape(lang.say(intro)));
    }
    if !wrong.is_empty() {
        let _ = write!(
            main,
            "<div class=\"summary\" role=\"alert\" tabindex=\"-1\"><strong>{}</strong><ul>",
            lang.of_two("Not sent yet. Please look at:", "Nog niet verstuurd. Kijk nog even naar:")
        );
        for field in form.fields.iter().filter(|field| wrong.contains_key(&field.key)) {
            let _ = write!(main, "<li><a href=\"#f-{}\">{}</a></li>", field.key, escape(lang.say(&field.label)));
        }
        main.push_str("</ul></div>");
    }
    let _ = write!(main, "<form method=\"post\" action=\"?lang={}\" novalidate>", lang.code());
    let _ = write!(main, "<input type=\"hidden\" name=\"{ONCE}\" value=\"{}\">", escape(once));
    for field in &form.fields {
        question(&mut main, field, lang, given.get(&field.key).map_or("", String::as_str), wrong.get(&field.key));
    }
    let _ = write!(
        main,
        "<div class=\"trap\" aria-hidden=\"true\"><label>{}<input name=\"{TRAP}\" tabindex=\"-1\" autocomplete=\"off\"></label></div>\
         <button type=\"submit\">{}</button></form>",
        lang.of_two("Leave this empty", "Laat dit leeg"),
        lang.of_two("Send", "Versturen")
    );
    page(lang, lang.say(&form.title), &main)
}

fn question(main: &mut String, field: &Asked, lang: Lang, value: &str, wrong: Option<&Words>) {
    let (key, value) = (&field.key, escape(value));
    let mut about = String::new();
    let mut notes = String::new();
    if let Some(help) = &field.help {
        let _ = write!(notes, "<p class=\"help\" id=\"h-{key}\">{}</p>", escape(lang.say(help)));
        let _ = write!(about, "h-{key} ");
    }
    let mut error = String::new();
    if let Some(wrong) = wrong {
        let _ = write!(error, "<p class=\"wrong\" id=\"w-{key}\">{}</p>", escape(lang.say(wrong)));
        let _ = write!(about, "w-{key}");
    }
    let mut more = format!("id=\"f-{key}\" name=\"{key}\"");
    if !about.is_empty() {
        let _ = write!(more, " aria-describedby=\"{}\"", about.trim_end());
    }
    if wrong.is_some() {
        more.push_str(" aria-invalid=\"true\"");
    }
    if field.required {
        more.push_str(" required aria-required=\"true\"");
    }
    let optional = if field.required { "" } else { lang.of_two(" (optional)", " (niet verplicht)") };
    let label = format!("<label for=\"f-{key}\">{}{optional}</label>", escape(lang.say(&field.label)));
    let max = field.longest();
    let control = match field.kind {
        Kind::Lines => format!("<textarea {more} maxlength=\"{max}\">\n{value}</textarea>"),
        Kind::Choice => {
            let mut options = format!("<option value=\"\">{}</option>", lang.of_two("Choose…", "Kies…"));
            for option in &field.options {
                let one = escape(&option.value);
                let chosen = if one == value { " selected" } else { "" };
                let _ = write!(options, "<option value=\"{one}\"{chosen}>{}</option>", escape(lang.say(&option.label)));
            }
            format!("<select {more}>{options}</select>")
        }
        Kind::Check => {
            let ticked = if value.is_empty() { "" } else { " checked" };
            let _ = write!(
                main,
                "<div class=\"field tick\"><input type=\"checkbox\" value=\"yes\" {more}{ticked}>{label}{notes}{error}</div>"
            );
            return;
        }
        kind => {
            let (kind, fill) = match kind {
                Kind::Email => ("email", " autocomplete=\"email\""),
                Kind::Phone => ("tel", " autocomplete=\"tel\""),
                Kind::Date => ("date", ""),
                Kind::Number => ("text", " inputmode=\"decimal\""),
                _ if key == "name" => ("text", " autocomplete=\"name\""),
                _ => ("text", ""),
            };
            format!("<input type=\"{kind}\" {more}{fill} maxlength=\"{max}\" value=\"{value}\">")
        }
    };
    let _ = write!(main, "<div class=\"field\">{label}{notes}{control}{error}</div>");
}

/// It has arrived.
pub fn thank(form: &Definition, lang: Lang, reference: &str) -> String {
    let usual = Words::new("Thank you. We have received your message.", "Dank je wel. We hebben je bericht ontvangen.");
    let main = format!(
        "<h1>{}</h1><p role=\"status\">{}</p><p>{} <strong>{}</strong></p>",
        escape(lang.say(&form.title)),
        escape(lang.say(form.thanks.as_ref().unwrap_or(&usual))),
        lang.of_two("Your reference:", "Je kenmerk:"),
        escape(reference)
    );
    page(lang, lang.say(&form.title), &main)
}

/// Something else than the form: one sentence.
pub fn tell(form: &Definition, lang: Lang, words: &Words) -> String {
    let main = format!("<h1>{}</h1><p role=\"alert\">{}</p>", escape(lang.say(&form.title)), escape(lang.say(words)));
    page(lang, lang.say(&form.title), &main)
}

fn page(lang: Lang, title: &str, main: &str) -> String {
    format!(
        "<!doctype html><html lang=\"{}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"robots\" content=\"noindex\"><title>{}</title><style>{STYLE}</style></head><body><main>{main}</main></body></html>",
        lang.code(),
        escape(title)
    )
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}
