//! What an administrator of PostgreSQL has set for everybody does not fit a vault's sessions.

use crate::support::{Fault, TestVault, alter_database, first, until, within};
use futures::stream;
use sea_orm::ConnectionTrait as _;
use std::convert::Infallible;

/// Notes what the session that inserts a recording waits for when it commits.
const NOTING: &str = "
    CREATE TABLE noted (waits_for text NOT NULL);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO noted VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;
    CREATE TRIGGER noting AFTER INSERT ON recordings FOR EACH ROW EXECUTE FUNCTION note()";

#[tokio::test]
async fn a_commit_waits_for_the_disk_whatever_the_database_says() {
    let t = TestVault::on_postgres().await;
    let tables = t.tables().await;
    tables.execute_unprepared(NOTING).await.unwrap();
    let raised = [("off", "on"), ("local", "on")];
    let kept = ["on", "remote_write", "remote_apply"].map(|told| (told, told));
    for (told, wanted) in raised.into_iter().chain(kept) {
        alter_database(&tables, "synchronous_commit", told).await;
        let vault = t.replica().await;
        t.send_to(&vault, t.request_to(&vault, &format!("{told}.mp4")).await, b"x").await.unwrap();
        let noted: String = first(&tables, "DELETE FROM noted RETURNING waits_for").await.unwrap();
        assert_eq!(noted, wanted, "{told}");
    }
}

/// A turn at a key is a transaction that does nothing for as long as a store takes.
#[tokio::test]
async fn a_turn_lasts_as_long_as_its_upload() {
    let t = TestVault::on_postgres().await;
    let tables = t.tables().await;
    alter_database(&tables, "idle_in_transaction_session_timeout", "300ms").await;
    let known = "SELECT name FROM pg_settings WHERE name = 'transaction_timeout'";
    if let Some(setting) = first::<String>(&tables, known).await {
        alter_database(&tables, &setting, "300ms").await;
    }
    let vault = t.replica().await;
    let request = t.request_to(&vault, "a.mp4").await;
    t.world.store.set(Fault::Hangs);
    let body = stream::iter([Ok::<_, Infallible>(b"x".as_slice().into())]);
    let upload = tokio::spawn(async move { vault.ingest.store(request, body).await });
    t.world.store.put_begins().await;
    let turn = "SELECT CAST(EXTRACT(EPOCH FROM max(clock_timestamp() - state_change)) AS float8) FROM pg_stat_activity
                WHERE datname = current_database() AND state = 'idle in transaction'";
    let idle = async || first::<Option<f64>>(&tables, turn).await.flatten();
    until("it lasts for longer, or ends", || async { idle().await.is_none_or(|seconds| seconds > 1.5) }).await;
    assert!(idle().await.is_some(), "the server has ended the turn");
    t.world.store.kill();
    within("the upload ends", upload).await.unwrap().unwrap_err();
}
