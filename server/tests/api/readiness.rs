//! Ready is what takes a write: not a database that only answers, not a database that is damaged.

use crate::data_folder::{Site, keys_in, only_line};
use crate::support::until;
use sea_orm::{ConnectionTrait as _, Database, TransactionTrait as _};

impl Site {
    async fn readiness(&self) -> (u16, serde_json::Value) {
        let answer = self.client.http.get(format!("{}/health/ready", self.client.base)).send().await.unwrap();
        (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap())
    }

    async fn becomes(&self, status: u16, reason: Option<&str>) {
        until(&format!("readiness says {status} {reason:?}"), async || {
            let (is, body) = self.readiness().await;
            is == status && body["reason"].as_str() == reason
        })
        .await;
    }

    async fn tells(&self, notice: &str) {
        let told = async || self.readiness().await.1["notices"].to_string().contains(notice);
        until(&format!("there is a notice {notice}"), told).await;
    }

    pub(crate) async fn upload_status(&self) -> u16 {
        let sent = self.client.request(reqwest::Method::POST, "/storage", "1600000999_6-0_cam_0-0-1-1_1_1.mp4");
        let sent = sent.header("X-Kerberos-Storage-Device", "cam").body(vec![7; 1000]);
        sent.send().await.unwrap().status().as_u16()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_takes_no_writes_is_not_ready_until_it_does() {
    let site = Site::new();
    let _vault = site.start().await;
    site.upload(0..3).await;
    // It answers whoever reads, but another writer has it.
    let other = Database::connect(format!("sqlite://{}", site.data().join("vault.db").display())).await.unwrap();
    let writing = other.begin().await.unwrap();
    writing.execute_unprepared("DELETE FROM audit").await.unwrap();
    site.becomes(503, Some("database")).await;
    writing.rollback().await.unwrap();
    site.becomes(200, None).await;
    site.upload(3..6).await;
}

/// SQLite goes on writing to files that are gone, and every commit succeeds.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_taken_away_while_it_runs_takes_no_uploads_and_is_rescued() {
    for script in
        ["rm vault.db vault.db-wal vault.db-shm", "rm vault.db-wal vault.db-shm", "cp vault.db x && mv x vault.db"]
    {
        let site = Site::new();
        let vault = site.start().await;
        site.upload(0..3).await;
        let done = std::process::Command::new("sh").args(["-c", script]).current_dir(site.data()).status().unwrap();
        assert!(done.success());
        assert_eq!(site.upload_status().await, 503, "{script}");
        site.becomes(503, Some("database-taken-away")).await;
        site.tells("database-taken-away").await;
        vault.stop();

        let files = std::fs::read_dir(site.data()).unwrap().map(|file| file.unwrap().path());
        let rescued = files.into_iter().find(|file| file.to_string_lossy().contains(".rescued-")).expect("a file");
        let restored = site.run(&["restore", rescued.to_str().unwrap()]);
        assert!(restored.status.success(), "{script}: {}", String::from_utf8_lossy(&restored.stderr));
        let vault = site.start().await;
        assert!(vault.stop());
        let held = keys_in(&site.data().join("vault.db")).await;
        assert!((0..3).all(|n| held.contains(&site.key(n))), "{script}: {held:?}");
    }
}

/// Issue 7, finding 9: readiness said 200 while every upload was refused.
#[tokio::test(flavor = "multi_thread")]
async fn damage_that_is_met_while_it_runs_stops_uploads_and_is_told() {
    let site = Site::new();
    let vault = site.start().await;
    site.upload(0..3).await;
    let backup = site.backup();
    let file = site.data().join("vault.db");
    let disk = Database::connect(format!("sqlite://{}", file.display())).await.unwrap();
    let damage = "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = 99999 WHERE name = 'recordings'; \
                  PRAGMA schema_version = 9999";
    disk.execute_unprepared(damage).await.unwrap();
    disk.close().await.unwrap();

    site.becomes(503, Some("database-damaged")).await;
    assert_eq!(site.upload_status().await, 503);
    site.tells("database-damaged").await;
    vault.stop();

    let said = only_line(&site.run(&[]));
    assert!(said.contains("is damaged") && said.contains("kerberos-vault restore FILE"), "{said}");
    assert!(site.run(&["restore", backup.to_str().unwrap()]).status.success());
    let _vault = site.start().await;
    site.upload(3..6).await;
}
