//! Not knocking at a door that stays shut: providers lock mailboxes that are knocked at.

use std::time::Duration;

use crate::channels::ChannelError;
use crate::model::Timestamp;

const REFUSALS: u32 = 3;
const LEFT_ALONE: Duration = Duration::from_secs(15 * 60);

/// After three refusals in a row a server is left alone for a quarter of an hour.
#[derive(Debug, Default)]
pub struct Patience {
    refusals: u32,
    left_alone: Option<(Timestamp, ChannelError)>,
}

impl Patience {
    /// Whether one may knock now.
    ///
    /// # Errors
    /// The last refusal, while the server is left alone.
    pub fn may_knock(&mut self, now: Timestamp) -> Result<(), ChannelError> {
        if let Some((until, error)) = &self.left_alone {
            if *until > now {
                return Err(error.clone());
            }
            // One more try; another refusal and it is left alone again.
            self.left_alone = None;
        }
        Ok(())
    }

    /// The server said no.
    pub fn refused(&mut self, error: &ChannelError, now: Timestamp) {
        self.refusals = self.refusals.saturating_add(1);
        if self.refusals >= REFUSALS {
            self.left_alone = Some((now.plus(LEFT_ALONE), error.clone()));
        }
    }

    /// The server said yes.
    pub fn accepted(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::{LEFT_ALONE, Patience, REFUSALS};
    use crate::channels::ChannelError;
    use crate::model::Timestamp;

    #[test]
    fn who_is_refused_three_times_comes_back_after_a_quarter_of_an_hour() {
        let (mut patience, mut now) = (Patience::default(), Timestamp(1_000_000));
        let no = ChannelError::transient("no");
        for _ in 0..REFUSALS {
            patience.may_knock(now).unwrap();
            patience.refused(&no, now);
        }
        assert!(patience.may_knock(now).is_err());
        now = now.plus(LEFT_ALONE);
        patience.may_knock(now).unwrap();
        patience.refused(&no, now);
        assert!(patience.may_knock(now).is_err(), "one more try, not three");
        patience.accepted();
        patience.refused(&no, now);
        assert!(patience.may_knock(now).is_ok());
    }
}
