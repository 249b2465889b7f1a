//! Who may store what where. Asked when an upload begins, and again before it becomes visible: the account may have been
//! changed meanwhile.

use super::{Ingest, UploadError};
use crate::access::accounts::Account;
use model::ObjectKey;

/// What an upload was admitted by.
pub(super) struct Admission {
    account: Account,
    /// The directory that the agent named; may be empty.
    directory: String,
    provider_id: i64,
    provider_name: String,
    key: ObjectKey,
}

impl Admission {
    /// Admits an upload, or says why not.
    pub(super) fn of(
        account: Account,
        directory: String,
        (provider_id, provider_name): (i64, String),
        key: ObjectKey,
    ) -> Result<Self, UploadError> {
        let admission = Self { account, directory, provider_id, provider_name, key };
        admission.allows(&admission.account)?;
        Ok(admission)
    }

    /// The rule.
    fn allows(&self, account: &Account) -> Result<(), UploadError> {
        if !account.enabled {
            return Err(UploadError::AccountDisabled);
        }
        if !account.may_store_at(self.provider_id) {
            return Err(UploadError::ProviderNotFound(self.provider_name.clone()));
        }
        if account.directory(&self.directory)?.as_str() != self.key.directory() {
            return Err(UploadError::DirectoryChanged);
        }
        Ok(())
    }
}

impl Ingest {
    /// Whether an upload would be admitted now.
    ///
    /// Not asked again in the transaction that commits it, when its object is visible already: what changes between the two
    /// might as well have changed a moment later, and nobody can tell whether it did.
    pub(super) async fn still_admits(&self, admission: &Admission) -> Result<(), UploadError> {
        let account = self.accounts.again(&admission.account).await?;
        admission.allows(&account.ok_or(UploadError::WrongCredentials)?)
    }
}
