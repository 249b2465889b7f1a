//! A site that is built beside a running vault, as by `make build` beside `make run`. Only vaults that were built for
//! developers read it from disk.

use crate::data_folder::Site;
use crate::process::{Process, start_by, where_one_may_mount};
use std::path::Path;

/// Where the vault looks for its site.
const BUILT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/site");

/// Paths of a site and what they hold; nothing but the style has the same path in another.
fn files(version: &str) -> [(String, String); 4] {
    [
        (format!("pkg/{version}/media.wasm"), format!("media of {version}")),
        (format!("pkg/{version}/pages.json"), format!("{{\"media\": [\"{version}.wasm\"]}}")),
        (format!("pkg/{version}.js"), format!("script of {version}")),
        ("pkg/kerberos-vault.css".into(), format!("style of {version}")),
    ]
}

/// As a build does: what is not of it is gone.
fn lay_out(folder: &Path, version: &str) {
    let package = folder.join("pkg");
    let _ = std::fs::remove_dir_all(&package);
    std::fs::create_dir_all(package.join(version)).unwrap();
    for (path, content) in files(version) {
        std::fs::write(folder.join(path), content).unwrap();
    }
}

impl Site {
    /// Starts a vault whose site is in this folder.
    async fn start_with_site(&self, folder: &Path) -> Process {
        std::fs::create_dir_all(BUILT).unwrap();
        let mut command = where_one_may_mount();
        let script =
            format!("mount --bind {} {BUILT} && exec {}", folder.display(), env!("CARGO_BIN_EXE_kerberos-vault"));
        command.args(["sh", "-c", &format!("{script} \"$@\""), "sh"]);
        start_by(command, &self.dir.path().join("vault.toml"), &self.client).await
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let answer =
            self.client.http.get(format!("{}/{path}", self.client.base.replace("/api", ""))).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_vault_goes_on_serving_the_site_that_it_was_started_with() {
    let site = Site::new();
    let folder = site.dir.path().join("site");
    lay_out(&folder, "one");
    let vault = site.start_with_site(&folder).await;
    lay_out(&folder, "two");
    for (path, content) in files("one") {
        assert_eq!(site.get(&path).await, (200, content), "{path}");
    }
    assert_eq!(site.get("pkg/two.js").await.0, 404, "of that, it knows nothing");
    let page = site.get("sign-in").await.1;
    assert!(page.contains("</html>") && !page.contains("two"), "{page}");
    assert!(vault.stop());

    let vault = site.start_with_site(&folder).await;
    for (path, content) in files("two") {
        assert_eq!(site.get(&path).await, (200, content), "{path}");
    }
    assert_eq!(site.get("pkg/one.js").await.0, 404);
    assert!(vault.stop());
}
