//! Where a vault lives.

use model::Secret;
use std::path::PathBuf;

/// A vault's database, its folder, and the key to what is sealed there.
#[derive(Debug, Clone)]
pub struct Home {
    /// `sqlite://…` or `postgres://…`.
    pub database_url: String,
    /// Folder of the key file and the spool.
    pub data_dir: PathBuf,
    /// 32 bytes in base64; without it, the key file in `data_dir` is used.
    pub master_key: Option<Secret>,
}

impl Home {
    /// Path of the master key file.
    pub(crate) fn key_file(&self) -> PathBuf {
        self.data_dir.join("master.key")
    }
}
