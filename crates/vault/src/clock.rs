//! Time comes from here alone.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now, in Unix milliseconds.
#[expect(clippy::disallowed_methods, reason = "the one place of this crate that asks for the time")]
pub fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
}

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;

/// Days since 1970-01-01 of a moment.
pub fn day_of(ms: i64) -> i64 {
    ms.div_euclid(DAY_MS)
}
