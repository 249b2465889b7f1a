//! File system errors, in words.

use model::ObjectKey;
use model::error::{StoreError, StoreErrorKind};
use std::io::{self, ErrorKind};

/// Says why something could not be `done` ("stored", "read", "deleted"). The path goes to the log only, since agents
/// see these sentences too.
pub(super) fn in_words(done: &str, error: io::Error) -> StoreError {
    let (kind, why) = match error.kind() {
        ErrorKind::StorageFull => (StoreErrorKind::Full, "the disk is full"),
        ErrorKind::QuotaExceeded => (StoreErrorKind::Full, "the disk quota is used up"),
        ErrorKind::PermissionDenied => (StoreErrorKind::Denied, "the vault has no permission for its folder"),
        ErrorKind::ReadOnlyFilesystem => (StoreErrorKind::Denied, "the file system is mounted read-only"),
        ErrorKind::InvalidFilename => (StoreErrorKind::Denied, "its name is too long for the file system"),
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            (StoreErrorKind::Denied, "a file has the name of the folder it belongs in")
        }
        ErrorKind::IsADirectory | ErrorKind::DirectoryNotEmpty => {
            (StoreErrorKind::Denied, "there is a folder of that name")
        }
        ErrorKind::CrossesDevices => (StoreErrorKind::Denied, "another disk is mounted within the provider's folder"),
        ErrorKind::FileTooLarge => (StoreErrorKind::Denied, "it is too large for the file system"),
        _ => (StoreErrorKind::Unavailable, "the file system reports an error"),
    };
    StoreError::caused(kind, format!("The recording cannot be {done}: {why}."), error)
}

/// A file lies where the key needs a folder. Its name is part of the key, so whoever sent that may see it.
pub(super) fn file_in_the_way(file: &str) -> StoreError {
    StoreError::new(StoreErrorKind::Clash, format!("{file} is a file there, so nothing can be stored below it."))
}

/// A folder lies where the object's file belongs.
pub(super) fn folder_in_the_way(key: &ObjectKey) -> StoreError {
    StoreError::new(StoreErrorKind::Clash, format!("{key} is a folder there, so no recording can have that name."))
}

/// The folder, or what the vault created in it, is missing: this is not where the recordings are.
pub(super) fn away() -> StoreError {
    StoreError::new(
        StoreErrorKind::Unavailable,
        "The provider's folder is not there or not as the vault left it: its disk may not be mounted.",
    )
}

/// The object is not there.
pub(super) fn not_found() -> StoreError {
    StoreError::new(StoreErrorKind::NotFound, "There is no such recording in this store.")
}

/// The upload does not exist, or no longer.
pub(super) fn unknown_upload() -> StoreError {
    StoreError::new(StoreErrorKind::NotFound, "The store does not know this upload, or not any more.")
}

/// The upload is incomplete or damaged.
pub(super) fn broken(why: &str) -> StoreError {
    StoreError::new(StoreErrorKind::Interrupted, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// Every Linux machine has one full disk: `/dev/full`.
    #[test]
    fn a_full_disk_is_told_as_such() {
        let mut full = std::fs::File::options().write(true).open("/dev/full").expect("Linux has it");
        let error = in_words("stored", full.write_all(b"x").expect_err("is full"));
        assert_eq!(error.kind, StoreErrorKind::Full);
        assert_eq!(error.message, "The recording cannot be stored: the disk is full.");
    }

    #[test]
    fn what_an_administrator_must_fix_is_denied() {
        for kind in [
            ErrorKind::PermissionDenied,
            ErrorKind::ReadOnlyFilesystem,
            ErrorKind::InvalidFilename,
            ErrorKind::NotADirectory,
        ] {
            assert_eq!(in_words("stored", kind.into()).kind, StoreErrorKind::Denied, "{kind}");
        }
        assert_eq!(in_words("stored", ErrorKind::StaleNetworkFileHandle.into()).kind, StoreErrorKind::Unavailable);
    }
}
