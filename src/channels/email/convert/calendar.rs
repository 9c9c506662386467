//! An invitation in a few words (RFC 5545): what, when, where, who.
//!
//! Promises: reads what is there and leaves the file to whoever wants more; never fails.

/// The events of a calendar file, one line each; empty when there are none.
pub(super) fn summary(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(more), Some(last)) if last.len() < 4_000 => last.push_str(more),
            _ => lines.push(line.trim_end().to_owned()),
        }
    }
    let mut events = Vec::new();
    let mut method = String::new();
    let mut event: Option<Event> = None;
    for line in &lines {
        let Some((key, value)) = split(line) else { continue };
        let (name, parameters) = key.split_once(';').unwrap_or((key, ""));
        match (name.to_ascii_uppercase().as_str(), &mut event) {
            ("METHOD", None) => method = value.to_ascii_uppercase(),
            ("BEGIN", _) if value.eq_ignore_ascii_case("VEVENT") => event = Some(Event::default()),
            ("END", _) if value.eq_ignore_ascii_case("VEVENT") => {
                if let Some(event) = event.take()
                    && events.len() < 5
                {
                    events.push(event.line(&method));
                }
            }
            ("SUMMARY", Some(event)) => event.what = plain(value),
            ("LOCATION", Some(event)) => event.place = plain(value),
            ("DTSTART", Some(event)) => event.from = moment(value, parameters),
            ("DTEND", Some(event)) => event.to = moment(value, parameters),
            ("STATUS", Some(event)) => event.cancelled = value.eq_ignore_ascii_case("CANCELLED"),
            ("ORGANIZER", Some(event)) => {
                let name = parameters.split(';').find_map(|p| p.strip_prefix("CN=").or_else(|| p.strip_prefix("cn=")));
                event.who =
                    plain(name.unwrap_or_else(|| value.trim_start_matches("mailto:").trim_start_matches("MAILTO:")));
            }
            _ => {}
        }
    }
    events
}

#[derive(Default)]
struct Event {
    what: String,
    place: String,
    who: String,
    from: String,
    to: String,
    cancelled: bool,
}

impl Event {
    fn line(&self, method: &str) -> String {
        let same_day = self.from.get(..10).is_some() && self.from.get(..10) == self.to.get(..10);
        let until = if same_day { self.to.get(11..).unwrap_or_default() } else { self.to.as_str() };
        let when = if until.is_empty() { self.from.clone() } else { format!("{}–{until}", self.from) };
        let mark = if self.cancelled || method == "CANCEL" {
            "📅 ✗"
        } else if method == "REPLY" {
            "📅 ✓"
        } else {
            "📅"
        };
        let parts: Vec<&str> =
            [self.what.as_str(), &when, &self.place, &self.who].into_iter().filter(|part| !part.is_empty()).collect();
        format!("{mark} {}", parts.join(" · "))
    }
}

/// Name with parameters, and value: the first colon that is not inside quotes.
fn split(line: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    for (at, c) in line.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ':' if !quoted => return Some((&line[..at], &line[at + 1..])),
            _ => {}
        }
    }
    None
}

fn plain(value: &str) -> String {
    let text = value
        .trim_matches('"')
        .replace("\\n", " ")
        .replace("\\N", " ")
        .replace("\\,", ",")
        .replace("\\;", ";")
        .replace("\\\\", "\\");
    super::head::tidy(&text).chars().take(200).collect()
}

/// `20260304T140000Z` as `2026-03-04 14:00 UTC`; with its time zone where one is named.
fn moment(value: &str, parameters: &str) -> String {
    let digits = |from: usize, to: usize| value.get(from..to).filter(|part| part.bytes().all(|b| b.is_ascii_digit()));
    let (Some(year), Some(month), Some(day)) = (digits(0, 4), digits(4, 6), digits(6, 8)) else { return String::new() };
    let mut text = format!("{year}-{month}-{day}");
    if let (Some(hour), Some(minute)) = (digits(9, 11), digits(11, 13)) {
        text.push_str(&format!(" {hour}:{minute}"));
        if value.ends_with('Z') {
            text.push_str(" UTC");
        } else if let Some(zone) = parameters.split(';').find_map(|p| p.strip_prefix("TZID=")) {
            text.push_str(&format!(" {}", plain(zone)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::summary;

    #[test]
    fn an_invitation_says_what_when_where_and_who() {
        let text = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nSUMMARY:Bespreking\\, recla\r\n matie\r\nDTSTART;TZID=Europe/Amsterdam:20260304T140000\r\nDTEND;TZID=Europe/Amsterdam:20260304T150000\r\nLOCATION:Utrecht\r\nORGANIZER;CN=\"Anna: de V\":mailto:anna@home.example\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
        assert_eq!(
            summary(text),
            ["📅 Bespreking, reclamatie · 2026-03-04 14:00 Europe/Amsterdam–14:00 Europe/Amsterdam"
                .replace("–14:00", "–15:00")
                + " · Utrecht · Anna: de V"]
        );
        assert_eq!(summary("BEGIN:VEVENT\nDTSTART:zomaar\nEND:VEVENT"), ["📅 "]);
        assert!(summary("geen agenda").is_empty());
    }
}
