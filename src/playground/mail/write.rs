//! A mail as a customer's program writes it, and what the brand's own mail server puts above it.

use mail_builder::MessageBuilder;
use mail_builder::headers::address::{Address, EmailAddress};
use mail_builder::headers::date::Date;
use mail_builder::headers::message_id::MessageId;
use mail_builder::headers::text::Text;
use mail_builder::mime::MimePart;

use super::letters::Enclosed;
use super::{ADDRESS, NAME, SERVER};
use crate::model::Timestamp;

/// A mail to the brand.
pub struct Letter<'a> {
    pub id: &'a str,
    /// Name and address.
    pub from: (&'a str, &'a str),
    pub copy: Option<(&'a str, &'a str)>,
    pub subject: &'a str,
    pub text: &'a str,
    pub html: Option<&'a str>,
    pub enclosed: Option<&'static Enclosed>,
    /// What was written before, oldest first.
    pub follows: &'a [String],
    pub at: Timestamp,
    /// A machine says it.
    pub automatic: bool,
}

/// What the brand wrote, as far as a customer's program repeats it.
#[derive(Clone, Debug)]
pub struct Heard {
    pub id: String,
    pub subject: String,
    pub text: String,
    pub at: Timestamp,
}

fn mailbox<'x>((name, address): (&'x str, &'x str)) -> Address<'x> {
    Address::Address(EmailAddress { name: Some(name.into()), email: address.into() })
}

impl Letter<'_> {
    /// The mail as it lies in the brand's mailbox.
    pub fn delivered(&self) -> Vec<u8> {
        let domain = self.from.1.rsplit_once('@').map_or("", |(_, domain)| domain);
        let sender = if self.automatic { "" } else { self.from.1 };
        let mut whole = format!(
            "Return-Path: <{sender}>\r\nDelivered-To: {ADDRESS}\r\n\
             Authentication-Results: {SERVER}; dmarc=pass header.from={domain}\r\n"
        )
        .into_bytes();
        let mut mail = MessageBuilder::new()
            .from(mailbox(self.from))
            .to(mailbox((NAME, ADDRESS)))
            .subject(Text::new(self.subject))
            .date(Date::new(self.at.0.div_euclid(1_000)))
            .message_id(MessageId::new(self.id));
        if let Some(copy) = self.copy {
            mail = mail.cc(mailbox(copy));
        }
        if let Some(parent) = self.follows.last() {
            mail = mail
                .in_reply_to(MessageId::new(parent.as_str()))
                .references(MessageId::new_list(self.follows.iter().map(String::as_str)));
        }
        if self.automatic {
            mail = mail.header("Auto-Submitted", Text::new("auto-replied"));
        }
        let plain = MimePart::new("text/plain", self.text);
        let said = match self.html {
            Some(html) => MimePart::new("multipart/alternative", vec![plain, MimePart::new("text/html", html)]),
            None => plain,
        };
        let body = match self.enclosed {
            Some(file) => {
                MimePart::new("multipart/mixed", vec![said, MimePart::new(file.mime, file.bytes).attachment(file.name)])
            }
            None => said,
        };
        // Writing into memory does not fail.
        whole.extend(mail.body(body).write_to_vec().unwrap_or_default());
        whole
    }
}

/// How people's programs repeat what they answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// As a web mailer: drawn, the old below a line that says who wrote it.
    Web,
    /// As an old desktop program: plain, `>` before each line, a signature.
    Plain,
    /// As a telephone: a proud last line, the old below its header.
    Phone,
}

/// An answer with what it answers below it: as text, and as the program draws it.
pub fn answer(habit: Habit, dutch: bool, name: &str, text: &str, heard: &Heard) -> (String, Option<String>) {
    let wrote = |date: String| {
        if dutch {
            format!("Op {date} schreef {NAME} <{ADDRESS}>:")
        } else {
            format!("On {date}, {NAME} <{ADDRESS}> wrote:")
        }
    };
    let date = jiff::Timestamp::from_millisecond(heard.at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let line = wrote(date.strftime("%d-%m-%Y %H:%M").to_string());
    let old = heard.text.lines().map(|line| format!("> {line}")).collect::<Vec<_>>().join("\n");
    match habit {
        Habit::Plain => (format!("{text}\n\n{line}\n{old}\n\n-- \n{name}\n"), None),
        Habit::Web => {
            let drawn = format!(
                "<div dir=\"ltr\">{}</div><br><div class=\"gmail_quote\"><div dir=\"ltr\" class=\"gmail_attr\">{}<br></div><blockquote class=\"gmail_quote\" style=\"margin:0 0 0 .8ex;border-left:1px solid #ccc;padding-left:1ex\">{}</blockquote></div>",
                escaped(text),
                escaped(&line),
                escaped(&heard.text),
            );
            (format!("{text}\n\n{line}\n\n{old}\n"), Some(drawn))
        }
        Habit::Phone => {
            let [sent, from, on, to, subject] = if dutch {
                ["Verstuurd vanaf mijn iPhone", "Van", "Verzonden", "Aan", "Onderwerp"]
            } else {
                ["Sent from my iPhone", "From", "Sent", "To", "Subject"]
            };
            let when = date.strftime("%d-%m-%Y %H:%M");
            (
                format!(
                    "{text}\n\n{sent}\n\n________________________________\n{from}: {NAME} <{ADDRESS}>\n{on}: {when}\n{to}: {name}\n{subject}: {}\n\n{}\n",
                    heard.subject, heard.text
                ),
                None,
            )
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace("\r\n", "\n").replace('\n', "<br>")
}
