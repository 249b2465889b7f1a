//! Where a vault lives.

use crate::base::db::location::sqlite_file;
use crate::host::start_error::StartError;
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

    /// Whoever runs a vault as a process asks this before `Vault::open`, which makes a key if there is none.
    ///
    /// # Errors
    /// `KeyNotGiven` if the database can be shared and there is no key: each vault would make another one, and in a
    /// container lose it with its folder.
    pub fn expect_key_of_shared(&self) -> Result<(), StartError> {
        let shared = sqlite_file(&self.database_url).is_none();
        let file = self.key_file();
        match shared && self.master_key.is_none() && !file.exists() {
            true => Err(StartError::KeyNotGiven { file }),
            false => Ok(()),
        }
    }
}
