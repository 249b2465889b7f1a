//! Ready is what takes a write: not a database that only answers, not a database that is damaged.

use crate::data_folder::{Site, only_line};
use sea_orm::{ConnectionTrait as _, Database, TransactionTrait as _};
use std::time::Duration;

impl Site {
    async fn readiness(&self) -> (u16, serde_json::Value) {
        let answer = self.client.http.get(format!("{}/health/ready", self.client.base)).send().await.unwrap();
        (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap())
    }

    async fn becomes(&self, status: u16, reason: Option<&str>) {
        let turned = async {
            loop {
                let (is, body) = self.readiness().await;
                if is == status && body["reason"].as_str() == reason {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), turned)
            .await
            .unwrap_or_else(|_| panic!("never {status} {reason:?}"));
    }

    async fn upload_status(&self) -> u16 {
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
    let told = async {
        while !site.readiness().await.1["notices"].to_string().contains("database-damaged") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), told).await.expect("a notice");
    vault.stop();

    let said = only_line(&site.run(&[]));
    assert!(said.contains("is damaged") && said.contains("kerberos-vault restore FILE"), "{said}");
    assert!(site.run(&["restore", backup.to_str().unwrap()]).status.success());
    let _vault = site.start().await;
    site.upload(3..6).await;
}
