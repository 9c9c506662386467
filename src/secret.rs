//! Everything that must stay secret: the master key, sealing at rest, tokens, passwords.
//!
//! Promises: a [`Secret`] never shows itself; a wrong master key is refused before anything is touched; what is compared with
//! a secret is compared in constant time; hashing a password never stalls the server.
//! Must not: log, know a table or a route.

use std::fmt;
use std::path::{Path, PathBuf};

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

use crate::lifecycle;

/// A value that never shows itself: no `Display`, no `Serialize`, and `Debug` says nothing.
#[derive(Clone, Default, serde::Deserialize)]
#[serde(transparent)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value. Whoever calls this takes over the duty to keep it.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl<T> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

/// What can be wrong with a key or with what it sealed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the master key in {0} is not 32 bytes in base64 or hex")]
    Malformed(String),
    #[error("the master key file {path} cannot be used: {why}")]
    File { path: PathBuf, why: String },
    #[error("the master key file {0} can be read by others; run: chmod 600 {0}")]
    TooOpen(PathBuf),
    #[error("this is not the master key that this database was made with")]
    Wrong,
    #[error("a sealed value cannot be opened: it was damaged, or sealed for something else")]
    Sealed,
}

/// The key under which all credentials are sealed. 32 bytes.
#[derive(Clone)]
pub struct MasterKey(XChaCha20Poly1305, [u8; 32]);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

const NONCE: usize = 24;
/// First byte of a sealed value, so that another scheme can follow.
const SCHEME: u8 = 1;

impl MasterKey {
    /// A key that was never used.
    #[must_use]
    pub fn generate() -> Self {
        Self::from_bytes(rand::random())
    }

    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(XChaCha20Poly1305::new(&bytes.into()), bytes)
    }

    /// Reads a key from text: 32 bytes in base64 or hex.
    ///
    /// # Errors
    /// `Malformed`, naming `place`.
    pub fn parse(text: &str, place: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let bytes = unhex(text).or_else(|| STANDARD.decode(text).ok()).or_else(|| URL_SAFE_NO_PAD.decode(text).ok());
        let bytes: [u8; 32] =
            bytes.and_then(|b| b.try_into().ok()).ok_or_else(|| KeyError::Malformed(place.to_owned()))?;
        Ok(Self::from_bytes(bytes))
    }

    /// Reads the key from a file that only its owner can read.
    ///
    /// # Errors
    /// `File`, `TooOpen`, `Malformed`.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let refuse = |error: std::io::Error| KeyError::File { path: path.to_owned(), why: error.to_string() };
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            // A mounted secret is often 0444 on a file system of its own; what others may write is refused in any case.
            let mode = std::fs::metadata(path).map_err(refuse)?.permissions().mode();
            if mode & 0o022 != 0 || (mode & 0o044 != 0 && path.file_name().is_some_and(|n| n == KEY_FILE)) {
                return Err(KeyError::TooOpen(path.to_owned()));
            }
        }
        Self::parse(&std::fs::read_to_string(path).map_err(refuse)?, &path.display().to_string())
    }

    /// The key of a data folder, when it has one.
    ///
    /// # Errors
    /// As `read`.
    pub fn find_in(data: &Path) -> Result<Option<Self>, KeyError> {
        let path = data.join(KEY_FILE);
        if path.exists() { Self::read(&path).map(Some) } else { Ok(None) }
    }

    /// The key of a data folder, made (0600) when the folder has none.
    ///
    /// # Errors
    /// As `read`.
    pub fn of_folder(data: &Path) -> Result<Self, KeyError> {
        let path = data.join(KEY_FILE);
        if path.exists() {
            return Self::read(&path);
        }
        let refuse = |error: std::io::Error| KeyError::File { path: path.clone(), why: error.to_string() };
        std::fs::create_dir_all(data).map_err(refuse)?;
        let key = Self::generate();
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&path) {
            Ok(mut file) => {
                use std::io::Write as _;
                writeln!(file, "{}", STANDARD.encode(key.1)).and_then(|()| file.sync_all()).map_err(refuse)?;
                Ok(key)
            }
            // Another process of the same folder was first.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Self::read(&path),
            Err(error) => Err(refuse(error)),
        }
    }

    /// A value by which the key is recognised and from which it cannot be found. Kept in the database.
    #[must_use]
    pub fn check_value(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(b"balie master key check v1");
        hash.update(self.1);
        hex(&hash.finalize()[..16])
    }

    /// Refuses a database that was made under another key.
    ///
    /// # Errors
    /// `Wrong`.
    pub fn verify(&self, check_value: &str) -> Result<(), KeyError> {
        if same(self.check_value().as_bytes(), check_value.as_bytes()) { Ok(()) } else { Err(KeyError::Wrong) }
    }

    /// Encrypts. What is sealed for one `place` (an account id) opens for no other.
    #[must_use]
    pub fn seal(&self, place: &str, plain: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE] = rand::random();
        let payload = Payload { msg: plain, aad: place.as_bytes() };
        let mut sealed = vec![SCHEME];
        sealed.extend_from_slice(&nonce);
        // Fails only for messages of 256 GiB.
        sealed.extend(self.0.encrypt(&XNonce::from(nonce), payload).unwrap_or_default());
        sealed
    }

    /// Decrypts what `seal` made for this `place`.
    ///
    /// # Errors
    /// `Sealed`.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>, KeyError> {
        let (scheme, rest) = sealed.split_first().ok_or(KeyError::Sealed)?;
        let (nonce, body) = rest.split_at_checked(NONCE).ok_or(KeyError::Sealed)?;
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| KeyError::Sealed)?;
        if *scheme != SCHEME {
            return Err(KeyError::Sealed);
        }
        self.0.decrypt(&XNonce::from(nonce), Payload { msg: body, aad: place.as_bytes() }).map_err(|_| KeyError::Sealed)
    }

    /// A keyed mark over some text, for links that expire and for states that come back from a browser. Hex.
    #[must_use]
    pub fn sign(&self, purpose: &str, text: &str) -> String {
        use hmac::{Hmac, KeyInit as _, Mac as _};
        // HMAC takes a key of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.1) else { return String::new() };
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(text.as_bytes());
        hex(&mac.finalize().into_bytes())
    }
}

const KEY_FILE: &str = "master.key";

/// A token of 256 random bits, safe in URLs and cookies.
#[must_use]
pub fn token() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// A password that a person can copy from a terminal: 100 bits, in groups.
#[must_use]
pub fn one_time_password() -> String {
    // Without letters that look like digits.
    const LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
    let raw: [u8; 20] = rand::random();
    let mut text = String::with_capacity(24);
    for (at, byte) in raw.iter().enumerate() {
        if at > 0 && at % 5 == 0 {
            text.push('-');
        }
        text.push(char::from(LETTERS[usize::from(*byte) % LETTERS.len()]));
    }
    text
}

/// The form in which a session or API token is kept: SHA-256, hex. Tokens have full entropy, so a slow hash adds nothing.
#[must_use]
pub fn fingerprint(token: &str) -> String {
    digest(token.as_bytes())
}

/// The name of a content: SHA-256, hex.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Compares without telling by time where the difference is.
#[must_use]
pub fn same(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

/// One hash takes 19 MiB and a core; more than this at a time would let anybody exhaust either.
static HASHING: Semaphore = Semaphore::const_new(2);

/// Runs work when it is its turn. The turn is the work's own, not that of whoever waits for it: who hangs up stops no hash that runs
/// already, and so makes no room for another.
async fn in_turn<T: Send + 'static>(
    turns: &'static Semaphore,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    let turn = turns.acquire().await.map_err(|e| e.to_string())?;
    lifecycle::blocking(move || {
        let done = work();
        drop(turn);
        done
    })
    .await
}

/// Hashes a password with argon2id (19 MiB, 2 passes: OWASP's recommendation, 2026-01), in PHC form.
///
/// # Errors
/// The password is longer than argon2 takes, or the machine has no randomness or threads left.
pub async fn hash_password(password: Secret<String>) -> Result<String, String> {
    in_turn(&HASHING, move || {
        let hash: Result<PasswordHash, _> = Argon2::default().hash_password(password.expose().as_bytes());
        hash.map(|h| h.to_string()).map_err(|e| e.to_string())
    })
    .await?
}

/// Whether the password is the one that was hashed. Takes as long when there is no hash (`None`), so that time does not tell
/// which addresses exist.
pub async fn verify_password(password: Secret<String>, hash: Option<String>) -> bool {
    /// The hash of nothing anybody knows.
    const NOBODY: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ";
    in_turn(&HASHING, move || {
        let known = hash.as_deref().is_some_and(|h| !h.is_empty());
        let against = hash.filter(|h| !h.is_empty()).unwrap_or_else(|| NOBODY.to_owned());
        let right = PasswordHash::new(&against)
            .is_ok_and(|h| Argon2::default().verify_password(password.expose().as_bytes(), &h).is_ok());
        right && known
    })
    .await
    .unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::{
        KeyError, MasterKey, Secret, fingerprint, hash_password, in_turn, one_time_password, token, verify_password,
    };
    use futures_util::FutureExt as _;
    use tokio::sync::Semaphore;

    #[test]
    fn a_secret_does_not_show_itself() {
        let secret = Secret::new("hunter2".to_owned());
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert!(!format!("{:?}", MasterKey::from_bytes([7; 32])).contains('7'));
    }

    #[test]
    fn what_is_sealed_for_one_account_opens_for_no_other_and_under_no_other_key() {
        let key = MasterKey::generate();
        let sealed = key.seal("account 1", b"token");
        assert_eq!(key.open("account 1", &sealed).unwrap(), b"token");
        assert!(matches!(key.open("account 2", &sealed), Err(KeyError::Sealed)));
        assert!(matches!(MasterKey::generate().open("account 1", &sealed), Err(KeyError::Sealed)));
        assert_ne!(sealed, key.seal("account 1", b"token"), "the same value twice looks different");
        for cut in 0..sealed.len() {
            assert!(key.open("account 1", &sealed[..cut]).is_err());
        }
        let mut changed = sealed;
        *changed.last_mut().unwrap() ^= 1;
        assert!(key.open("account 1", &changed).is_err());
    }

    #[test]
    fn a_key_is_recognised_by_its_check_value() {
        let key = MasterKey::generate();
        assert!(key.verify(&key.check_value()).is_ok());
        assert!(matches!(MasterKey::generate().verify(&key.check_value()), Err(KeyError::Wrong)));
    }

    #[test]
    fn a_folder_keeps_one_key_that_only_the_owner_reads() {
        let folder = tempfile::tempdir().unwrap();
        let first = MasterKey::of_folder(folder.path()).unwrap();
        assert_eq!(first.check_value(), MasterKey::of_folder(folder.path()).unwrap().check_value());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let path = folder.path().join("master.key");
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
            assert!(matches!(MasterKey::of_folder(folder.path()), Err(KeyError::TooOpen(_))));
        }
    }

    #[test]
    fn a_key_is_read_in_hex_and_base64_and_nothing_else() {
        let hex = "00".repeat(32);
        let base64 = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        assert_eq!(
            MasterKey::parse(&hex, "x").unwrap().check_value(),
            MasterKey::parse(base64, "x").unwrap().check_value()
        );
        for bad in ["", "short", &"00".repeat(31), &"zz".repeat(32)] {
            assert!(MasterKey::parse(bad, "BALIE_MASTER_KEY").unwrap_err().to_string().contains("BALIE_MASTER_KEY"));
        }
    }

    #[test]
    fn tokens_do_not_repeat() {
        assert_ne!(token(), token());
        assert_ne!(one_time_password(), one_time_password());
        assert_eq!(one_time_password().len(), 23);
        assert_eq!(fingerprint("a").len(), 64);
    }

    #[tokio::test]
    async fn who_hangs_up_while_a_password_is_hashed_makes_no_room_for_another() {
        static TURNS: Semaphore = Semaphore::const_new(2);
        let gates: Vec<_> = (0..10)
            .map(|_| {
                let (gate, wait) = std::sync::mpsc::channel::<()>();
                let asked = in_turn(&TURNS, move || wait.recv().is_ok()).now_or_never();
                assert!(asked.is_none(), "asked, and hung up on");
                assert!(TURNS.available_permits() < 2);
                gate
            })
            .collect();
        assert_eq!(TURNS.available_permits(), 0, "two run, though nobody waits for them");
        drop(gates);
        let _all = TURNS.acquire_many(2).await.unwrap();
    }

    #[tokio::test]
    async fn a_password_opens_only_its_own_hash() {
        let hash = hash_password(Secret::new("correct horse".to_owned())).await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(verify_password(Secret::new("correct horse".to_owned()), Some(hash.clone())).await);
        assert!(!verify_password(Secret::new("wrong".to_owned()), Some(hash)).await);
        assert!(!verify_password(Secret::new(String::new()), Some(String::new())).await);
        assert!(!verify_password(Secret::new(String::new()), None).await);
    }
}
