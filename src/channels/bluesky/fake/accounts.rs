//! People, passwords, sessions and identities.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Answer, Ask, Net, No, no, unknown};
use crate::model::Timestamp;

/// Lifetimes of the reference server, in milliseconds.
const ACCESS: i64 = 120 * 60_000;
const REFRESH: i64 = 90 * 86_400_000;

/// Somebody.
pub struct Account {
    pub did: String,
    pub handle: String,
    pub name: String,
    password: String,
    /// Password and whether it opens direct messages.
    app_passwords: Vec<(String, bool)>,
    pub active: bool,
    pub created: i64,
    pub muted: BTreeSet<String>,
    pub seen_at: i64,
    /// Whom direct messages are taken from without a request: everybody, or those one wrote to.
    pub open_chat: bool,
}

#[derive(Clone)]
pub struct Token {
    did: String,
    refresh: bool,
    /// `None` with the main password, else whether direct messages are allowed.
    app: Option<bool>,
    until: i64,
}

/// Who asks, and how they signed in.
pub struct Caller {
    pub did: String,
    pub chat: bool,
}

impl Net {
    /// Makes an account and gives its DID.
    pub fn create_account(&mut self, handle: &str, password: &str, name: &str) -> String {
        let hash = Sha256::digest(format!("account {handle}"));
        let letters = b"abcdefghijklmnopqrstuvwxyz234567";
        let id: String = hash.iter().take(24).map(|byte| char::from(letters[usize::from(byte % 32)])).collect();
        let did = format!("did:plc:{id}");
        let account = Account {
            did: did.clone(),
            handle: handle.to_lowercase(),
            name: name.to_owned(),
            password: password.to_owned(),
            app_passwords: Vec::new(),
            active: true,
            created: self.now(),
            muted: BTreeSet::new(),
            seen_at: 0,
            open_chat: true,
        };
        self.accounts.insert(did.clone(), account);
        did
    }

    /// Makes a password for one program.
    pub fn create_app_password(&mut self, did: &str, name: &str, chat: bool) -> String {
        let count = self.next();
        let hash = Sha256::digest(format!("{did} {name} {count}"));
        let letters: String = hash.iter().take(16).map(|byte| char::from(b'a' + byte % 26)).collect();
        let password = format!("{}-{}-{}-{}", &letters[..4], &letters[4..8], &letters[8..12], &letters[12..]);
        if let Some(account) = self.accounts.get_mut(did) {
            account.app_passwords.push((password.clone(), chat));
        }
        password
    }

    /// Withdraws every app password of somebody and ends their sessions, as an owner does who lost one.
    pub fn revoke(&mut self, did: &str) {
        if let Some(account) = self.accounts.get_mut(did) {
            account.app_passwords.clear();
        }
        self.tokens.retain(|_, token| token.did != did);
    }

    /// Closes or reopens an account.
    pub fn set_active(&mut self, did: &str, active: bool) {
        if let Some(account) = self.accounts.get_mut(did) {
            account.active = active;
        }
    }

    /// Whether somebody takes direct messages without a request.
    pub fn set_open_chat(&mut self, did: &str, open: bool) {
        if let Some(account) = self.accounts.get_mut(did) {
            account.open_chat = open;
        }
    }

    /// Every access token that is good now.
    #[must_use]
    pub fn live_tokens(&self) -> Vec<String> {
        self.tokens.keys().cloned().collect()
    }

    pub(super) fn by_name(&self, name: &str) -> Option<&Account> {
        self.accounts
            .get(name)
            .or_else(|| self.accounts.values().find(|account| account.handle.eq_ignore_ascii_case(name)))
    }

    pub(super) fn caller(&self, ask: &Ask) -> Result<Caller, No> {
        let text = ask.bearer().ok_or_else(|| no(401, "AuthMissing", "Authentication Required"))?;
        let Some(token) = self.tokens.get(text).filter(|token| !token.refresh) else {
            return service_caller(text).ok_or_else(|| no(400, "InvalidToken", "Token could not be verified"));
        };
        if token.until <= self.now() {
            return Err(no(400, "ExpiredToken", "Token has expired"));
        }
        if !self.accounts.get(&token.did).is_some_and(|account| account.active) {
            return Err(no(401, "AccountTakedown", "Account has been taken down"));
        }
        Ok(Caller { did: token.did.clone(), chat: token.app.unwrap_or(true) })
    }

    fn token(&mut self, did: &str, refresh: bool, app: Option<bool>) -> String {
        let count = self.next();
        let until = self.now() + if refresh { REFRESH } else { ACCESS };
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let scope = match (refresh, app) {
            (true, _) => "com.atproto.refresh",
            (_, None) => "com.atproto.access",
            (_, Some(true)) => "com.atproto.appPassPrivileged",
            (_, Some(false)) => "com.atproto.appPass",
        };
        let secret = URL_SAFE_NO_PAD.encode(Sha256::digest(format!("token {did} {count}")));
        let text = format!(
            "{}.{}.{secret}",
            part(json!({"typ": if refresh { "refresh+jwt" } else { "at+jwt" }, "alg": "HS256"})),
            part(
                json!({"scope": scope, "sub": did, "iat": self.now() / 1000, "exp": until / 1000, "aud": "did:web:localhost"})
            ),
        );
        self.tokens.insert(text.clone(), Token { did: did.to_owned(), refresh, app, until });
        text
    }

    fn session(&mut self, did: &str, app: Option<bool>) -> Value {
        let (access, refresh) = (self.token(did, false, app), self.token(did, true, app));
        let account = &self.accounts[did];
        json!({
            "accessJwt": access, "refreshJwt": refresh, "did": did, "handle": account.handle, "didDoc": self.document(did),
            "email": format!("{}@example.com", account.handle), "emailConfirmed": true, "active": true,
        })
    }

    pub(super) fn document(&self, did: &str) -> Option<Value> {
        let account = self.accounts.get(did)?;
        Some(json!({
            "@context": ["https://www.w3.org/ns/did/v1"],
            "id": did,
            "alsoKnownAs": [format!("at://{}", account.handle)],
            "verificationMethod": [],
            "service": [{"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": self.url}],
        }))
    }

    pub(super) fn server(&mut self, ask: &Ask) -> Answer {
        match ask.nsid.rsplit('.').next().unwrap_or_default() {
            "describeServer" => {
                Ok(json!({"did": "did:web:localhost", "availableUserDomains": [".test"], "inviteCodeRequired": false}))
            }
            "resolveHandle" => {
                let handle = ask.need("handle")?;
                let account = self.by_name(handle).filter(|account| account.handle.eq_ignore_ascii_case(handle));
                account
                    .map(|account| json!({"did": account.did}))
                    .ok_or_else(|| no(400, "HandleNotFound", "Unable to resolve handle"))
            }
            "createAccount" => {
                let input = ask.json()?;
                let handle = input["handle"]
                    .as_str()
                    .filter(|handle| handle.contains('.'))
                    .ok_or_else(|| no(400, "InvalidHandle", "Input/handle must be a valid handle"))?;
                if self.by_name(handle).is_some() {
                    return Err(no(400, "HandleNotAvailable", "Handle already taken"));
                }
                let name = input["displayName"].as_str().unwrap_or_default();
                let did = self.create_account(handle, input["password"].as_str().unwrap_or_default(), name);
                Ok(self.session(&did, None))
            }
            "createAppPassword" => {
                let did = self.caller(ask)?.did;
                let input = ask.json()?;
                let name = input["name"].as_str().unwrap_or("app").to_owned();
                let chat = input["privileged"].as_bool().unwrap_or(false);
                let password = self.create_app_password(&did, &name, chat);
                Ok(
                    json!({"name": name, "password": password, "createdAt": Timestamp(self.now()).to_rfc3339(), "privileged": chat}),
                )
            }
            "createSession" => self.sign_in(ask),
            "refreshSession" => {
                let now = self.now();
                let text = ask.bearer().unwrap_or_default().to_owned();
                let token = self
                    .tokens
                    .get(&text)
                    .filter(|token| token.refresh)
                    .cloned()
                    .ok_or_else(|| no(400, "ExpiredToken", "Token has been revoked"))?;
                self.tokens.remove(&text);
                if token.until <= now {
                    return Err(no(400, "ExpiredToken", "Token has expired"));
                }
                Ok(self.session(&token.did, token.app))
            }
            "deleteSession" => {
                self.tokens.remove(ask.bearer().unwrap_or_default());
                Ok(json!({}))
            }
            "getSession" => {
                let did = self.caller(ask)?.did;
                let account = &self.accounts[&did];
                Ok(
                    json!({"did": did, "handle": account.handle, "didDoc": self.document(&did), "active": true, "emailConfirmed": true}),
                )
            }
            _ => Err(unknown()),
        }
    }

    fn sign_in(&mut self, ask: &Ask) -> Answer {
        let input = ask.json()?;
        let name = input["identifier"].as_str().unwrap_or_default();
        let password = input["password"].as_str().unwrap_or_default();
        let now = self.now();
        let tries = self.sign_ins.entry(name.to_owned()).or_default();
        tries.retain(|at| *at > now - 300_000);
        if self.limited && tries.len() >= 30 {
            let reset = tries.first().map_or(now, |first| first + 300_000) / 1000;
            let mut limit = no(429, "RateLimitExceeded", "Rate Limit Exceeded");
            limit.headers = vec![
                ("ratelimit-limit", "30".to_owned()),
                ("ratelimit-remaining", "0".to_owned()),
                ("ratelimit-reset", reset.to_string()),
                ("ratelimit-policy", "30;w=300".to_owned()),
            ];
            return Err(limit);
        }
        tries.push(now);
        let account = self.by_name(name).ok_or_else(wrong)?;
        let app = if account.password == password {
            None
        } else {
            Some(account.app_passwords.iter().find(|(known, _)| known == password).ok_or_else(wrong)?.1)
        };
        if !account.active {
            return Err(no(401, "AccountTakedown", "Account has been taken down"));
        }
        let did = account.did.clone();
        Ok(self.session(&did, app))
    }
}

fn wrong() -> No {
    no(401, "AuthenticationRequired", "Invalid identifier or password")
}

/// A call that another account server passed on: its token names the account that asks. The signature is not checked, because
/// this is a stage and not a service.
fn service_caller(token: &str) -> Option<Caller> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    claims["lxm"].as_str()?;
    let did = claims["iss"].as_str().filter(|did| did.starts_with("did:"))?;
    Some(Caller { did: did.to_owned(), chat: true })
}
