//! Mails as they really look, made by rule: what each must yield stands beside it.
//!
//! Promises: the same mails in every run; knows nothing of the reader, so that measures and fuzzers may start from them too.

mod automatic;
mod bodies;
mod files;
mod heads;
mod huge;
mod quotes;

/// One mail and what must come of it. What is `None` or empty is not looked at.
#[derive(Clone, Debug, Default)]
pub struct Case {
    pub name: String,
    pub raw: Vec<u8>,
    /// Kept whole instead of read.
    pub unreadable: bool,
    pub text: Option<String>,
    pub has: Vec<String>,
    pub has_not: Vec<String>,
    /// Something in the folded part.
    pub quoted: Option<String>,
    /// There must be no folded part.
    pub unquoted: bool,
    pub subject: Option<String>,
    pub from: Option<String>,
    /// Names of the files, all of them, in order.
    pub files: Option<Vec<String>>,
    /// `reply`, `list`, `bounce`, `notice`; `none` for a mail of a person.
    pub automatic: Option<String>,
    /// Id and state of the receipt; an empty state for none.
    pub receipt: Option<(String, String)>,
    /// `in`, `out` or `context`.
    pub direction: Option<String>,
    /// Where it was found.
    pub sent_folder: bool,
    pub id: Option<String>,
    pub reply: Option<Vec<String>>,
    pub reply_all: Option<Vec<String>>,
    /// Milliseconds since 1970.
    pub sent_at: Option<i64>,
}

/// When every mail of the corpus arrived: Monday 2 March 2026, 09:14:05 UTC.
pub const ARRIVED: i64 = 1_772_442_845_000;
pub const DATE: &str = "Mon, 02 Mar 2026 10:14:05 +0100";
/// The id of a mail of ours.
pub const OURS: &str = "out.0198f2c0-0000-7000-8000-000000000001@merk.example";

impl Case {
    pub fn new(name: impl Into<String>, raw: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), raw: raw.into(), ..Self::default() }
    }
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }
    pub fn has(mut self, text: impl Into<String>) -> Self {
        self.has.push(text.into());
        self
    }
    pub fn has_not(mut self, text: impl Into<String>) -> Self {
        self.has_not.push(text.into());
        self
    }
    pub fn quoted(mut self, text: impl Into<String>) -> Self {
        self.quoted = Some(text.into());
        self
    }
    pub fn unquoted(mut self) -> Self {
        self.unquoted = true;
        self
    }
    pub fn subject(mut self, text: impl Into<String>) -> Self {
        self.subject = Some(text.into());
        self
    }
    pub fn from(mut self, address: impl Into<String>) -> Self {
        self.from = Some(address.into());
        self
    }
    pub fn files(mut self, names: &[&str]) -> Self {
        self.files = Some(names.iter().map(|name| (*name).to_owned()).collect());
        self
    }
    pub fn automatic(mut self, kind: &str) -> Self {
        self.automatic = Some(kind.to_owned());
        self
    }
    pub fn person(self) -> Self {
        self.automatic("none")
    }
    pub fn receipt(mut self, id: &str, state: &str) -> Self {
        self.receipt = Some((id.to_owned(), state.to_owned()));
        self
    }
    pub fn no_receipt(self) -> Self {
        self.receipt("", "")
    }
    pub fn direction(mut self, direction: &str) -> Self {
        self.direction = Some(direction.to_owned());
        self
    }
    pub fn sent(mut self) -> Self {
        self.sent_folder = true;
        self
    }
    pub fn unreadable(mut self) -> Self {
        self.unreadable = true;
        self
    }
    pub fn id(mut self, id: &str) -> Self {
        self.id = Some(id.to_owned());
        self
    }
    pub fn reply(mut self, addresses: &[&str]) -> Self {
        self.reply = Some(addresses.iter().map(|one| (*one).to_owned()).collect());
        self
    }
    pub fn reply_all(mut self, addresses: &[&str]) -> Self {
        self.reply_all = Some(addresses.iter().map(|one| (*one).to_owned()).collect());
        self
    }
    pub fn sent_at(mut self, ms: i64) -> Self {
        self.sent_at = Some(ms);
        self
    }
}

/// Every mail.
pub fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(bodies::cases());
    cases.extend(heads::cases());
    cases.extend(quotes::cases());
    cases.extend(files::cases());
    cases.extend(automatic::cases());
    cases.extend(huge::cases());
    cases
}

/// The fields every ordinary mail has, but for its type.
pub fn usual(subject: &str) -> String {
    format!(
        "Received: from mx.thuis.example by mail.merk.example; {DATE}\r\nMessage-ID: <q1@thuis.example>\r\nDate: {DATE}\r\nFrom: Anna de Vries <anna@thuis.example>\r\nTo: Merk <help@merk.example>\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n"
    )
}

/// A mail of one part.
pub fn single(kind: &str, encoding: &str, body: &[u8]) -> Vec<u8> {
    let mut raw = usual("Vraag").into_bytes();
    raw.extend(format!("Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n").bytes());
    raw.extend_from_slice(body);
    raw
}

/// A plain text in UTF-8 under these further fields.
pub fn plain(fields: &str, text: &str) -> Vec<u8> {
    let mut raw = usual("Vraag").into_bytes();
    raw.extend(fields.bytes());
    raw.extend(b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n");
    raw.extend(text.replace('\n', "\r\n").bytes());
    raw
}

pub fn html(body: &str) -> Vec<u8> {
    single("text/html; charset=utf-8", "8bit", body.as_bytes())
}

/// One part of a multipart: its fields and its content.
pub fn part(fields: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let mut raw = fields.replace('\n', "\r\n").into_bytes();
    raw.extend_from_slice(if fields.is_empty() { b"\r\n" } else { b"\r\n\r\n" });
    raw.extend_from_slice(body.as_ref());
    raw
}

/// Parts in a container.
pub fn joined(boundary: &str, parts: &[Vec<u8>]) -> Vec<u8> {
    let mut raw = Vec::new();
    for part in parts {
        raw.extend(format!("--{boundary}\r\n").bytes());
        raw.extend_from_slice(part);
        raw.extend(b"\r\n");
    }
    raw.extend(format!("--{boundary}--\r\n").bytes());
    raw
}

/// A mail of several parts; `kind` is `mixed`, `alternative; more=…`.
pub fn multipart(kind: &str, parts: &[Vec<u8>]) -> Vec<u8> {
    let mut raw = usual("Vraag").into_bytes();
    let (kind, more) = kind.split_once(';').unwrap_or((kind, ""));
    let more = if more.is_empty() { String::new() } else { format!("; {}", more.trim()) };
    raw.extend(format!("Content-Type: multipart/{kind}; boundary=\"=_b1\"{more}\r\n\r\n").bytes());
    raw.extend(joined("=_b1", parts));
    raw
}

pub fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for (at, chunk) in bytes.chunks(3).enumerate() {
        if at > 0 && at % 19 == 0 {
            text.push_str("\r\n");
        }
        let n = chunk.iter().enumerate().fold(0_u32, |n, (i, b)| n | (u32::from(*b) << (16 - 8 * i)));
        for i in 0..4 {
            if i <= chunk.len() {
                text.push(char::from(LETTERS[(n >> (18 - 6 * i) & 63) as usize]));
            } else {
                text.push('=');
            }
        }
    }
    text
}

pub fn quoted_printable(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut column = 0;
    for byte in bytes {
        let one = match byte {
            b'\r' => continue,
            b'\n' => {
                column = 0;
                text.push_str("\r\n");
                continue;
            }
            b'=' | 0..=31 | 127.. => format!("={byte:02X}"),
            byte => char::from(*byte).to_string(),
        };
        if column + one.len() > 73 {
            text.push_str("=\r\n");
            column = 0;
        }
        column += one.len();
        text.push_str(&one);
    }
    text
}
