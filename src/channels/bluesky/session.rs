//! The account's session: signing in with an app password, renewing, and where the account's own server (PDS) is.
//!
//! Source: `com.atproto.server.*` (lexicons and reference PDS 0.5, read and tried 2026-11-22). An access token lives two hours,
//! a refresh token ninety days and is replaced at every use.
//! Promises: one sign-in or renewal at a time, however many calls notice at once; new tokens are saved before they are used;
//! a future dropped half-way leaves the old state; a wrong password is not tried again and again (the platform allows 30
//! sign-ins in 5 minutes and 300 a day).
//! Must not: know feeds or posts.

use std::time::Duration;

use base64::Engine as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;
use url::Url;

use super::xrpc::{self, Body, Fault};
use crate::channels::{ChannelError, Class, Context};
use crate::model::Timestamp;

/// How long a refused password is not tried again by this connection.
const REFUSED_FOR: Duration = Duration::from_secs(300);

/// A session that stands.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Login {
    pub access: String,
    refresh: String,
    pub did: String,
    pub handle: String,
    /// The account's own server.
    pub pds: Url,
    /// Of what was signed in with; another password or name makes the session worthless.
    made_for: String,
}

/// The session of one connection.
pub struct Session {
    context: Context,
    service: Url,
    identifier: String,
    plc: Url,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    login: Option<Login>,
    refused: Option<(Timestamp, String, ChannelError)>,
}

impl Session {
    #[must_use]
    pub fn new(context: Context, service: Url, identifier: String, plc: Url) -> Self {
        Self { context, service, identifier, plc, state: Mutex::default() }
    }

    /// The session, signing in when there is none.
    ///
    /// # Errors
    /// `Unauthorized` with a cure when the password is refused; the classes of any call.
    pub async fn login(&self) -> Result<Login, ChannelError> {
        let mut state = self.state.lock().await;
        if let Some(login) = &state.login {
            return Ok(login.clone());
        }
        let secrets = self.context.secrets.load().await?;
        if let Some(login) = self.kept(&secrets)? {
            state.login = Some(login.clone());
            return Ok(login);
        }
        self.sign_in(&mut state, secrets).await
    }

    /// A session newer than the one whose access token was refused.
    ///
    /// # Errors
    /// As `login`.
    pub async fn renew(&self, refused: &str) -> Result<Login, ChannelError> {
        let mut state = self.state.lock().await;
        // Somebody who held the lock before us may have renewed already, here or in another process.
        if let Some(login) = state.login.as_ref().filter(|login| login.access != refused) {
            return Ok(login.clone());
        }
        let secrets = self.context.secrets.load().await?;
        if let Some(login) = self.kept(&secrets)? {
            if login.access != refused {
                state.login = Some(login.clone());
                return Ok(login);
            }
            match self.refresh(&login).await {
                Ok(fresh) => return self.keep(&mut state, secrets, fresh).await,
                // The refresh token is used up, too old, or revoked together with its password: only the password can tell.
                Err(Fault::Refused(refusal)) if refusal.status < 500 => {}
                Err(fault) => return Err(fault.into()),
            }
        }
        state.login = None;
        self.sign_in(&mut state, secrets).await
    }

    fn kept(&self, secrets: &Value) -> Result<Option<Login>, ChannelError> {
        let made_for = self.made_for(&password(secrets)?);
        Ok(Login::deserialize(&secrets["session"]).ok().filter(|login| login.made_for == made_for))
    }

    fn made_for(&self, password: &str) -> String {
        let digest = Sha256::digest(format!("{}\n{}\n{password}", self.service, self.identifier).as_bytes());
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&digest[..12])
    }

    async fn keep(&self, state: &mut State, mut secrets: Value, login: Login) -> Result<Login, ChannelError> {
        secrets["session"] = json!(login);
        self.context.secrets.save(&secrets).await?;
        state.login = Some(login.clone());
        Ok(login)
    }

    async fn refresh(&self, login: &Login) -> Result<Login, Fault> {
        let url = xrpc::address(&login.pds, "com.atproto.server.refreshSession", &[])?;
        let body = Body::Json(Value::Null);
        let request =
            xrpc::request(&self.context.client, &url, &body)?.timeout(xrpc::PATIENCE).bearer_auth(&login.refresh);
        let answer = xrpc::send(&self.context.client, &self.context.clock, request).await.0?;
        let fresh = Tokens::read(&answer)?;
        if fresh.did != login.did {
            return Err(other_account(&fresh.handle).into());
        }
        Ok(Login {
            access: fresh.access_jwt,
            refresh: fresh.refresh_jwt,
            pds: endpoint(&answer["didDoc"]).unwrap_or_else(|| login.pds.clone()),
            handle: fresh.handle,
            ..login.clone()
        })
    }

    async fn sign_in(&self, state: &mut State, secrets: Value) -> Result<Login, ChannelError> {
        let password = password(&secrets)?;
        let made_for = self.made_for(&password);
        let now = self.context.clock.now();
        if let Some((until, _, error)) =
            state.refused.as_ref().filter(|(until, what, _)| *until > now && *what == made_for)
        {
            tracing::debug!(until = until.0, "the password was refused a moment ago");
            return Err(error.clone());
        }
        let url = xrpc::address(&self.service, "com.atproto.server.createSession", &[])?;
        let body = Body::Json(json!({"identifier": self.identifier, "password": password}));
        let request = xrpc::request(&self.context.client, &url, &body)?.timeout(xrpc::PATIENCE);
        let answer = match xrpc::send(&self.context.client, &self.context.clock, request).await.0 {
            Ok(answer) => answer,
            Err(fault) => {
                let error = ChannelError::from(fault);
                if error.class == Class::Unauthorized {
                    state.refused = Some((now.plus(REFUSED_FOR), made_for, error.clone()));
                }
                return Err(error);
            }
        };
        let fresh = Tokens::read(&answer)?;
        if answer["active"].as_bool() == Some(false) {
            let status = answer["status"].as_str().unwrap_or("inactive").to_owned();
            return Err(xrpc::Refusal { status: 400, error: "AccountDeactivated".to_owned(), message: status }.into());
        }
        let pds = match endpoint(&answer["didDoc"]) {
            Some(pds) => pds,
            None => self.locate(&fresh.did).await?,
        };
        // A document that points to an address we may not reach must fail here, with words, and not at every call.
        self.context.client.check(&pds)?;
        let login = Login {
            access: fresh.access_jwt,
            refresh: fresh.refresh_jwt,
            did: fresh.did,
            handle: fresh.handle,
            pds,
            made_for,
        };
        self.keep(state, secrets, login).await
    }

    /// The account's server by its DID document; the service that signed us in when the directory does not tell.
    async fn locate(&self, did: &str) -> Result<Url, ChannelError> {
        let url = if let Some(host) = did.strip_prefix("did:web:") {
            format!("https://{}/.well-known/did.json", host.replace("%3A", ":")).parse().ok()
        } else {
            self.plc.join(&format!("/{did}")).ok()
        };
        let Some(url) = url else { return Ok(self.service.clone()) };
        let request = xrpc::request(&self.context.client, &url, &Body::None)?;
        match xrpc::send(&self.context.client, &self.context.clock, request).await.0 {
            Ok(document) => Ok(endpoint(&document).unwrap_or_else(|| self.service.clone())),
            Err(fault @ (Fault::Refused(_) | Fault::Decided(_))) => {
                tracing::warn!(
                    ?fault,
                    did,
                    "the directory does not know the account's server; staying with the service"
                );
                Ok(self.service.clone())
            }
            Err(fault) => Err(fault.into()),
        }
    }
}

#[derive(Deserialize)]
struct Tokens {
    #[serde(rename = "accessJwt")]
    access_jwt: String,
    #[serde(rename = "refreshJwt")]
    refresh_jwt: String,
    did: String,
    #[serde(default)]
    handle: String,
}

impl Tokens {
    fn read(answer: &Value) -> Result<Self, ChannelError> {
        // The answer holds secrets: its content must not reach an error sentence.
        Self::deserialize(answer).map_err(|_| ChannelError::transient("the answer to signing in has no tokens"))
    }
}

fn password(secrets: &Value) -> Result<String, ChannelError> {
    secrets["password"].as_str().map(str::trim).filter(|password| !password.is_empty()).map(ToOwned::to_owned).ok_or_else(|| {
        xrpc::fault(
            Class::Unauthorized,
            "password_missing",
            ("There is no app password.", "Er is geen app-wachtwoord."),
            (
                "Make an app password (bsky.app: Settings, Privacy and security, App passwords) and fill it in at this account.",
                "Maak een app-wachtwoord (bsky.app: Instellingen, Privacy en beveiliging, App-wachtwoorden) en vul het bij dit account in.",
            ),
        )
    })
}

fn other_account(handle: &str) -> ChannelError {
    xrpc::fault(
        Class::Unauthorized,
        "other_account",
        (
            &format!("The session now belongs to another account ({handle})."),
            &format!("De sessie hoort nu bij een ander account ({handle})."),
        ),
        ("Connect the account again.", "Verbind het account opnieuw."),
    )
}

/// The account's server in a DID document: the first service `#atproto_pds`.
fn endpoint(document: &Value) -> Option<Url> {
    document["service"].as_array()?.iter().find_map(|service| {
        let id = service["id"].as_str()?;
        let fits = id.ends_with("#atproto_pds") && service["type"].as_str() == Some("AtprotoPersonalDataServer");
        let url: Url = service["serviceEndpoint"].as_str().filter(|_| fits)?.parse().ok()?;
        matches!(url.scheme(), "http" | "https").then_some(url)
    })
}
