//! Whether a customer is who they say they are: a keyed hash of their id, or a short-lived signed token.
//!
//! Promises: compared in constant time, every secret is tried; of a token HS256 counts under the secrets alone and RS256 under the public
//! keys alone, whatever its head says; it must end, soon, and be meant for this account.

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject as _;
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

/// What a proof is judged by.
#[derive(Clone, Copy)]
pub struct Keys<'a> {
    /// Shared with the site's server.
    pub secrets: &'a [&'a str],
    /// Of the site's server, which keeps the other halves to itself.
    pub public: &'a [ParsedPublicKey],
}

/// The RSA public keys (2048 to 8192 bits) of a text in PEM, one after another.
///
/// # Errors
/// When there is none, or something else.
pub fn public_keys(pem: &str) -> Result<Vec<ParsedPublicKey>, ()> {
    let keys = SubjectPublicKeyInfoDer::pem_slice_iter(pem.as_bytes())
        .map(|key| {
            let key = key.map_err(drop)?;
            ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &key).map_err(drop)
        })
        .collect::<Result<Vec<_>, ()>>()?;
    if keys.is_empty() { Err(()) } else { Ok(keys) }
}

/// Judges a proof under any of the active keys. `None` when no proof was given.
pub fn prove(
    presented: &Presented,
    keys: Keys<'_>,
    audience: &str,
    now: Timestamp,
) -> Result<Option<Proven>, Unproven> {
    if let Some(token) = &presented.jwt {
        return signed(token, keys, audience, now).map(Some).ok_or(Unproven);
    }
    let Some(hash) = &presented.user_hash else { return Ok(None) };
    let id = presented.id.as_deref().filter(|id| !id.is_empty() && id.len() <= LONGEST_ID).ok_or(Unproven)?;
    let hash = unhex(hash).ok_or(Unproven)?;
    if !is_marked(id.as_bytes(), &hash, keys.secrets) {
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

fn signed(token: &str, keys: Keys<'_>, audience: &str, now: Timestamp) -> Option<Proven> {
    if token.len() > LONGEST_TOKEN {
        return None;
    }
    let (signed, mark) = token.rsplit_once('.')?;
    let (head, body) = signed.split_once('.')?;
    let mark = URL_SAFE_NO_PAD.decode(mark).ok()?;
    let read = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
    let head = read(head)?;
    // A public key is no secret: under each way of signing only its own kind of key is tried.
    let genuine = match head["alg"].as_str()? {
        "HS256" => is_marked(signed.as_bytes(), &mark, keys.secrets),
        "RS256" => keys.public.iter().any(|key| key.verify_sig(signed.as_bytes(), &mark).is_ok()),
        _ => false,
    };
    // What must be understood and is not (RFC 7515, crit) is refused.
    if !genuine || !head["crit"].is_null() {
        return None;
    }
    let body = read(body)?;
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
    use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
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

    fn secrets<'a>(secrets: &'a [&'a str]) -> Keys<'a> {
        Keys { secrets, public: &[] }
    }

    fn with_hash(id: &str, hash: &str) -> Result<Option<Proven>, Unproven> {
        let presented = Presented {
            id: Some(id.to_owned()),
            user_hash: Some(hash.to_owned()),
            email: Some("a@b.nl".to_owned()),
            ..Presented::default()
        };
        prove(&presented, secrets(&[NEW, OLD]), "shop", NOW)
    }

    fn with_token(token: String) -> Result<Option<Proven>, Unproven> {
        prove(&Presented { jwt: Some(token), ..Presented::default() }, secrets(&[NEW, OLD]), "shop", NOW)
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
            assert_eq!(prove(&presented, secrets(&[secret]), "shop", NOW), Err(Unproven));
        }
    }

    #[test]
    fn no_proof_is_no_lie() {
        assert_eq!(
            prove(&Presented { id: Some("u-1".to_owned()), ..Presented::default() }, secrets(&[NEW]), "shop", NOW),
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

    /// A site's server, with the public half of its key.
    struct Server(RsaKeyPair);

    impl Server {
        fn new() -> Self {
            Self(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
        }

        fn pem(&self) -> String {
            let der: PublicKeyX509Der = self.0.public_key().as_der().unwrap();
            let text = base64::engine::general_purpose::STANDARD.encode(der.as_ref());
            let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
            format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
        }

        fn token(&self, head: &Value, body: &Value) -> String {
            let signed =
                format!("{}.{}", URL_SAFE_NO_PAD.encode(head.to_string()), URL_SAFE_NO_PAD.encode(body.to_string()));
            let mut mark = vec![0; self.0.public_modulus_len()];
            self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut mark).unwrap();
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mark))
        }
    }

    #[test]
    fn a_token_under_a_private_key_counts_under_its_public_key_only() {
        let (site, other) = (Server::new(), Server::new());
        let (rs256, hs256) = (json!({ "alg": "RS256" }), json!({ "alg": "HS256" }));
        let both = public_keys(&format!("{}{}", other.pem(), site.pem())).unwrap();
        let alone = public_keys(&other.pem()).unwrap();
        let judge = |token: &str, secrets: &[&str], public: &[ParsedPublicKey]| {
            let presented = Presented { jwt: Some(token.to_owned()), ..Presented::default() };
            prove(&presented, Keys { secrets, public }, "shop", NOW)
        };
        let proven = judge(&site.token(&rs256, &body()), &[], &both).unwrap().unwrap();
        assert_eq!((proven.customer.as_str(), proven.email_verified), ("u-1", true));
        for (wrong, public) in [
            (site.token(&rs256, &body()), &alone),
            (site.token(&hs256, &body()), &both),
            // The public key as if it were the secret: what everybody knows signs nothing.
            (token(&site.pem(), &hs256, &body()), &both),
            (token(NEW, &rs256, &body()), &both),
            (site.token(&json!({ "alg": "none" }), &body()), &both),
            (site.token(&json!({ "alg": "RS256", "crit": ["b64"] }), &body()), &both),
            (
                site.token(&rs256, &json!({ "sub": "u-1", "iat": 1_800_000_000, "exp": 1_800_090_000, "aud": "shop" })),
                &both,
            ),
        ] {
            assert_eq!(judge(&wrong, &[NEW], public), Err(Unproven), "{wrong}");
        }
    }

    #[test]
    fn only_rsa_public_keys_are_taken_for_keys() {
        let pem = Server::new().pem();
        assert!(public_keys(&pem).is_ok());
        let private = pem.replace("PUBLIC", "PRIVATE");
        let cut: String =
            pem.lines().enumerate().filter(|(n, _)| *n != 3).map(|(_, line)| format!("{line}\n")).collect();
        for wrong in ["", "ssh-rsa AAAA", private.as_str(), cut.as_str()] {
            assert!(public_keys(wrong).is_err(), "{wrong}");
        }
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
