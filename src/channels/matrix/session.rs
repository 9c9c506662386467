//! The account's session: a pasted token, or signing in with the password on one device that is kept, and refreshing.
//!
//! Promises: one sign-in or refresh at a time, however many calls notice at once; a device and new tokens are saved before
//! they are used; a future dropped half-way leaves the old state; a refused password is not tried again and again.
//! Must not: know rooms or messages.
//! Source: client-server API v1.19, "Client authentication" (`/login`, `/refresh`, soft logout), read and tried 2026-11.

use std::time::Duration;

use base64::Engine as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use super::api::{Fault, Refusal, Server, fault};
use crate::channels::{ChannelError, Class};
use crate::model::Timestamp;

/// How long a refused password is not tried again by this connection.
const REFUSED_FOR: Duration = Duration::from_secs(300);

/// A session that stands.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Login {
    pub access: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh: Option<String>,
    /// `@name:server`.
    pub user: String,
    /// Repeats of a send are recognised by token and device: the device stays.
    pub device: String,
    /// Of what was signed in with; another password or name makes the session worthless.
    made_for: String,
}

/// The session of one connection.
pub struct Session {
    /// As the admin typed it; may be empty with a token.
    user: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    login: Option<Login>,
    refused: Option<(Timestamp, String, ChannelError)>,
}

impl Session {
    #[must_use]
    pub fn new(user: String) -> Self {
        Self { user, state: Mutex::default() }
    }

    /// The session, signing in when there is none.
    ///
    /// # Errors
    /// `Unauthorized` with a cure when what we have is refused; the classes of any call.
    pub async fn login(&self, server: &Server) -> Result<Login, ChannelError> {
        let mut state = self.state.lock().await;
        if let Some(login) = &state.login {
            return Ok(login.clone());
        }
        let secrets = server.context.secrets.load().await?;
        match (secret(&secrets, "password"), secret(&secrets, "token")) {
            (Some(password), _) => {
                if let Some(login) = self.kept(server, &secrets, &password) {
                    state.login = Some(login.clone());
                    return Ok(login);
                }
                self.sign_in(server, &mut state, secrets, &password).await
            }
            (None, Some(token)) => self.with_token(server, &mut state, token).await,
            (None, None) => Err(fault(
                Class::Unauthorized,
                "no_credentials",
                ("There is no password and no access token.", "Er is geen wachtwoord en geen toegangstoken."),
                ("Fill in one of them at this account.", "Vul bij dit account een van beide in."),
            )),
        }
    }

    /// A session newer than the one whose token was refused.
    ///
    /// # Errors
    /// As `login`; the refusal itself when there is nothing to renew with.
    pub async fn renew(&self, server: &Server, refused: &str, refusal: Refusal) -> Result<Login, ChannelError> {
        let mut state = self.state.lock().await;
        // Somebody who held the lock before us may have renewed already, here or in another process.
        if let Some(login) = state.login.as_ref().filter(|login| login.access != refused) {
            return Ok(login.clone());
        }
        let mut secrets = server.context.secrets.load().await?;
        let Some(password) = secret(&secrets, "password") else {
            state.login = None;
            return Err(server.say(Fault::Refused(refusal)));
        };
        if let Some(login) = self.kept(server, &secrets, &password) {
            if login.access != refused {
                state.login = Some(login.clone());
                return Ok(login);
            }
            if let Some(refresh) = &login.refresh {
                match server.post(&["v3", "refresh"], None, &json!({"refresh_token": refresh})).await {
                    Ok(answer) => {
                        let fresh = Tokens::read(&answer)?;
                        // A server that sends no new refresh token lets the old one go on.
                        let refresh = fresh.refresh_token.or_else(|| login.refresh.clone());
                        let login = Login { access: fresh.access_token, refresh, ..login };
                        secrets["session"] = json!(login);
                        server.context.secrets.save(&secrets).await?;
                        state.login = Some(login.clone());
                        return Ok(login);
                    }
                    // Used up, revoked, or never known here: only the password can tell.
                    Err(Fault::Refused(refusal)) if refusal.status < 500 && refusal.status != 429 => {}
                    Err(fault) => return Err(server.say(fault)),
                }
            }
        }
        state.login = None;
        self.sign_in(server, &mut state, secrets, &password).await
    }

    fn kept(&self, server: &Server, secrets: &Value, password: &str) -> Option<Login> {
        let made_for = self.made_for(server, password);
        Login::deserialize(&secrets["session"]).ok().filter(|login| login.made_for == made_for)
    }

    fn made_for(&self, server: &Server, password: &str) -> String {
        let digest = Sha256::digest(format!("{}\n{}\n{password}", server.typed(), self.user).as_bytes());
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&digest[..12])
    }

    async fn with_token(&self, server: &Server, state: &mut State, token: String) -> Result<Login, ChannelError> {
        let answer = server.whoami(&token).await.map_err(|fault| server.say(fault))?;
        let user = answer["user_id"].as_str().unwrap_or_default().to_owned();
        if !super::wire::is_user(&user) {
            return Err(super::api::not_json());
        }
        let device = answer["device_id"].as_str().unwrap_or_default().to_owned();
        let login = Login { access: token, refresh: None, user, device, made_for: String::new() };
        state.login = Some(login.clone());
        Ok(login)
    }

    async fn sign_in(
        &self,
        server: &Server,
        state: &mut State,
        mut secrets: Value,
        password: &str,
    ) -> Result<Login, ChannelError> {
        let made_for = self.made_for(server, password);
        let now = server.context.clock.now();
        if let Some((_, _, error)) = state.refused.as_ref().filter(|(until, what, _)| *until > now && *what == made_for)
        {
            return Err(error.clone());
        }
        if self.user.is_empty() {
            return Err(fault(
                Class::Unauthorized,
                "no_user",
                ("There is no user name to sign in with.", "Er is geen gebruikersnaam om mee in te loggen."),
                ("Fill in the user name at this account.", "Vul bij dit account de gebruikersnaam in."),
            ));
        }
        // Our device outlives the session: what we sent as it stays recognisable. Saved first, so that no second one is made.
        let device = if let Some(device) = secrets["device"].as_str() {
            device.to_owned()
        } else {
            let device = format!("BALIE{}", uuid::Uuid::new_v4().simple()).to_uppercase()[..15].to_owned();
            secrets["device"] = device.clone().into();
            server.context.secrets.save(&secrets).await?;
            device
        };
        let body = json!({
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": self.user},
            "password": password,
            "device_id": device,
            "initial_device_display_name": "Balie",
            "refresh_token": true,
        });
        let answer = match server.post(&["v3", "login"], None, &body).await {
            Ok(answer) => answer,
            Err(fault) => {
                let error = refused_to_sign_in(server, fault);
                if error.class == Class::Unauthorized {
                    state.refused = Some((now.plus(REFUSED_FOR), made_for, error.clone()));
                }
                return Err(error);
            }
        };
        let fresh = Tokens::read(&answer)?;
        let user = answer["user_id"].as_str().unwrap_or_default().to_owned();
        if !super::wire::is_user(&user) {
            return Err(super::api::not_json());
        }
        let device = answer["device_id"].as_str().unwrap_or(&device).to_owned();
        let login = Login { access: fresh.access_token, refresh: fresh.refresh_token, user, device, made_for };
        secrets["session"] = json!(login);
        server.context.secrets.save(&secrets).await?;
        state.login = Some(login.clone());
        Ok(login)
    }
}

#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    #[serde(default)]
    refresh_token: Option<String>,
}

impl Tokens {
    fn read(answer: &Value) -> Result<Self, ChannelError> {
        // The answer holds secrets: its content must not reach an error sentence.
        Self::deserialize(answer).map_err(|_| ChannelError::transient("the answer to signing in has no token"))
    }
}

fn secret(secrets: &Value, key: &str) -> Option<String> {
    secrets[key].as_str().map(str::trim).filter(|secret| !secret.is_empty()).map(ToOwned::to_owned)
}

fn refused_to_sign_in(server: &Server, refusal: Fault) -> ChannelError {
    match refusal {
        Fault::Refused(refusal) if matches!(refusal.status, 401 | 403) && refusal.errcode == "M_FORBIDDEN" => fault(
            Class::Unauthorized,
            "password_refused",
            (
                "The homeserver refuses this user name and password.",
                "De homeserver weigert deze gebruikersnaam met dit wachtwoord.",
            ),
            ("Correct them at this account.", "Verbeter ze bij dit account."),
        ),
        Fault::Refused(refusal) if matches!(refusal.status, 400 | 404) => fault(
            Class::Unauthorized,
            "no_password_login",
            (
                &format!("The homeserver does not sign in with a password ({}).", refusal.said),
                &format!("De homeserver laat niet inloggen met een wachtwoord ({}).", refusal.said),
            ),
            (
                "Leave the password empty and paste an access token instead.",
                "Laat het wachtwoord leeg en plak in plaats daarvan een toegangstoken.",
            ),
        ),
        other => server.say(other),
    }
}
