//! Turns written values into typed ones, and collects all problems.

use super::document::Document;
use super::error::{Origin, Problem};
use super::written::{Value, Written};
use model::Secret;
use std::str::FromStr;
use std::time::Duration;

/// Takes values out of a document.
pub(super) struct Reader<'a> {
    pub(super) document: &'a Document,
    pub(super) problems: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    /// The value if `parse` accepts it, else the default; `wanted` completes "must be …".
    pub(super) fn parsed<T>(&mut self, key: &str, default: T, wanted: &str, parse: impl Fn(&str) -> Option<T>) -> T {
        let Some(Written { value, origin }) = self.document.keys.get(key) else { return default };
        match value {
            Value::Scalar(text) => match parse(text) {
                Some(parsed) => return parsed,
                None => self.refuse(origin, key, wanted),
            },
            Value::List(_) => self.refuse(origin, key, &format!("{wanted}, not a list")),
            Value::Other(what) => self.refuse(origin, key, &format!("{wanted}, not {what}")),
        }
        default
    }

    /// A list, or a text with commas, which is what a variable can hold; empty if it is not given.
    pub(super) fn list<T>(&mut self, key: &str, wanted: &str, parse: impl Fn(&str) -> Option<T>) -> Vec<T> {
        let Some(Written { value, origin }) = self.document.keys.get(key) else { return Vec::new() };
        let parsed: Option<Vec<T>> = match value {
            Value::Scalar(text) => text.split(',').map(|item| parse(item.trim())).collect(),
            Value::List(items) => items.iter().map(|item| parse(item)).collect(),
            Value::Other(_) => None,
        };
        parsed.unwrap_or_else(|| {
            self.refuse(origin, key, wanted);
            Vec::new()
        })
    }

    fn refuse(&mut self, origin: &Origin, key: &str, wanted: &str) {
        self.problems.push(Problem::at(origin, format!("{key} must be {wanted}")));
    }

    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        self.parsed(key, None, "a text", |s| Some(Some(s.to_owned())))
    }

    pub(super) fn secret(&mut self, key: &str) -> Option<Secret> {
        self.text(key).map(Secret::new)
    }

    pub(super) fn typed<T: FromStr>(&mut self, key: &str, default: T, wanted: &str) -> T {
        self.parsed(key, default, wanted, |s| s.parse().ok())
    }

    pub(super) fn flag(&mut self, key: &str, default: bool) -> bool {
        self.typed(key, default, "true or false")
    }

    pub(super) fn seconds(&mut self, key: &str, default: u64, max: u64) -> Duration {
        let wanted = format!("a number of seconds from 1 to {max}");
        let inside = |s: &str| s.parse().ok().filter(|n| (1..=max).contains(n));
        Duration::from_secs(self.parsed(key, default, &wanted, inside))
    }

    pub(super) fn bytes(&mut self, key: &str, default: u64) -> u64 {
        self.parsed(key, default, "a size such as 500000000, \"512 MiB\" or \"4 GiB\"", parse_size)
    }
}

/// Parses `4 GiB`, `500MB`, `1024`.
fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1000,
        "mb" => 1000_u64.pow(2),
        "gb" => 1000_u64.pow(3),
        "tb" => 1000_u64.pow(4),
        "kib" | "k" => 1 << 10,
        "mib" | "m" => 1 << 20,
        "gib" | "g" => 1 << 30,
        "tib" | "t" => 1 << 40,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor).filter(|n| (1..=i64::MAX as u64).contains(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes) in [("1024", 1024), ("4 GiB", 4 << 30), ("500MB", 500_000_000), ("1 k", 1024)] {
            assert_eq!(parse_size(text), Some(bytes), "{text}");
        }
        for bad in ["", "0", "GiB", "-1", "1.5 GiB", "1 parsec", "99999999 TiB"] {
            assert_eq!(parse_size(bad), None, "{bad}");
        }
    }
}
