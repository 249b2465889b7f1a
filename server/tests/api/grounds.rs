//! Folders that no provider may have: an agent that names the right directory would overwrite what is in them.

use crate::support::{NAME, PROVIDER, TestVault, filesystem, recording, send};
use model::connection::ConnectionForm;
use std::path::Path;
use vault::{Principal, Task, VaultError};

fn at(vault: &TestVault, name: &str, path: &Path) -> ConnectionForm {
    let mut form = filesystem(&vault.dir, name, true);
    form.settings.set("path", path.display().to_string());
    form
}

#[tokio::test]
async fn a_folder_around_the_vaults_own_or_in_another_providers_is_refused() {
    let vault = TestVault::start().await;
    let root = vault.dir.path();
    let link = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(root, link.path().join("link")).unwrap();
    for (path, why) in [
        (root.to_owned(), "the vault's own"),
        (root.parent().unwrap().to_owned(), "the vault's own"),
        (link.path().join("link"), "the vault's own"),
        (root.join("recordings/inner"), "lie in one another"),
    ] {
        let actor = Principal::Vault(Task::Provisioning);
        let refused = vault.vault.connections.save(&actor, at(&vault, "bad", &path)).await;
        let Err(VaultError::Invalid(errors)) = refused else { panic!("{}: {refused:?}", path.display()) };
        assert!(errors[0].field == "path" && errors[0].message.contains(why), "{errors:?}");
        let report = vault.vault.connections.validate(at(&vault, "bad", &path)).await.unwrap();
        let (step, failure) = report.failure().expect("Validate says so before it tries the folder");
        assert!(step == "folder" && failure.reason.contains(why), "{report:?}");
    }
}

/// One that an older vault let pass: it is told, and nothing is stored there.
#[tokio::test]
async fn one_that_is_there_already_takes_no_uploads() {
    let vault = TestVault::start().await;
    let held = tempfile::tempdir().unwrap();
    let inside = held.path().join("moved");
    let actor = Principal::Vault(Task::Provisioning);
    vault.vault.connections.save(&actor, at(&vault, "around", &inside)).await.unwrap();
    vault.let_name("around").await;
    // The folder becomes a way to the vault's own data; any change of providers has it looked at again.
    std::fs::remove_dir_all(&inside).unwrap();
    std::os::unix::fs::symlink(vault.dir.path(), &inside).unwrap();
    vault.vault.connections.save(&actor, at(&vault, "beside", &held.path().join("beside"))).await.unwrap();
    let refused = send(vault.upload(NAME).header(PROVIDER, "around").body(recording())).await;
    assert_eq!(refused.status, 503, "{refused:?}");
    let notices = vault.vault.notices.list().await.unwrap();
    assert!(notices.iter().any(|notice| notice.code == "folder-of-the-vault"), "{notices:?}");
}
