//! Whether a customer is who they say they are: a keyed hash of their id, or a short-lived signed token.
//!
//! Promises: compared in constant time, every secret is tried; of a token only HS256 is read, whatever its head says; it must end,
//! soon, and be meant for this account.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

use super::super::visit::{Presented, Proven, Unproven};
use crate::model::Timestamp;

/// The longest life of a token, seconds.
const LONGEST: i64 = 3600;
/// How far the clocks of two servers may differ, seconds.
const SKEW: i64 = 60;
const LONGEST_ID: usize = 200;
const LONGEST_TOKEN: usize = 8 * 1024;
/// A shorter secret is a word somebody can guess.
pub const SHORTEST_SECRET: usize = 16;

/// Judges a proof under any of the active secrets. `None` when no proof was given.
pub fn prove(
    presented: &Presented,
    secrets: &[&str],
    audience: &str,
    now: Timestamp,
) -> Result<Option<Proven>, Unproven> {
    if let Some(token) = &presented.jwt {
        return signed(token, secrets, audience, now).map(Some).ok_or(Unproven);
    }
    let Some(hash) = &presented.user_hash else { return Ok(None) };
    let id = presented.id.as_deref().filter(|id| !id.is_empty() && id.len() <= LONGEST_ID).ok_or(Unproven)?;
    let hash = unhex(hash).ok_or(Unproven)?;
    if !is_marked(id.as_bytes(), &hash, secrets) {
        return Err(Unproven);
    }
    Ok(Some(Proven {
        customer: id.to_owned(),
        name: presented.name.clone(),
        email: presented.email.clone(),
        // Only the id is under the hash.
        email_verified: false,
        phone: presented.phone.clone(),
        phone_verified: false,
        avatar_url: presented.avatar_url.clone(),
    }))
}

fn is_marked(text: &[u8], mark: &[u8], secrets: &[&str]) -> bool {
    secrets.iter().filter(|secret| secret.len() >= SHORTEST_SECRET).fold(false, |found, secret| {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return found };
        mac.update(text);
        found | mac.verify_slice(mark).is_ok()
    })
}

fn signed(token: &str, secrets: &[&str], audience: &str, now: Timestamp) -> Option<Proven> {
    if token.len() > LONGEST_TOKEN {
        return None;
    }
    let (signed, mark) = token.rsplit_once('.')?;
    let (head, body) = signed.split_once('.')?;
    let mark = URL_SAFE_NO_PAD.decode(mark).ok()?;
    if !is_marked(signed.as_bytes(), &mark, secrets) {
        return None;
    }
    let read = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
    let (head, body) = (read(head)?, read(body)?);
    // What must be understood and is not (RFC 7515, crit) is refused.
    if head["alg"] != "HS256" || !head["crit"].is_null() {
        return None;
    }
    let now = now.0 / 1000;
    let (began, ends) = (body["iat"].as_i64()?, body["exp"].as_i64()?);
    let timely = began <= now + SKEW && ends > now - SKEW && ends.checked_sub(began)? <= LONGEST;
    let not_before = body["nbf"].as_i64().is_none_or(|from| from <= now + SKEW);
    let meant = match &body["aud"] {
        Value::String(one) => one == audience,
        Value::Array(all) => all.iter().any(|one| one == audience),
        _ => false,
    };
    let customer = match &body["sub"] {
        Value::String(id) => id.clone(),
        Value::Number(id) => id.to_string(),
        _ => return None,
    };
    let text = |key: &str| body[key].as_str().map(str::to_owned).filter(|text| !text.trim().is_empty());
    let whole = !customer.is_empty() && customer.len() <= LONGEST_ID;
    (timely && not_before && meant && whole).then(|| Proven {
        customer,
        name: text("name"),
        email_verified: text("email").is_some(),
        email: text("email"),
        phone_verified: text("phone").is_some(),
        phone: text("phone"),
        avatar_url: text("avatar_url").or_else(|| text("picture")),
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    text.as_bytes().chunks_exact(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const OLD: &str = "the secret of last year";
    const NEW: &str = "the secret of this year";
    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn mac(secret: &str, text: &str) -> Vec<u8> {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().to_vec()
    }

    fn hash(secret: &str, id: &str) -> String {
        use std::fmt::Write as _;
        mac(secret, id).iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    fn token(secret: &str, head: &Value, body: &Value) -> String {
        let signed =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(head.to_string()), URL_SAFE_NO_PAD.encode(body.to_string()));
        let mark = URL_SAFE_NO_PAD.encode(mac(secret, &signed));
        format!("{signed}.{mark}")
    }

    fn with_hash(id: &str, hash: &str) -> Result<Option<Proven>, Unproven> {
        let presented = Presented {
            id: Some(id.to_owned()),
            user_hash: Some(hash.to_owned()),
            email: Some("a@b.nl".to_owned()),
            ..Presented::default()
        };
        prove(&presented, &[NEW, OLD], "shop", NOW)
    }

    fn with_token(token: String) -> Result<Option<Proven>, Unproven> {
        prove(&Presented { jwt: Some(token), ..Presented::default() }, &[NEW, OLD], "shop", NOW)
    }

    fn body() -> Value {
        json!({ "sub": "u-1", "iat": 1_800_000_000, "exp": 1_800_000_600, "aud": "shop", "email": "a@b.nl" })
    }

    #[test]
    fn a_hash_under_either_secret_proves_the_id_and_nothing_else() {
        for secret in [OLD, NEW] {
            let proven = with_hash("u-1", &hash(secret, "u-1")).unwrap().unwrap();
            assert_eq!((proven.customer.as_str(), proven.email_verified), ("u-1", false));
        }
        assert_eq!(with_hash("u-2", &hash(NEW, "u-1")), Err(Unproven));
        assert_eq!(with_hash("u-1", &hash("another secret of somebody", "u-1")), Err(Unproven));
        for wrong in ["", "00", "zz", &"é".repeat(32), &"0".repeat(64)] {
            assert_eq!(with_hash("u-1", wrong), Err(Unproven), "{wrong}");
        }
    }

    #[test]
    fn an_empty_or_short_secret_proves_nothing() {
        for secret in ["", "short"] {
            let presented =
                Presented { id: Some("u-1".to_owned()), user_hash: Some(hash(secret, "u-1")), ..Presented::default() };
            assert_eq!(prove(&presented, &[secret], "shop", NOW), Err(Unproven));
        }
    }

    #[test]
    fn no_proof_is_no_lie() {
        assert_eq!(
            prove(&Presented { id: Some("u-1".to_owned()), ..Presented::default() }, &[NEW], "shop", NOW),
            Ok(None)
        );
    }

    #[test]
    fn a_signed_token_proves_all_it_says() {
        let proven = with_token(token(OLD, &json!({ "alg": "HS256" }), &body())).unwrap().unwrap();
        assert_eq!(
            (proven.customer.as_str(), proven.email.as_deref(), proven.email_verified),
            ("u-1", Some("a@b.nl"), true)
        );
    }

    #[test]
    fn a_token_that_is_old_long_lived_for_others_or_signed_otherwise_proves_nothing() {
        let head = json!({ "alg": "HS256" });
        let change = |key: &str, value: Value| {
            let mut body = body();
            body[key] = value;
            token(NEW, &head, &body)
        };
        for wrong in [
            change("exp", json!(1_799_999_000)),
            change("exp", json!(1_800_090_000)),
            change("exp", Value::Null),
            change("iat", Value::Null),
            change("iat", json!(1_800_000_500)),
            change("iat", json!(i64::MIN)),
            change("nbf", json!(1_800_000_500)),
            change("aud", json!("other")),
            change("aud", Value::Null),
            change("sub", Value::Null),
            change("sub", json!("")),
            token("another secret of somebody", &head, &body()),
            token(NEW, &json!({ "alg": "none" }), &body()),
            token(NEW, &json!({ "alg": "RS256" }), &body()),
            token(NEW, &json!({ "alg": "HS256", "crit": ["b64"] }), &body()),
            String::new(),
            "a.b.c".to_owned(),
            "..".to_owned(),
            format!("{}.", token(NEW, &head, &body())),
            "x".repeat(100_000),
        ] {
            assert_eq!(with_token(wrong.clone()), Err(Unproven), "{}", &wrong[..wrong.len().min(80)]);
        }
        let unsigned = token(NEW, &json!({ "alg": "none" }), &body());
        let unsigned = unsigned.rsplit_once('.').unwrap().0;
        assert_eq!(with_token(format!("{unsigned}.")), Err(Unproven));
    }
}
