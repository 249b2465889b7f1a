//! `Range: bytes=…` (RFC 9110 §14).

use std::ops::Range;

/// What a Range header asks of an object.
#[derive(Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All of it: no header, an unreadable one, or several ranges (which a server may answer with the whole).
    Whole,
    /// These bytes.
    Part(Range<u64>),
    /// Bytes that it does not have.
    Unsatisfiable,
}

/// Parses the header for an object of `size` bytes.
pub fn parse(header: &str, size: u64) -> Wanted {
    let Some(spec) = header.trim().strip_prefix("bytes=").map(str::trim) else { return Wanted::Whole };
    let Some((first, last)) = spec.split_once('-') else { return Wanted::Whole };
    let number = |s: &str| {
        if s.is_empty() || !s.bytes().all(|b| b.is_ascii_digit()) { None } else { Some(s.parse().unwrap_or(u64::MAX)) }
    };
    match (first, number(first), last, number(last)) {
        // the last n bytes
        ("", None, _, Some(0)) => Wanted::Unsatisfiable,
        ("", None, _, Some(n)) if size > 0 => Wanted::Part(size.saturating_sub(n)..size),
        ("", None, _, Some(_)) => Wanted::Unsatisfiable,
        (_, Some(first), "", None) if first < size => Wanted::Part(first..size),
        (_, Some(_), "", None) => Wanted::Unsatisfiable,
        (_, Some(first), _, Some(last)) if first > last => Wanted::Whole,
        (_, Some(first), _, Some(last)) if first < size => Wanted::Part(first..last.saturating_add(1).min(size)),
        (_, Some(_), _, Some(_)) => Wanted::Unsatisfiable,
        _ => Wanted::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (header, wanted) in [
            ("bytes=0-", Wanted::Part(0..10)),
            ("bytes=0-3", Wanted::Part(0..4)),
            ("bytes=4-99999999999999999999999", Wanted::Part(4..10)),
            ("bytes=9-9", Wanted::Part(9..10)),
            ("bytes=-3", Wanted::Part(7..10)),
            ("bytes=-99", Wanted::Part(0..10)),
            ("bytes=10-", Wanted::Unsatisfiable),
            ("bytes=10-12", Wanted::Unsatisfiable),
            ("bytes=-0", Wanted::Unsatisfiable),
            ("bytes=3-2", Wanted::Whole),
            ("bytes=a-b", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes=+1-2", Wanted::Whole),
            ("bytes=0-1,3-4", Wanted::Whole),
            ("items=0-1", Wanted::Whole),
            ("", Wanted::Whole),
        ] {
            assert_eq!(parse(header, 10), wanted, "{header}");
        }
        assert_eq!(parse("bytes=-5", 0), Wanted::Unsatisfiable);
    }
}
