//! What an administrator submits.

use model::account::AccountForm;
use model::connection::{ConnectionForm, Family};
use model::field::Settings;
use model::wire::Label;
use vault::{Principal, Task};

pub(crate) fn actor() -> Principal {
    Principal::Vault(Task::Provisioning)
}

pub(crate) fn connection(family: Family, kind: &str, name: &str, settings: Settings) -> ConnectionForm {
    ConnectionForm {
        id: None,
        family,
        kind: kind.into(),
        name: name.into(),
        enabled: true,
        settings,
        cleared: Vec::new(),
    }
}

pub(crate) fn account(name: &str) -> AccountForm {
    AccountForm {
        id: None,
        name: name.into(),
        enabled: true,
        provider: "local".into(),
        secondary_providers: Vec::new(),
        integrations: vec!["first".into(), "second".into()],
        directory: "*".into(),
        day_limit: 0,
        access_key: name.into(),
        secret_key: format!("secret-of-{name}"),
        cloud_analysis: true,
        edge_analysis: false,
    }
}

/// What a header says.
pub(crate) fn label(text: impl Into<String>) -> Label {
    Label::parse(text).unwrap()
}
