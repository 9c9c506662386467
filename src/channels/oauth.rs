//! Connecting in the browser and staying connected: the authorization code flow with PKCE (RFC 6749, RFC 7636) and refreshing,
//! through our own guarded client.
//!
//! Promises: every code challenge is S256; no redirect or private address escapes the client's guard; an error holds the
//! server's sentence, never a code, a verifier or a secret.
//! Must not: know a platform.

use std::pin::Pin;
use std::time::Duration;

use oauth2::basic::{
    BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
    BasicTokenType,
};
use oauth2::{
    AsyncHttpClient, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    ExtraTokenFields, HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken,
    RequestTokenError, Scope, StandardRevocableToken, StandardTokenResponse, TokenResponse, TokenUrl,
};

use super::client::Failure;
use super::{ChannelError, Class, Client, Words};

/// The one client of a server's authorization.
pub struct Registration<'a> {
    pub authorize: &'a url::Url,
    pub token: &'a url::Url,
    pub client_id: &'a str,
    /// Empty for a public client.
    pub client_secret: &'a str,
    pub redirect_uri: &'a str,
}

/// What a server gave us.
#[derive(Clone, Debug)]
pub struct Granted {
    pub access: String,
    /// Replaces the one that was used, when there is one.
    pub refresh: Option<String>,
    pub expires_in: Option<Duration>,
    /// When the refresh token ends by itself, as some servers say in fields of their own.
    pub refresh_expires_in: Option<Duration>,
}

/// Not in the standard; Google writes the first, others the second.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct More {
    #[serde(default)]
    refresh_token_expires_in: Option<u64>,
    #[serde(default)]
    refresh_expires_in: Option<u64>,
}

impl ExtraTokenFields for More {}

type Token = StandardTokenResponse<More, BasicTokenType>;
type Ready = oauth2::Client<
    BasicErrorResponse,
    Token,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

type Bare = oauth2::Client<
    BasicErrorResponse,
    Token,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
>;

impl From<Token> for Granted {
    fn from(token: Token) -> Self {
        let more = token.extra_fields();
        let seconds = more.refresh_token_expires_in.or(more.refresh_expires_in);
        Self {
            access: token.access_token().secret().clone(),
            refresh: token.refresh_token().map(|token| token.secret().clone()),
            expires_in: token.expires_in(),
            refresh_expires_in: seconds.filter(|seconds| *seconds > 0).map(Duration::from_secs),
        }
    }
}

impl Registration<'_> {
    fn client(&self) -> Result<Ready, ChannelError> {
        let wrong = |error: oauth2::url::ParseError| ChannelError::rejected("oauth.address", error.to_string());
        let mut client = Bare::new(ClientId::new(self.client_id.to_owned()));
        if !self.client_secret.is_empty() {
            client = client.set_client_secret(ClientSecret::new(self.client_secret.to_owned()));
        }
        Ok(client
            .set_auth_uri(AuthUrl::from_url(self.authorize.clone()))
            .set_token_uri(TokenUrl::from_url(self.token.clone()))
            .set_redirect_uri(RedirectUrl::new(self.redirect_uri.to_owned()).map_err(wrong)?)
            // Servers of the fediverse read the client from the form.
            .set_auth_type(oauth2::AuthType::RequestBody))
    }

    /// Where to send the browser, and the verifier to keep secret until it comes back.
    ///
    /// # Errors
    /// `Rejected` when the redirect address is none.
    pub fn start(&self, scopes: &[&str], state: &str) -> Result<(url::Url, String), ChannelError> {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let state = state.to_owned();
        let client = self.client()?;
        let request = client
            .authorize_url(move || CsrfToken::new(state))
            .add_scopes(scopes.iter().map(|scope| Scope::new((*scope).to_owned())))
            .set_pkce_challenge(challenge);
        Ok((request.url().0, verifier.into_secret()))
    }

    /// Trades the callback's query for an access token.
    ///
    /// # Errors
    /// As `grant`.
    pub async fn finish(
        &self,
        http: &Client,
        query: &[(String, String)],
        verifier: &str,
    ) -> Result<String, ChannelError> {
        Ok(self.grant(http, query, verifier).await?.access)
    }

    /// Trades the callback's query for everything the server gives.
    ///
    /// # Errors
    /// `Rejected` when the person or the server said no; `Transient` when the server could not be heard.
    pub async fn grant(
        &self,
        http: &Client,
        query: &[(String, String)],
        verifier: &str,
    ) -> Result<Granted, ChannelError> {
        let value = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        if value("error") == Some("access_denied") {
            return Err(denied());
        }
        if let Some(error) = value("error") {
            return Err(refused(value("error_description").unwrap_or(error)));
        }
        let code = value("code").ok_or_else(|| refused("the server sent no code"))?;
        let answer = self
            .client()?
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned()))
            .request_async(&Http(http))
            .await;
        match answer {
            Ok(token) => Ok(token.into()),
            Err(RequestTokenError::ServerResponse(no)) => Err(refused(&sentence(&no))),
            Err(RequestTokenError::Request(HttpError(why))) => Err(ChannelError::transient(why)),
            Err(RequestTokenError::Parse(..) | RequestTokenError::Other(_)) => {
                Err(ChannelError::transient("the server's answer to the code cannot be read"))
            }
        }
    }

    /// Trades a refresh token for a new access token. A server that rotates refresh tokens takes the old one back at once, so the
    /// caller saves what comes before using it, and asks only once at a time.
    ///
    /// # Errors
    /// `Unauthorized` with a cure when the server takes the token no more; `Transient` when it could not be heard.
    pub async fn refresh(&self, http: &Client, refresh: &str) -> Result<Granted, ChannelError> {
        let answer = self
            .client()?
            .exchange_refresh_token(&RefreshToken::new(refresh.to_owned()))
            .request_async(&Http(http))
            .await;
        match answer {
            Ok(token) => Ok(token.into()),
            Err(RequestTokenError::ServerResponse(no)) => match no.error() {
                BasicErrorResponseType::Extension(code)
                    if code == "temporarily_unavailable" || code == "server_error" =>
                {
                    Err(ChannelError::transient(sentence(&no)))
                }
                _ => Err(ended(&sentence(&no))),
            },
            Err(RequestTokenError::Request(HttpError(why))) => Err(ChannelError::transient(why)),
            Err(RequestTokenError::Parse(..) | RequestTokenError::Other(_)) => {
                Err(ChannelError::transient("the server's answer to the refresh token cannot be read"))
            }
        }
    }
}

fn sentence(no: &BasicErrorResponse) -> String {
    no.error_description().map_or_else(|| no.error().to_string(), Clone::clone)
}

fn ended(detail: &str) -> ChannelError {
    let detail: String = detail.chars().take(300).collect();
    ChannelError::new(
        Class::Unauthorized,
        "oauth.ended",
        Words::new(
            format!("The permission to use the account has ended: {detail}."),
            format!("De toestemming om het account te gebruiken is afgelopen: {detail}."),
        ),
        Words::new("Connect the account again in the browser.", "Koppel het account opnieuw in de browser."),
    )
}

/// Somebody pressed no (RFC 6749, section 4.1.2.1).
fn denied() -> ChannelError {
    ChannelError::new(
        Class::Rejected,
        "oauth.denied",
        Words::new(
            "Permission was not given there, so nothing was connected.",
            "Daar is geen toestemming gegeven, dus er is niets gekoppeld.",
        ),
        Words::new(
            "Begin again, and allow it there with the organisation's account.",
            "Begin opnieuw en sta het daar toe met het account van de organisatie.",
        ),
    )
}

fn refused(detail: &str) -> ChannelError {
    let detail: String = detail.chars().take(300).collect();
    ChannelError::new(
        Class::Rejected,
        "oauth.refused",
        Words::new(
            format!("The server did not allow it: {detail}."),
            format!("De server stond het niet toe: {detail}."),
        ),
        Words::new(
            "Try again, and sign in there as the organisation's account.",
            "Probeer het opnieuw en meld je daar aan met het account van de organisatie.",
        ),
    )
}

/// The guarded client, as the oauth2 crate wants one.
pub struct Http<'a>(pub &'a Client);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct HttpError(String);

impl<'c> AsyncHttpClient<'c> for Http<'_> {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let url: url::Url = parts.uri.to_string().parse().map_err(|_| HttpError("no address".to_owned()))?;
            let request = self.0.request(parts.method, &url).map_err(|error| HttpError(error.cause.en))?;
            let answer =
                self.0.send(request.headers(parts.headers).body(body)).await.map_err(|failure| match failure {
                    Failure::NotSent(why) | Failure::Lost(why) => HttpError(why),
                })?;
            let mut response = HttpResponse::new(answer.body.to_vec());
            *response.status_mut() = answer.status;
            *response.headers_mut() = answer.headers;
            Ok(response)
        })
    }
}
