//! Sizes, durations and counts.

/// Bytes in decimal units with three significant figures: `305 kB`, `1.25 GB`.
pub fn bytes(count: i64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let count = count.max(0);
    if count < 1000 {
        return format!("{count} B");
    }
    let mut value = count as f64;
    let mut unit = 0;
    // 999.5 would be shown as 1000
    while value >= 999.5 && unit < UNITS.len() - 1 {
        value /= 1000.0;
        unit += 1;
    }
    let digits = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
    format!("{value:.digits$} {}", UNITS[unit])
}

/// A duration: `19.9 s`, `2:05`, `1:00:00`; empty when unknown.
pub fn duration(ms: i64) -> String {
    match ms {
        ..=0 => String::new(),
        1..59_950 => format!("{}.{} s", (ms + 50) / 1000, (ms + 50) / 100 % 10),
        _ => {
            let seconds = (ms + 500) / 1000;
            let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
            if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
        }
    }
}

/// A count with thin spaces between groups: `1 234 567`.
pub fn count(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut out = if n < 0 { String::from("-") } else { String::new() };
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// A count capped at 10,000, where it reads `10 000+`.
pub fn capped(n: i64) -> String {
    if n >= 10_000 { format!("{}+", count(10_000)) } else { count(n) }
}

/// `1 recording`, `2 recordings`.
pub fn plural(n: i64, one: &str) -> String {
    format!("{} {one}{}", count(n), if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let cases = [(0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (305_956, "306 kB"), (12_345_678, "12.3 MB")];
        for (n, text) in cases {
            assert_eq!(bytes(n), text);
        }
        assert_eq!(bytes(999_600), "1.00 MB");
        assert_eq!(bytes(i64::MAX), "9223372 TB");
    }

    #[test]
    fn durations() {
        let cases =
            [(0, ""), (950, "1.0 s"), (19_967, "20.0 s"), (59_960, "1:00"), (125_000, "2:05"), (3_600_000, "1:00:00")];
        for (ms, text) in cases {
            assert_eq!(duration(ms), text);
        }
    }

    #[test]
    fn counts() {
        assert_eq!(count(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(count(-12), "-12");
        assert_eq!(capped(10_000), "10\u{202f}000+");
        assert_eq!(plural(1, "row") + &plural(0, "row"), "1 row0 rows");
    }
}
