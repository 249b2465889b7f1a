//! Values that should not be in the database.

/// A value that no vault writes. It is not shown itself, as it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
#[error("The row {id} of the table {table} is damaged: its column {column} {why}. Mend that row, or restore a backup.")]
pub struct Damage {
    /// Table.
    pub table: &'static str,
    /// Row id, or, where a row has several, the first.
    pub id: i64,
    /// Column.
    pub column: &'static str,
    /// What is wrong; completes a sentence.
    pub why: &'static str,
}
