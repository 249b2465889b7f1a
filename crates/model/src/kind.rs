//! Kinds of connections: their settings, the form for them, and what makes them valid.

use crate::field::{Field, FieldError, FieldKind, Settings};
use serde::de::DeserializeOwned;

/// A kind's definition, one file in `providers/` or `integrations/`: a plain serde struct whose keys are those of
/// `FIELDS` (a test compares them).
pub trait Definition: DeserializeOwned {
    /// Name in the configuration file and the database.
    const NAME: &'static str;
    /// Name shown to people.
    const LABEL: &'static str;
    /// What to have ready before filling in the form; one or two sentences.
    const ABOUT: &'static str;
    /// The settings.
    const FIELDS: &'static [Field];

    /// Checks that concern more than one field.
    fn check(&self) -> Vec<FieldError> {
        Vec::new()
    }

    /// Builds the typed settings, checking every field and then all of them together.
    fn parse(settings: &Settings) -> Result<Self, Vec<FieldError>> {
        let typed: Self = from_settings(Self::FIELDS, settings)?;
        let errors = typed.check();
        if errors.is_empty() { Ok(typed) } else { Err(errors) }
    }
}

/// A kind of connection without its settings' type; lists and forms work with this.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// See [`Definition::NAME`].
    pub name: &'static str,
    /// See [`Definition::LABEL`].
    pub label: &'static str,
    /// See [`Definition::ABOUT`].
    pub about: &'static str,
    /// See [`Definition::FIELDS`].
    pub fields: &'static [Field],
    check: fn(&Settings) -> Vec<FieldError>,
}

impl Kind {
    /// The kind that a definition describes.
    pub const fn of<D: Definition>() -> Self {
        Self {
            name: D::NAME,
            label: D::LABEL,
            about: D::ABOUT,
            fields: D::FIELDS,
            check: |s| D::parse(s).err().unwrap_or_default(),
        }
    }

    /// Everything wrong with the settings; empty when they are valid.
    pub fn check(&self, settings: &Settings) -> Vec<FieldError> {
        (self.check)(settings)
    }

    /// A field by name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|f| f.name == name)
    }

    /// The settings with secrets taken out, and the names of the secrets that were set.
    pub fn redact(&self, settings: &Settings) -> (Settings, Vec<String>) {
        let mut shown = settings.clone();
        let mut set = Vec::new();
        for field in self.fields.iter().filter(|f| f.is_secret()) {
            if !settings.get(field.name).is_empty() {
                set.push(field.name.to_owned());
                shown.set(field.name, "");
            }
        }
        (shown, set)
    }

    /// Fills secrets left blank from the stored settings, except those to be cleared. Refuses if a field has changed
    /// that decides where they are sent.
    pub fn keep_secrets(
        &self,
        stored: &Settings,
        mut edited: Settings,
        cleared: &[String],
    ) -> Result<Settings, Vec<FieldError>> {
        let moved = self.fields.iter().find(|f| f.target && f.value(stored) != f.value(&edited));
        let mut errors = Vec::new();
        let blank = |f: &&Field| f.is_secret() && edited.get(f.name).is_empty() && !cleared.iter().any(|c| c == f.name);
        let blank: Vec<&Field> = self.fields.iter().filter(blank).collect();
        for field in blank {
            match moved {
                Some(_) if stored.get(field.name).is_empty() => {}
                Some(target) => errors.push(FieldError::new(
                    field.name,
                    format!("{} must be typed again because {} has changed", field.label, target.label),
                )),
                None => edited.set(field.name, stored.get(field.name)),
            }
        }
        if errors.is_empty() { Ok(edited) } else { Err(errors) }
    }
}

impl Field {
    /// The value in these settings, or the default.
    pub fn value<'a>(&'a self, settings: &'a Settings) -> &'a str {
        match settings.get(self.name) {
            "" => self.default,
            given => given,
        }
    }
}

fn from_settings<T: DeserializeOwned>(fields: &[Field], settings: &Settings) -> Result<T, Vec<FieldError>> {
    let mut errors: Vec<FieldError> = settings
        .names()
        .filter(|name| !fields.iter().any(|f| f.name == *name))
        .map(|name| FieldError::new(name, format!("unknown setting '{name}'{}", did_you_mean(name, fields))))
        .collect();
    let mut json = serde_json::Map::new();
    for field in fields {
        let value = field.value(settings);
        if let Err(message) = field.check(value) {
            errors.push(FieldError::new(field.name, message));
            continue;
        }
        let typed = match field.kind {
            FieldKind::Toggle => (value == "true").into(),
            FieldKind::Number { .. } => value.parse::<u64>().unwrap_or_default().into(),
            _ => value.into(),
        };
        json.insert(field.name.to_owned(), typed);
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    serde_json::from_value(json.into()).map_err(|e| vec![FieldError::new("", e.to_string())])
}

fn did_you_mean(name: &str, fields: &[Field]) -> String {
    let close =
        fields.iter().find(|f| f.name.starts_with(name) || name.starts_with(f.name) || same_letters(f.name, name));
    match close {
        Some(field) => format!("; did you mean '{}'?", field.name),
        None => format!("; known are: {}", fields.iter().map(|f| f.name).collect::<Vec<_>>().join(", ")),
    }
}

/// Whether two names have the same letters in any order, ignoring separators.
fn same_letters(a: &str, b: &str) -> bool {
    let sorted = |s: &str| {
        let mut letters: Vec<char> = s.chars().filter(|c| c.is_alphanumeric()).collect();
        letters.sort_unstable();
        letters
    };
    sorted(a) == sorted(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Family;

    fn example(kind: &Kind) -> Settings {
        let value = |f: &Field| match (f.default, f.placeholder) {
            ("", "") => "example".to_owned(),
            ("", placeholder) => placeholder.to_owned(),
            (default, _) => default.to_owned(),
        };
        kind.fields.iter().map(|f| (f.name.to_owned(), value(f))).collect()
    }

    /// Every struct denies unknown fields and has no optional ones, so this fails when a struct has a key that FIELDS
    /// lacks, or the reverse.
    #[test]
    fn every_kinds_fields_are_its_structs_keys() {
        for family in [Family::Provider, Family::Integration] {
            for kind in family.kinds() {
                assert_eq!(kind.check(&example(kind)), [], "{family} {}", kind.name);
                assert!(!kind.about.is_empty() && kind.fields.iter().all(|f| !f.label.is_empty()), "{}", kind.name);
            }
        }
    }

    #[test]
    fn a_file_fills_one_field_of_several_lines() {
        for kind in [Family::Provider, Family::Integration].into_iter().flat_map(Family::kinds) {
            let fields: Vec<_> = kind.fields.iter().filter(|f| f.file.is_some()).collect();
            assert!(fields.len() <= 1, "{}: a file that is dropped has two fields to go to", kind.name);
            let lines = |f: &&Field| matches!(f.kind, FieldKind::Multiline | FieldKind::SecretLines);
            assert!(fields.iter().all(lines), "{}: a line cannot hold a file", kind.name);
        }
    }

    #[test]
    fn names_the_field_and_what_is_wrong() {
        let kind = Family::Provider.kind("s3").expect("known");
        let errors =
            kind.check(&Settings::new().with("bucket", "recordings").with("regoin", "x").with("path_style", "ja"));
        let find = |name: &str| errors.iter().find(|e| e.field == name).map(|e| e.message.as_str());
        assert_eq!(find("regoin"), Some("unknown setting 'regoin'; did you mean 'region'?"));
        assert_eq!(find("region"), Some("Region is required"));
        assert_eq!(find("path_style"), Some("Bucket in the path must be true or false"));
    }

    #[test]
    fn blank_secrets_are_kept_unless_the_target_moves() {
        let kind = Family::Provider.kind("minio").expect("known");
        let stored = example(kind);
        let (shown, set) = kind.redact(&stored);
        assert_eq!((shown.get("secret_key"), set), ("", vec!["secret_key".to_owned()]));
        assert_eq!(kind.keep_secrets(&stored, shown.clone(), &[]).as_ref(), Ok(&stored));
        let errors =
            kind.keep_secrets(&stored, shown.clone().with("host", "evil:9000"), &[]).expect_err("must be typed again");
        let cleared = kind.keep_secrets(&stored, shown, &["secret_key".into()]).expect("nothing to keep");
        assert_eq!(cleared.get("secret_key"), "");
        assert_eq!(errors[0].message, "Secret key must be typed again because Host has changed");
    }
}
