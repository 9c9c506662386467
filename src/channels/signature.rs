//! Signatures of what comes in and goes out: HMAC-SHA256, and the scheme of Standard Webhooks on top of it.
//!
//! Promises: what is compared with a secret is compared in constant time; a signed message is good for five minutes; two
//! keys may be good at once, so that a secret can be changed without a gap.
//! Must not: know a platform.
//! Source: github.com/standard-webhooks/standard-webhooks, spec 1.0.0, read 2026-11.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::model::Timestamp;

/// SHA-256's block.
const BLOCK: usize = 64;
/// How far a message's time may be from ours, in seconds, either way.
const TOLERANCE: i64 = 300;
/// The spec: 24 to 64 random bytes.
const KEY: std::ops::RangeInclusive<usize> = 24..=64;

/// HMAC-SHA256 over the parts, one after another.
#[must_use]
pub fn hmac(secret: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // Padded to the block ourselves (RFC 2104, section 2), so that no length of key can fail.
    let mut key = [0_u8; BLOCK];
    if secret.len() > BLOCK {
        key[..32].copy_from_slice(&Sha256::digest(secret));
    } else {
        key[..secret.len()].copy_from_slice(secret);
    }
    let mut mac = Hmac::<Sha256>::new((&key).into());
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// Whether two values are the same, in a time that does not depend on where they differ.
#[must_use]
pub fn same(given: &[u8], right: &[u8]) -> bool {
    given.ct_eq(right).into()
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// Why a signed message is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// `webhook-id`, `webhook-timestamp` or `webhook-signature` is missing or cannot be read.
    Incomplete,
    /// More than five minutes old, or from the future.
    Time,
    /// Signed with no key of ours, or changed on the way.
    Signature,
}

/// The keys of one end, newest first.
#[derive(Clone)]
pub struct Keys(Vec<Vec<u8>>);

impl Keys {
    /// Reads secrets as they are written down: `whsec_` and base64, or base64 alone; empty ones are none.
    ///
    /// # Errors
    /// The place of the first that is no secret of 24 to 64 bytes, or 0 when there is none.
    pub fn read(secrets: &[&str]) -> Result<Self, usize> {
        let mut keys = Vec::new();
        for (at, secret) in secrets.iter().enumerate() {
            let secret = secret.trim();
            if secret.is_empty() {
                continue;
            }
            let bytes = STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).map_err(|_| at)?;
            if !KEY.contains(&bytes.len()) {
                return Err(at);
            }
            keys.push(bytes);
        }
        if keys.is_empty() { Err(0) } else { Ok(Self(keys)) }
    }

    /// The `webhook-signature` of a message: one signature a key, separated by spaces, so that whoever knows one of them
    /// believes it.
    #[must_use]
    pub fn sign(&self, id: &str, at: Timestamp, body: &[u8]) -> String {
        let seconds = at.0.div_euclid(1000).to_string();
        let one = |key: &Vec<u8>| format!("v1,{}", STANDARD.encode(mac(key, id, &seconds, body)));
        self.0.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    /// Believes a message or says why not. Other versions than `v1` beside it are passed over.
    ///
    /// # Errors
    /// `Doubt`.
    pub fn verify(
        &self,
        id: Option<&str>,
        timestamp: Option<&str>,
        signature: Option<&str>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), Doubt> {
        let (Some(id), Some(timestamp), Some(signature)) = (id, timestamp, signature) else {
            return Err(Doubt::Incomplete);
        };
        if id.is_empty() || id.len() > 256 {
            return Err(Doubt::Incomplete);
        }
        let seconds: i64 = timestamp.parse().map_err(|_| Doubt::Incomplete)?;
        if seconds.saturating_sub(now.0.div_euclid(1000)).saturating_abs() > TOLERANCE {
            return Err(Doubt::Time);
        }
        let given = signature.split(' ').filter_map(|one| one.strip_prefix("v1,"));
        // A message may carry several; more than a handful is somebody trying.
        for given in given.take(8).filter_map(|one| STANDARD.decode(one).ok()) {
            if self.0.iter().any(|key| same(&given, &mac(key, id, timestamp, body))) {
                return Ok(());
            }
        }
        Err(Doubt::Signature)
    }
}

fn mac(key: &[u8], id: &str, seconds: &str, body: &[u8]) -> [u8; 32] {
    hmac(key, &[id.as_bytes(), b".", seconds.as_bytes(), b".", body])
}

#[cfg(test)]
mod tests {
    use super::{Doubt, Keys, hex, hmac};
    use crate::model::Timestamp;

    #[test]
    fn the_vectors_of_rfc_4231_are_met() {
        for (key, data, mac) in [
            (vec![0x0b; 20], &b"Hi There"[..], "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe".to_vec(),
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                vec![0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ] {
            assert_eq!(hex(&hmac(&key, &[data])), mac);
            assert_eq!(hex(&hmac(&key, &[&data[..3], &data[3..]])), mac, "in parts");
        }
    }

    #[test]
    fn the_example_of_the_specification_is_met_and_nothing_near_it() {
        // From the reference libraries' own tests.
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let (id, at, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let keys = Keys::read(&[secret]).unwrap();
        let now = Timestamp(at * 1000);
        assert_eq!(keys.sign(id, now, body), signature);
        let seconds = at.to_string();
        let check = |id, at: &str, signature, body: &[u8], now| keys.verify(id, Some(at), signature, body, now);
        assert_eq!(check(Some(id), &seconds, Some(signature), body, now), Ok(()));
        let several = format!("v2,abc v1,AAAA {signature}");
        assert_eq!(check(Some(id), &seconds, Some(&several), body, now), Ok(()));
        let wrong = Err(Doubt::Signature);
        assert_eq!(check(Some("msg_other"), &seconds, Some(signature), body, now), wrong);
        assert_eq!(check(Some(id), "1614265331", Some(signature), body, now), wrong);
        assert_eq!(check(Some(id), &seconds, Some(signature), b"{\"test\": 1}", now), wrong);
        for bad in [
            "",
            "v1,",
            "v1",
            "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ] {
            assert_eq!(check(Some(id), &seconds, Some(bad), body, now), wrong, "{bad}");
        }
        assert_eq!(check(None, &seconds, Some(signature), body, now), Err(Doubt::Incomplete));
        assert_eq!(check(Some(id), "soon", Some(signature), body, now), Err(Doubt::Incomplete));
        for (later, good) in [(300, true), (301, false), (-300, true), (-301, false), (i64::MAX / 2000, false)] {
            let verdict = check(Some(id), &seconds, Some(signature), body, Timestamp((at + later) * 1000));
            assert_eq!(verdict, if good { Ok(()) } else { Err(Doubt::Time) }, "{later}");
        }
    }

    #[test]
    fn while_a_secret_is_changed_both_are_good() {
        let (old, new) = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
        let (now, body) = (Timestamp(1_000_000), b"{}");
        let both = Keys::read(&[new, old]).unwrap();
        for one in [old, new] {
            let one = Keys::read(&[one]).unwrap();
            assert_eq!(both.verify(Some("m"), Some("1000"), Some(&one.sign("m", now, body)), body, now), Ok(()));
            assert_eq!(one.verify(Some("m"), Some("1000"), Some(&both.sign("m", now, body)), body, now), Ok(()));
        }
        let after = Keys::read(&[new, ""]).unwrap();
        let late = Keys::read(&[old]).unwrap().sign("m", now, body);
        assert_eq!(after.verify(Some("m"), Some("1000"), Some(&late), body, now), Err(Doubt::Signature));
    }

    #[test]
    fn a_weak_secret_is_refused() {
        for (secrets, at) in [(&["whsec_aGVsbG8="][..], 0), (&[""], 0), (&[], 0), (&["not base64!"], 0)] {
            assert_eq!(Keys::read(secrets).map(|_| ()), Err(at), "{secrets:?}");
        }
        assert_eq!(Keys::read(&["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "short"]).map(|_| ()), Err(1));
    }
}
