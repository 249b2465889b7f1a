//! Whether other users of this machine can read what the vault keeps to itself.

use crate::base::db::location::sqlite_file;
use crate::host::home::Home;
use crate::host::notices::{Notice, Notices};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Code of the notice; its subject is the path.
pub(crate) const EXPOSED: &str = "readable-by-others";

/// Tells of each place that every user may read, and takes back what is mended. The vault starts all the same: whoever
/// can read it has had the time to.
pub(crate) async fn look(home: &Home, notices: &Notices) {
    let told = notices.list().await.unwrap_or_default();
    for (path, what, right) in places(home) {
        let path = std::path::absolute(&path).unwrap_or(path);
        let subject = path.display().to_string();
        if !is_open_to_all(&path) {
            // Only then: this start may have no room to write.
            if told.iter().any(|notice| notice.code == EXPOSED && notice.subject == subject) {
                notices.clear(EXPOSED, &subject).await;
            }
            continue;
        }
        let text = format!("{what} {subject} can be read by every user of this machine.");
        let cure = format!(
            "As its owner: chmod {right} '{subject}'. If somebody else may have been there, change what it holds."
        );
        tracing::warn!("{text} {cure}");
        notices.raise(Notice { code: EXPOSED, subject, text, cure, dismissible: true }).await;
    }
}

/// What is kept, what it is called, and the permission that is enough.
fn places(home: &Home) -> Vec<(PathBuf, &'static str, &'static str)> {
    let mut places = vec![(home.data_dir.clone(), "The data folder", "700")];
    if home.master_key.is_none() {
        places.push((home.key_file(), "The master key file", "600"));
    }
    places.extend(sqlite_file(&home.database_url).map(|file| (file, "The database", "600")));
    places
}

/// Of a folder, entering is enough: names in it are known.
fn is_open_to_all(path: &Path) -> bool {
    let Ok(found) = fs::metadata(path) else { return false };
    let others = found.permissions().mode() & 0o007;
    if found.is_dir() { others & 0o005 != 0 } else { others & 0o004 != 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_everyone_may_read_is_open() {
        let dir = tempfile::tempdir().expect("temp dir");
        let (file, folder) = (dir.path().join("file"), dir.path().join("folder"));
        fs::write(&file, "").expect("written");
        fs::create_dir(&folder).expect("made");
        let open = |path: &Path, mode: u32| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
            is_open_to_all(path)
        };
        assert_eq!(
            [0o600, 0o640, 0o602, 0o604, 0o644].map(|mode| open(&file, mode)),
            [false, false, false, true, true]
        );
        assert_eq!([0o700, 0o750, 0o701, 0o755].map(|mode| open(&folder, mode)), [false, false, true, true]);
        assert!(!is_open_to_all(&dir.path().join("nothing")));
    }
}
