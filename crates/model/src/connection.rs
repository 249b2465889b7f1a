//! Connections: what administrators bring. Storage providers and integrations have everything else in common.

use crate::field::Settings;
use serde::{Deserialize, Serialize};

pub use crate::kind::{Definition, Kind};

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// Stores recordings.
    Provider,
    /// Is told about recordings.
    Integration,
}

impl Family {
    /// `provider` or `integration`; the form that is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Integration => "integration",
        }
    }

    /// The kinds of this family, in the order a chooser shows them.
    pub const fn kinds(self) -> &'static [Kind] {
        match self {
            Self::Provider => crate::providers::KINDS,
            Self::Integration => crate::integrations::KINDS,
        }
    }

    /// Finds a kind by its name.
    pub fn kind(self, name: &str) -> Option<&'static Kind> {
        self.kinds().iter().find(|k| k.name == name)
    }
}

impl std::fmt::Display for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A connection for lists and dialogs, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionView {
    /// Row id.
    pub id: i64,
    /// Provider or integration.
    pub family: Family,
    /// Kind's name.
    pub kind: String,
    /// Unique within its family.
    pub name: String,
    /// Disabled ones take no uploads and get no events.
    pub enabled: bool,
    /// Declared in the configuration file, hence read-only.
    pub provisioned: bool,
    /// Settings without secrets.
    pub settings: Settings,
    /// Names of the secret settings that have a value.
    pub secrets_set: Vec<String>,
    /// Names that a provider had and still answers to.
    pub former_names: Vec<String>,
    /// Names of the accounts that use it.
    pub used_by: Vec<String>,
    /// Deliveries waiting (capped at 10,000).
    pub waiting: i64,
    /// Deliveries set aside (capped at 10,000).
    pub deferred: i64,
    /// Deliveries parked (capped at 10,000).
    pub parked: i64,
    /// What a provider has refused to delete; nothing at an integration.
    pub refused: Option<Refused>,
    /// Last change, Unix milliseconds.
    pub updated_at: i64,
}

/// Objects that a provider refuses to delete, as one whose objects are locked does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// How many (capped at 10,000).
    pub objects: i64,
    /// What it said of one of them.
    pub reason: String,
    /// When the next is tried again, Unix milliseconds.
    pub next_at: i64,
}

/// What an administrator submits to add or change a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionForm {
    /// `None` adds, `Some` changes that row.
    pub id: Option<i64>,
    /// Provider or integration.
    pub family: Family,
    /// Kind's name.
    pub kind: String,
    /// Unique within its family.
    pub name: String,
    /// Whether uploads or events go to it.
    pub enabled: bool,
    /// Secrets left blank keep their stored value.
    pub settings: Settings,
    /// Names of stored secrets to remove.
    pub cleared: Vec<String>,
}
