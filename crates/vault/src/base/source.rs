//! Where a change of settings comes from.

use crate::base::{Result, VaultError};

/// Where a change of settings comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The configuration file. It is complete every time, and what it declares nobody else changes.
    File,
    /// A person; with the last change that their form showed, in Unix milliseconds.
    Person { saw: Option<i64> },
}

impl Source {
    /// Fails if what is to be changed was changed since the form was opened: of two windows, the second would undo what the
    /// first did.
    pub(crate) fn check(self, updated_at: i64, name: &str) -> Result<()> {
        match self {
            Self::Person { saw: Some(saw) } if saw != updated_at => Err(VaultError::Conflict(format!(
                "{name} was changed in another window since this form was opened, so nothing was saved. Open it again to \
                 see what it is now."
            ))),
            Self::File | Self::Person { .. } => Ok(()),
        }
    }
}
