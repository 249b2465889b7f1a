//! Files that belong to somebody else: a volume made by root, a copy by root, a container that became another user.

use super::said_by_each_start;
use crate::data_folder::Site;
use crate::process::{Process, start_by};
use std::fs::{self, File, Permissions};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

/// The user of the images, whom `setpriv` or a container would make it.
const USER: u32 = 65532;

/// A vault that runs as a user without any rights. A test that is root runs it as user 65532, and files become root's.
/// Anybody else's test runs it as itself, and the files are closed to all: the vault gets the same answers.
struct Container {
    site: Site,
    /// Opened by who may: the way to it may be closed to that user.
    program: File,
    as_root: bool,
}

impl Container {
    /// Has run once, and stores something.
    async fn used() -> Self {
        let as_root = fs::metadata("/proc/self").unwrap().uid() == 0;
        let container =
            Self { site: Site::new(), program: File::open(env!("CARGO_BIN_EXE_kerberos-vault")).unwrap(), as_root };
        container.give("", 0o700);
        let vault = container.start().await;
        container.site.upload(0..2).await;
        assert!(vault.stop());
        container
    }

    fn command(&self) -> Command {
        let mut command = Command::new(format!("/proc/self/fd/{}", self.program.as_raw_fd()));
        command.current_dir("/");
        if self.as_root {
            command.uid(USER).gid(USER);
        }
        command
    }

    async fn start(&self) -> Process {
        start_by(self.command(), &self.site.dir.path().join("vault.toml"), &self.site.client).await
    }

    fn said_by_each_start(&self) -> String {
        said_by_each_start(&self.site.data(), || {
            let mut command = self.command();
            command.arg("--config").arg(self.site.dir.path().join("vault.toml"));
            command
        })
    }

    /// Gives it to root, so that others may do so much, or takes these rights from its owner.
    fn take(&self, what: &str, others_may: u32) {
        let path = self.site.dir.path().join(what);
        if self.as_root {
            chown(&path, Some(0), Some(0)).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o700 | others_may)).unwrap();
        } else {
            fs::set_permissions(&path, Permissions::from_mode(others_may << 6)).unwrap();
        }
    }

    /// `chown -R` and `chmod`, as the sentences say.
    fn give(&self, what: &str, mode: u32) {
        let path = self.site.dir.path().join(what);
        if self.as_root {
            give_all_below(&path);
        }
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    }

    async fn upload_status(&self) -> (u16, String) {
        let sent = self.site.client.request(reqwest::Method::POST, "/storage", "1600000999_6-0_cam_0-0-1-1_1_1.mp4");
        let answer = sent.header("X-Kerberos-Storage-Device", "cam").body(vec![7; 1000]).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
}

fn give_all_below(path: &Path) {
    chown(path, Some(USER), Some(USER)).unwrap();
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        give_all_below(&entry.path());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_vault_cannot_do_without_is_named_with_what_to_do() {
    let container = Container::used().await;
    for (what, others_may, mode, why) in [
        ("data", 0, 0o700, "give the vault's user this folder"),
        ("data", 5, 0o700, "give it to the vault's user"),
        ("data/vault.lock", 0, 0o600, "with all that is in it"),
        ("data/vault.db", 0, 0o600, "give it to the vault's user"),
        ("data/vault.db", 4, 0o600, "give it to the vault's user"),
        ("data/master.key", 0, 0o600, "give the vault's user this file"),
        ("data/spool", 5, 0o700, "give it to the vault's user"),
    ] {
        container.take(what, others_may);
        let said = container.said_by_each_start();
        let named = what.trim_end_matches("/vault.lock");
        let path = container.site.dir.path().join(named).display().to_string();
        assert!(said.contains(&path) && said.contains("Permission denied") && said.contains(why), "{what}: {said}");
        container.give(what, mode);
    }
    let vault = container.start().await;
    container.site.upload(2..3).await;
    container.site.client.read(&container.site.key(0)).await;
    assert!(vault.stop());
}

/// As root's own `sqlite3 vault.db` leaves it.
#[tokio::test(flavor = "multi_thread")]
async fn so_is_a_log_that_another_left_beside_the_database() {
    let container = Container::used().await;
    fs::write(container.site.data().join("vault.db-wal"), "").unwrap();
    container.take("data/vault.db-wal", 4);
    let said = container.said_by_each_start();
    assert!(said.contains("vault.db-wal: Permission denied") && said.contains("give it to the vault's user"), "{said}");
}

/// Of a folder of recordings the vault says so too, but it runs: it may have other providers.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_recordings_is_missed_and_needs_no_restart() {
    let container = Container::used().await;
    container.take("recordings", 0);
    for _ in 0..3 {
        let vault = container.start().await;
        let (status, said) = container.upload_status().await;
        assert!(status == 502 && said.contains("storage_provider_refuses"), "{status} {said}");
        let ready = container.site.client.http.get(format!("{}/health/ready", container.site.client.base));
        let ready = ready.send().await.unwrap().text().await.unwrap();
        assert!(ready.contains("provider-away"), "{ready}");
        assert!(vault.stop());
    }
    let vault = container.start().await;
    container.give("recordings", 0o700);
    assert_eq!(container.upload_status().await.0, 200);
    container.site.client.read(&container.site.key(0)).await;
    assert!(vault.stop());
}
