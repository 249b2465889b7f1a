//! Master keys that are not given, empty, malformed or another database's.

use super::said_by_each_start;
use crate::data_folder::Site;
use crate::process::{Process, start_by};
use crate::support::database_on_server;
use std::process::Command;

const KEY: &str = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=";
const OTHER: &str = "QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=";

type Settings<'a> = &'a [(&'a str, &'a str)];

fn command(site: &Site, settings: Settings<'_>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kerberos-vault"));
    command.envs(settings.iter().copied()).arg("--config").arg(site.dir.path().join("vault.toml"));
    command
}

async fn started(site: &Site, settings: Settings<'_>) -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kerberos-vault"));
    command.envs(settings.iter().copied());
    start_by(command, &site.dir.path().join("vault.toml"), &site.client).await
}

fn said(site: &Site, settings: Settings<'_>) -> String {
    let said = said_by_each_start(&site.data(), || command(site, settings));
    assert!(!said.contains(KEY) && !said.contains("vaultpass"), "{said}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_given_and_is_empty_malformed_or_another_makes_no_new_one() {
    let site = Site::new();
    let malformed = said(&site, &[("VAULT_DATA__MASTER_KEY", "of-great-value")]);
    assert!(malformed.contains("must be 32 bytes in base64; make one with openssl rand -base64 32"), "{malformed}");
    let vault = started(&site, &[("VAULT_DATA__MASTER_KEY", KEY)]).await;
    site.upload(0..1).await;
    assert!(vault.stop());
    // An empty variable is none, as in a Secret without the entry.
    for lost in [&[("VAULT_DATA__MASTER_KEY", "")][..], &[]] {
        let said = said(&site, lost);
        assert!(said.contains("master.key is missing") && said.contains("VAULT_DATA__MASTER_KEY"), "{said}");
    }
    let another = said(&site, &[("VAULT_DATA__MASTER_KEY", OTHER)]);
    assert!(another.contains("Restore the key file that belongs to this database"), "{another}");
    assert!(!site.data().join("master.key").exists());
    let vault = started(&site, &[("VAULT_DATA__MASTER_KEY", KEY)]).await;
    site.client.read(&site.key(0)).await;
    assert!(vault.stop());
}

/// Each vault would make a key of its own, and in a container lose it with its folder.
#[tokio::test(flavor = "multi_thread")]
async fn vaults_that_may_share_a_database_make_no_key_and_take_no_other() {
    let (one, two) = (Site::new(), Site::new());
    let url = database_on_server(&one.dir).await;
    let config = std::fs::read_to_string(two.dir.path().join("vault.toml")).unwrap();
    let folder = |site: &Site| site.dir.path().join("recordings").display().to_string();
    std::fs::write(two.dir.path().join("vault.toml"), config.replace(&folder(&two), &folder(&one))).unwrap();
    let database = ("VAULT_DATABASE__URL", url.as_str());
    for none in [&[database][..], &[database, ("VAULT_DATA__MASTER_KEY", "")]] {
        let said = said(&one, none);
        assert!(said.contains("there is no master key") && said.contains("openssl rand -base64 32"), "{said}");
    }
    let vault = started(&one, &[database, ("VAULT_DATA__MASTER_KEY", KEY)]).await;
    one.upload(0..1).await;
    let none = said(&two, &[database]);
    assert!(none.contains("VAULT_DATA__MASTER_KEY") && none.contains("first used with"), "{none}");
    let another = said(&two, &[database, ("VAULT_DATA__MASTER_KEY", OTHER)]);
    assert!(another.contains("cannot be opened with this vault's master key"), "{another}");
    // A vault that made one before goes on with it.
    std::fs::create_dir_all(two.data()).unwrap();
    std::fs::write(two.data().join("master.key"), KEY).unwrap();
    let beside = started(&two, &[database]).await;
    two.client.read(&one.key(0)).await;
    assert!(vault.stop() && beside.stop());
}
