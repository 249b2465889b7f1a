//! Codes of errors that more than one part of the vault knows. The ecosystem's own names; the whole table, with statuses and
//! texts, is `server/src/problem/table.rs`.

/// The file name is missing.
pub const MISSING_NAME: &str = "file_missing_name";
/// The file name is not allowed.
pub const INVALID_NAME: &str = "file_invalid_name";
/// The account takes the agent's directory, and it named none.
pub const DIRECTORY_MISSING: &str = "storage_directory_missing";
/// The directory is not allowed.
pub const DIRECTORY_INVALID: &str = "storage_directory_invalid";
/// Another account has the directory to itself.
pub const DIRECTORY_TAKEN: &str = "storage_directory_taken";
/// Another header is not allowed.
pub const HEADER_INVALID: &str = "storage_header_invalid";
/// There are no bytes.
pub const FILE_EMPTY: &str = "file_empty";
/// There are too many bytes.
pub const FILE_TOO_LARGE: &str = "file_too_large";
/// The body ended early.
pub const FILE_INCOMPLETE: &str = "file_incomplete";
/// No byte came for too long.
pub const FILE_STALLED: &str = "file_stalled";
/// Storing failed for another reason.
pub const UPLOAD_FAILED: &str = "file_upload_failed";
/// It is a form, not a file.
pub const MEDIA_TYPE: &str = "file_unsupported_media_type";
/// The recording is locked: it can be neither deleted nor replaced.
pub const LOCKED: &str = "storage_recording_locked";
/// Another account's recording has this key.
pub const KEY_TAKEN: &str = "file_belongs_to_another_account";
/// Something that the vault has not stored lies at the key.
pub const KEY_FOREIGN: &str = "file_exists_at_provider";
/// A file and a folder would have one name.
pub const KEY_CLASH: &str = "file_name_clashes";
/// Access key or secret key is wrong.
pub const WRONG_CREDENTIALS: &str = "storage_account_not_found";
/// The account is switched off.
pub const ACCOUNT_DISABLED: &str = "storage_account_disabled";
/// There is no such provider.
pub const PROVIDER_NOT_FOUND: &str = "storage_provider_not_found";
/// The provider is switched off.
pub const PROVIDER_DISABLED: &str = "storage_provider_disabled";
/// The vault's own volume is full.
pub const VAULT_FULL: &str = "storage_vault_full";
/// Too many uploads at a time.
pub const BUSY: &str = "storage_busy";
/// Vaults forward to each other in a ring.
pub const FORWARD_LOOP: &str = "forward_loop";
