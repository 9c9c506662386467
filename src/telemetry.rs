//! Logs: one line per thing that happened, as text for people or JSON for machines.
//!
//! Promises: a field whose name is on the never-log list shows as `[redacted]`, whoever logs it and in either format.
//! Must not: decide what is worth logging; `docs/LOGGING.md` says that.

use std::fmt;
use std::io::IsTerminal as _;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use crate::text_enum;

text_enum!(
    /// How log lines look.
    LogFormat { Text = "text", Json = "json" }
);

/// Words that, anywhere in a field's name, keep its value out of every log.
const NEVER: &[&str] =
    &["password", "secret", "token", "cookie", "authorization", "credential", "apikey", "masterkey", "jwt"];

/// Whole words of a field's name that do the same: what a customer wrote is nobody's business in a log.
const NEVER_WORDS: &[&str] = &["text", "body", "payload", "html"];

/// Names that hold one of the above and are harmless.
const HARMLESS: &[&str] = &["token_id", "body_bytes", "text_length"];

/// Starts logging to stderr; `filter` is a `tracing` directive (`info`, `balie=debug`). A second call changes nothing.
pub fn start(format: LogFormat, filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let colour = format == LogFormat::Text && std::io::stderr().is_terminal();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colour)
        .fmt_fields(Fields)
        .event_format(Lines(format))
        .finish();
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// Whether a field of this name may show its value.
#[must_use]
pub fn may_log(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    let joined = name.replace('_', "");
    HARMLESS.contains(&name.as_str())
        || !(NEVER.iter().any(|word| joined.contains(word))
            || name.split(['_', '.']).any(|word| NEVER_WORDS.contains(&word)))
}

#[derive(Default)]
struct Collect(Map<String, Value>);

impl Collect {
    fn put(&mut self, field: &Field, value: Value) {
        let name = field.name().trim_start_matches("r#");
        let value = if may_log(name) { value } else { Value::from("[redacted]") };
        self.0.insert(name.to_owned(), value);
    }
}

impl Visit for Collect {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, Value::from(format!("{value:?}")));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, Value::from(value));
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, Value::from(value));
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, Value::from(value));
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, Value::from(value));
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, Value::from(value));
    }
}

struct Fields;

impl<'writer> FormatFields<'writer> for Fields {
    fn format_fields<R: tracing_subscriber::field::RecordFields>(
        &self,
        mut writer: Writer<'writer>,
        fields: R,
    ) -> fmt::Result {
        let mut collect = Collect::default();
        fields.record(&mut collect);
        for (at, (name, value)) in collect.0.iter().enumerate() {
            let space = if at == 0 { "" } else { " " };
            match value {
                Value::String(text) if !text.contains([' ', '\n', '"']) => write!(writer, "{space}{name}={text}")?,
                other => write!(writer, "{space}{name}={other}")?,
            }
        }
        Ok(())
    }
}

struct Lines(LogFormat);

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut collect = Collect::default();
        event.record(&mut collect);
        let message = collect.0.remove("message").and_then(|m| m.as_str().map(str::to_owned)).unwrap_or_default();
        let at = crate::clock::Clock::system().now().to_rfc3339();
        let (level, target) = (event.metadata().level(), event.metadata().target());
        let spans: Vec<String> = context
            .event_scope()
            .into_iter()
            .flat_map(tracing_subscriber::registry::Scope::from_root)
            .map(|span| {
                let extensions = span.extensions();
                let fields = extensions.get::<FormattedFields<N>>().map_or("", |f| f.fields.as_str());
                if fields.is_empty() { span.name().to_owned() } else { format!("{}{{{fields}}}", span.name()) }
            })
            .collect();
        match self.0 {
            LogFormat::Json => {
                let mut line = Map::new();
                line.insert("at".into(), at.into());
                line.insert("level".into(), level.as_str().to_ascii_lowercase().into());
                line.insert("message".into(), message.into());
                line.insert("target".into(), target.into());
                line.extend(collect.0);
                if !spans.is_empty() {
                    line.insert("spans".into(), spans.into());
                }
                writeln!(writer, "{}", Value::Object(line))
            }
            LogFormat::Text => {
                write!(writer, "{at} {level:>5} ")?;
                if !spans.is_empty() {
                    write!(writer, "{}: ", spans.join(":"))?;
                }
                // A line is a line: what came from outside may not make a second one.
                write!(writer, "{}", message.replace('\n', "\\n"))?;
                for (name, value) in &collect.0 {
                    match value {
                        Value::String(text) if !text.contains([' ', '\n', '"']) => write!(writer, " {name}={text}")?,
                        other => write!(writer, " {name}={other}")?,
                    }
                }
                writeln!(writer)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Fields, Lines, LogFormat, may_log};
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, say: impl FnOnce()) -> String {
        let paper = Paper::default();
        let copy = paper.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || copy.clone())
            .fmt_fields(Fields)
            .event_format(Lines(format))
            .finish();
        tracing::subscriber::with_default(subscriber, say);
        String::from_utf8(paper.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn secrets_are_redacted_in_events_and_spans_of_both_formats() {
        for format in [LogFormat::Text, LogFormat::Json] {
            let line = logged(format, || {
                let span = tracing::info_span!("request", access_token = "s3cr3t-1", account = 7);
                span.in_scope(|| tracing::info!(password = "s3cr3t-2", attempt = 3, "signed in"));
            });
            assert!(!line.contains("s3cr3t"), "{line}");
            assert!(line.contains("[redacted]") && line.contains("signed in") && line.contains("account=7"), "{line}");
        }
    }

    #[test]
    fn a_text_from_outside_cannot_forge_a_line() {
        let line =
            logged(LogFormat::Text, || tracing::info!(name = "x\n2026-01-01 ERROR forged", "hello\nERROR forged"));
        assert_eq!(line.lines().count(), 1, "{line}");
    }

    #[test]
    fn the_never_log_list_knows_spellings() {
        for name in
            ["password", "new_password", "Authorization", "set-cookie", "access_token", "refreshJwt", "text", "payload"]
        {
            assert!(!may_log(name), "{name}");
        }
        for name in ["token_id", "account", "attempt", "body_bytes", "context"] {
            assert!(may_log(name), "{name}");
        }
    }
}
