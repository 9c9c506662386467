//! The table and `target/bench.json`.

use std::time::Duration;

use serde::Serialize;

/// One number.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub name: String,
    pub value: f64,
    pub unit: &'static str,
    /// What the value is compared with: the same work done barely in the same run, or the promised bound.
    pub baseline: Option<f64>,
    /// `value / baseline`.
    pub ratio: Option<f64>,
    #[serde(skip)]
    promise: Option<Promise>,
}

#[derive(Clone, Copy, Debug)]
enum Promise {
    RatioAtLeast(f64),
    RatioAtMost(f64),
    Below(f64),
}

/// All numbers of a run.
#[derive(Default)]
pub struct Report {
    rows: Vec<Row>,
}

impl Report {
    /// A number with a bound it must stay under.
    pub fn below(&mut self, name: impl Into<String>, value: f64, unit: &'static str, bound: f64) {
        self.add(name, value, unit, Some(bound), Some(Promise::Below(bound)));
    }

    /// A rate that must reach a share of the rate it is compared with.
    pub fn at_least(&mut self, name: impl Into<String>, value: f64, unit: &'static str, baseline: f64, share: f64) {
        self.add(name, value, unit, Some(baseline), Some(Promise::RatioAtLeast(share)));
    }

    /// A cost that may be so many times what it is compared with.
    pub fn at_most(&mut self, name: impl Into<String>, value: f64, unit: &'static str, baseline: f64, times: f64) {
        self.add(name, value, unit, Some(baseline), Some(Promise::RatioAtMost(times)));
    }

    /// A number without a promise.
    pub fn plain(&mut self, name: impl Into<String>, value: f64, unit: &'static str) {
        self.add(name, value, unit, None, None);
    }

    fn add(
        &mut self,
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
        baseline: Option<f64>,
        promise: Option<Promise>,
    ) {
        let row = Row { name: name.into(), value, unit, baseline, ratio: baseline.map(|b| value / b), promise };
        println!("{}", row.line());
        self.rows.push(row);
    }

    /// Prints all of it once more, together, and writes the file.
    pub fn finish(&self) {
        println!("\n{:<44} {:>12} {:<7} {:>12} {:>7}  promise", "measure", "value", "unit", "baseline", "ratio");
        for row in &self.rows {
            println!("{}", row.line());
        }
        let short: Vec<&str> = self.rows.iter().filter(|row| !row.kept()).map(|row| row.name.as_str()).collect();
        match short[..] {
            [] => println!("\nall promises kept"),
            _ => println!("\nshort of the promise: {}", short.join(", ")),
        }
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("bench.json"), serde_json::to_string_pretty(&self.rows).unwrap()).unwrap();
    }
}

impl Row {
    fn kept(&self) -> bool {
        match self.promise {
            None => true,
            Some(Promise::Below(bound)) => self.value < bound,
            Some(Promise::RatioAtLeast(share)) => self.ratio.is_some_and(|ratio| ratio >= share),
            Some(Promise::RatioAtMost(times)) => self.ratio.is_some_and(|ratio| ratio <= times),
        }
    }

    fn line(&self) -> String {
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.2}"));
        let promise = match self.promise {
            None => String::new(),
            Some(Promise::Below(bound)) => format!("< {bound} {}", self.unit),
            Some(Promise::RatioAtLeast(share)) => format!("ratio >= {share}"),
            Some(Promise::RatioAtMost(times)) => format!("ratio <= {times}"),
        };
        let mark = if self.kept() { "" } else { "  SHORT" };
        format!(
            "{:<44} {:>12} {:<7} {:>12} {:>7}  {promise}{mark}",
            self.name,
            number(Some(self.value)),
            self.unit,
            number(self.baseline),
            number(self.ratio)
        )
    }
}

/// The value below which 95 of 100 lie, in milliseconds.
pub fn p95(mut all: Vec<Duration>) -> f64 {
    all.sort_unstable();
    ms(all[(all.len() * 95 / 100).min(all.len() - 1)])
}

/// The middle value.
pub fn median(mut all: Vec<f64>) -> f64 {
    all.sort_unstable_by(f64::total_cmp);
    all[all.len() / 2]
}

pub fn ms(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
}
