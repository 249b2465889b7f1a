//! `kerberos-vault backup` and `kerberos-vault restore`.

use crate::config::Config;
use crate::run::vault_options;
use std::path::Path;
use std::process::ExitCode;
use vault::backup::{self, BackupError, Counts};

/// Copies the database to a new file, and prints what is in it.
pub async fn back_up(config: &Config, file: &Path) -> ExitCode {
    let made = match backup::back_up(&vault_options(config).home(), file).await {
        Ok(made) => made,
        Err(error) => return failed("back up", &error),
    };
    println!(
        "{} is a backup of {}, checked: {} KiB, {}.",
        file.display(),
        made.database.display(),
        made.bytes.div_ceil(1024),
        counted(made.counts)
    );
    if config.data.master_key.is_none() {
        let key = config.data.dir.join("master.key");
        println!("The master key is not in it. Keep {} too, once, at another place.", key.display());
    }
    ExitCode::SUCCESS
}

/// Puts a backup in the database's place, and prints how to undo that.
pub async fn restore(config: &Config, file: &Path) -> ExitCode {
    let options = vault_options(config);
    let restored = match backup::restore(&options.home(), file, options.clock.now_ms()).await {
        Ok(restored) => restored,
        Err(error) => return failed("restore", &error),
    };
    let database = restored.database.display();
    println!("{database} is now {}, checked: {}.", file.display(), counted(restored.counts));
    if let Some(aside) = restored.aside {
        println!(
            "The old files are in {}. To undo this, stop the vault, remove {database}, {database}-wal and {database}-shm, and \
             move the old ones back.",
            aside.display()
        );
    }
    ExitCode::SUCCESS
}

fn counted(counts: Counts) -> String {
    let Counts { recordings, accounts, connections } = counts;
    format!("{recordings} recordings, {accounts} accounts, {connections} providers and integrations")
}

fn failed(what: &str, error: &BackupError) -> ExitCode {
    eprintln!("kerberos-vault cannot {what}: {error}");
    ExitCode::FAILURE
}
