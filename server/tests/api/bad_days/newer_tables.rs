//! A rolling upgrade: the first vault of the new version brings the tables up to date while older ones go on. What a version may
//! change is in `crates/vault/tests/vault/released_tables.rs`; here is that an older vault lives with it.

use crate::crash::receiver;
use crate::process::{Client, config_file, free_address, http, output, start_by};
use crate::support::{database_on_server, until};
use reqwest::Method;
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection};
use sha2::{Digest as _, Sha256};
use std::process::Command;

const KEY: (&str, &str) = ("VAULT_DATA__MASTER_KEY", "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=");

/// All that a newer version may do: columns with a default in every table, tables, indexes. As one change, as its start does.
async fn become_newer(tables: &DatabaseConnection) {
    let sql = "
        DO $$ DECLARE name text; BEGIN
          FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'seaql_migrations' LOOP
            EXECUTE format('ALTER TABLE %I ADD COLUMN of_tomorrow bigint NOT NULL DEFAULT 1', name);
            EXECUTE format('CREATE INDEX %I ON %I (of_tomorrow)', name || '_of_tomorrow', name);
          END LOOP;
        END $$;
        CREATE TABLE of_tomorrow (id bigint PRIMARY KEY);
        INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_of_tomorrow', 0);";
    tables.execute_unprepared(sql).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_vault_goes_on_beside_them_until_it_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let url = database_on_server(&dir).await;
    let (hook, events) = receiver().await;
    let address = free_address();
    let provider = format!("kind = \"filesystem\"\npath = \"{}\"", dir.path().join("recordings").display());
    let config = config_file(dir.path(), address, &provider, &format!("http://{hook}/"));
    let client = Client { http: http(), base: format!("http://{address}/api"), directory: "site".into() };
    let command = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kerberos-vault"));
        command.env("VAULT_DATABASE__URL", &url).env(KEY.0, KEY.1);
        command
    };
    let vault = start_by(command(), &config, &client).await;

    let mut answered = Vec::new();
    for n in 0..4 {
        if n == 2 {
            let tables = Database::connect(&url).await.unwrap();
            become_newer(&tables).await;
            tables.close().await.unwrap();
        }
        let name = format!("160000000{n}_6-0_cam_0-0-1-1_1_1.mp4");
        let bytes = vec![n; 20_000];
        let sent = client.request(Method::POST, "/storage", &name).header("X-Kerberos-Storage-Device", "cam");
        let answer = sent.body(bytes.clone()).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{n}: {}", answer.text().await.unwrap());
        answered.push((format!("site/{name}"), hex::encode(Sha256::digest(bytes))));
    }
    for (key, sha256) in &answered {
        assert_eq!(&client.read(key).await, sha256, "{key}");
    }
    let told = async || answered.iter().all(|(key, _)| events.lock().unwrap().contains(key));
    until("every event has come", told).await;

    assert!(vault.stop(), "it ends well");
    let again = output(command().arg("--config").arg(&config));
    let said = String::from_utf8(again.stderr).unwrap();
    assert!(!again.status.success() && said.contains("brought up to date by a newer vault"), "{said}");
}
