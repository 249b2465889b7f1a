use crate::access::accounts::DirectoryError;
use crate::base::VaultError;
use crate::host::reserve::NoRoom;
use model::ObjectKey;
use model::error::StoreError;
use model::key::NameError;
use model::wire::code;

/// Why an upload was not stored. `Display` is a sentence for the agent's log.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// No file name.
    #[error("The file name is missing: send X-Kerberos-Storage-FileName.")]
    MissingName,
    /// A file name that is not allowed.
    #[error("The file name {0}.")]
    InvalidName(NameError),
    /// The account takes the agent's directory, and the agent named none.
    #[error("The directory is missing: send X-Kerberos-Storage-Directory, or give the account a fixed directory.")]
    DirectoryMissing,
    /// A directory that is not allowed.
    #[error("The directory {0}.")]
    DirectoryInvalid(NameError),
    /// Another account has the directory to itself.
    #[error("The directory is kept for another account; choose another one.")]
    DirectoryTaken,
    /// Another header that is not allowed.
    #[error("The header {header} is too long or holds control characters.")]
    InvalidHeader {
        /// Its name.
        header: &'static str,
    },
    /// No bytes.
    #[error("The recording is empty.")]
    Empty,
    /// A form, whatever it is called.
    #[error("A form is not a recording: send the file itself as the body.")]
    Form,
    /// Too many bytes.
    #[error("The recording is larger than the {max} bytes this vault accepts.")]
    TooLarge {
        /// The limit.
        max: u64,
    },
    /// The account is disabled.
    #[error("The account is disabled; enable it in the vault's Accounts page.")]
    AccountDisabled,
    /// The account's keys were changed while it arrived, or the account deleted.
    #[error("Access key or secret key is wrong; copy both from the account in the vault's UI.")]
    WrongCredentials,
    /// The account's directory was changed while it arrived.
    #[error("The account's directory was changed meanwhile; send the recording again.")]
    DirectoryChanged,
    /// Somebody has locked the recording that it would replace; the text says why.
    #[error("A recording of this name is locked, and cannot be replaced: {0}.")]
    Locked(String),
    /// Another account's recording has this key.
    #[error("Another account has stored a recording of this name; give the accounts different directories.")]
    NotYours,
    /// Something that no vault of this database has stored lies at the key, and is not what was sent.
    #[error("Something that this vault has not stored lies at {provider} under {key}; it is left as it is.")]
    Foreign {
        /// The provider's name.
        provider: String,
        /// Where it lies.
        key: ObjectKey,
    },
    /// The provider cannot keep the name.
    #[error("{0}")]
    NameNotKept(String),
    /// A file and a folder would have one name, or the provider takes two names for one.
    #[error("{0}")]
    Clash(String),
    /// No such provider, or none that the account may use.
    #[error("The account has no storage provider named {0}; see Other providers in its dialog.")]
    ProviderNotFound(String),
    /// The provider is disabled.
    #[error("The storage provider {0} is disabled; enable it in the vault's Storage providers page.")]
    ProviderDisabled(String),
    /// It was forwarded in a ring of vaults.
    #[error("This recording came from this vault: vaults forward to each other in a ring.")]
    Loop,
    /// The body broke off.
    #[error("The recording broke off before its end; nothing was stored.")]
    Incomplete(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No byte came for too long.
    #[error("No data arrived for {0} seconds; nothing was stored.")]
    Stalled(u64),
    /// So few bytes arrived that it would never end.
    #[error("The recording arrives at less than {0} bytes a second.")]
    TooSlow(
        /// The limit.
        u64,
    ),
    /// Too many uploads at the same time.
    #[error("The vault is handling as many uploads as it can; try again shortly.")]
    Busy,
    /// A bug: the task storing it panicked.
    #[error("The vault failed while it stored the recording; see the vault's log.")]
    Crashed(#[source] tokio::task::JoinError),
    /// The provider failed.
    #[error("The storage provider did not store the recording: {0}")]
    Store(#[from] StoreError),
    /// The vault itself failed, e.g. its database.
    #[error("{0}")]
    Vault(#[source] VaultError),
    /// The vault's own volume has no room for the rows of another recording.
    #[error("{0}")]
    NoRoom(#[from] NoRoom),
    /// The vault's own disk failed while buffering.
    #[error("The vault cannot buffer the recording on its disk; see the vault's log.")]
    Spool(#[from] std::io::Error),
}

impl UploadError {
    /// The error code agents see (docs/protocol.md §1).
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingName => code::MISSING_NAME,
            Self::InvalidName(_) | Self::NameNotKept(_) => code::INVALID_NAME,
            Self::DirectoryMissing => code::DIRECTORY_MISSING,
            Self::DirectoryInvalid(_) => code::DIRECTORY_INVALID,
            Self::DirectoryTaken => code::DIRECTORY_TAKEN,
            Self::InvalidHeader { .. } => code::HEADER_INVALID,
            Self::Empty => code::FILE_EMPTY,
            Self::Form => code::MEDIA_TYPE,
            Self::TooLarge { .. } => code::FILE_TOO_LARGE,
            Self::AccountDisabled => code::ACCOUNT_DISABLED,
            Self::WrongCredentials => code::WRONG_CREDENTIALS,
            Self::Locked(_) => code::LOCKED,
            Self::NotYours => code::KEY_TAKEN,
            Self::Foreign { .. } => code::KEY_FOREIGN,
            Self::Clash(_) => code::KEY_CLASH,
            Self::ProviderNotFound(_) => code::PROVIDER_NOT_FOUND,
            Self::ProviderDisabled(_) => code::PROVIDER_DISABLED,
            Self::Loop => code::FORWARD_LOOP,
            Self::Incomplete(_) => code::FILE_INCOMPLETE,
            Self::Stalled(_) | Self::TooSlow(_) => code::FILE_STALLED,
            Self::DirectoryChanged | Self::Busy => code::BUSY,
            Self::NoRoom(_) => code::VAULT_FULL,
            Self::Crashed(_) | Self::Store(_) | Self::Vault(_) | Self::Spool(_) => code::UPLOAD_FAILED,
        }
    }
}

impl From<VaultError> for UploadError {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Store(error) => Self::Store(error),
            error => Self::Vault(error),
        }
    }
}

impl From<DirectoryError> for UploadError {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::Missing => Self::DirectoryMissing,
            DirectoryError::Invalid(why) => Self::DirectoryInvalid(why),
            DirectoryError::Taken => Self::DirectoryTaken,
        }
    }
}
