//! Tables keep what released versions read and write: during a rolling upgrade, older vaults go on beside newer ones on the same
//! PostgreSQL database. So a version may add tables, indexes, and columns that need no value; it may take nothing away.

use crate::support::TestVault;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};
use std::collections::BTreeMap;

/// Columns of the first version that is installed by others: table, column, type, and whether it takes NULL.
const RELEASED: &str = include_str!("migrations/tables_0.2.0.txt");

/// Each column, and whether an INSERT that does not know it works.
async fn columns(tables: &DatabaseConnection) -> BTreeMap<String, bool> {
    let sql = "SELECT table_name || ' ' || column_name || ' ' || data_type || ' ' || is_nullable AS text, \
               is_nullable = 'YES' OR column_default IS NOT NULL OR is_identity = 'YES' AS free \
               FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'seaql_migrations'";
    let rows = tables.query_all_raw(Statement::from_string(DbBackend::Postgres, sql)).await.unwrap();
    rows.iter().map(|row| (row.try_get("", "text").unwrap(), row.try_get("", "free").unwrap())).collect()
}

#[tokio::test]
async fn a_newer_version_only_adds_what_older_ones_need_not_know() {
    let t = TestVault::on_postgres().await;
    let columns = columns(&t.tables().await).await;
    let released: Vec<&str> = RELEASED.lines().collect();
    let gone: Vec<_> = released.iter().filter(|column| !columns.contains_key(**column)).collect();
    assert!(gone.is_empty(), "0.2.0 reads and writes these, and they are gone or changed: {gone:#?}");
    let unknown = columns.iter().filter(|(column, free)| !released.contains(&column.as_str()) && !**free);
    let unknown: Vec<_> =
        unknown.map(|(column, _)| column).filter(|column| has_released_table(&released, column)).collect();
    assert!(unknown.is_empty(), "0.2.0 cannot write rows without a value for these: {unknown:#?}");
}

/// A table of its own is no matter to older versions.
fn has_released_table(released: &[&str], column: &str) -> bool {
    let table = |line: &str| line.split(' ').next().map(str::to_owned);
    released.iter().any(|line| table(line) == table(column))
}
