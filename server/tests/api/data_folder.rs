//! The program and its data folder: one vault has it, and a stop leaves it whole.

use crate::process::{Client, Process, config_file, free_address, http, output, start};
use sea_orm::{ConnectionTrait as _, Database, DbBackend, Statement};
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

/// A vault in a folder, and an agent of it.
pub(crate) struct Site {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) client: Client,
}

impl Site {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let address = free_address();
        let provider = format!("kind = \"filesystem\"\npath = \"{}\"", dir.path().join("recordings").display());
        config_file(dir.path(), address, &provider, "http://127.0.0.1:9/");
        let client = Client { http: http(), base: format!("http://{address}/api"), directory: "site".into() };
        Self { dir, client }
    }

    pub(crate) async fn start(&self) -> Process {
        start(&self.dir.path().join("vault.toml"), &self.client).await
    }

    pub(crate) fn data(&self) -> std::path::PathBuf {
        self.dir.path().join("data")
    }

    /// Runs the program to its end with this configuration; one that does not end is ended.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kerberos-vault"));
        output(command.args(arguments).arg("--config").arg(self.dir.path().join("vault.toml")))
    }

    /// The key of the nth recording.
    pub(crate) fn key(&self, n: usize) -> String {
        format!("{}/{}", self.client.directory, file_name(n))
    }

    pub(crate) async fn upload(&self, names: std::ops::Range<usize>) {
        for n in names {
            let name = file_name(n);
            let sent = self.client.request(reqwest::Method::POST, "/storage", &name);
            let sent = sent.header("X-Kerberos-Storage-Device", "cam").body(vec![7; 1000 + n]);
            let answer = sent.send().await.unwrap();
            assert_eq!(answer.status(), 200);
        }
    }
}

/// How many recordings are in a database file.
pub(crate) async fn recordings_in(file: &Path) -> usize {
    keys_in(file).await.len()
}

/// Keys of the recordings in a database file, alone in a folder of its own.
pub(crate) async fn keys_in(file: &Path) -> BTreeSet<String> {
    let alone = tempfile::tempdir().unwrap();
    let copy = alone.path().join("copy.db");
    std::fs::copy(file, &copy).unwrap();
    let database = Database::connect(format!("sqlite://{}", copy.display())).await.unwrap();
    let rows = database.query_all_raw(keys_of_recordings()).await.unwrap();
    rows.iter().map(|row| row.try_get("", "key").unwrap()).collect()
}

fn keys_of_recordings() -> Statement {
    Statement::from_string(DbBackend::Sqlite, "SELECT key FROM recordings")
}

fn file_name(n: usize) -> String {
    format!("1600{n:06}_6-0_cam_0-0-1-1_1_1.mp4")
}

pub(crate) fn only_line(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(text.trim().lines().count(), 1, "one line says it: {text}");
    text.trim().to_owned()
}

/// Issue 7, finding 5: two vaults on one folder started without a word, and broke each other's uploads.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_vault_on_the_folder_says_whose_it_is_and_ends() {
    let site = Site::new();
    let mut vault = site.start().await;
    site.upload(0..3).await;
    // On another port, so that nothing but the folder is in the way.
    let elsewhere = site.dir.path().join("second.toml");
    let text = std::fs::read_to_string(site.dir.path().join("vault.toml")).unwrap();
    let port = site.client.base.trim_start_matches("http://").trim_end_matches("/api").to_owned();
    std::fs::write(&elsewhere, text.replace(&port, "127.0.0.1:0")).unwrap();
    let refused = output(Command::new(env!("CARGO_BIN_EXE_kerberos-vault")).arg("--config").arg(&elsewhere));
    assert_eq!(refused.status.code(), Some(1));
    let said = only_line(&refused);
    let folder = std::fs::canonicalize(site.data()).unwrap();
    let owner = format!("{} (process {} on host ", folder.display(), vault.id());
    assert!(
        said.starts_with("kerberos-vault cannot start: another vault uses the folder ") && said.contains(&owner),
        "{said}"
    );
    site.upload(3..5).await;
    // Killed, it holds nothing any more, whatever its file says.
    vault.kill();
    let _again = site.start().await;
    site.upload(5..6).await;
}

/// Issue 7, finding 9: after a clean stop a copy of `vault.db` alone held 2 of 22 recordings.
#[tokio::test(flavor = "multi_thread")]
async fn a_clean_stop_leaves_one_file_with_everything_in_it() {
    let site = Site::new();
    let vault = site.start().await;
    site.upload(0..22).await;
    // Whoever else has the database open, the last one to close it is then not the vault.
    let file = site.data().join("vault.db");
    let onlooker = Database::connect(format!("sqlite://{}", file.display())).await.unwrap();
    onlooker.query_all_raw(keys_of_recordings()).await.unwrap();
    assert!(vault.stop(), "it ends well");
    assert_eq!(recordings_in(&file).await, 22);
    onlooker.close().await.unwrap();

    let vault = site.start().await;
    site.upload(22..25).await;
    assert!(vault.stop(), "it ends well");
    for left in ["vault.db-wal", "vault.db-shm"] {
        assert!(!site.data().join(left).exists(), "{left} is left");
    }
    assert_eq!(recordings_in(&file).await, 25);
}

#[tokio::test]
async fn nobody_else_reads_the_database() {
    let site = Site::new();
    let _vault = site.start().await;
    site.upload(0..1).await;
    let files = std::fs::read_dir(site.data()).unwrap().map(Result::unwrap);
    let files: Vec<_> = files.filter(|file| file.file_name().to_string_lossy().starts_with("vault.db")).collect();
    assert!(files.len() >= 2, "it has a log: {files:?}");
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{file:?}");
    }
}
