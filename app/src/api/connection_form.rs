//! The contents of a connection's dialog, and the checks the browser can do.

use model::connection::{Family, Kind};
use model::field::{FieldError, FieldKind, Settings};
use model::name;
use model::probe::ProbeReport;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use model::connection::ConnectionView;

/// What the dialog submits. All texts, because a plain HTML form sends nothing else.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnectionInput {
    /// Row id; empty for a new connection.
    pub id: String,
    /// Its last change when the form was opened; empty for a new connection.
    pub version: String,
    /// `provider` or `integration`.
    pub family: String,
    /// Kind's name.
    pub kind: String,
    /// Unique name.
    pub name: String,
    /// Whether it is enabled; an unticked box is not sent.
    pub enabled: bool,
    /// Values by field.
    pub settings: Settings,
    /// Stored secrets to remove, each `true`; an unticked box is not sent.
    pub cleared: Settings,
}

/// Shows no settings.
impl std::fmt::Debug for ConnectionInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectionInput").field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl ConnectionInput {
    /// The settings, trimmed; a switch that was not sent is off, whatever its default.
    pub fn settings(&self, kind: &Kind) -> Settings {
        let mut settings: Settings = self.settings.iter().map(|(n, v)| (n.to_owned(), v.trim().to_owned())).collect();
        for field in kind.fields.iter().filter(|f| matches!(f.kind, FieldKind::Toggle)) {
            if settings.get(field.name).is_empty() {
                settings.set(field.name, "false");
            }
        }
        settings
    }

    /// Names of the stored secrets to remove.
    pub fn cleared(&self) -> Vec<String> {
        self.cleared.names().map(str::to_owned).collect()
    }

    /// Everything wrong that the browser can find. `editor` knows the stored values.
    pub fn check(&self, kind: &Kind, editor: &ConnectionEditor) -> Vec<FieldError> {
        let mut errors: Vec<FieldError> = name::check(self.name.trim()).err().into_iter().collect();
        let edited = self.settings(kind);
        let kept: Vec<&str> =
            editor.secrets_set.iter().map(String::as_str).filter(|name| edited.get(name).is_empty()).collect();
        // The browser does not have the stored secrets: any text stands for them.
        let stored = editor.secrets_set.iter().fold(editor.stored.clone(), |s, name| s.with(name.as_str(), "set"));
        match kind.keep_secrets(&stored, edited, &self.cleared()) {
            Err(retype) => errors.extend(retype),
            Ok(complete) => {
                errors.extend(kind.check(&complete).into_iter().filter(|e| !kept.contains(&e.field.as_str())))
            }
        }
        errors
    }
}

/// Everything the dialog shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionEditor {
    /// Provider or integration.
    pub family: Family,
    /// Row id; `None` for a new connection.
    pub id: Option<i64>,
    /// Its last change, Unix milliseconds; 0 for a new connection.
    pub version: i64,
    /// Kind's name.
    pub kind: String,
    /// Name in the form.
    pub name: String,
    /// Whether it is enabled.
    pub enabled: bool,
    /// Values in the form, without secrets.
    pub settings: Settings,
    /// Stored values, without secrets.
    pub stored: Settings,
    /// Secrets that have a stored value.
    pub secrets_set: Vec<String>,
    /// Names that a provider had and still answers to.
    pub former_names: Vec<String>,
    /// Declared in the configuration file, hence read-only.
    pub provisioned: bool,
    /// What was wrong with the last submission, if made without JavaScript.
    pub errors: Vec<FieldError>,
    /// Validate's report, likewise.
    pub report: Option<ProbeReport>,
    /// A test event's report, likewise.
    pub test: Option<ProbeReport>,
}

impl ConnectionEditor {
    /// The kind's definition.
    pub fn kind(&self) -> Option<&'static Kind> {
        self.family.kind(&self.kind)
    }
}

#[cfg(feature = "ssr")]
impl ConnectionEditor {
    /// The form of a stored connection.
    pub(super) fn of_view(view: ConnectionView) -> Self {
        Self {
            family: view.family,
            id: Some(view.id),
            version: view.updated_at,
            kind: view.kind,
            name: view.name,
            enabled: view.enabled,
            stored: view.settings.clone(),
            settings: view.settings,
            secrets_set: view.secrets_set,
            former_names: view.former_names,
            provisioned: view.provisioned,
            errors: Vec::new(),
            report: None,
            test: None,
        }
    }

    /// An empty form.
    pub(super) fn of_kind(family: Family, kind: &str) -> Self {
        Self {
            family,
            id: None,
            version: 0,
            kind: kind.to_owned(),
            name: String::new(),
            enabled: true,
            settings: Settings::new(),
            stored: Settings::new(),
            secrets_set: Vec::new(),
            former_names: Vec::new(),
            provisioned: false,
            errors: Vec::new(),
            report: None,
            test: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minio(settings: Settings) -> ConnectionInput {
        ConnectionInput {
            family: "provider".into(),
            kind: "minio".into(),
            name: "edge".into(),
            settings,
            ..Default::default()
        }
    }

    fn editor(secrets_set: &[&str], stored: Settings) -> ConnectionEditor {
        ConnectionEditor {
            family: Family::Provider,
            id: Some(1),
            version: 1,
            kind: "minio".into(),
            name: "edge".into(),
            enabled: true,
            settings: stored.clone(),
            stored,
            secrets_set: secrets_set.iter().map(|s| (*s).to_owned()).collect(),
            former_names: Vec::new(),
            provisioned: false,
            errors: Vec::new(),
            report: None,
            test: None,
        }
    }

    #[test]
    fn the_browser_finds_what_the_server_would() {
        let kind = Family::Provider.kind("minio").expect("known");
        let shown = Settings::new().with("bucket", "recordings").with("host", "minio:9000").with("access_key", "a");
        let fields = |errors: Vec<FieldError>| errors.into_iter().map(|e| e.field).collect::<Vec<_>>();

        let new = editor(&[], Settings::new());
        assert_eq!(fields(minio(shown.clone()).check(kind, &new)), ["secret_key"]);

        let stored = editor(&["secret_key"], shown.clone().with("ssl", "false"));
        assert_eq!(fields(minio(shown.clone()).check(kind, &stored)), Vec::<String>::new());
        let moved = minio(shown.with("host", "other:9000"));
        assert_eq!(moved.check(kind, &stored)[0].message, "Secret key must be typed again because Host has changed");
        let named = ConnectionInput { name: "x".repeat(65), ..minio(stored.settings.clone()) };
        assert_eq!(fields(named.check(kind, &stored)), ["name"]);
    }

    #[test]
    fn an_unticked_switch_is_off() {
        let kind = Family::Provider.kind("minio").expect("known");
        assert_eq!(minio(Settings::new().with("bucket", " b ")).settings(kind).get("ssl"), "false");
        assert_eq!(minio(Settings::new().with("bucket", " b ")).settings(kind).get("bucket"), "b");
    }

    #[test]
    fn a_forms_text_becomes_settings() {
        let text = "connection[kind]=s3&connection[name]=a+b&connection[enabled]=true&connection%5Bsettings%5D%5Bbucket%5D=x&connection[settings][region]=";
        #[derive(Deserialize)]
        struct Args {
            connection: ConnectionInput,
        }
        let args: Args = serde_qs::Config::new(5, false).deserialize_str(text).expect("readable");
        assert_eq!((args.connection.name.as_str(), args.connection.enabled), ("a b", true));
        assert_eq!(args.connection.settings.get("bucket"), "x");
    }
}
