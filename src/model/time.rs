//! Points in time as the database and the API carry them.

use std::time::Duration;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    serde::Serialize,
    serde::Deserialize,
    sqlx::Type,
    utoipa::ToSchema,
)]
#[serde(transparent)]
#[sqlx(transparent)]
#[schema(value_type = i64)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Parses RFC 3339 (`2026-03-02T09:14:05.120Z`, offsets and any number of fractional digits allowed).
    /// `None` for anything else.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        text.trim().parse::<jiff::Timestamp>().ok().map(|t| Self(t.as_millisecond()))
    }

    /// RFC 3339 in UTC with milliseconds, as platforms expect it; the nearest representable moment when out of range.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        let moment = jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        format!("{moment:.3}")
    }

    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Time from `earlier` to `self`; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn platform_dates_are_read_in_all_their_spellings() {
        for text in ["2026-03-02T09:14:05.120Z", "2026-03-02T09:14:05.120000+00:00", "2026-03-02T10:14:05.12+01:00"] {
            assert_eq!(Timestamp::parse_rfc3339(text), Some(Timestamp(1_772_442_845_120)), "{text}");
        }
        assert_eq!(Timestamp::parse_rfc3339("yesterday"), None);
        assert_eq!(Timestamp(1_772_442_845_120).to_rfc3339(), "2026-03-02T09:14:05.120Z");
    }
}
