//! Opening hours, as an admin writes them.
//!
//! One line per rule: `mon-fri 09:00-17:30`, `za 10-16`, `mon 09:00-12:30, 13:00-17:00`, `2026-12-25 closed`. A line for a date outweighs the
//! weekdays. Nothing at all means always open. English and Dutch names of days are understood.
//!
//! Promises: true to the clock on the wall of its time zone, through both changes of the clock.
//! Must not: tell the time; it is told.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;

use crate::model::Timestamp;

/// How far ahead the next opening is looked for, in days.
const AHEAD: i64 = 21;
const MINUTES: u16 = 24 * 60;

/// When somebody is there.
#[derive(Clone, Debug)]
pub struct Hours {
    zone: TimeZone,
    days: Vec<(u8, Vec<Span>)>,
    dates: Vec<(Date, Vec<Span>)>,
}

/// Minutes since midnight; an end before the beginning is the next day.
type Span = (u16, u16);

impl Hours {
    /// Reads the lines.
    ///
    /// # Errors
    /// The line or the time zone that cannot be read.
    pub fn parse(text: &str, zone: &str) -> Result<Self, String> {
        let zone = TimeZone::get(zone).map_err(|_| zone.to_owned())?;
        let mut hours = Self { zone, days: Vec::new(), dates: Vec::new() };
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            hours.line(line).ok_or_else(|| line.to_owned())?;
        }
        Ok(hours)
    }

    fn line(&mut self, line: &str) -> Option<()> {
        let (when, spans) = line.split_once(char::is_whitespace)?;
        let spans = match spans.trim().to_lowercase().as_str() {
            "closed" | "dicht" | "gesloten" => Vec::new(),
            spans => spans.split(',').map(|one| span(one.trim())).collect::<Option<Vec<Span>>>()?,
        };
        if let Ok(date) = when.parse::<Date>() {
            self.dates.push((date, spans));
            return Some(());
        }
        let when = when.trim_end_matches(':').to_lowercase();
        let mut days = 0;
        for part in when.split(',') {
            let (from, to) = part.split_once('-').unwrap_or((part, part));
            let (from, to) = (day(from)?, day(to)?);
            // A week goes round: fri-mon is four days.
            let length = (to + 7 - from) % 7;
            for n in 0..=length {
                days |= 1 << ((from + n) % 7);
            }
        }
        self.days.push((days, spans));
        Some(())
    }

    fn is_always(&self) -> bool {
        self.days.is_empty() && self.dates.is_empty()
    }

    fn spans(&self, date: Date) -> Vec<Span> {
        if let Some((_, spans)) = self.dates.iter().rev().find(|(one, _)| *one == date) {
            return spans.clone();
        }
        if self.days.is_empty() {
            // Only exceptions were written: every other day is open.
            return vec![(0, MINUTES)];
        }
        let bit = 1 << date.weekday().to_monday_zero_offset();
        self.days.iter().filter(|(days, _)| days & bit != 0).flat_map(|(_, spans)| spans.clone()).collect()
    }

    /// The openings that begin on a date.
    fn openings(&self, date: Date) -> Vec<(Timestamp, Timestamp)> {
        let mut all: Vec<_> = self
            .spans(date)
            .into_iter()
            .filter_map(|(from, to)| {
                let end = if to <= from { to + MINUTES } else { to };
                Some((self.moment(date, from)?, self.moment(date, end)?))
            })
            .collect();
        all.sort_unstable();
        all
    }

    fn moment(&self, date: Date, minute: u16) -> Option<Timestamp> {
        let date = if minute >= MINUTES { date.tomorrow().ok()? } else { date };
        let minute = minute % MINUTES;
        let time = Time::new((minute / 60) as i8, (minute % 60) as i8, 0, 0).ok()?;
        let zoned = date.to_datetime(time).to_zoned(self.zone.clone()).ok()?;
        Some(Timestamp(zoned.timestamp().as_millisecond()))
    }

    /// Whether somebody is there, and if not, when somebody will be, as far as that is known.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> (bool, Option<Timestamp>) {
        if self.is_always() {
            return (true, None);
        }
        let Ok(moment) = jiff::Timestamp::from_millisecond(now.0) else { return (true, None) };
        let mut date = moment.to_zoned(self.zone.clone()).date();
        // Yesterday's evening may reach into today.
        let yesterday = date.yesterday().map(|date| self.openings(date)).unwrap_or_default();
        let is_in = |(from, to): &(Timestamp, Timestamp)| *from <= now && now < *to;
        if yesterday.iter().any(is_in) || self.openings(date).iter().any(is_in) {
            return (true, None);
        }
        for _ in 0..AHEAD {
            if let Some((from, _)) = self.openings(date).into_iter().find(|(from, to)| *from > now && to > from) {
                return (false, Some(from));
            }
            let Ok(next) = date.tomorrow() else { break };
            date = next;
        }
        (false, None)
    }
}

fn span(text: &str) -> Option<Span> {
    let (from, to) = text.split_once(['-', '–'])?;
    let (from, to) = (minute(from.trim())?, minute(to.trim())?);
    (from < MINUTES && from != to).then_some((from, to))
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once([':', '.']).unwrap_or((text, "0"));
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    let all = hour.checked_mul(60)?.checked_add(minute)?;
    (minute < 60 && all <= MINUTES).then_some(all)
}

fn day(name: &str) -> Option<u8> {
    let day = match name.trim() {
        "mon" | "monday" | "ma" | "maandag" => Weekday::Monday,
        "tue" | "tuesday" | "di" | "dinsdag" => Weekday::Tuesday,
        "wed" | "wednesday" | "wo" | "woensdag" => Weekday::Wednesday,
        "thu" | "thursday" | "do" | "donderdag" => Weekday::Thursday,
        "fri" | "friday" | "vr" | "vrijdag" => Weekday::Friday,
        "sat" | "saturday" | "za" | "zaterdag" => Weekday::Saturday,
        "sun" | "sunday" | "zo" | "zondag" => Weekday::Sunday,
        _ => return None,
    };
    u8::try_from(day.to_monday_zero_offset()).ok()
}

#[cfg(test)]
mod tests {
    use super::Hours;
    use crate::model::Timestamp;

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    fn hours(text: &str) -> Hours {
        Hours::parse(text, "Europe/Amsterdam").unwrap()
    }

    #[test]
    fn nothing_written_is_always_open() {
        assert_eq!(hours("").at(at("2026-03-01T03:00:00Z")), (true, None));
    }

    #[test]
    fn a_week_opens_and_closes_on_the_minute_and_says_when_it_opens_again() {
        let week = hours("ma-vr 09:00-12:30, 13:00-17:30\nsat 10-16");
        // 2 March 2026 is a Monday; Amsterdam is an hour ahead.
        assert_eq!(week.at(at("2026-03-02T07:59:59Z")), (false, Some(at("2026-03-02T08:00:00Z"))));
        assert_eq!(week.at(at("2026-03-02T08:00:00Z")), (true, None));
        assert_eq!(week.at(at("2026-03-02T11:30:00Z")), (false, Some(at("2026-03-02T12:00:00Z"))));
        assert_eq!(week.at(at("2026-03-06T16:30:00Z")), (false, Some(at("2026-03-07T09:00:00Z"))));
        assert_eq!(week.at(at("2026-03-07T15:00:00Z")), (false, Some(at("2026-03-09T08:00:00Z"))));
    }

    #[test]
    fn the_clock_on_the_wall_counts_when_the_clock_changes() {
        let week = hours("mon-sun 09:00-17:00");
        // On 29 March 2026 Amsterdam goes from +1 to +2.
        assert_eq!(week.at(at("2026-03-28T17:00:00Z")), (false, Some(at("2026-03-29T07:00:00Z"))));
    }

    #[test]
    fn a_date_outweighs_its_weekday() {
        let week = hours("mon-fri 09:00-17:00\n2026-12-25 closed\n2026-12-24 09:00-13:00");
        assert_eq!(week.at(at("2026-12-24T12:30:00Z")), (false, Some(at("2026-12-28T08:00:00Z"))));
    }

    #[test]
    fn a_night_belongs_to_the_evening_it_began_in() {
        let night = hours("fri 22:00-02:00");
        assert!(night.at(at("2026-03-07T00:30:00Z")).0);
        assert!(!night.at(at("2026-03-07T01:00:00Z")).0);
        assert!(!night.at(at("2026-03-06T00:30:00Z")).0);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for line in ["someday 9-17", "mon 9", "mon 25:00-26:00", "mon 09:60-10:00", "mon", "2026-13-01 closed"] {
            assert_eq!(Hours::parse(&format!("tue 9-17\n{line}"), "Europe/Amsterdam").unwrap_err(), line);
        }
        assert_eq!(Hours::parse("", "Mars/Olympus").unwrap_err(), "Mars/Olympus");
    }
}
