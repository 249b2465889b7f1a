//! One `[[provider]]`, `[[integration]]` or `[[account]]`, or an entry of a variable that declares such.

use super::error::{Origin, Problem};
use super::written::{Value, Written};
use std::collections::BTreeMap;

/// A declaration as written.
#[derive(Debug, Clone)]
pub(super) struct Declared {
    /// Its heading's line, or the variable.
    pub(super) heading: Origin,
    /// `None` in a file, which says what this vault says.
    pub(super) words: Option<Words>,
    /// By this vault's names.
    pub(super) keys: BTreeMap<String, Written>,
}

/// How the entries of a variable are told apart, and their keys called.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words {
    /// Its place in the array, counted from 1.
    pub(super) entry: usize,
    /// What the key `kind` is called.
    pub(super) kind: &'static str,
    /// Keys with another name: (there, here).
    pub(super) keys: &'static [(&'static str, &'static str)],
}

impl Words {
    /// This vault's name of a key.
    pub(super) fn ours<'a>(&self, key: &'a str) -> &'a str {
        self.keys.iter().find(|(theirs, _)| *theirs == key).map_or(key, |(_, ours)| ours)
    }

    fn theirs<'a>(&self, key: &'a str) -> &'a str {
        if key == "kind" {
            return self.kind;
        }
        self.keys.iter().find(|(_, ours)| *ours == key).map_or(key, |(theirs, _)| theirs)
    }
}

impl Declared {
    /// What a key is called where it was written.
    pub(super) fn called<'a>(&self, key: &'a str) -> &'a str {
        self.words.map_or(key, |words| words.theirs(key))
    }

    /// A problem with a key, at its own line, or at the heading if it is missing. A variable has no lines: there the key is
    /// named.
    pub(super) fn problem(&self, what: &str, key: &str, message: &str) -> Problem {
        let origin = self.keys.get(key).map_or(&self.heading, |written| &written.origin);
        let title = match (self.keys.get("name").map(|written| &written.value), self.words) {
            (Some(Value::Scalar(name)), _) => format!("{what} \"{}\"", name.escape_debug()),
            (_, Some(words)) => format!("{what} {} of the list", words.entry),
            _ => what.to_owned(),
        };
        let quoted = format!("'{}'", self.called(key));
        let message = match message.strip_prefix(&format!("'{key}'")) {
            Some(rest) => format!("{quoted}{rest}"),
            None if self.words.is_some() && !key.is_empty() && !message.contains(&quoted) => {
                format!("{quoted}: {message}")
            }
            None => message.to_owned(),
        };
        Problem::at(origin, format!("{title}: {message}"))
    }
}
