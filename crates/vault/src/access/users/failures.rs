//! Failed sign-ins in the audit log: one row for each address and hour, so that nobody can fill the database with them.

use crate::base::Result;
use crate::base::audit::{self, FailedSignIns};
use crate::base::db::Db;
use std::collections::HashMap;
use std::error::Error as StdError;
use std::sync::{Mutex, PoisonError};

/// Addresses with a row of their own in an hour; those beyond share one.
pub(super) const MAX_ADDRESSES: usize = 20;
/// What stands for those beyond.
pub(super) const OTHERS: &str = "other addresses";
/// Longest part of a name that is kept, in characters.
const MAX_NAME: usize = 64;
/// How long such rows are kept.
const KEPT_MS: i64 = 90 * 24 * HOUR_MS;
const HOUR_MS: i64 = 3_600_000;

/// Counts failed sign-ins.
pub(super) struct Failures {
    db: Db,
    hour: Mutex<Hour>,
}

#[derive(Default)]
struct Hour {
    number: i64,
    by_address: HashMap<String, Count>,
}

#[derive(Clone, Copy)]
struct Count {
    times: u64,
    first_at: i64,
}

impl Failures {
    pub(super) fn new(db: Db) -> Self {
        Self { db, hour: Mutex::default() }
    }

    /// Counts one. It is written when it is the first, the tenth, the hundredth and so on of its address and hour: an
    /// attacker's database has other things to do.
    pub(super) async fn note(&self, address: &str, name: &str) {
        let Some(row) = self.count(address, name) else { return };
        if let Err(error) = self.write(row).await {
            tracing::warn!(error = &error as &dyn StdError, "a failed sign-in is not in the audit log");
        }
    }

    fn count(&self, address: &str, name: &str) -> Option<FailedSignIns> {
        let now = self.db.now_ms();
        let mut hour = self.hour.lock().unwrap_or_else(PoisonError::into_inner);
        if hour.number != now / HOUR_MS {
            *hour = Hour { number: now / HOUR_MS, by_address: HashMap::new() };
        }
        let has_row = hour.by_address.contains_key(address) || hour.by_address.len() < MAX_ADDRESSES;
        let address = if has_row { address } else { OTHERS };
        let count = hour.by_address.entry(address.to_owned()).or_insert(Count { times: 0, first_at: now });
        count.times += 1;
        let Count { times, first_at } = *count;
        let is_due = times == 10_u64.pow(times.ilog10());
        is_due.then(|| FailedSignIns { address: address.to_owned(), subject: subject(name, times), times, first_at })
    }

    async fn write(&self, row: FailedSignIns) -> Result<()> {
        let too_old = row.first_at - KEPT_MS;
        self.db.write(move |tx| Box::pin(audit::record_failed_sign_ins(tx, row, too_old))).await
    }
}

/// The name, which a stranger chose, and how many there were at least.
fn subject(name: &str, times: u64) -> String {
    let name: String = name.chars().take(MAX_NAME).flat_map(char::escape_debug).collect();
    match times {
        1 => format!("as \"{name}\""),
        _ => format!("{times} times or more, at last as \"{name}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_name_is_short_and_plain() {
        assert_eq!(subject("root", 1), "as \"root\"");
        assert_eq!(subject("a\n\"b\u{202e}\u{9b}é", 10), "10 times or more, at last as \"a\\n\\\"b\\u{202e}\\u{9b}é\"");
        assert_eq!(subject(&"x".repeat(10_000), 1).len(), MAX_NAME + "as \"\"".len());
    }
}
