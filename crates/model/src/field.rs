//! Settings are described once; form, validation and storage follow from the description.

use crate::text_file::{MAX_MULTILINE, TextFile};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Longest value of a one-line setting, in bytes.
pub const MAX_TEXT: usize = 1024;

/// How a setting is entered and checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// One line of text.
    Text,
    /// An `http(s)://` address.
    Url,
    /// A credential: sealed at rest, never sent to a browser.
    Secret,
    /// A credential of several lines, handled as [`FieldKind::Secret`].
    SecretLines,
    /// `true` or `false`.
    Toggle,
    /// One of a few values: (value, label).
    Select(&'static [(&'static str, &'static str)]),
    /// Several lines of text.
    Multiline,
    /// A whole number within bounds, both included.
    Number {
        /// Smallest.
        min: u64,
        /// Largest.
        max: u64,
    },
}

/// Where the form shows a field; forms have two columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Left: what to connect to.
    Connection,
    /// Right: credentials and options.
    Credentials,
}

/// One setting of a connection kind.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Key in forms and in the configuration file.
    pub name: &'static str,
    /// Label in the form.
    pub label: &'static str,
    /// One sentence below the field.
    pub help: &'static str,
    /// Example shown while the field is empty.
    pub placeholder: &'static str,
    /// How it is entered.
    pub kind: FieldKind,
    /// Whether it must be given.
    pub required: bool,
    /// Value when nothing is given.
    pub default: &'static str,
    /// Column of the form.
    pub column: Column,
    /// Whether it decides *where* secrets are sent. If it changes, secrets must be typed again, so that nobody can have
    /// a stored secret sent to their own host.
    pub target: bool,
    /// The kind of file that can fill it, for a multi-line setting. At most one field of a kind has it: files dropped
    /// onto the dialog go there.
    pub file: Option<TextFile>,
}

impl Field {
    /// An optional one-line field in the left column.
    pub const fn text(name: &'static str, label: &'static str) -> Self {
        Self {
            name,
            label,
            help: "",
            placeholder: "",
            kind: FieldKind::Text,
            required: false,
            default: "",
            column: Column::Connection,
            target: false,
            file: None,
        }
    }

    /// An address.
    pub const fn url(name: &'static str, label: &'static str) -> Self {
        Self { kind: FieldKind::Url, target: true, ..Self::text(name, label) }
    }

    /// A credential, in the right column.
    pub const fn secret(name: &'static str, label: &'static str) -> Self {
        Self { kind: FieldKind::Secret, column: Column::Credentials, ..Self::text(name, label) }
    }

    /// Several lines that may hold credentials, in the right column.
    pub const fn secret_lines(name: &'static str, label: &'static str) -> Self {
        Self { kind: FieldKind::SecretLines, column: Column::Credentials, ..Self::text(name, label) }
    }

    /// A switch, in the right column.
    pub const fn toggle(name: &'static str, label: &'static str, default: bool) -> Self {
        Self {
            kind: FieldKind::Toggle,
            column: Column::Credentials,
            default: if default { "true" } else { "false" },
            ..Self::text(name, label)
        }
    }

    /// A choice.
    pub const fn select(
        name: &'static str,
        label: &'static str,
        options: &'static [(&'static str, &'static str)],
        default: &'static str,
    ) -> Self {
        Self { kind: FieldKind::Select(options), default, ..Self::text(name, label) }
    }

    /// Several lines, in the right column.
    pub const fn multiline(name: &'static str, label: &'static str) -> Self {
        Self { kind: FieldKind::Multiline, column: Column::Credentials, ..Self::text(name, label) }
    }

    /// A whole number. Always has a default, so that the typed setting is never missing.
    pub const fn number(name: &'static str, label: &'static str, min: u64, max: u64, default: &'static str) -> Self {
        Self { kind: FieldKind::Number { min, max }, default, ..Self::text(name, label) }
    }

    /// Makes it required.
    pub const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// Marks it as deciding where secrets go.
    pub const fn target(self) -> Self {
        Self { target: true, ..self }
    }

    /// Puts it into the right column.
    pub const fn in_right_column(self) -> Self {
        Self { column: Column::Credentials, ..self }
    }

    /// Lets it be filled from a file.
    pub const fn file(self, file: TextFile) -> Self {
        Self { file: Some(file), ..self }
    }

    /// Sets the sentence below the field.
    pub const fn help(self, help: &'static str) -> Self {
        Self { help, ..self }
    }

    /// Sets the example.
    pub const fn placeholder(self, placeholder: &'static str) -> Self {
        Self { placeholder, ..self }
    }

    /// Whether it is a credential.
    pub const fn is_secret(&self) -> bool {
        matches!(self.kind, FieldKind::Secret | FieldKind::SecretLines)
    }

    /// Checks one value on its own.
    pub fn check(&self, value: &str) -> Result<(), String> {
        if value.is_empty() {
            return if self.required { Err(format!("{} is required", self.label)) } else { Ok(()) };
        }
        let lines = matches!(self.kind, FieldKind::Multiline | FieldKind::SecretLines);
        let max = if lines { MAX_MULTILINE } else { MAX_TEXT };
        if value.len() > max {
            return Err(format!("{} is too long: at most {max} bytes", self.label));
        }
        if !lines && value.chars().any(char::is_control) {
            return Err(format!("{} must be one line without control characters", self.label));
        }
        match self.kind {
            FieldKind::Url if !is_http_url(value) => {
                Err(format!("{} must start with http:// or https:// and name a host", self.label))
            }
            FieldKind::Toggle if !matches!(value, "true" | "false") => {
                Err(format!("{} must be true or false", self.label))
            }
            FieldKind::Select(options) if !options.iter().any(|(v, _)| *v == value) => {
                let known: Vec<_> = options.iter().map(|(v, _)| *v).collect();
                Err(format!("{} must be one of: {}", self.label, known.join(", ")))
            }
            FieldKind::Number { min, max } if !whole_number(value).is_some_and(|n| (min..=max).contains(&n)) => {
                Err(format!("{} must be a whole number from {min} to {max}", self.label))
            }
            _ => Ok(()),
        }
    }
}

/// Digits only: no sign, no fraction.
fn whole_number(text: &str) -> Option<u64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn is_http_url(value: &str) -> bool {
    let rest = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"));
    rest.is_some_and(|r| !r.is_empty() && !r.starts_with('/') && !r.contains(char::is_whitespace))
}

/// Something wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// The field's name; empty when no single field is at fault.
    pub field: String,
    /// What is wrong, as a sentence.
    pub message: String,
}

impl FieldError {
    /// A problem with a field.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// Checks the field `region`: it becomes part of a host's name.
pub(crate) fn check_region(region: &str) -> Vec<FieldError> {
    if region.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
        return Vec::new();
    }
    vec![FieldError::new("region", "Region must be letters, digits and dashes, like eu-west-1")]
}

/// Values by field name, as text. Settings travel and are stored (sealed) in this form.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Settings(BTreeMap<String, String>);

impl Settings {
    /// Empty settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// A value; empty when not given.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Sets a value; an empty one is dropped.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let (name, value) = (name.into(), value.into());
        if value.is_empty() {
            self.0.remove(&name);
        } else {
            self.0.insert(name, value);
        }
    }

    /// Like [`Self::set`], for building in one expression.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.set(name, value);
        self
    }

    /// All values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// Names of the values that are given.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl FromIterator<(String, String)> for Settings {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(values: T) -> Self {
        let mut settings = Self::new();
        for (name, value) in values {
            settings.set(name, value);
        }
        settings
    }
}

/// Shows names only: values may be secrets.
impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_whole_and_within_bounds() {
        let field = Field::number("concurrency", "Transfers at a time", 1, 64, "4");
        for good in ["1", "64", "007"] {
            assert_eq!(field.check(good), Ok(()), "{good}");
        }
        for bad in ["0", "65", "-1", "+5", "4.0", "4 ", "four", "99999999999999999999"] {
            assert_eq!(
                field.check(bad),
                Err("Transfers at a time must be a whole number from 1 to 64".into()),
                "{bad}"
            );
        }
    }
}
