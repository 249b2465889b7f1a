//! Accounts: whose credentials an agent uses, and what happens to its recordings.

use serde::{Deserialize, Serialize};

/// An account as lists and dialogs see it: no secret in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountView {
    /// Row id.
    pub id: i64,
    /// Unique name.
    pub name: String,
    /// Disabled ones are refused with 403.
    pub enabled: bool,
    /// Declared in the provisioning file, hence read-only.
    pub provisioned: bool,
    /// Name of the main provider.
    pub provider: String,
    /// Names of the providers that get a copy.
    pub secondary_providers: Vec<String>,
    /// Names of the integrations told about its recordings.
    pub integrations: Vec<String>,
    /// A fixed directory, or `*` for the one the agent names.
    pub directory: String,
    /// Days recordings are kept; 0 keeps them forever.
    pub day_limit: i32,
    /// Access key.
    pub access_key: String,
    /// Whether the Hub pipeline may analyse the recordings.
    pub cloud_analysis: bool,
    /// Whether the vault itself analyses them.
    pub edge_analysis: bool,
    /// Last change, Unix milliseconds.
    pub updated_at: i64,
}

/// What an administrator submits to add or change an account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountForm {
    /// `None` adds, `Some` changes that row.
    pub id: Option<i64>,
    /// Unique name.
    pub name: String,
    /// Whether its agents may upload.
    pub enabled: bool,
    /// Name of the main provider.
    pub provider: String,
    /// Names of the providers that get a copy.
    pub secondary_providers: Vec<String>,
    /// Names of integrations.
    pub integrations: Vec<String>,
    /// A fixed directory, or `*`.
    pub directory: String,
    /// Days recordings are kept; 0 keeps them forever.
    pub day_limit: i32,
    /// Access key.
    pub access_key: String,
    /// Secret key; blank on change keeps the stored one.
    pub secret_key: String,
    /// See [`AccountView::cloud_analysis`].
    pub cloud_analysis: bool,
    /// See [`AccountView::edge_analysis`].
    pub edge_analysis: bool,
}

/// Shows everything but the secret.
impl std::fmt::Debug for AccountForm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccountForm").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

/// A fresh pair of keys, shown once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPair {
    /// Access key.
    pub access_key: String,
    /// Secret key.
    pub secret_key: String,
}
