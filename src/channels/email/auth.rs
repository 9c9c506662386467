//! Signing in: with a password, or with a token that is renewed (XOAUTH2).
//!
//! Sources: developers.google.com/workspace/gmail/imap/xoauth2-protocol, learn.microsoft.com "Authenticate an IMAP, POP or SMTP
//! connection using OAuth" (both 2026-11).
//! Promises: one renewal at a time; new tokens are saved before they are used; a server that refuses is not knocked at without
//! end.
//! Must not: know IMAP or SMTP.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use url::Url;

use super::settings::{Provider, Settings};
use crate::channels::descriptor::{OAuth, Start};
use crate::channels::mailbox::{Keys, Login, Patience};
use crate::channels::oauth::{Granted, Registration};
use crate::channels::{ChannelError, Class, Context, Words};
use crate::model::Timestamp;

/// A token is renewed this long before it ends.
const EARLY: Duration = Duration::from_secs(300);
/// What is assumed of a token whose end nobody told.
const USUAL: Duration = Duration::from_secs(3600);

/// What the browser brought back, kept among the account's secrets.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Tokens {
    access: String,
    #[serde(default)]
    refresh: Option<String>,
    until: Timestamp,
    #[serde(default)]
    refresh_until: Option<Timestamp>,
}

impl Tokens {
    fn new(granted: Granted, before: Option<&Tokens>, now: Timestamp) -> Self {
        Self {
            access: granted.access,
            refresh: granted.refresh.or_else(|| before.and_then(|before| before.refresh.clone())),
            until: now.plus(granted.expires_in.unwrap_or(USUAL)),
            refresh_until: granted
                .refresh_expires_in
                .map(|span| now.plus(span))
                .or_else(|| before.and_then(|before| before.refresh_until)),
        }
    }

    /// A token of a minute is not renewed four minutes before it was made.
    fn is_fresh(&self, now: Timestamp, lifetime: Duration) -> bool {
        self.until > now.plus(EARLY.min(lifetime / 2))
    }
}

/// The way into one mailbox.
pub struct Auth {
    context: Context,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    tokens: Option<Tokens>,
    /// How long the last token was given for.
    lifetime: Option<Duration>,
    patience: Patience,
}

impl Auth {
    #[must_use]
    pub fn new(context: Context) -> Self {
        Self { context, state: Mutex::default() }
    }

    /// What to sign in with.
    ///
    /// # Errors
    /// `Unauthorized` when there is nothing to sign in with, when it was refused too often, or when the permission has ended.
    pub async fn login(&self, settings: &Settings) -> Result<Login, ChannelError> {
        self.login_unlike(settings, None).await
    }

    /// As `login`, after this very login was refused: a token may have been revoked before its time.
    ///
    /// # Errors
    /// As `login`; the refusal itself when there is nothing newer to try.
    pub async fn renewed(
        &self,
        settings: &Settings,
        refused: &Login,
        error: ChannelError,
    ) -> Result<Login, ChannelError> {
        match refused {
            Login::Password { .. } => Err(error),
            Login::Bearer { token, .. } => self.login_unlike(settings, Some(token)).await,
        }
    }

    /// When the permission ends by itself, as far as known.
    pub async fn ends(&self) -> Option<Timestamp> {
        let secrets = self.context.secrets.load().await.ok()?;
        Tokens::deserialize(&secrets["oauth"]).ok()?.refresh_until
    }

    /// The server said no.
    pub async fn refused(&self, error: &ChannelError) {
        self.state.lock().await.patience.refused(error, self.context.clock.now());
    }

    /// The server said yes.
    pub async fn accepted(&self) {
        self.state.lock().await.patience.accepted();
    }

    async fn login_unlike(&self, settings: &Settings, refused: Option<&str>) -> Result<Login, ChannelError> {
        let mut state = self.state.lock().await;
        let now = self.context.clock.now();
        state.patience.may_knock(now)?;
        let user = settings.user.clone();
        let fresh = |tokens: &Tokens, lifetime: Option<Duration>| {
            refused != Some(tokens.access.as_str()) && tokens.is_fresh(now, lifetime.unwrap_or(USUAL))
        };
        if let Some(tokens) = state.tokens.as_ref().filter(|tokens| fresh(tokens, state.lifetime)) {
            return Ok(Login::Bearer { user, token: tokens.access.clone() });
        }
        let mut secrets = self.context.secrets.load().await?;
        let Ok(kept) = Tokens::deserialize(&secrets["oauth"]) else {
            return match secrets["password"].as_str() {
                Some(password) if !password.is_empty() => Ok(Login::Password { user, password: password.to_owned() }),
                _ => Err(nothing()),
            };
        };
        // Another process may have renewed it already.
        if fresh(&kept, state.lifetime) {
            let token = kept.access.clone();
            state.tokens = Some(kept);
            return Ok(Login::Bearer { user, token });
        }
        let Some(refresh) = kept.refresh.clone() else { return Err(nothing()) };
        let registered = Registered::of(settings, secrets["client_secret"].as_str().unwrap_or_default())?;
        let granted = match registered.registration("").refresh(&self.context.client, &refresh).await {
            Ok(granted) => granted,
            Err(error) if error.class == Class::Unauthorized => {
                // Lost a race with another process, whose new token is as good.
                let now_kept = self.context.secrets.load().await?;
                return match Tokens::deserialize(&now_kept["oauth"]) {
                    Ok(other) if other.refresh != kept.refresh => {
                        let token = other.access.clone();
                        state.tokens = Some(other);
                        Ok(Login::Bearer { user, token })
                    }
                    _ => Err(error),
                };
            }
            Err(error) => return Err(error),
        };
        state.lifetime = granted.expires_in;
        let tokens = Tokens::new(granted, Some(&kept), now);
        secrets["oauth"] = json!(tokens);
        self.context.secrets.save(&secrets).await?;
        let token = tokens.access.clone();
        state.tokens = Some(tokens);
        Ok(Login::Bearer { user, token })
    }
}

/// The way in with the settings of one mailbox.
pub struct Signing<'a> {
    pub auth: &'a Auth,
    pub settings: &'a Settings,
}

#[async_trait::async_trait]
impl Keys for Signing<'_> {
    async fn login(&self) -> Result<Login, ChannelError> {
        self.auth.login(self.settings).await
    }
    async fn renewed(&self, refused: &Login, error: ChannelError) -> Result<Login, ChannelError> {
        self.auth.renewed(self.settings, refused, error).await
    }
    async fn accepted(&self) {
        self.auth.accepted().await;
    }
    async fn refused(&self, error: &ChannelError) {
        self.auth.refused(error).await;
    }
}

fn nothing() -> ChannelError {
    ChannelError::new(
        Class::Unauthorized,
        "email.no_credentials",
        Words::new("There is nothing to sign in with.", "Er is niets om mee in te loggen."),
        Words::new(
            "Fill in the password, or sign in in the browser.",
            "Vul het wachtwoord in, of log in in de browser.",
        ),
    )
}

/// Our application at whoever signs people in.
struct Registered {
    authorize: Url,
    token: Url,
    client_id: String,
    client_secret: String,
    scopes: Vec<String>,
}

impl Registered {
    fn of(settings: &Settings, client_secret: &str) -> Result<Self, ChannelError> {
        let microsoft = format!("https://login.microsoftonline.com/{}/oauth2/v2.0", settings.tenant);
        let (authorize, token, scope) = match settings.provider {
            Provider::Google => (
                "https://accounts.google.com/o/oauth2/v2/auth".to_owned(),
                "https://oauth2.googleapis.com/token".to_owned(),
                "https://mail.google.com/",
            ),
            Provider::Microsoft => (
                format!("{microsoft}/authorize"),
                format!("{microsoft}/token"),
                "https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send offline_access",
            ),
            Provider::Generic => (String::new(), String::new(), "openid email offline_access"),
        };
        let url = |own: &Option<String>, known: String| {
            own.clone().unwrap_or(known).parse::<Url>().map_err(|_| not_possible())
        };
        let client_id = settings.client_id.clone().ok_or_else(not_possible)?;
        Ok(Self {
            authorize: url(&settings.authorize_url, authorize)?,
            token: url(&settings.token_url, token)?,
            client_id,
            client_secret: client_secret.to_owned(),
            scopes: settings.scope.as_deref().unwrap_or(scope).split_whitespace().map(str::to_owned).collect(),
        })
    }

    fn registration<'a>(&'a self, redirect_uri: &'a str) -> Registration<'a> {
        Registration {
            authorize: &self.authorize,
            token: &self.token,
            client_id: &self.client_id,
            client_secret: &self.client_secret,
            // Not sent when refreshing, and still must be an address.
            redirect_uri: if redirect_uri.is_empty() { "http://localhost/" } else { redirect_uri },
        }
    }
}

fn not_possible() -> ChannelError {
    ChannelError::new(
        Class::Rejected,
        "email.no_application",
        Words::new(
            "Signing in in the browser needs an application at the provider.",
            "Inloggen in de browser vraagt om een toepassing bij de aanbieder.",
        ),
        Words::new(
            "Fill in the application's ID and secret first, or use a password.",
            "Vul eerst de ID en het geheim van de toepassing in, of gebruik een wachtwoord.",
        ),
    )
}

/// The browser's way in.
pub struct Browser;

#[async_trait::async_trait]
impl OAuth for Browser {
    async fn start(&self, context: &Context, redirect_uri: &str, state: &str) -> Result<Start, ChannelError> {
        let settings = Settings::read(&context.settings)?;
        let secrets = context.secrets.load().await?;
        let secret = secrets["client_secret"].as_str().unwrap_or_default();
        let registered = Registered::of(&settings, secret)?;
        let scopes: Vec<&str> = registered.scopes.iter().map(String::as_str).collect();
        let (mut authorize_url, verifier) = registered.registration(redirect_uri).start(&scopes, state)?;
        {
            let mut query = authorize_url.query_pairs_mut();
            query.append_pair("login_hint", &settings.user);
            // Without these no refresh token comes with a second sign-in.
            query.append_pair("prompt", "consent");
            if settings.provider == Provider::Google {
                query.append_pair("access_type", "offline");
            }
        }
        Ok(Start { authorize_url, keep: json!({"verifier": verifier, "client_secret": secret}) })
    }

    async fn finish(
        &self,
        context: &Context,
        redirect_uri: &str,
        query: &[(String, String)],
        keep: &Value,
    ) -> Result<Value, ChannelError> {
        let settings = Settings::read(&context.settings)?;
        let text = |key: &str| keep[key].as_str().unwrap_or_default();
        let registered = Registered::of(&settings, text("client_secret"))?;
        let granted = registered.registration(redirect_uri).grant(&context.client, query, text("verifier")).await?;
        let tokens = Tokens::new(granted, None, context.clock.now());
        Ok(json!({"oauth": tokens, "client_secret": text("client_secret")}))
    }
}
