//! Ready is who can store: a database that answers and takes no writes is not.

use crate::support::{TestVault, until};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};
use std::os::unix::fs::FileExt as _;
use vault::db::Harm;

/// More than a vault has.
const CONNECTIONS: usize = 30;

/// Whoever connects from now on can only read, and everybody else must.
async fn read_only(t: &TestVault, tables: &DatabaseConnection, on: bool) {
    let sql = format!(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = {on}', current_database()); END $$;
         SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()"
    );
    tables.execute_unprepared(&sql).await.unwrap();
    // Of the connections that were ended, each is found out by who uses it.
    for _ in 0..CONNECTIONS {
        let _ = t.vault.deliveries.count(None).await;
    }
}

#[tokio::test]
async fn a_read_only_postgresql_is_not_ready_until_it_takes_writes() {
    let t = TestVault::on_postgres().await;
    // Connected before, it can always write.
    let tables = t.tables().await;
    t.vault.ready().await.unwrap();
    t.upload("before.mp4", b"before").await.unwrap();

    read_only(&t, &tables, true).await;
    until("it is not ready", || async { t.vault.ready().await.is_err() }).await;
    t.upload("during.mp4", b"during").await.unwrap_err();
    assert_eq!(t.content("before.mp4").await.unwrap(), b"before", "it still reads");

    read_only(&t, &tables, false).await;
    until("it is ready again", || async { t.vault.ready().await.is_ok() }).await;
    until("it stores", || async { t.upload("after.mp4", b"after").await.is_ok() }).await;
    let names: Vec<_> = t.listed().await.into_iter().map(|row| row.key).collect();
    assert_eq!(names, ["dir/after.mp4", "dir/before.mp4"], "what was refused is not there");
}

/// As a disk does, below SQLite.
async fn damage_first_page_of(tables: &DatabaseConnection, table: &str) {
    let sql = format!(
        "SELECT rootpage, (SELECT file FROM pragma_database_list) AS file FROM sqlite_schema WHERE name = '{table}'"
    );
    let ask = |sql: &str| tables.query_one_raw(Statement::from_string(DbBackend::Sqlite, sql));
    let found = ask(&sql).await.unwrap().unwrap();
    let (page, file): (i64, String) = (found.try_get("", "rootpage").unwrap(), found.try_get("", "file").unwrap());
    // What is still in the log would be read from there.
    ask("PRAGMA wal_checkpoint(TRUNCATE)").await.unwrap();
    let file = std::fs::File::options().write(true).open(file).unwrap();
    file.write_all_at(&[0xff; 64], (page as u64 - 1) * 4096).unwrap();
}

/// A write comes only now and then; lists are read all the time.
#[tokio::test]
async fn damage_that_only_readers_meet_stops_writes_and_is_told() {
    let t = TestVault::on_sqlite().await;
    t.upload("before.mp4", b"before").await.unwrap();
    damage_first_page_of(&t.tables().await, "audit").await;
    t.vault.ready().await.unwrap();

    t.vault.audit.latest(10).await.unwrap_err();
    assert_eq!(t.vault.database_harm(), Some(Harm::Damaged));
    t.vault.ready().await.unwrap_err();
    t.upload("after.mp4", b"after").await.unwrap_err();
}
