//! Providers and integrations.

use model::connection::Family;
use model::field::Settings;
use std::fmt::Write as _;

/// A provider or an integration, to be declared to a vault or opened without one.
pub(crate) struct Declared {
    family: Family,
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) settings: Settings,
}

impl Declared {
    pub(crate) fn provider(name: &'static str, kind: &'static str, settings: Settings) -> Self {
        Self { family: Family::Provider, name, kind, settings }
    }

    pub(crate) fn integration(name: &'static str, kind: &'static str, settings: Settings) -> Self {
        Self { family: Family::Integration, name, kind, settings }
    }

    /// Its section of `vault.toml`.
    pub(crate) fn section(&self) -> String {
        let Self { family, name, kind, settings } = self;
        let mut section = format!("[[{}]]\nname = \"{name}\"\nkind = \"{kind}\"\n", family.as_str());
        for (key, value) in settings.iter() {
            let _ = writeln!(section, "{key} = {}", toml::Value::from(value));
        }
        section
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_a_setting() {
        let key = "{\n \"a\": 'b\\n' }";
        let section = Declared::provider("store", "gcs", Settings::new().with("service_key", key)).section();
        let read: toml::Table = section.parse().expect("valid");
        assert_eq!(read["provider"][0]["service_key"].as_str(), Some(key));
    }
}
