//! The five ways in which a platform can say no, decided where it is understood, once.

use crate::channels::Words;
use crate::model::Timestamp;

/// What the runner does about it. There is no sixth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Wait until then.
    RateLimited { until: Timestamp },
    /// Stop the account until somebody acts.
    Unauthorized,
    /// Try again later, with backoff.
    Transient,
    /// Never try this again.
    Rejected,
    /// It may have happened. Look it up or ask a person; never repeat blindly.
    Uncertain,
}

/// An error of a platform, in words a person can act on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[error("{code}: {}", cause.en)]
pub struct ChannelError {
    pub class: Class,
    /// Stable, for tests and translations: `bluesky.app_password_without_dm`.
    pub code: String,
    /// What happened, without secrets.
    pub cause: Words,
    /// What to do about it.
    pub cure: Words,
}

impl ChannelError {
    #[must_use]
    pub fn new(class: Class, code: impl Into<String>, cause: Words, cure: Words) -> Self {
        Self { class, code: code.into(), cause, cure }
    }

    /// The platform asked us to slow down.
    #[must_use]
    pub fn rate_limited(until: Timestamp) -> Self {
        Self::new(
            Class::RateLimited { until },
            "rate_limited",
            Words::new("The platform asks us to slow down.", "Het platform vraagt ons het rustiger aan te doen."),
            Words::new("Nothing to do: Balie goes on by itself.", "Niets te doen: Balie gaat vanzelf verder."),
        )
    }

    /// Nobody answered, or not in a way that means anything: network, time-out, 5xx.
    #[must_use]
    pub fn transient(detail: impl AsRef<str>) -> Self {
        let detail = detail.as_ref();
        Self::new(
            Class::Transient,
            "unreachable",
            Words::new(
                format!("The platform cannot be reached: {detail}."),
                format!("Het platform is niet bereikbaar: {detail}."),
            ),
            Words::new(
                "Balie keeps trying and catches up by itself.",
                "Balie blijft het proberen en haalt vanzelf in.",
            ),
        )
    }

    /// The platform understood and refuses for good; `detail` is its own sentence.
    #[must_use]
    pub fn rejected(code: impl Into<String>, detail: impl AsRef<str>) -> Self {
        let detail = detail.as_ref();
        Self::new(
            Class::Rejected,
            code,
            Words::new(format!("The platform refuses: {detail}"), format!("Het platform weigert: {detail}")),
            Words::new("Change the message and send it again.", "Pas het bericht aan en verstuur het opnieuw."),
        )
    }

    /// It may have arrived; the answer was lost.
    #[must_use]
    pub fn uncertain(detail: impl AsRef<str>) -> Self {
        let detail = detail.as_ref();
        Self::new(
            Class::Uncertain,
            "answer_lost",
            Words::new(
                format!(
                    "The connection broke before the platform confirmed ({detail}). The message may have been posted."
                ),
                format!(
                    "De verbinding brak voordat het platform bevestigde ({detail}). Het bericht kan geplaatst zijn."
                ),
            ),
            look_yourself(),
        )
    }

    /// This kept us from looking whether an earlier attempt arrived: it may have.
    #[must_use]
    pub fn in_doubt(self) -> Self {
        let Words { en, nl } = self.cause;
        Self::new(
            Class::Uncertain,
            self.code,
            Words::new(
                format!("{en} An earlier attempt may have been posted all the same."),
                format!("{nl} Een eerdere poging kan toch geplaatst zijn."),
            ),
            look_yourself(),
        )
    }

    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self.class, Class::Transient | Class::RateLimited { .. })
    }
}

/// Something that works less well than it could, for the admin.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Warning {
    /// Stable: `email.no_idle`.
    pub code: String,
    /// What it is, and what to do about it.
    pub text: Words,
}

impl Warning {
    #[must_use]
    pub fn new(code: impl Into<String>, en: impl Into<String>, nl: impl Into<String>) -> Self {
        Self { code: code.into(), text: Words::new(en, nl) }
    }
}

impl From<ChannelError> for Warning {
    fn from(error: ChannelError) -> Self {
        let ChannelError { class: _, code, cause, cure } = error;
        Self::new(code, format!("{} {}", cause.en, cure.en), format!("{} {}", cause.nl, cure.nl))
    }
}

fn look_yourself() -> Words {
    Words::new(
        "Look on the platform, then mark it as sent or send it again.",
        "Kijk op het platform en markeer het als verstuurd, of verstuur het opnieuw.",
    )
}
