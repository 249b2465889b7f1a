//! The contents of an account's dialog, and the checks the browser can do.

use model::account::{self, AccountForm, AccountView};
use model::field::FieldError;
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

#[cfg(feature = "ssr")]
use super::AppError;

/// What the dialog submits.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountInput {
    /// Row id; empty for a new account.
    pub id: String,
    /// Its last change when the form was opened; empty for a new account.
    pub version: String,
    /// Unique name.
    pub name: String,
    /// Whether its agents may upload.
    pub enabled: bool,
    /// Name of the main provider.
    pub provider: String,
    /// Names of the providers that get a copy.
    pub secondary_providers: Vec<String>,
    /// Names of further providers that its agents may name.
    pub other_providers: Vec<String>,
    /// Names of integrations.
    pub integrations: Vec<String>,
    /// A fixed directory, or `*`.
    pub directory: String,
    /// Whether no other account may store in, above or below the directory.
    pub exclusive: bool,
    /// Days to keep recordings; 0 keeps them for ever.
    pub day_limit: String,
    /// Access key.
    pub access_key: String,
    /// Secret key; blank on change keeps the stored one.
    pub secret_key: String,
    /// Whether the Hub may analyse recordings.
    pub cloud_analysis: bool,
    /// Stored for later; nothing uses it yet.
    pub edge_analysis: bool,
}

/// Shows no keys.
impl std::fmt::Debug for AccountInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccountInput").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

impl AccountInput {
    /// Everything wrong that the browser can find.
    pub fn check(&self) -> Vec<FieldError> {
        self.form().err().unwrap_or_default()
    }

    /// The typed form, or everything wrong with it.
    fn form(&self) -> Result<AccountForm, Vec<FieldError>> {
        let trimmed = |s: &String| s.trim().to_owned();
        let day_limit = account::parse_day_limit(self.day_limit.trim());
        let form = AccountForm {
            // an id that is no number becomes 0, and no account is found
            id: (!self.id.is_empty()).then(|| self.id.parse().unwrap_or_default()),
            name: trimmed(&self.name),
            enabled: self.enabled,
            provider: self.provider.clone(),
            secondary_providers: self.secondary_providers.clone(),
            other_providers: Some(self.other_providers.clone()),
            integrations: self.integrations.clone(),
            directory: trimmed(&self.directory),
            // Its switch is on in the form of a new account, whatever the directory.
            exclusive: self.exclusive && self.directory.trim() != "*",
            day_limit: *day_limit.as_ref().unwrap_or(&0),
            access_key: trimmed(&self.access_key),
            secret_key: trimmed(&self.secret_key),
            cloud_analysis: self.cloud_analysis,
            edge_analysis: self.edge_analysis,
        };
        let mut errors = form.check();
        errors.extend(day_limit.err());
        if errors.is_empty() { Ok(form) } else { Err(errors) }
    }
}

/// A connection that an account can use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Name.
    pub name: String,
    /// Label of its kind.
    pub kind: String,
    /// Whether it is enabled.
    pub enabled: bool,
}

/// Everything the dialog shows.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountEditor {
    /// Values in the form; the secret key only if it was generated just now.
    pub input: AccountInput,
    /// Storage providers.
    pub providers: Vec<Choice>,
    /// Integrations.
    pub integrations: Vec<Choice>,
    /// Declared in the configuration file, hence read-only.
    pub provisioned: bool,
    /// What was wrong with the last submission, if made without JavaScript.
    pub errors: Vec<FieldError>,
}

/// What to enter in an agent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentSettings {
    /// The account.
    pub account: AccountView,
    /// Its secret key, if it may be shown now.
    pub secret_key: Option<String>,
    /// The address of this vault, without a trailing slash; empty if unknown.
    pub base_url: String,
}

impl AgentSettings {
    /// The agent's setting "Vault URI".
    pub fn uri(&self) -> String {
        match self.base_url.as_str() {
            "" => "https://<this vault's address>/api".to_owned(),
            base => format!("{base}/api"),
        }
    }

    /// Whether only agents on this machine can reach that address.
    pub fn is_local(&self) -> bool {
        is_loopback(&self.base_url)
    }
}

fn is_loopback(base_url: &str) -> bool {
    let authority = base_url.split_once("://").map_or("", |(_, rest)| rest);
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    };
    host == "localhost" || host == "[::1]" || host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(feature = "ssr")]
impl AccountInput {
    /// The form of a stored account.
    pub(super) fn of_view(view: &AccountView) -> Self {
        Self {
            id: view.id.to_string(),
            version: view.updated_at.to_string(),
            name: view.name.clone(),
            enabled: view.enabled,
            provider: view.provider.clone(),
            secondary_providers: view.secondary_providers.clone(),
            other_providers: view.other_providers.clone(),
            integrations: view.integrations.clone(),
            directory: view.directory.clone(),
            // On for whoever gives it a directory of its own.
            exclusive: view.exclusive || (view.directory == "*" && !view.provisioned),
            day_limit: view.day_limit.to_string(),
            access_key: view.access_key.clone(),
            secret_key: String::new(),
            cloud_analysis: view.cloud_analysis,
            edge_analysis: view.edge_analysis,
        }
    }

    /// The typed form, or what is wrong.
    pub(super) fn parse(&self) -> Result<AccountForm, AppError> {
        self.form().map_err(AppError::Invalid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::account::fields;
    use std::collections::BTreeSet;

    #[test]
    fn an_address_of_this_machine_alone_is_told() {
        for here in ["127.0.0.1:8080", "localhost:8080", "localhost", "[::1]:8080", "127.1.2.3"] {
            assert!(is_loopback(&format!("http://{here}")), "{here}");
        }
        for elsewhere in
            ["vault.example", "192.0.2.7:8080", "[2001:db8::1]", "[2001:db8::1]:80", "127.0.0.1.example", ""]
        {
            assert!(!is_loopback(&format!("http://{elsewhere}")), "{elsewhere}");
        }
    }

    #[test]
    fn the_form_has_the_fields_of_an_account() {
        let form = serde_json::to_value(AccountInput::default()).expect("plain texts");
        let form = form.as_object().expect("a struct").keys().map(String::as_str);
        let known = fields::FIELDS.map(|field| field.name);
        assert_eq!(form.collect::<BTreeSet<_>>(), known.into_iter().chain(["id", "version"]).collect());
    }

    #[test]
    fn says_what_is_missing_at_its_field() {
        let errors = AccountInput { day_limit: "-1".into(), ..Default::default() }.check();
        let fields: Vec<&str> = errors.iter().map(|e| e.field.as_str()).collect();
        assert_eq!(fields, ["name", "provider", "directory", "access_key", "secret_key", "day_limit"]);
        let edited = AccountInput { id: "3".into(), day_limit: "0".into(), ..Default::default() };
        assert!(!edited.check().iter().any(|e| e.field == "secret_key"), "blank keeps the stored one");
    }

    #[test]
    fn the_browser_finds_what_the_server_would() {
        let typed = AccountInput {
            name: " site-a ".into(),
            provider: "local".into(),
            directory: "../x".into(),
            day_limit: "36501".into(),
            access_key: "a b".into(),
            secret_key: " s ".into(),
            ..Default::default()
        };
        let fields: Vec<String> = typed.check().into_iter().map(|e| e.field).collect();
        assert_eq!(fields, ["directory", "access_key", "day_limit"], "spaces around a value are cut off");
    }
}
