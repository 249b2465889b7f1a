//! What an agent says of a recording beside its bytes and its name (docs/protocol.md §2).

use super::{Label, header};
use crate::file_name::{is_region, number, unix_ms};
use serde::{Deserialize, Serialize};

/// Longest recording that is believed, in milliseconds.
const LONGEST_MS: u64 = 366 * 24 * 3600 * 1000;
/// Most frames a second.
const MOST_FPS: f64 = 240.0;

/// Facts about a recording. Each is a valid text, as it was said, or empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// Frames per second: a decimal fraction above 0, at most 240.
    pub fps: String,
    /// Its length in milliseconds.
    pub duration: String,
    /// Its beginning, Unix milliseconds or seconds.
    pub timestamp: String,
    /// The camera's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub device_name: String,
    /// Where motion was seen, `x1-y1-x2-y2`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub region: String,
    /// How many pixels changed; -1 when nobody counted.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub changes: String,
}

impl Facts {
    /// Reads them: `said` answers the text under a header's name, empty where there is none. A bad value is left out, as a
    /// recording is worth more than what is said of it; the second list names the headers that held one.
    pub fn read(said: impl Fn(&str) -> String) -> (Self, Vec<&'static str>) {
        let mut dropped = Vec::new();
        let mut read = |header, is_valid: fn(&str) -> bool| {
            let text = said(header);
            if text.is_empty() || (Label::parse(text.as_str()).is_some() && is_valid(&text)) {
                return text;
            }
            dropped.push(header);
            String::new()
        };
        let facts = Self {
            fps: read(header::FPS, is_fps),
            duration: read(header::DURATION, |text| duration_ms(text).is_some()),
            timestamp: read(header::TIMESTAMP, |text| timestamp_ms(text).is_some()),
            device_name: read(header::DEVICE_NAME, |_| true),
            region: read(header::REGION, is_region),
            changes: read(header::CHANGES, |text| text == "-1" || number::<i32>(text).is_some()),
        };
        (facts, dropped)
    }

    /// Its length in milliseconds, if it was said.
    pub fn duration_ms(&self) -> Option<u64> {
        duration_ms(&self.duration)
    }

    /// Its beginning in Unix milliseconds, if it was said.
    pub fn timestamp_ms(&self) -> Option<i64> {
        timestamp_ms(&self.timestamp)
    }
}

fn duration_ms(text: &str) -> Option<u64> {
    number(text).filter(|ms| (1..=LONGEST_MS).contains(ms))
}

fn timestamp_ms(text: &str) -> Option<i64> {
    number(text).and_then(unix_ms).filter(|ms| *ms > 0)
}

/// Digits, and after a point more of them: no sign, no exponent, no `NaN`.
fn is_fps(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole) && digits(fraction) && text.parse().is_ok_and(|fps: f64| fps > 0.0 && fps <= MOST_FPS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(name: &'static str, text: &str) -> (Facts, Vec<&'static str>) {
        Facts::read(|asked| if asked == name { text.to_owned() } else { String::new() })
    }

    #[test]
    fn what_newer_agents_say() {
        let said = |name: &str| {
            match name {
                header::FPS => "24.97",
                header::DURATION => "19967",
                header::TIMESTAMP => "1606164482818",
                header::DEVICE_NAME => "Front_Door 50% ünï",
                header::REGION => "229-153-288-247",
                header::CHANGES => "51",
                _ => "",
            }
            .to_owned()
        };
        let (facts, dropped) = Facts::read(said);
        assert_eq!((facts.duration_ms(), facts.timestamp_ms()), (Some(19_967), Some(1_606_164_482_818)));
        assert_eq!((facts.fps.as_str(), facts.device_name.as_str()), ("24.97", "Front_Door 50% ünï"));
        assert_eq!((facts.region.as_str(), facts.changes.as_str(), dropped.len()), ("229-153-288-247", "51", 0));
    }

    #[test]
    fn what_is_good_is_kept_as_it_was_said_and_what_is_bad_is_left_out() {
        let long = "x".repeat(Label::MAX + 1);
        for (name, good, bad) in [
            (
                header::FPS,
                &["25", "24.97", "240", "240.0", "0.5"][..],
                &["0", "0.0", "240.01", "-1", "+1", "1e2", "NaN", "inf", ".5", "5.", "1,5", "25 fps"][..],
            ),
            (
                header::DURATION,
                &["1", "19967", "31622400000"],
                &["0", "-1", "31622400001", "99999999999999999999", "1.5", "19967ms"],
            ),
            (
                header::TIMESTAMP,
                &["1606164482", "1606164482818", "1"],
                &["0", "-1", "99999999999999999999", "2020-11-23", "1606164482.5"],
            ),
            (header::DEVICE_NAME, &["Front Door", "_"], &[&long, "a\u{1}b"]),
            (header::REGION, &["0-0-0-0", "229-153-288-247"], &["1-2-3", "1-2-3-4-5", "a-b-c-d", "1--2-3"]),
            (header::CHANGES, &["-1", "0", "2147483647"], &["-2", "2147483648", "many"]),
        ] {
            for text in good {
                let (facts, dropped) = read(name, text);
                assert!(dropped.is_empty() && format!("{facts:?}").contains(text), "{name}: {text}");
            }
            for text in bad {
                assert_eq!(read(name, text), (Facts::default(), vec![name]), "{text}");
            }
        }
    }

    #[test]
    fn seconds_are_told_from_milliseconds() {
        assert_eq!(read(header::TIMESTAMP, "1606164482").0.timestamp_ms(), Some(1_606_164_482_000));
        assert_eq!(read(header::TIMESTAMP, "1606164482818").0.timestamp_ms(), Some(1_606_164_482_818));
    }

    proptest! {
        #[test]
        fn nothing_that_is_said_panics_and_what_is_kept_is_valid(text in "\\PC{0,30}|[0-9.eE+\\-]{0,24}") {
            let (facts, dropped) = Facts::read(|_| text.clone());
            let fps = facts.fps.parse::<f64>();
            prop_assert!(facts.fps.is_empty() || fps.is_ok_and(|fps| fps > 0.0 && fps <= 240.0));
            prop_assert!(facts.duration.is_empty() || facts.duration_ms().is_some());
            prop_assert!(facts.timestamp.is_empty() || facts.timestamp_ms().is_some());
            prop_assert!(dropped.len() <= 6);
        }

        #[test]
        fn every_fraction_up_to_240_is_a_rate(whole in 0..240_u32, fraction in 1..1_000_000_u32) {
            let text = format!("{whole}.{fraction:06}");
            prop_assert_eq!(read(header::FPS, &text).0.fps, text);
        }
    }
}
