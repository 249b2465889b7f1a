//! Keyset pages: a position in a list ordered by (time, id), newest first.

use serde::{Deserialize, Serialize};

/// A place between two rows. Written `<time>-<id>` in addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Unix milliseconds.
    pub time: i64,
    /// Row id, to tell rows of the same time apart.
    pub id: i64,
}

impl Cursor {
    /// Reads `<time>-<id>`.
    pub fn parse(s: &str) -> Option<Self> {
        let (time, id) = s.rsplit_once('-')?;
        Some(Self { time: time.parse().ok()?, id: id.parse().ok()? })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.time, self.id)
    }
}

/// Rows, and how to go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The rows, newest first.
    pub items: Vec<T>,
    /// Continue after this to see older rows; `None` at the end.
    pub older: Option<Cursor>,
    /// Continue before this to see newer rows; `None` at the start.
    pub newer: Option<Cursor>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_survives_an_address() {
        for cursor in [Cursor { time: 1606164482000, id: 7 }, Cursor { time: -5, id: 1 }] {
            assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        }
        for bad in ["", "1", "a-1", "1-"] {
            assert_eq!(Cursor::parse(bad), None, "{bad:?}");
        }
    }
}
