//! Durations as Go writes them (`1h30m`, `1.5h`, `250ms`): programs of the ecosystem are written in Go.

use std::time::Duration;

const SECOND_NS: u128 = 1_000_000_000;

/// Most digits of a fraction that count: beyond them no unit has nanoseconds.
const FRACTION: usize = 15;

/// Reads what Go's `time.ParseDuration` reads, but for durations below zero. One that is too long is the longest there is.
pub fn parse_go_duration(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut nanoseconds = 0_u128;
    while !rest.is_empty() {
        let whole = digits(&mut rest);
        let fraction = match rest.strip_prefix('.') {
            Some(after) => {
                rest = after;
                digits(&mut rest)
            }
            None => "",
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let unit = unit(&mut rest)?;
        nanoseconds = nanoseconds.saturating_add(number(whole).saturating_mul(unit));
        let fraction = &fraction[..fraction.len().min(FRACTION)];
        let scale = fraction.chars().fold(1, |scale, _| scale * 10);
        nanoseconds = nanoseconds.saturating_add(number(fraction) * unit / scale);
    }
    let seconds = u64::try_from(nanoseconds / SECOND_NS).unwrap_or(u64::MAX);
    Some(Duration::new(seconds, u32::try_from(nanoseconds % SECOND_NS).unwrap_or_default()))
}

/// Takes the digits at the beginning.
fn digits<'a>(text: &mut &'a str) -> &'a str {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    *text = rest;
    digits
}

/// A number of digits; none are zero, too many the greatest number.
fn number(digits: &str) -> u128 {
    digits.bytes().fold(0_u128, |number, digit| number.saturating_mul(10).saturating_add(u128::from(digit - b'0')))
}

/// Takes the unit at the beginning: its nanoseconds.
fn unit(text: &mut &str) -> Option<u128> {
    let end = text.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(text.len());
    let (unit, rest) = text.split_at(end);
    *text = rest;
    Some(match unit {
        "ns" => 1,
        // The micro sign and the Greek letter.
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => SECOND_NS,
        "m" => 60 * SECOND_NS,
        "h" => 3600 * SECOND_NS,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_go_reads() {
        for (text, milliseconds) in [
            ("30m", 1_800_000),
            ("1h30m", 5_400_000),
            ("24h", 86_400_000),
            ("1.5h", 5_400_000),
            ("250ms", 250),
            ("0", 0),
            ("+5s", 5_000),
            (".5s", 500),
            ("5.s", 5_000),
            ("1h2m3.004s", 3_723_004),
            ("2000us", 2),
            ("2000µs", 2),
            ("2000μs", 2),
            ("3000000ns", 3),
            ("0.100000000000000000000h", 360_000),
            ("0.000000000000000000001h1ms", 1),
        ] {
            assert_eq!(parse_go_duration(text), Some(Duration::from_millis(milliseconds)), "{text}");
        }
        let longest = parse_go_duration("9999999999999999999999999999999999999999999h").expect("long");
        assert_eq!(longest.as_secs(), u64::MAX);
    }

    #[test]
    fn refuses_what_go_refuses_and_what_is_below_zero() {
        for text in
            ["", "+", "-5m", "3600", "1", ".", "s", ".s", "1h 30m", " 1h", "1d", "1H", "1h30", "1.2.3s", "++1s", "٣s"]
        {
            assert_eq!(parse_go_duration(text), None, "{text}");
        }
    }

    /// As Go's `Duration.String` writes it.
    fn written(duration: Duration) -> String {
        let (seconds, fraction) = (duration.as_secs(), duration.subsec_nanos());
        let fraction = format!(".{fraction:09}");
        let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
        match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
            (0, 0, s) => format!("{s}{fraction}s"),
            (0, m, s) => format!("{m}m{s}{fraction}s"),
            (h, m, s) => format!("{h}h{m}m{s}{fraction}s"),
        }
    }

    proptest! {
        #[test]
        fn whatever_go_writes_is_read_back(seconds in 0..u64::from(u32::MAX), nanoseconds in 0..1_000_000_000_u32) {
            let duration = Duration::new(seconds, nanoseconds);
            prop_assert_eq!(parse_go_duration(&written(duration)), Some(duration));
        }

        #[test]
        fn parts_add_up_in_any_order(parts in proptest::collection::vec((0..1000_u32, 0..6_usize), 1..8)) {
            let units = [("ns", 1), ("us", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000_u64)];
            let text: String = parts.iter().map(|(n, unit)| format!("{n}{}", units[*unit].0)).collect();
            let sum = parts.iter().map(|(n, unit)| u64::from(*n) * units[*unit].1).sum();
            prop_assert_eq!(parse_go_duration(&text), Some(Duration::from_nanos(sum)));
        }

        #[test]
        fn no_text_is_too_much(text in "[-+.0-9hmnsuµμ ]{0,60}") {
            let _ = parse_go_duration(&text);
        }
    }
}
