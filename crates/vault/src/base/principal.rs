//! Who asks, and what they may do.

use crate::base::{Result, VaultError};

/// Who asks. Outside this crate only proofs become one: a person who signed in, an account that was authenticated, a
/// signed URL that was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// An administrator.
    #[non_exhaustive]
    Person {
        /// User name.
        name: String,
    },
    /// Whoever has an account's keys: its agents, the Hub, other vaults.
    #[non_exhaustive]
    Account {
        /// Row id.
        id: i64,
        /// Name.
        name: String,
    },
    /// Whoever has a signed URL.
    #[non_exhaustive]
    SignedUrl {
        /// Row id of the one recording it is for.
        recording_id: i64,
    },
    /// The vault itself, when it does this.
    Vault(Task),
}

/// What a vault does by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Making what the first start needs.
    FirstStart,
    /// Applying the configuration file.
    Provisioning,
    /// Removing what is past an account's days.
    Retention,
}

/// What someone wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permission {
    /// Read a recording.
    Read { recording_id: i64, account_id: i64 },
    /// Delete a recording of this account.
    Delete { account_id: i64 },
    /// Replace a recording of this account by other content.
    Replace { account_id: i64 },
    /// Anything else that changes something.
    Manage,
}

impl Principal {
    /// # Errors
    /// [`VaultError::Forbidden`].
    pub(crate) fn may(&self, wanted: Permission) -> Result<()> {
        use Permission::{Delete, Manage, Read, Replace};
        let allowed = match (self, wanted) {
            (Self::Person { .. } | Self::Vault(_), _) => true,
            (Self::Account { id, .. }, Read { account_id, .. } | Delete { account_id } | Replace { account_id }) => {
                *id == account_id
            }
            (Self::SignedUrl { recording_id: signed }, Read { recording_id, .. }) => *signed == recording_id,
            (Self::Account { .. }, Manage) | (Self::SignedUrl { .. }, Delete { .. } | Replace { .. } | Manage) => false,
        };
        if allowed { Ok(()) } else { Err(VaultError::Forbidden) }
    }

    /// As the audit log has it: what kind of principal, and which.
    pub(crate) fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Person { name } => ("person", name),
            Self::Account { name, .. } => ("account", name),
            Self::SignedUrl { .. } => ("signed URL", ""),
            Self::Vault(Task::FirstStart) => ("vault", "first start"),
            Self::Vault(Task::Provisioning) => ("vault", "provisioning"),
            Self::Vault(Task::Retention) => ("vault", "retention"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_may_what_it_has_proved() {
        let read = Permission::Read { recording_id: 7, account_id: 1 };
        let delete = Permission::Delete { account_id: 1 };
        let replace = Permission::Replace { account_id: 1 };
        let account = |id| Principal::Account { id, name: "site-a".into() };
        let url = |recording_id| Principal::SignedUrl { recording_id };
        for (principal, may) in [
            (Principal::Person { name: "root".into() }, [true, true, true, true]),
            (Principal::Vault(Task::Retention), [true, true, true, true]),
            (account(1), [true, true, true, false]),
            (account(2), [false, false, false, false]),
            (url(7), [true, false, false, false]),
            (url(8), [false, false, false, false]),
        ] {
            let found = [read, delete, replace, Permission::Manage].map(|wanted| principal.may(wanted).is_ok());
            assert_eq!(found, may, "{principal:?}");
        }
    }
}
