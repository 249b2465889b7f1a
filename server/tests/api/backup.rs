//! `backup` while the program runs and is killed, `restore` over what it leaves behind.

use crate::data_folder::{Site, keys_in, only_line, recordings_in};
use crate::process::output;
use crate::start_failures::migrated_by_a_newer_one;
use crate::support::{until, within};
use sea_orm::{ConnectionTrait as _, Database};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

impl Site {
    pub(crate) fn backup(&self) -> PathBuf {
        let file = self.dir.path().join("backup.db");
        let made = self.run(&["backup", file.to_str().unwrap()]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        file
    }

    /// What `restore` says when it refuses; the data folder must be as it was.
    fn refused(&self, file: &std::path::Path) -> String {
        let before = std::fs::read(self.data().join("vault.db")).unwrap();
        let output = self.run(&["restore", file.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(std::fs::read(self.data().join("vault.db")).unwrap(), before);
        let names = std::fs::read_dir(self.data()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        let left: Vec<_> = names.filter(|n| n.contains("restor")).collect();
        assert!(left.is_empty(), "{left:?}");
        only_line(&output)
    }
}

/// Issue 7, finding 9: by the book of then, the old log was replayed over the restored file.
#[tokio::test(flavor = "multi_thread")]
async fn restored_over_a_killed_vault_it_is_exactly_the_backup() {
    let site = Site::new();
    let mut vault = site.start().await;
    site.upload(0..2).await;
    let backup = site.backup();
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&backup).unwrap()) & 0o777, 0o600);
    site.upload(2..12).await;
    let said = site.refused(&backup);
    assert!(said.contains("another vault uses the folder"), "{said}");
    vault.kill();
    assert!(std::fs::metadata(site.data().join("vault.db-wal")).unwrap().len() > 0, "a log is there to be replayed");

    let restored = site.run(&["restore", backup.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&restored.stdout).into_owned();
    assert!(restored.status.success() && said.contains("2 recordings"), "{said}");
    let mut left = std::fs::read_dir(site.data()).unwrap().map(|e| e.unwrap().path());
    let aside = left.find(|p| p.file_name().unwrap().to_string_lossy().starts_with("before-restore-")).unwrap();
    assert!(said.contains(aside.to_str().unwrap()), "{said}");
    assert!(aside.join("vault.db").exists() && aside.join("vault.db-wal").exists());
    let vault = site.start().await;
    assert!(vault.stop());
    assert_eq!(keys_in(&site.data().join("vault.db")).await, (0..2).map(|n| site.key(n)).collect());

    // Undone as it says, everything is back.
    std::fs::remove_file(site.data().join("vault.db")).unwrap();
    for name in ["vault.db", "vault.db-wal", "vault.db-shm"] {
        let _ = std::fs::rename(aside.join(name), site.data().join(name));
    }
    let vault = site.start().await;
    assert!(vault.stop());
    assert_eq!(recordings_in(&site.data().join("vault.db")).await, 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn made_under_load_it_has_everything_acknowledged_before() {
    let site = Arc::new(Site::new());
    let _vault = site.start().await;
    let (acknowledged, enough) = (Arc::<Mutex<BTreeSet<String>>>::default(), Arc::new(AtomicBool::new(false)));
    let agents: Vec<_> = (0..6usize)
        .map(|agent| {
            let (site, acknowledged, enough) = (site.clone(), acknowledged.clone(), enough.clone());
            tokio::spawn(async move {
                for n in (agent..).step_by(6) {
                    if enough.load(Ordering::SeqCst) {
                        return;
                    }
                    site.upload(n..n + 1).await;
                    acknowledged.lock().unwrap().insert(site.key(n));
                }
            })
        })
        .collect();
    until("50 uploads are acknowledged", async || acknowledged.lock().unwrap().len() >= 50).await;
    let before = acknowledged.lock().unwrap().clone();
    let made = site.clone();
    let backup = tokio::task::spawn_blocking(move || made.backup()).await.unwrap();
    let after = acknowledged.lock().unwrap().len();
    enough.store(true, Ordering::SeqCst);
    for agent in agents {
        within("an agent's last upload", agent).await.unwrap();
    }
    let held = keys_in(&backup).await;
    let lost: Vec<_> = before.difference(&held).collect();
    assert!(lost.is_empty() && held.len() <= after + 6, "{lost:?}; {} in it, {after} after", held.len());
    let again = site.run(&["backup", backup.to_str().unwrap()]);
    assert!(only_line(&again).contains("exists already"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_of_no_use_is_refused_before_anything_is_touched() {
    let site = Site::new();
    let vault = site.start().await;
    site.upload(0..3).await;
    let backup = site.backup();
    assert!(vault.stop());
    let whole = std::fs::read(&backup).unwrap();
    let other = site.dir.path().join("other.db");

    let pipe = site.dir.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert!(site.refused(&pipe).contains("is not an SQLite database"));
    std::fs::write(&other, "no database").unwrap();
    assert!(site.refused(&other).contains("is not an SQLite database"));
    let mut damaged = whole.clone();
    for page in damaged.chunks_mut(4096).skip(1) {
        page[..8].fill(0xff);
    }
    std::fs::write(&other, &damaged).unwrap();
    assert!(site.refused(&other).contains("is damaged"));
    std::fs::write(&other, &whole[..whole.len() / 2]).unwrap();
    assert!(site.refused(&other).contains("is damaged"));
    std::fs::remove_file(&other).unwrap();
    let foreign = Database::connect(format!("sqlite://{}?mode=rwc", other.display())).await.unwrap();
    foreign.execute_unprepared("CREATE TABLE letters (text TEXT)").await.unwrap();
    foreign.close().await.unwrap();
    assert!(site.refused(&other).contains("is a database, but not a vault's"));
    std::fs::write(&other, &whole).unwrap();
    migrated_by_a_newer_one(&other).await;
    assert!(site.refused(&other).contains("is of a newer vault than this one"));
    std::fs::write(&other, &whole).unwrap();
    std::fs::write(site.dir.path().join("other.db-wal"), "a log").unwrap();
    assert!(site.refused(&other).contains("has a log beside it"));
    assert!(site.refused(&site.data().join("vault.db")).contains("is the vault's own database"));

    // Made, it would hide that this is another vault's configuration.
    let elsewhere = site.dir.path().join("elsewhere");
    let (program, backed_up) = (env!("CARGO_BIN_EXE_kerberos-vault"), backup.to_str().unwrap());
    let mut restore = std::process::Command::new(program);
    restore.args(["restore", backed_up]).env("VAULT_DATA__DIR", &elsewhere);
    let said = only_line(&output(restore.current_dir(site.dir.path())));
    assert!(said.contains(&format!("there is no folder {}", elsewhere.display())), "{said}");
    assert!(!elsewhere.exists());

    let key = site.data().join("master.key");
    let right = std::fs::read(&key).unwrap();
    std::fs::write(&key, format!("{}=\n", "A".repeat(43))).unwrap();
    assert!(site.refused(&backup).contains("do not open with this master key"));
    std::fs::remove_file(&key).unwrap();
    assert!(site.refused(&backup).contains("need the master key"));
    assert!(!key.exists(), "no key is made for it");
    std::fs::write(&key, right).unwrap();

    // Cut off between its renames, a restore leaves a note, and nobody starts on half of it.
    std::fs::write(site.data().join("restore.unfinished"), "before-restore-x").unwrap();
    std::fs::create_dir(site.data().join("before-restore-x")).unwrap();
    std::fs::rename(site.data().join("vault.db"), site.data().join("before-restore-x/vault.db")).unwrap();
    let said = only_line(&site.run(&[]));
    assert!(said.contains("a restore of the database was cut off"), "{said}");
    assert!(!site.data().join("vault.db").exists(), "no empty one was made");
    assert!(site.run(&["restore", backup.to_str().unwrap()]).status.success());
    let vault = site.start().await;
    assert!(vault.stop());
    assert_eq!(recordings_in(&site.data().join("vault.db")).await, 3);
}
