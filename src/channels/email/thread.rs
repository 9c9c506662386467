//! Which thread a mail belongs to: Message-IDs, the names of threads, and the token in our own reply addresses.
//!
//! A thread is named by a short hash of its root Message-ID, so that a reply address (64 octets before the @, RFC 5321
//! §4.5.3.1.1) can carry the name whole, together with a signature. Nothing is ever threaded on a subject.
//! Promises: pure; a token that was not signed with this account's key names no thread.
//! Must not: look anything up. Which of several candidates is known is for whoever stores threads.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// RFC 4648 §6 in lower case: local parts of addresses survive any change of case this way.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// 80 bits of the root's hash, 50 bits of signature.
const NAME: usize = 16;
const MARK: usize = 10;
/// What stands between the mailbox's own name and the token.
const PREFIX: &str = "+t-";
/// Longer than any honest Message-ID; beyond it the hash stands for it.
const LONGEST_ID: usize = 250;

/// A Message-ID as it is compared and stored: without angle brackets, white space and folding. `None` when nothing is left.
/// Ids are case-sensitive on the left side and not on the right (RFC 5322 §3.6.4), so only the right is lowered.
#[must_use]
pub fn message_id(raw: &str) -> Option<String> {
    let bare: String = raw.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
    let bare = bare.trim_matches(|c| c == '<' || c == '>');
    if bare.is_empty() {
        return None;
    }
    let id = match bare.rsplit_once('@') {
        Some((left, right)) => format!("{left}@{}", right.to_lowercase()),
        None => bare.to_owned(),
    };
    Some(if id.len() > LONGEST_ID { format!("sha256:{}", long_hash(id.as_bytes())) } else { id })
}

/// The id of a mail that has none: the same for the same bytes, whatever folder it is found in.
#[must_use]
pub fn made_up_id(raw: &[u8]) -> String {
    format!("sha256:{}", long_hash(raw))
}

/// The name of the thread that began with this message.
#[must_use]
pub fn name_of(root: &str) -> String {
    base32(&Sha256::digest(root.as_bytes())[..10])
}

/// Makes and checks the tokens in this account's reply addresses.
#[derive(Clone, Debug, Default)]
pub struct ReplyToken {
    key: crate::secret::Secret<Vec<u8>>,
}

impl ReplyToken {
    /// `key` is the account's own; an empty one makes and accepts no token.
    #[must_use]
    pub fn new(key: Vec<u8>) -> Self {
        Self { key: crate::secret::Secret::new(key) }
    }

    fn mark(&self, thread: &str) -> Option<String> {
        if self.key.expose().is_empty() {
            return None;
        }
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.expose()).ok()?;
        mac.update(b"reply-address:");
        mac.update(thread.as_bytes());
        Some(base32(&mac.finalize().into_bytes())[..MARK].to_owned())
    }

    /// `help@brand.example` with the token of a thread in it; `None` when there is no key or no room.
    #[must_use]
    pub fn address(&self, own: &str, thread: &str) -> Option<String> {
        let (local, domain) = own.rsplit_once('@')?;
        if thread.len() != NAME || local.len() + PREFIX.len() + NAME + MARK > 64 {
            return None;
        }
        Some(format!("{local}{PREFIX}{thread}{}@{domain}", self.mark(thread)?))
    }

    /// The thread that an address carries, when it is one of ours and signed by us.
    #[must_use]
    pub fn thread(&self, address: &str) -> Option<String> {
        let (local, _) = address.rsplit_once('@')?;
        let local = local.to_ascii_lowercase();
        let (_, token) = local.rsplit_once(PREFIX)?;
        if token.len() != NAME + MARK || !token.bytes().all(|b| ALPHABET.contains(&b)) {
            return None;
        }
        let (thread, given) = token.split_at(NAME);
        let right = self.mark(thread)?;
        bool::from(right.as_bytes().ct_eq(given.as_bytes())).then(|| thread.to_owned())
    }
}

/// An address without a token of ours: the mailbox it really is.
#[must_use]
pub fn without_token(address: &str) -> String {
    let lower = address.trim().to_lowercase();
    match lower.rsplit_once('@') {
        Some((local, domain)) => match local.rsplit_once(PREFIX) {
            Some((own, token)) if token.len() == NAME + MARK => format!("{own}@{domain}"),
            _ => lower,
        },
        None => lower,
    }
}

fn long_hash(bytes: &[u8]) -> String {
    base32(&Sha256::digest(bytes))
}

fn base32(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut buffer, mut bits) = (0_u32, 0_u32);
    for byte in bytes {
        buffer = (buffer << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(char::from(ALPHABET[(buffer >> bits & 31) as usize]));
        }
        buffer &= (1 << bits) - 1;
    }
    if bits > 0 {
        out.push(char::from(ALPHABET[(buffer << (5 - bits) & 31) as usize]));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{ReplyToken, message_id, name_of, without_token};

    #[test]
    fn a_message_id_is_the_same_however_it_was_folded() {
        for raw in ["<a.B@Host.Example>", " a.B@HOST.example ", "<a.B\r\n @host.example>"] {
            assert_eq!(message_id(raw).unwrap(), "a.B@host.example", "{raw:?}");
        }
        assert_eq!(message_id("<>"), None);
        assert_eq!(message_id(" \r\n"), None);
        assert_ne!(message_id("<a@x>"), message_id("<A@x>"));
        assert!(message_id(&"x".repeat(2000)).unwrap().len() < 100);
    }

    #[test]
    fn a_reply_address_names_its_thread_and_nobody_else_can_make_one() {
        let (ours, theirs) = (ReplyToken::new(b"one".to_vec()), ReplyToken::new(b"two".to_vec()));
        let thread = name_of("root@host.example");
        let address = ours.address("help@brand.example", &thread).unwrap();
        assert!(address.starts_with("help+t-") && address.ends_with("@brand.example"), "{address}");
        assert!(address.rsplit_once('@').unwrap().0.len() <= 64);
        assert_eq!(ours.thread(&address), Some(thread.clone()));
        assert_eq!(ours.thread(&address.to_uppercase()), Some(thread.clone()));
        assert_eq!(theirs.thread(&address), None);
        assert_eq!(ours.thread(&address.replacen(&thread[..4], "aaaa", 1)), None);
        assert_eq!(ReplyToken::default().thread(&address), None);
        assert_eq!(ReplyToken::default().address("help@brand.example", &thread), None);
        for odd in ["help@brand.example", "help+t-@brand.example", "help+t-é@brand.example", "@", ""] {
            assert_eq!(ours.thread(odd), None, "{odd}");
        }
        assert_eq!(without_token(&address), "help@brand.example");
        assert_eq!(without_token("Anna+shop@Home.example"), "anna+shop@home.example");
    }
}
