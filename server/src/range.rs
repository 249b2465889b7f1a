//! `Range: bytes=…` (RFC 9110 §14).

use std::ops::Range;

/// What a Range header asks of an object.
#[derive(Debug, PartialEq, Eq)]
pub enum RangeRequest {
    /// All of it: no header, an unreadable one, or several ranges (which a server may answer with the whole).
    Whole,
    /// These bytes.
    Part(Range<u64>),
    /// Bytes that it does not have.
    Unsatisfiable,
}

/// Parses the header for an object of `size` bytes.
pub fn parse(header: &str, size: u64) -> RangeRequest {
    let Some(spec) = header.trim().strip_prefix("bytes=").map(str::trim) else { return RangeRequest::Whole };
    let Some((first, last)) = spec.split_once('-') else { return RangeRequest::Whole };
    let number = |s: &str| {
        if s.is_empty() || !s.bytes().all(|b| b.is_ascii_digit()) { None } else { Some(s.parse().unwrap_or(u64::MAX)) }
    };
    match (first, number(first), last, number(last)) {
        // the last n bytes
        ("", None, _, Some(0)) => RangeRequest::Unsatisfiable,
        ("", None, _, Some(n)) if size > 0 => RangeRequest::Part(size.saturating_sub(n)..size),
        ("", None, _, Some(_)) => RangeRequest::Unsatisfiable,
        (_, Some(first), "", None) if first < size => RangeRequest::Part(first..size),
        (_, Some(_), "", None) => RangeRequest::Unsatisfiable,
        (_, Some(first), _, Some(last)) if first > last => RangeRequest::Whole,
        (_, Some(first), _, Some(last)) if first < size => RangeRequest::Part(first..last.saturating_add(1).min(size)),
        (_, Some(_), _, Some(_)) => RangeRequest::Unsatisfiable,
        _ => RangeRequest::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (header, wanted) in [
            ("bytes=0-", RangeRequest::Part(0..10)),
            ("bytes=0-3", RangeRequest::Part(0..4)),
            ("bytes=4-99999999999999999999999", RangeRequest::Part(4..10)),
            ("bytes=9-9", RangeRequest::Part(9..10)),
            ("bytes=-3", RangeRequest::Part(7..10)),
            ("bytes=-99", RangeRequest::Part(0..10)),
            ("bytes=10-", RangeRequest::Unsatisfiable),
            ("bytes=10-12", RangeRequest::Unsatisfiable),
            ("bytes=-0", RangeRequest::Unsatisfiable),
            ("bytes=3-2", RangeRequest::Whole),
            ("bytes=a-b", RangeRequest::Whole),
            ("bytes=-", RangeRequest::Whole),
            ("bytes=+1-2", RangeRequest::Whole),
            ("bytes=0-1,3-4", RangeRequest::Whole),
            ("items=0-1", RangeRequest::Whole),
            ("", RangeRequest::Whole),
        ] {
            assert_eq!(parse(header, 10), wanted, "{header}");
        }
        assert_eq!(parse("bytes=-5", 0), RangeRequest::Unsatisfiable);
    }
}
