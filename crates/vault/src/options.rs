//! What a vault can be told when it is opened.

use crate::base::clock::Clock;
use crate::base::db;
use crate::base::db::location::sqlite_file;
use crate::host::home::Home;
use crate::host::start_error::StartError;
use crate::outbox::dispatcher::Pace;
use model::Secret;
use std::path::PathBuf;
use std::time::Duration;

/// Options of a vault.
#[derive(Debug, Clone)]
pub struct Options {
    /// `sqlite://…` or `postgres://…`.
    pub database_url: String,
    /// Folder of the key file and the spool.
    pub data_dir: PathBuf,
    /// 32 bytes in base64; without it, the key file in `data_dir` is used.
    pub master_key: Option<Secret>,
    /// Further files of the vault that no provider's folder may hold, such as its configuration.
    pub own_files: Vec<PathBuf>,
    /// Where others reach the vault, without a slash at the end; addresses in events begin with it.
    pub public_url: Option<String>,
    /// Longest time that such an address is valid.
    pub signed_url_max_ttl: Duration,
    /// Largest recording, in bytes.
    pub max_upload_bytes: u64,
    /// Memory that all uploads share, in bytes.
    pub receive_budget_bytes: usize,
    /// An upload that brings no byte for this long is given up.
    pub idle_timeout: Duration,
    /// An upload that brings fewer bytes a second, averaged over each minute, is given up; 0 for never.
    pub least_upload_rate: u64,
    /// A database server that has not answered for this long is abandoned and connected to again; longer than the 60
    /// seconds after which it ends a statement itself.
    pub database_timeout: Duration,
    /// A vault sharing the database that was silent for this long is presumed dead.
    pub replica_timeout: Duration,
    /// Timing of deliveries and retries.
    pub pace: Pace,
    /// The clock.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            database_url: "sqlite://./data/vault.db".into(),
            data_dir: "./data".into(),
            master_key: None,
            own_files: Vec::new(),
            public_url: None,
            signed_url_max_ttl: Duration::from_secs(7 * 24 * 3600),
            max_upload_bytes: 4 * 1024 * 1024 * 1024,
            receive_budget_bytes: 64 * 1024 * 1024,
            idle_timeout: Duration::from_secs(30),
            least_upload_rate: 1000,
            database_timeout: db::PATIENCE,
            replica_timeout: Duration::from_secs(60),
            pace: Pace::default(),
            clock: Clock::default(),
        }
    }
}

impl Options {
    /// Where the vault's data is.
    pub fn home(&self) -> Home {
        Home {
            database_url: self.database_url.clone(),
            data_dir: self.data_dir.clone(),
            master_key: self.master_key.clone(),
        }
    }

    /// Whoever runs a vault as a process asks this before `Vault::open`, which makes a key if there is none.
    ///
    /// # Errors
    /// `KeyNotGiven` if the database can be shared and there is no key: each vault would make another one, and in a
    /// container lose it with its folder.
    pub fn expect_key_of_shared(&self) -> Result<(), StartError> {
        let shared = sqlite_file(&self.database_url).is_none();
        let file = self.home().key_file();
        match shared && self.master_key.is_none() && !file.exists() {
            true => Err(StartError::KeyNotGiven { file }),
            false => Ok(()),
        }
    }
}
