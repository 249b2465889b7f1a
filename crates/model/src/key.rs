//! Names of recordings: parsed once at the edge, trusted everywhere after.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Longest file name, path part or directory, in bytes; what common file systems allow.
pub const MAX_SEGMENT: usize = 255;
/// Longest key, in bytes; S3's own limit.
pub const MAX_KEY: usize = 1024;
/// Most parts of a path: directories, and in a key the file name.
const MAX_DEPTH: usize = 16;

/// Why a name was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing was given.
    #[error("is empty")]
    Empty,
    /// Longer than so many bytes.
    #[error("is too long: at most {most} bytes")]
    TooLong {
        /// [`MAX_SEGMENT`], or [`MAX_KEY`] for a key.
        most: usize,
    },
    /// A part of it is longer than [`MAX_SEGMENT`].
    #[error("has a part that is too long: at most {MAX_SEGMENT} bytes")]
    LongPart,
    /// More than [`MAX_DEPTH`] parts.
    #[error("has too many parts: at most {MAX_DEPTH}, joined by slashes")]
    TooDeep,
    /// Holds `/` where a single name was expected, or starts with it.
    #[error("must not hold or start with a slash")]
    Slash,
    /// Holds a backslash, a NUL or another control character.
    #[error("holds a character that is not allowed (backslash or control character)")]
    Character,
    /// `.`, `..` or an empty part of a path, plain or percent-encoded.
    #[error("must not hold an empty part, '.' or '..'")]
    Traversal,
    /// A key needs a directory and a file name.
    #[error("must be a directory and a file name, joined by a slash")]
    NoDirectory,
    /// Starts with [`RESERVED_PREFIX`].
    #[error("starts with a name the vault keeps for itself (.vault-)")]
    Reserved,
}

/// Prefix of the vault's own names inside a store (staging, parts, probes, marks); no recording may use it.
pub const RESERVED_PREFIX: &str = ".vault-";

fn check_segment(s: &str) -> Result<(), NameError> {
    if s.is_empty() {
        return Err(NameError::Empty);
    }
    if s.len() > MAX_SEGMENT {
        return Err(NameError::TooLong { most: MAX_SEGMENT });
    }
    if s.contains('/') {
        return Err(NameError::Slash);
    }
    if s.chars().any(|c| c == '\\' || c.is_control()) {
        return Err(NameError::Character);
    }
    if is_dots(s) || hides_traversal(s) {
        return Err(NameError::Traversal);
    }
    // In any case: some folders do not tell them apart.
    if s.get(..RESERVED_PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(RESERVED_PREFIX)) {
        return Err(NameError::Reserved);
    }
    Ok(())
}

fn is_dots(s: &str) -> bool {
    matches!(s, "." | "..")
}

/// Names are taken literally, never decoded. Those that something further down might decode to a path (`%2e%2e`, `%2f`,
/// `%5c`, `%00`) are refused all the same.
fn hides_traversal(s: &str) -> bool {
    let lower = s.to_ascii_lowercase();
    ["%2f", "%5c", "%00", "%0a", "%0d"].iter().any(|e| lower.contains(e)) || is_dots(&lower.replace("%2e", "."))
}

/// A file name without directory.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileName(String);

impl FileName {
    /// Parses a name; see [`NameError`] for what is refused.
    pub fn parse(s: &str) -> Result<Self, NameError> {
        check_segment(s)?;
        Ok(Self(s.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A directory, possibly nested (`hub-user/site`), without leading or trailing slash.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Directory(String);

impl Directory {
    /// Parses a directory; one trailing slash is dropped.
    pub fn parse(s: &str) -> Result<Self, NameError> {
        let s = s.strip_suffix('/').unwrap_or(s);
        check_path(s, MAX_SEGMENT)?;
        Ok(Self(s.to_owned()))
    }

    /// The directory.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check_path(s: &str, max: usize) -> Result<(), NameError> {
    if s.is_empty() {
        return Err(NameError::Empty);
    }
    if s.len() > max {
        return Err(NameError::TooLong { most: max });
    }
    if s.starts_with('/') {
        return Err(NameError::Slash);
    }
    if s.split('/').count() > MAX_DEPTH {
        return Err(NameError::TooDeep);
    }
    s.split('/').try_for_each(|part| match check_segment(part) {
        Err(NameError::Empty) => Err(NameError::Traversal),
        Err(NameError::TooLong { .. }) => Err(NameError::LongPart),
        other => other,
    })
}

/// The full key of a recording: `directory/filename`. The same text names the object in the store.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectKey(String);

impl ObjectKey {
    /// Parses a full key as readers send it.
    pub fn parse(s: &str) -> Result<Self, NameError> {
        check_path(s, MAX_KEY)?;
        if !s.contains('/') {
            return Err(NameError::NoDirectory);
        }
        Ok(Self(s.to_owned()))
    }

    /// A key below [`RESERVED_PREFIX`], for the objects a probe writes and removes.
    pub fn for_probe(unique: &str) -> Self {
        Self(format!("{RESERVED_PREFIX}probe/{unique}"))
    }

    /// The key of the mark by which places are told apart (ADR 0012).
    pub fn of_place_mark() -> Self {
        Self(format!("{RESERVED_PREFIX}place/id"))
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part after the last slash.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The part before the last slash.
    pub fn directory(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(d, _)| d)
    }
}

macro_rules! text_type {
    ($t:ty) => {
        impl fmt::Display for $t {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl TryFrom<String> for $t {
            type Error = NameError;
            fn try_from(s: String) -> Result<Self, NameError> {
                Self::parse(&s)
            }
        }
        impl From<$t> for String {
            fn from(t: $t) -> String {
                t.0
            }
        }
    };
}
text_type!(FileName);
text_type!(Directory);
text_type!(ObjectKey);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refuses_what_could_escape() {
        for (bad, why) in [
            ("", NameError::Empty),
            ("..", NameError::Traversal),
            ("a/b", NameError::Slash),
            ("/etc", NameError::Slash),
            ("a\\b", NameError::Character),
            ("a\0b", NameError::Character),
            ("a\r\nb", NameError::Character),
            ("%2e%2E", NameError::Traversal),
            (".%2e", NameError::Traversal),
            ("a%2Fb", NameError::Traversal),
            (".vault-x", NameError::Reserved),
            (".VAULT-place", NameError::Reserved),
        ] {
            assert_eq!(FileName::parse(bad), Err(why), "{bad:?}");
        }
        assert_eq!(FileName::parse(&"x".repeat(256)), Err(NameError::TooLong { most: 255 }));
        for (directory, told) in
            [("x".repeat(256), NameError::TooLong { most: 255 }), (["x"; 17].join("/"), NameError::TooDeep)]
        {
            assert_eq!(Directory::parse(&directory), Err(told));
        }
        assert_eq!(ObjectKey::parse(&format!("{}/a", "x".repeat(256))), Err(NameError::LongPart));
        assert_eq!(ObjectKey::parse(&vec!["x".repeat(205); 5].join("/")), Err(NameError::TooLong { most: 1024 }));
        for bad in ["a", "/a/b", "a//b", "a/../b", "a/b/", "../a"] {
            assert!(ObjectKey::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_the_vault_keeps_for_itself_nobody_may_name() {
        let mark = ObjectKey::of_place_mark();
        assert_eq!(ObjectKey::parse(mark.as_str()), Err(NameError::Reserved));
        assert_eq!(Directory::parse(mark.directory()), Err(NameError::Reserved));
        assert_eq!(ObjectKey::parse(&format!("a/{mark}")), Err(NameError::Reserved));
    }

    #[test]
    fn accepts_what_agents_send() {
        for good in
            ["1606164482_6-818812_Fundo Esquerda_229-153-288-247_51_745.mp4", "été_摄像头.mp4", "100%.mp4", "a..b.mp4"]
        {
            assert!(FileName::parse(good).is_ok(), "{good:?}");
        }
        let key = ObjectKey::parse("hub-user/site/a.mp4").expect("valid");
        assert_eq!((key.directory(), key.file_name()), ("hub-user/site", "a.mp4"));
        assert_eq!(Directory::parse("site/").expect("valid").as_str(), "site");
    }

    proptest! {
        // Most are refused.
        #![proptest_config(ProptestConfig { max_global_rejects: 100_000, ..ProptestConfig::default() })]

        /// Every other one is made of parts, so that enough are accepted.
        #[test]
        fn accepted_keys_never_leave_their_root(
            s in prop_oneof!["[a-z./%2eEfF\\\\]{0,24}", "[a-z.%2eEfF]{1,8}(/[a-z.%2eEfF\\\\]{1,8}){1,3}"],
        ) {
            let key = ObjectKey::parse(&s);
            prop_assume!(key.is_ok());
            let key = key.expect("accepted");
            prop_assert!(!key.as_str().starts_with('/'));
            prop_assert!(key.as_str().split('/').all(|p| !p.is_empty() && p != "." && p != ".."));
            prop_assert!(!key.as_str().contains('\\'));
        }
    }
}
