//! Texts of headers that end up in events.

use std::fmt;

/// A header's text without control characters, at most 512 bytes long; may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Label(String);

impl Label {
    /// Longest text, in bytes.
    pub const MAX: usize = 512;

    /// Takes a text; `None` when it is too long or holds control characters.
    pub fn parse(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        (text.len() <= Self::MAX && !text.chars().any(char::is_control)).then_some(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Label> for String {
    fn from(label: Label) -> Self {
        label.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_broken_lines_are_no_labels() {
        for good in ["", "IPCamera", "Haustür \u{1f6aa}", &"x".repeat(Label::MAX)] {
            assert_eq!(Label::parse(good).expect("valid").as_str(), good);
        }
        for bad in ["a\r\nb", "\u{7f}", "\u{0}", &"x".repeat(Label::MAX + 1)] {
            assert_eq!(Label::parse(bad), None, "{bad:?}");
        }
    }
}
