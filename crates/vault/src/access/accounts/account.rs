//! An account, as use cases know it.

use super::directories::Claims;
use crate::base::Principal;
use model::Directory;
use model::account::DirectoryRule;
use model::key::NameError;
use std::sync::Arc;

/// An account that was authenticated. Nobody outside this crate can make one up.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Account {
    /// Row id.
    pub id: i64,
    /// The keys that it was authenticated with.
    pub(super) proof: Proof,
    /// Name.
    pub name: String,
    /// Disabled accounts are refused everything.
    pub enabled: bool,
    /// Main provider.
    pub provider_id: i64,
    /// Where its recordings go.
    pub directory: DirectoryRule,
    /// Further providers that its agents may name.
    pub(super) other_ids: Vec<i64>,
    /// Which directories other accounts have to themselves.
    pub(super) claims: Arc<Claims>,
    /// Providers that get a copy, including disabled ones, which get their copies once enabled again.
    pub secondary_ids: Vec<i64>,
    /// Enabled integrations that are told about its recordings.
    pub integrations: Vec<i64>,
    /// Whether the Hub pipeline may analyse them.
    pub cloud_analysis: bool,
}

/// Keys, as far as they may be kept: the secret one as its fingerprint in this process.
#[derive(Debug, Clone)]
pub(super) struct Proof {
    pub(super) access_key: String,
    pub(super) fingerprint: [u8; 32],
}

impl Account {
    /// Whoever has its keys, as use cases want to know.
    pub fn principal(&self) -> Principal {
        Principal::Account { id: self.id, name: self.name.clone() }
    }

    /// Whether its agents may store at this provider.
    pub fn may_store_at(&self, provider_id: i64) -> bool {
        let further = || self.secondary_ids.iter().chain(&self.other_ids);
        self.provider_id == provider_id || further().any(|id| *id == provider_id)
    }
}

/// Why an upload has no usable directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirectoryError {
    /// The account takes the agent's directory, and the agent named none.
    Missing,
    /// The agent's directory is not allowed.
    Invalid(NameError),
    /// Another account has it to itself.
    Taken,
}

impl Account {
    /// The directory of an upload; `wanted` is the one the agent names.
    pub fn directory(&self, wanted: &str) -> std::result::Result<Directory, DirectoryError> {
        let directory = match &self.directory {
            DirectoryRule::Fixed(directory) => directory.clone(),
            DirectoryRule::FromAgent if wanted.is_empty() => return Err(DirectoryError::Missing),
            DirectoryRule::FromAgent => Directory::parse(wanted).map_err(DirectoryError::Invalid)?,
        };
        if self.claims.keep_out(self.id, directory.as_str()) {
            return Err(DirectoryError::Taken);
        }
        Ok(directory)
    }
}
