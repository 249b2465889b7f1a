//! Keyset pages: a position in a list ordered by (time, id), newest first.

use serde::{Deserialize, Serialize};

/// A position between two rows, written `<time>-<id>` in URLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Unix milliseconds.
    pub time: i64,
    /// Row id; orders rows of the same time.
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

/// Where in the list a page starts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Position {
    /// The newest rows.
    #[default]
    Newest,
    /// The rows just older than this.
    OlderThan(Cursor),
    /// The rows just newer than this.
    NewerThan(Cursor),
}

/// One page of rows, and the cursors to its neighbours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The rows, newest first.
    pub items: Vec<T>,
    /// Continue after this to see older rows; `None` at the end.
    pub older: Option<Cursor>,
    /// Continue before this to see newer rows; `None` at the start.
    pub newer: Option<Cursor>,
}

impl<T> Page<T> {
    /// Cuts a page of `limit` rows from those that follow a position, nearest first. One row more shows that the list
    /// goes on.
    pub fn cut(mut rows: Vec<T>, position: Position, limit: usize, cursor: impl Fn(&T) -> Cursor) -> Self {
        let more = rows.len() > limit;
        rows.truncate(limit);
        let (older, newer) = match position {
            Position::Newest => (more, false),
            Position::OlderThan(_) => (more, true),
            Position::NewerThan(_) => (true, more),
        };
        if matches!(position, Position::NewerThan(_)) {
            rows.reverse();
        }
        Self {
            older: rows.last().map(&cursor).filter(|_| older),
            newer: rows.first().map(&cursor).filter(|_| newer),
            items: rows,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_knows_whether_it_goes_on() {
        let at = |id: i64| Cursor { time: 0, id };
        let cut = |rows: &[i64], position| Page::cut(rows.to_vec(), position, 2, |id| at(*id));
        let page = |items: &[i64], older: Option<i64>, newer: Option<i64>| Page {
            items: items.to_vec(),
            older: older.map(at),
            newer: newer.map(at),
        };
        assert_eq!(cut(&[9, 8, 7], Position::Newest), page(&[9, 8], Some(8), None));
        assert_eq!(cut(&[9, 8], Position::Newest), page(&[9, 8], None, None));
        assert_eq!(cut(&[7, 6, 5], Position::OlderThan(at(8))), page(&[7, 6], Some(6), Some(7)));
        assert_eq!(cut(&[7], Position::OlderThan(at(8))), page(&[7], None, Some(7)));
        assert_eq!(cut(&[6, 7, 8], Position::NewerThan(at(5))), page(&[7, 6], Some(6), Some(7)));
        assert_eq!(cut(&[6, 7], Position::NewerThan(at(5))), page(&[7, 6], Some(6), None));
        assert_eq!(cut(&[], Position::Newest), page(&[], None, None));
    }

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
