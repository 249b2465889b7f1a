//! Errors of use cases.

use crate::base::damaged::Damage;
use model::error::{StoreError, StoreErrorKind};
use model::field::FieldError;

/// What use cases return.
pub type Result<T> = std::result::Result<T, VaultError>;

/// Why a use case failed. `Display` is a sentence for people; sources are for the log.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The submitted values are not valid.
    #[error("{}", list(.0))]
    Invalid(Vec<FieldError>),
    /// There is no such thing; the text says what.
    #[error("There is no such {0}. It may have been deleted; reload the page.")]
    NotFound(&'static str),
    /// It conflicts with something that exists.
    #[error("{0}")]
    Conflict(String),
    /// The configuration declares it, so it cannot be changed here.
    #[error("{0} is declared in the configuration file or the environment and can only be changed there.")]
    Provisioned(String),
    /// Wrong user name or password.
    #[error("User name or password is wrong.")]
    WrongPassword,
    /// Too many attempts.
    #[error("Too many attempts. Try again in {retry_after_s} seconds.")]
    TooMany {
        /// Seconds to wait.
        retry_after_s: u64,
    },
    /// Whoever asked may not.
    #[error("This is not allowed here.")]
    Forbidden,
    /// Somebody has locked the recording; the text says why.
    #[error("The recording is locked, and stays: {0}. An administrator can unlock it.")]
    Locked(String),
    /// The recording was replaced since it was looked up.
    #[error("The recording has just been replaced. Reload the page.")]
    Replaced,
    /// The storage provider failed.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The database failed.
    #[error("The vault's database did not answer. {}", Self::IN_LOG)]
    Database(#[source] sea_orm::DbErr),
    /// The database's volume has no room left.
    #[error("The vault's own disk has no room left. Make room on the volume of its data folder.")]
    Full(#[source] sea_orm::DbErr),
    /// The connection broke during the commit, which may or may not have happened.
    #[error(
        "The vault's database did not say whether it took the change. Look whether it is there before trying again."
    )]
    CommitUnknown(#[source] sea_orm::DbErr),
    /// A sealed value cannot be opened.
    #[error(
        "A stored secret cannot be opened with this vault's master key. Restore the key file that belongs to this database."
    )]
    Sealed,
    /// A row holds something no vault writes.
    #[error(transparent)]
    Damaged(#[from] Damage),
}

impl VaultError {
    /// Points those who are not shown the cause to the log. A start that fails prints the cause instead.
    pub const IN_LOG: &str = "Details are in the vault's log.";

    /// One invalid field.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(field, message)])
    }

    /// The same, saying of what: for lists of things that are checked one after the other.
    pub(crate) fn of(self, what: &str, name: &str) -> Self {
        let of = |message: &str| format!("{what} \"{name}\": {message}");
        match self {
            Self::Invalid(errors) => {
                let told = errors.into_iter().map(|error| FieldError::new(error.field, of(&error.message)));
                Self::Invalid(told.collect())
            }
            Self::Conflict(message) => Self::Conflict(of(&message)),
            other => other,
        }
    }

    /// Whether an object is missing in its store.
    pub fn is_missing_object(&self) -> bool {
        matches!(self, Self::Store(e) if e.kind == StoreErrorKind::NotFound)
    }
}

/// SQLite's code for a full disk. Matched by text, because a failed commit has nothing else.
const FULL: &str = "(code: 13)";

impl From<sea_orm::DbErr> for VaultError {
    fn from(error: sea_orm::DbErr) -> Self {
        if error.to_string().contains(FULL) { Self::Full(error) } else { Self::Database(error) }
    }
}

fn list(errors: &[FieldError]) -> String {
    errors.iter().map(|e| e.message.as_str()).collect::<Vec<_>>().join(". ")
}
