//! The command line.

use crate::measure::names;
use std::path::PathBuf;

pub(crate) const HELP: &str = "\
make bench                                     everything, into docs/benchmarks.md
make bench ARGS=\"[--quick] [measurement…]\"     only these, printed and not written
make bench ARGS=\"--before FILE\"               uploads, beside another version's release binary

Measurements: throughput stores resumable memory latency integrations neighbours forwarding retention media page
--quick       little load and few samples: shows that the harness works, figures mean nothing
--date DATE   date of the report";

/// What to measure, and how.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) measurements: Vec<&'static str>,
    pub(crate) quick: bool,
    pub(crate) date: String,
    /// Binary of another version to compare with.
    pub(crate) before: Option<PathBuf>,
}

impl Arguments {
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut parsed = Self { measurements: Vec::new(), quick: false, date: "without date".into(), before: None };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--quick" => parsed.quick = true,
                "--date" => parsed.date = arguments.next().ok_or("--date needs a date")?,
                "--before" => parsed.before = Some(arguments.next().ok_or("--before needs a file")?.into()),
                name => match names::NAMES.iter().find(|known| **known == name) {
                    Some(known) => parsed.measurements.push(known),
                    None => return Err(format!("there is no measurement '{name}'")),
                },
            }
        }
        match (&parsed.before, parsed.measurements.is_empty()) {
            (Some(_), true) => parsed.measurements.push(names::VERSIONS),
            (Some(_), false) => return Err("--before is a measurement by itself".into()),
            (None, true) => parsed.measurements = names::NAMES.to_vec(),
            (None, false) => {}
        }
        Ok(parsed)
    }

    /// Whether the figures are worth keeping.
    pub(crate) fn is_complete(&self) -> bool {
        !self.quick && names::NAMES.iter().all(|name| self.measurements.contains(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, String> {
        Arguments::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn only_a_complete_run_is_kept() {
        let all = parse("--date 2026-01-31").expect("valid");
        assert_eq!((all.date.as_str(), all.is_complete()), ("2026-01-31", true));
        assert!(!parse("--quick").expect("valid").is_complete());
        let some = parse("media page").expect("valid");
        assert_eq!((some.measurements.as_slice(), some.is_complete()), (["media", "page"].as_slice(), false));
        let versions = parse("--before old").expect("valid");
        assert_eq!((versions.measurements.as_slice(), versions.is_complete()), (["versions"].as_slice(), false));
        assert!(parse("media --before old").is_err());
        assert!(parse("medai").is_err() && parse("--date").is_err());
    }
}
